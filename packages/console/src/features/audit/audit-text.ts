import type { AuditLine } from '@ownkey/contract/audit';
import { AUDIT_EVENTS } from '@ownkey/contract/audit';
import { FALLBACK_REASONS } from '@ownkey/contract/fallback';
import { KEY_STATUSES } from '@ownkey/contract/key';
import type { TFunction } from 'i18next';
import type { Payer } from '../../ui/PayerMark.tsx';

const GROUPS = [
  'key',
  'source',
  'fallback',
  'settings',
  'ai',
  'token',
  'company',
  'user',
  'plan',
  'price',
  'caps',
  'webhook',
  'invitation',
  'policies',
  'kek',
  'operation',
] as const;

/** Whether the line is an AI call (by anybody), not an event. */
export function isCall(line: Pick<AuditLine, 'kind'>): boolean {
  return line.kind === 'call' || line.kind === 'probe' || line.kind === 'models';
}

/** The word of the kind column. */
export function kindWord(kind: string, t: TFunction): string {
  if (kind === 'call' || kind === 'probe' || kind === 'models') return t(`audit.group_${kind}`);
  if (/^(?:sign|embed_session|session|password)/.test(kind)) return t('audit.group_session');
  const group = GROUPS.find((name) => kind.startsWith(`${name}.`));
  return group === undefined ? t('audit.group_other') : t(`audit.group_${group}`);
}

/** What happened, in one line: operation and model of a call, or the sentence of an event. `provider` is its name. */
export function whatText(line: AuditLine, provider: string, t: TFunction): string {
  if (isCall(line))
    return (
      [line.operation, line.model].filter((part) => part !== null && part !== '').join(' · ') || kindWord(line.kind, t)
    );
  const key = line.last4 === null ? provider : `${provider} ••••${line.last4}`;
  const known = AUDIT_EVENTS.find((event) => event === line.kind);
  if (known === undefined) return line.kind;
  const name = known.replaceAll('.', '_') as EventName;
  return t(`event.${name}`, {
    key: key.trim(),
    provider,
    to: statusWord(line.detail?.to ?? line.detail?.reason, t),
    why: reasonWord(line.detail?.reason, t),
  });
}

type Underscored<Text extends string> = Text extends `${infer Head}.${infer Tail}`
  ? `${Head}_${Underscored<Tail>}`
  : Text;
type EventName = Underscored<(typeof AUDIT_EVENTS)[number]>;

function statusWord(value: unknown, t: TFunction): string {
  const status = KEY_STATUSES.find((known) => known === value);
  return status === undefined ? t('word.unknown') : t(`status.${status}`);
}

/** Why a fallback happened, as a word; what is not known stays as it is. */
export function reasonWord(value: unknown, t: TFunction): string {
  const reason = FALLBACK_REASONS.find((known) => known === value);
  return reason === undefined ? (typeof value === 'string' ? value : t('word.unknown')) : t(`fallback.${reason}`);
}

/** Whose key paid; null for events. */
export function payerOfLine(line: Pick<AuditLine, 'key_source' | 'fallback_reason'>): Payer | null {
  if (line.key_source === null) return null;
  if (line.key_source === 'own') return 'own';
  return line.fallback_reason === null ? 'shared' : 'fallback';
}

/** Who did it: a person or token by the name `nameOf` knows for its id, or the system. */
export function actorText(
  line: Pick<AuditLine, 'actor' | 'user'>,
  nameOf: (id: string) => string,
  t: TFunction,
): string {
  if (line.actor === 'system') return t('word.system');
  return nameOf(line.actor === '' ? (line.user ?? '') : line.actor);
}
