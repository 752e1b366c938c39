import type { CapField } from '@ownkey/contract/api/money';
import { type ReactNode, useId } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMoneyAsRead } from '../../format/money.ts';
import { readAmount } from '../../format/read-amount.ts';
import { CheckField, RadioField, SelectField, TextArea, TextField } from '../../ui/Field.tsx';
import { CAP_FIELDS } from '../spend/cap-fields.ts';
import type { PoliciesDraft, Wrong } from './policies-draft.ts';

interface FieldsProps {
  draft: PoliciesDraft;
  wrong: Wrong;
  onChange: (change: Partial<PoliciesDraft>) => void;
}

const PLAIN = { autoComplete: 'off', spellCheck: false } as const;

/** Presets and maxima of caps, side by side. */
export function PolicyCaps({ draft, wrong, onChange }: FieldsProps) {
  const { t, i18n } = useTranslation();
  const amounts = (which: 'preset' | 'max') =>
    CAP_FIELDS.map((field) => (
      <TextField
        {...PLAIN}
        key={field}
        label={t(`caps.${field}`)}
        inputMode="decimal"
        maxLength={60}
        placeholder={which === 'max' ? t('policies.no_bound') : t('spend.none')}
        value={draft[which][field]}
        hint={echo(field, draft[which][field])}
        error={wrong.has(`${which} ${field}`) ? t('caps.unreadable') : null}
        onChange={(event) => onChange({ [which]: { ...draft[which], [field]: event.target.value } })}
      />
    ));
  const echo = (field: CapField, text: string) => {
    const amount = readAmount(text, i18n.language);
    return amount === null ? null : t(`caps.echo_${field}`, { amount: formatMoneyAsRead(amount, i18n.language) });
  };
  return (
    <Group title={t('policies.caps')}>
      <fieldset>
        <legend className="mb-2 text-text-2">{t('policies.preset')}</legend>
        <div className="grid gap-4 sm:grid-cols-3">{amounts('preset')}</div>
      </fieldset>
      <fieldset>
        <legend className="mb-2 text-text-2">{t('policies.max')}</legend>
        <div className="grid gap-4 sm:grid-cols-3">{amounts('max')}</div>
      </fieldset>
      <CheckField
        label={t('policies.required')}
        checked={draft.required}
        onChange={(required) => onChange({ required })}
      />
    </Group>
  );
}

/** What calls do when an own key fails. The preset counts only while companies choose. */
export function FailFields({ draft, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <Group title={t('policies.on_failure')} lead={t('policies.on_failure_hint')}>
      <div className="flex flex-wrap items-start gap-x-12 gap-y-4">
        <RadioField
          label={t('policies.fail_choice')}
          name="fail-choice"
          value={draft.failChoice}
          onChange={(failChoice) => onChange({ failChoice })}
          options={[
            { value: 'free', label: t('policies.fail_free') },
            { value: 'stop', label: t('policies.fail_stop') },
            { value: 'platform', label: t('policies.fail_shared') },
          ]}
        />
        {draft.failChoice === 'free' ? (
          <SelectField
            label={t('policies.fail_preset')}
            value={draft.failPreset}
            onChange={(failPreset) => onChange({ failPreset })}
            options={[
              { value: 'platform', label: t('policies.preset_shared') },
              { value: 'stop', label: t('policies.preset_stop') },
            ]}
          />
        ) : null}
      </div>
    </Group>
  );
}

/** How long answers may be under a cap. */
export function TokenFields({ draft, wrong, onChange }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <Group title={t('policies.answers')}>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          {...PLAIN}
          label={t('policies.default_max_tokens')}
          inputMode="numeric"
          value={draft.defaultTokens}
          hint={t('policies.default_max_tokens_hint')}
          error={wrong.has('defaultTokens') ? t('policies.tokens_wrong') : null}
          onChange={(event) => onChange({ defaultTokens: event.target.value })}
        />
        <TextField
          {...PLAIN}
          label={t('policies.min_max_tokens')}
          inputMode="numeric"
          value={draft.minTokens}
          hint={t('policies.min_max_tokens_hint')}
          error={wrong.has('minTokens') ? t('policies.tokens_wrong') : null}
          onChange={(event) => onChange({ minTokens: event.target.value })}
        />
      </div>
    </Group>
  );
}

/** What images, files, hosted tools and service tiers may cost at most. */
export function CeilingFields({ draft, wrong, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const wrongLine = (name: string) => {
    const line = wrong.get(name);
    return line === undefined ? null : t('policies.lines_wrong', { line });
  };
  return (
    <Group title={t('policies.ceilings')} lead={t('policies.ceilings_hint')}>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextArea
          {...PLAIN}
          label={t('policies.image_tokens')}
          rows={3}
          value={draft.imageTokens}
          hint={t('policies.image_tokens_hint')}
          error={wrongLine('imageTokens')}
          onChange={(event) => onChange({ imageTokens: event.target.value })}
        />
        <TextField
          {...PLAIN}
          label={t('policies.file_tokens')}
          inputMode="numeric"
          value={draft.fileTokens}
          hint={t('policies.file_tokens_hint')}
          error={wrong.has('fileTokens') ? t('policies.tokens_wrong') : null}
          onChange={(event) => onChange({ fileTokens: event.target.value })}
        />
        <TextArea
          {...PLAIN}
          label={t('policies.hosted_tools')}
          rows={3}
          value={draft.hostedTools}
          hint={t('policies.hosted_tools_hint')}
          error={wrongLine('hostedTools')}
          onChange={(event) => onChange({ hostedTools: event.target.value })}
        />
        <TextArea
          {...PLAIN}
          label={t('policies.service_tiers')}
          rows={3}
          value={draft.serviceTiers}
          hint={t('policies.service_tiers_hint')}
          error={wrongLine('serviceTiers')}
          onChange={(event) => onChange({ serviceTiers: event.target.value })}
        />
      </div>
    </Group>
  );
}

/** Pages of others that may stand around frames of this installation. */
export function ParentFields({ draft, wrong, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const line = wrong.get('parentOrigins');
  return (
    <Group title={t('policies.embed')} lead={t('policies.embed_hint')}>
      <TextArea
        {...PLAIN}
        label={t('policies.parent_origins')}
        rows={3}
        value={draft.parentOrigins}
        hint={t('policies.parent_origins_hint')}
        error={line === undefined ? null : t('policies.origin_wrong', { line })}
        onChange={(event) => onChange({ parentOrigins: event.target.value })}
      />
    </Group>
  );
}

function Group({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      className="flex flex-col gap-4 rounded-card border border-border bg-surface px-4 py-4 sm:px-6"
    >
      <div>
        <h2 id={id} className="font-semibold">
          {title}
        </h2>
        {lead === undefined ? null : <p className="text-compact text-text-2">{lead}</p>}
      </div>
      {children}
    </section>
  );
}
