import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { formatMoneyAsRead } from '../../format/money.ts';
import { readAmount } from '../../format/read-amount.ts';
import { CheckField, RadioField, TextArea, TextField } from '../../ui/Field.tsx';
import type { PlanDraft, WrongField } from './plan-draft.ts';

/** Everything a plan allows and limits. */
export function PlanFields(props: {
  draft: PlanDraft;
  isNew: boolean;
  wrong: ReadonlySet<WrongField>;
  onChange: (change: Partial<PlanDraft>) => void;
}) {
  const { t, i18n } = useTranslation();
  const { draft, wrong, onChange } = props;
  const credits = readAmount(draft.credits, i18n.language);
  const plain = { autoComplete: 'off', spellCheck: false } as const;
  return (
    <>
      {props.isNew ? (
        <TextField
          {...plain}
          label={t('plans.id')}
          value={draft.id}
          maxLength={63}
          hint={t('plans.id_hint')}
          error={wrong.has('id') ? t('plans.id_wrong') : null}
          onChange={(event) => onChange({ id: event.target.value })}
        />
      ) : null}
      <TextField
        {...plain}
        label={t('plans.name')}
        value={draft.name}
        maxLength={200}
        error={wrong.has('name') ? t('plans.name_missing') : null}
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <Group title={t('plans.own_keys')}>
        <CheckField label={t('plans.byok')} checked={draft.byok} onChange={(byok) => onChange({ byok })} />
        <CheckField
          label={t('plans.personal_keys')}
          checked={draft.personalKeys}
          onChange={(personalKeys) => onChange({ personalKeys })}
        />
        {draft.byok ? (
          <TextArea
            {...plain}
            label={t('plans.byok_providers')}
            rows={3}
            value={draft.byokProviders}
            hint={t('plans.byok_providers_hint')}
            onChange={(event) => onChange({ byokProviders: event.target.value })}
          />
        ) : null}
      </Group>
      <Group title={t('plans.shared')}>
        <TextField
          {...plain}
          label={t('plans.credits')}
          inputMode="decimal"
          value={draft.credits}
          maxLength={40}
          hint={
            <>
              {t('plans.credits_hint')}
              {credits === null
                ? null
                : ` ${t('caps.echo_per_month_usd', { amount: formatMoneyAsRead(credits, i18n.language) })}`}
            </>
          }
          error={wrong.has('credits') ? t('caps.unreadable') : null}
          onChange={(event) => onChange({ credits: event.target.value })}
        />
        <RadioField
          label={t('plans.models')}
          name="models"
          inline
          value={draft.models}
          options={[
            { value: 'all', label: t('plans.models_all') },
            { value: 'some', label: t('plans.models_some') },
            { value: 'none', label: t('plans.models_none') },
          ]}
          onChange={(models) => onChange({ models })}
        />
        {draft.models === 'some' ? (
          <TextArea
            {...plain}
            label={t('plans.models_some')}
            rows={4}
            value={draft.modelNames}
            hint={t('plans.models_hint')}
            onChange={(event) => onChange({ modelNames: event.target.value })}
          />
        ) : null}
      </Group>
      <Group title={t('plans.limits')}>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            {...plain}
            label={t('plans.requests_per_minute')}
            inputMode="numeric"
            value={draft.perMinute}
            maxLength={9}
            hint={t('plans.limit_hint')}
            error={wrong.has('perMinute') ? t('plans.limit_wrong') : null}
            onChange={(event) => onChange({ perMinute: event.target.value })}
          />
          <TextField
            {...plain}
            label={t('plans.concurrent_requests')}
            inputMode="numeric"
            value={draft.atOnce}
            maxLength={9}
            hint={t('plans.limit_hint')}
            error={wrong.has('atOnce') ? t('plans.limit_wrong') : null}
            onChange={(event) => onChange({ atOnce: event.target.value })}
          />
        </div>
        <TextField
          {...plain}
          label={t('plans.upgrade_url')}
          type="url"
          inputMode="url"
          value={draft.upgradeUrl}
          maxLength={2048}
          hint={t('plans.upgrade_url_hint')}
          error={wrong.has('upgradeUrl') ? t('plans.upgrade_url_wrong') : null}
          onChange={(event) => onChange({ upgradeUrl: event.target.value })}
        />
      </Group>
    </>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section
      aria-label={title}
      className="flex flex-col gap-4 rounded-card border border-border bg-surface px-4 py-4 sm:px-6"
    >
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}
