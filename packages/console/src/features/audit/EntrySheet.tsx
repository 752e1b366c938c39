import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type AuditEntry, entryQuery } from '../../api/audit.ts';
import { explainError } from '../../api/explain-error.ts';
import { providersQuery } from '../../api/keys.ts';
import { useActorNames } from '../../api/people.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { useCloseTo } from '../../routing/use-go.ts';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Count, Latency, Stamp } from '../../ui/Facts.tsx';
import { FailurePanel, SkeletonRows } from '../../ui/Feedback.tsx';
import { PayerMark } from '../../ui/PayerMark.tsx';
import { UsedPrice } from '../prices/UsedPrice.tsx';
import { type AuditSearch, auditSearchValues } from './audit-search.ts';
import { actorText, isCall, kindWord, payerOfLine, reasonWord } from './audit-text.ts';
import { EntryCost } from './EntryCost.tsx';

/** Every field of one entry, its lines in the append-only record, and all of it as JSON. */
export function EntrySheet({ co, id, search }: { co: string; id: string; search: AuditSearch }) {
  const { t } = useTranslation();
  const close = useCloseTo(paths.audit(co, auditSearchValues(search)));
  const entry = useQuery(entryQuery(id));
  const title = entry.data === undefined ? t('audit.entry') : kindWord(entry.data.kind, t);
  return (
    <Dialog title={title} onClose={close} shape="sheet">
      {entry.data === undefined ? (
        entry.isError ? (
          <FailurePanel failure={explainError(entry.error, t)} onRetry={() => void entry.refetch()} />
        ) : (
          <SkeletonRows rows={6} label={t('word.loading')} />
        )
      ) : (
        <Entry co={co} entry={entry.data} search={search} />
      )}
    </Dialog>
  );
}

function Entry({ co, entry, search }: { co: string; entry: AuditEntry; search: AuditSearch }) {
  const { t } = useTranslation();
  const nameOfActor = useActorNames();
  const providers = useQuery(providersQuery);
  const zone = search.tz ?? 'local';
  const payer = payerOfLine(entry);
  const provider = providers.data?.data.find((other) => other.id === entry.provider)?.name ?? entry.provider;
  const facts: [string, ReactNode][] = [
    [t('field.at'), <Stamp key="at" at={entry.at} zone={zone} />],
    [
      t('field.kind'),
      <code key="kind" className="font-mono text-compact">
        {entry.kind}
      </code>,
    ],
    [t('field.status'), entry.status],
    [t('field.operation'), entry.operation],
    [
      t('field.model'),
      entry.model === null ? null : (
        <code key="model" className="font-mono text-compact">
          {entry.model}
        </code>
      ),
    ],
    [t('field.provider'), provider],
    [t('field.key_source'), payer === null ? null : <PayerMark key="payer" payer={payer} />],
    [
      t('field.key'),
      entry.key_id === null ? null : (
        <Link key="key" to={paths.key(co, entry.key_id)} className="underline">
          {entry.last4 === null ? entry.key_id : `••••${entry.last4}`}
        </Link>
      ),
    ],
    [
      t('field.fallback'),
      entry.fallback_reason === null ? null : (
        <Fallback key="fallback" co={co} entry={entry} search={search} reason={reasonWord(entry.fallback_reason, t)} />
      ),
    ],
    [t('field.cost'), isCall(entry) ? <EntryCost key="cost" entry={entry} /> : null],
    [t('field.price_used'), entry.price === null ? null : <UsedPrice key="price" price={entry.price} />],
    [t('field.input_tokens'), entry.input_tokens === null ? null : <Count key="in" value={entry.input_tokens} />],
    [
      t('field.cached_tokens'),
      entry.cached_tokens === null ? null : <Count key="cached" value={entry.cached_tokens} />,
    ],
    [t('field.output_tokens'), entry.output_tokens === null ? null : <Count key="out" value={entry.output_tokens} />],
    [t('field.latency'), entry.latency_ms === null ? null : <Latency key="ms" ms={entry.latency_ms} />],
    [t('field.ttfb'), entry.ttfb_ms === null ? null : <Latency key="ttfb" ms={entry.ttfb_ms} />],
    [t('field.actor'), actorText(entry, nameOfActor, t)],
    [t('field.user'), entry.user === null ? null : nameOfActor(entry.user)],
    [t('field.account'), entry.account],
    [
      t('field.request_id'),
      entry.request_id === null ? null : (
        <code key="req" className="font-mono text-compact">
          {entry.request_id}
        </code>
      ),
    ],
    [t('field.sealed'), entry.sealed ? t('audit.sealed') : t('audit.unsealed')],
  ];
  const json = JSON.stringify(entry, null, 2);
  return (
    <div className="flex flex-col gap-6">
      <dl className="grid grid-cols-[minmax(100px,auto)_1fr] gap-x-4 gap-y-2">
        {facts
          .filter(([, value]) => value !== null && value !== '')
          .map(([name, value]) => (
            <div key={name} className="contents">
              <dt className="text-text-2">{name}</dt>
              <dd className="min-w-0">
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
      </dl>
      {entry.events.length === 0 ? null : (
        <section>
          <h3 className="mb-2 font-semibold">{t('audit.events')}</h3>
          <ol className="flex flex-col gap-2">
            {entry.events.map((event) => (
              <li key={event.id} className="flex flex-wrap gap-x-3 border-t border-border pt-2 text-compact">
                <Stamp at={event.at} zone={zone} />
                <code className="font-mono">{event.kind}</code>
                <span className="ms-auto text-text-2">{event.sealed ? t('audit.sealed') : t('audit.unsealed')}</span>
              </li>
            ))}
          </ol>
        </section>
      )}
      <section>
        <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
          <h3 className="font-semibold">{t('audit.json')}</h3>
          <span className="flex gap-2">
            {entry.request_id === null ? null : <CopyButton text={entry.request_id} label={t('audit.copy_request')} />}
            <CopyButton text={json} label={t('audit.copy_json')} />
          </span>
        </div>
        <section
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          aria-label={t('audit.json')}
          className="max-h-96 overflow-auto rounded-card bg-sunken p-3"
        >
          <pre className="font-mono text-hint">{json}</pre>
        </section>
      </section>
    </div>
  );
}

/** Why the shared key answered, for which key, and the failed call before; a call that timed out may have been billed too. */
function Fallback(props: { co: string; entry: AuditEntry; search: AuditSearch; reason: string }) {
  const { t } = useTranslation();
  const { co, entry } = props;
  return (
    <span className="flex flex-col">
      <span className="flex flex-wrap gap-x-3">
        {props.reason}
        {entry.fallback_for === null ? null : (
          <Link to={paths.key(co, entry.fallback_for)} className="underline">
            {t('entry.own_key')}
          </Link>
        )}
        {entry.after_id === null ? null : (
          <Link to={paths.auditEntry(co, entry.after_id, auditSearchValues(props.search))} className="underline">
            {t('entry.failed_call')}
          </Link>
        )}
      </span>
      {entry.fallback_reason === 'time_out' ? <span className="text-text-2">{t('entry.billed_twice')}</span> : null}
    </span>
  );
}
