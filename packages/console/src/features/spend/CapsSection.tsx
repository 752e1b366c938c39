import type { CapPreview, Caps } from '@ownkey/contract/api/money';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatUsd } from '../../format/money.ts';
import { CapField, type CapFieldProps } from './CapField.tsx';
import { CAP_FIELDS } from './cap-fields.ts';
import { type CapsDraft, type FieldDraft, fieldKey, fieldView, type Subject } from './caps-draft.ts';

/** What all sections of the form share. */
export interface CapsForm {
  caps: Caps;
  draft: CapsDraft;
  previews: readonly CapPreview[];
  refused: { key: string | null; text: string; code: string } | null;
  checked: boolean;
  now: number;
  touch: (subject: Subject, field: CapFieldProps['field'], change: FieldDraft) => void;
}

/** The three caps of a company, of everybody, of a person, of fallbacks, or of oneself. */
export function CapsSection(props: {
  form: CapsForm;
  subject: Subject;
  title: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
}) {
  const { t, i18n } = useTranslation();
  const { form, subject } = props;
  const { caps, draft, refused } = form;
  const company = subject === 'company';
  const bounds = CAP_FIELDS.flatMap((field) => {
    const amount = company ? caps.policy.max[field] : null;
    return amount === null ? [] : [t(`caps.max_${field}`, { amount: formatUsd(amount, i18n.language) })];
  });
  return (
    <fieldset className="rounded-card border border-border bg-surface">
      <legend className="sr-only">{props.title}</legend>
      <div className="flex flex-wrap items-start justify-between gap-3 px-4 py-4 sm:px-6">
        <div>
          <p aria-hidden="true" className="font-semibold">
            {props.title}
          </p>
          {props.hint === undefined ? null : <p className="max-w-[70ch] text-compact text-text-2">{props.hint}</p>}
          {bounds.length === 0 ? null : (
            <p className="max-w-[70ch] text-compact text-text-2">{t('caps.max', { amounts: bounds.join(', ') })}</p>
          )}
        </div>
        {props.actions}
      </div>
      <div className="border-t border-border">
        {CAP_FIELDS.map((field) => (
          <CapField
            key={field}
            field={field}
            view={fieldView(draft, caps, subject, field, i18n.language)}
            max={company ? caps.policy.max[field] : null}
            required={company && caps.policy.required}
            raisable={subject !== 'me'}
            preview={form.previews.find((preview) => preview.for === subject && preview.field === field)}
            refused={refused?.key === fieldKey(subject, field) ? refused : null}
            checked={form.checked}
            now={form.now}
            onChange={(change) => form.touch(subject, field, change)}
          />
        ))}
      </div>
    </fieldset>
  );
}
