import type { CapPreview, CapField as Field } from '@ownkey/contract/api/money';
import { useTranslation } from 'react-i18next';
import { formatMoneyAsRead, formatUsd } from '../../format/money.ts';
import { readAmount } from '../../format/read-amount.ts';
import { formatUtcDay } from '../../format/time.ts';
import { Button } from '../../ui/Button.tsx';
import { CheckField, TextField } from '../../ui/Field.tsx';
import type { FieldDraft, FieldView } from './caps-draft.ts';
import { previewText } from './preview-text.ts';
import { RaiseFields } from './RaiseFields.tsx';

export interface CapFieldProps {
  field: Field;
  view: FieldView;
  /** Most a company may set; null: the host sets no bound. */
  max: string | null;
  /** Going without is not offered. */
  required: boolean;
  /** Raising for a while is offered. */
  raisable: boolean;
  preview: CapPreview | undefined;
  /** What the API refused about this field. */
  refused: { text: string; code: string } | null;
  /** Say so where what is typed is no amount. */
  checked: boolean;
  now: number;
  onChange: (change: FieldDraft) => void;
}

/** One cap: its amount, what was read, what saving it would do, none at all, or more for a while. */
export function CapField(props: CapFieldProps) {
  const { t, i18n } = useTranslation();
  const { field, view, preview, refused, onChange } = props;
  const locale = i18n.language;
  const amount = view.none ? null : readAmount(view.text, locale);
  const unreadable = !view.none && amount === null && (props.checked || view.text.trim() !== '');
  const name = t(`caps.${field}`);
  const over = refused !== null && amount !== null && props.max !== null && Number(amount) > Number(props.max);
  const echo = amount === null ? null : t(`caps.echo_${field}`, { amount: formatMoneyAsRead(amount, locale) });
  return (
    <div className="grid gap-x-8 gap-y-3 border-t border-border px-4 py-4 first:border-t-0 sm:grid-cols-[240px_minmax(0,1fr)] sm:px-6">
      <TextField
        label={name}
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        maxLength={60}
        value={view.none ? '' : view.text}
        placeholder={view.none ? t('spend.none') : undefined}
        onChange={(event) => onChange({ text: event.target.value, none: false })}
        hint={echo}
        error={
          unreadable ? (
            t('caps.unreadable')
          ) : refused === null ? null : (
            <>
              {over ? t('caps.between', { max: formatUsd(props.max ?? '0', locale) }) : refused.text}{' '}
              <code className="font-mono text-hint">{refused.code}</code>
            </>
          )
        }
      />
      <div className="flex flex-col gap-2 sm:pt-6">
        <div className="flex min-h-8 flex-wrap items-center gap-x-6 gap-y-2">
          {props.required ? null : (
            <CheckField
              label={
                <>
                  {t('spend.none')}
                  <span className="sr-only"> {name}</span>
                </>
              }
              checked={view.none}
              onChange={(none) => onChange({ none, ...(none ? { raise: undefined } : {}) })}
            />
          )}
          {props.raisable && view.raise === null && view.activeRaise === null && !view.none ? (
            <Button
              kind="quiet"
              className="underline underline-offset-2"
              onClick={() => onChange({ raise: { text: '', periods: 1 } })}
            >
              {t('caps.raise')}
              <span className="sr-only"> {name}</span>
            </Button>
          ) : null}
        </div>
        {view.activeRaise === null ? null : (
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            {view.raise === 'end'
              ? t('caps.raise_ends')
              : t('caps.raised', {
                  amount: formatUsd(view.activeRaise.to_usd, locale),
                  day: formatUtcDay(view.activeRaise.until, locale),
                })}
            <Button
              kind="quiet"
              className="underline underline-offset-2"
              onClick={() => onChange({ raise: view.raise === 'end' ? undefined : 'end' })}
            >
              {view.raise === 'end' ? t('action.undo') : t('caps.raise_end')}
            </Button>
          </p>
        )}
        {view.raise === null || view.raise === 'end' ? null : (
          <RaiseFields
            field={field}
            raise={view.raise}
            checked={props.checked}
            onChange={(raise) => onChange({ raise })}
          />
        )}
        <p className="flex flex-col gap-1 text-text-2 empty:hidden" aria-live="polite">
          {preview === undefined || unreadable ? null : <Preview preview={preview} now={props.now} />}
        </p>
      </div>
    </div>
  );
}

function Preview({ preview, now }: { preview: CapPreview; now: number }) {
  const { t, i18n } = useTranslation();
  const pauses = preview.effect === 'pauses' || preview.effect === 'stays_paused';
  return previewText(preview, { t, locale: i18n.language, now }).map((line, index) => (
    <span key={line} className={pauses && index === 0 ? 'font-medium text-warn' : ''}>
      {line}
    </span>
  ));
}
