import type { Key } from '@ownkey/contract/api/keys';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explainError } from '../../api/explain-error.ts';
import { keyImpactQuery, useChangeKey } from '../../api/keys.ts';
import { Button } from '../../ui/Button.tsx';
import { Count, Foreign, Latency, Moment } from '../../ui/Facts.tsx';
import { FailurePanel } from '../../ui/Feedback.tsx';
import { TextField } from '../../ui/Field.tsx';
import { useNow } from '../../ui/use-now.ts';
import type { ProviderRow } from './groups.ts';
import type { May } from './use-may.ts';

/** What is known of a key. Missing facts are "not yet", not blank. */
export function KeyFacts({ shownKey: key, row, may }: { shownKey: Key; row: ProviderRow; may: May }) {
  const { t } = useTranslation();
  const now = useNow();
  const shared = key.scope === 'platform';
  const impact = useQuery({ ...keyImpactQuery(key.id), enabled: !shared });
  const none = <span className="text-text-3">{t('word.not_yet')}</span>;
  const operations = impact.data?.operations ?? [];
  return (
    <section aria-label={t('key.facts')} className="rounded-card border border-border bg-surface px-4 py-4">
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(180px,1fr))] gap-x-6 gap-y-4">
        <Fact name={t('key.label')}>
          <LabelEdit shownKey={key} blocked={may.change(key)} />
        </Fact>
        <Fact name={t('key.scope')}>
          {shared ? t('shared_keys.everyone') : key.scope === 'user' ? t('key.scope_user') : t('key.scope_company')}
        </Fact>
        <Fact name={t('key.added')}>
          <Moment at={key.created_at} now={now} />{' '}
          {key.created_by === null ? null : <bdi>{t('key.by', { who: key.created_by })}</bdi>}
        </Fact>
        <Fact name={t('key.tested')}>
          {key.tested_at === null ? none : <Moment at={key.tested_at} now={now} />}
          {key.latency_ms === null ? null : (
            <>
              , <Latency ms={key.latency_ms} />
            </>
          )}
        </Fact>
        <Fact name={t('key.last_used')}>
          {key.last_used_at === null ? none : <Moment at={key.last_used_at} now={now} />}
        </Fact>
        <Fact name={t('key.requests')}>
          <Count value={key.requests_handled} />
        </Fact>
        <Fact name={t('key.sent_to')}>
          <Foreign text={hostOf(key, row)} />
        </Fact>
        <Fact name={t('key.may')}>
          {key.permissions === null ? (
            none
          ) : (
            <>
              {t('key.may_list')}: {allowed(key.permissions.list_models, t)}
              <br />
              {t('key.may_generate')}: {allowed(key.permissions.generate, t)}
            </>
          )}
        </Fact>
        <Fact name={t('key.models')}>{key.models_count === null ? none : <Count value={key.models_count} />}</Fact>
        <Fact name={t('key.order')}>
          {t('keys.order', {
            position: row.keys.findIndex((other) => other.id === key.id) + 1,
            count: row.keys.length,
          })}
        </Fact>
        {shared ? null : (
          <Fact name={t('key.used_by')}>
            {operations.length === 0 ? none : <Foreign text={operations.join(', ')} />}
          </Fact>
        )}
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-hint text-text-2">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function allowed(value: boolean | undefined, t: TFunction): string {
  return value === undefined ? t('key.not_tried') : value ? t('key.allowed') : t('key.forbidden');
}

/** The host the key is bound to. */
function hostOf(key: Key, row: ProviderRow): string {
  const address = key.base_url ?? row.provider.base_url ?? key.destination;
  return URL.canParse(address) ? new URL(address).host : address;
}

function LabelEdit({ shownKey: key, blocked }: { shownKey: Key; blocked: string | null }) {
  const { t } = useTranslation();
  const change = useChangeKey();
  const [draft, setDraft] = useState<string | null>(null);
  if (draft === null) {
    return (
      <span className="flex flex-wrap items-center gap-2">
        {key.label === '' ? <span className="text-text-3">–</span> : <Foreign text={key.label} />}
        {blocked === null ? (
          <button
            type="button"
            onClick={() => setDraft(key.label)}
            className="min-h-6 text-hint font-medium underline underline-offset-2 coarse:min-h-11"
          >
            {t('key.edit_label')}
          </button>
        ) : null}
      </span>
    );
  }
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate({ key, change: { label: draft.trim() } }, { onSuccess: () => setDraft(null) });
      }}
    >
      <TextField
        label={t('key.label')}
        value={draft}
        maxLength={200}
        autoComplete="off"
        autoFocus
        onChange={(event) => setDraft(event.target.value)}
      />
      {change.isError ? <FailurePanel failure={explainError(change.error, t)} /> : null}
      <span className="flex gap-2">
        <Button onClick={() => setDraft(null)}>{t('action.cancel')}</Button>
        <Button type="submit" busy={change.isPending}>
          {t('key.save')}
        </Button>
      </span>
    </form>
  );
}
