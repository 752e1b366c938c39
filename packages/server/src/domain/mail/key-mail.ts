import type { FallbackReason, NoticeResolution } from '@ownkey/contract/fallback';
import type { KeyStatus } from '@ownkey/contract/key';
import { dollars } from './cap-mail.ts';
import { type Link, type MailContent, plain } from './mail-text.ts';

/** What a mail about a failing key or a fallback says. Of a key never more than its last four characters. */
export interface KeyMailFacts {
  readonly company: string;
  readonly provider: string;
  readonly keyId: string;
  readonly last4: string | null;
  readonly personal: boolean;
  readonly kind: 'key' | 'fallback';
  readonly reason: KeyStatus | FallbackReason;
  /** The provider's own, scrubbed. */
  readonly words: string | null;
  readonly httpStatus: number | null;
  /** ISO 8601, UTC. */
  readonly start: string;
  /** null: the mail is about the beginning. */
  readonly end: string | null;
  readonly resolution: NoticeResolution | null;
  /** Answered by the shared key meanwhile, and what those cost in nano-USD. */
  readonly calls: number;
  readonly cost: string;
}

export interface KeyMailLinks {
  readonly key: string;
  readonly notices: string;
  readonly recipients: string;
}

/** The beginning or the end of a key's trouble, or of the shared key answering for it. `host` names the product. */
export function keyMail(facts: KeyMailFacts, links: KeyMailLinks, host: string | null): MailContent {
  const shared = host === null ? 'the shared key' : `${plain(host)}'s shared key`;
  const footer: (string | Link)[] = facts.personal
    ? ['Sent to you alone: it is your personal key. All notices: ', { label: 'Notices', url: links.notices }]
    : ['Sent at most once an hour and key. Recipients: ', { label: 'Alerts', url: links.recipients }];
  const body = facts.end === null ? beginning(facts, links, shared) : ending(facts, links, shared);
  return { subject: body.subject, paragraphs: [...body.paragraphs, footer] };
}

function beginning(facts: KeyMailFacts, { key: url }: KeyMailLinks, shared: string): MailContent {
  const company = plain(facts.company);
  const provider = plain(facts.provider);
  const key = nameOf(facts);
  const what = WHAT[facts.reason] ?? 'failing';
  const page: Link = { label: 'Key', url };
  if (facts.kind === 'fallback') {
    return {
      subject: `${company}: ${provider} runs on ${shared}, your key is ${what}`,
      paragraphs: [
        [`${provider} runs on ${shared} since ${moment(facts.start)}: your key ${key} is ${what}${words(facts)}.`],
        [
          'This draws credits, and your text goes through the provider account of the shared key until your key works again.',
        ],
        ['Test or replace the key, or choose who pays: ', page],
      ],
    };
  }
  return {
    subject: `${company}: your ${provider} key is ${what}`,
    paragraphs: [[sentence(facts, provider, key)], ['Test or replace it: ', page]],
  };
}

/** The sentences of the key's page. */
function sentence(facts: KeyMailFacts, provider: string, key: string): string {
  const since = moment(facts.start);
  const said = words(facts);
  switch (facts.reason) {
    case 'invalid':
      return `${provider} rejects your key ${key} since ${since}${said}. It was revoked, has expired or is incomplete.`;
    case 'no_credit':
      return `${provider} accepts your key ${key} but the account has no credit left since ${since}${said}. The key itself is fine.`;
    case 'rate_limited':
      return `${provider} limits your key ${key} since ${since}${said}.`;
    case 'unreachable':
      return `${provider} has not answered your key ${key} since ${since}. Your key is kept and may be fine.`;
    case 'undecryptable':
      return `The stored copy of your ${provider} key ${key} cannot be opened any more. It was not sent anywhere and nobody else pays instead. Paste the key again or a new one.`;
    default:
      return `Your ${provider} key ${key} fails since ${since}${said}.`;
  }
}

function ending(facts: KeyMailFacts, { notices: url }: KeyMailLinks, shared: string): MailContent {
  const company = plain(facts.company);
  const provider = plain(facts.provider);
  const at = moment(facts.end ?? facts.start);
  const works = facts.resolution === 'recovered' || facts.resolution === 'replaced';
  const how = HOW[facts.resolution ?? 'recovered'];
  const lead = works
    ? `Your ${provider} key ${nameOf(facts)} works again since ${at}${facts.resolution === 'replaced' ? ', after it was replaced' : ''}.`
    : `${provider} no longer runs on ${shared} for your key ${nameOf(facts)} since ${at}: ${how}.`;
  const total =
    facts.calls === 0
      ? ''
      : ` ${capital(shared)} answered ${facts.calls === 1 ? '1 request' : `${facts.calls} requests`} (${dollars(facts.cost)}).`;
  return {
    subject: works
      ? `${company}: your ${provider} key works again`
      : `${company}: the fallback of ${provider} has ended, ${how}`,
    paragraphs: [[`${lead}${total}`], ['Details: ', { label: 'Notices', url }]],
  };
}

const WHAT: Partial<Record<KeyMailFacts['reason'], string>> = {
  invalid: 'rejected',
  key_rejected: 'rejected',
  no_credit: 'out of credit',
  rate_limited: 'rate limited',
  unreachable: 'not answering',
  outage: 'not answering',
  time_out: 'not answering in time',
  undecryptable: 'not readable any more',
};

const HOW: Record<NoticeResolution, string> = {
  recovered: 'the key works again',
  replaced: 'the key was replaced',
  removed: 'the key was removed',
  off: 'the key was turned off',
  switched: 'who pays was decided anew',
};

const WORDS_CHARACTERS_MAX = 200;

/** The provider's words and status, with a leading colon or space; empty when it said nothing. */
function words({ words: said, httpStatus }: KeyMailFacts): string {
  const status = httpStatus === null ? '' : ` (${httpStatus})`;
  return said === null ? status : `: “${plain(said, WORDS_CHARACTERS_MAX)}”${status}`;
}

function nameOf({ last4 }: KeyMailFacts): string {
  return last4 === null ? '' : `••••${plain(last4, 4)}`;
}

function moment(iso: string): string {
  const at = new Date(iso).toISOString();
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
