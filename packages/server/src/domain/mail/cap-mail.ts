import { formatUsd, NANO_PER_USD } from '@ownkey/contract/money';
import { type Link, type MailContent, plain } from './mail-text.ts';

/** What a mail about a cap says, as it was when the threshold was passed. Amounts are nano-USD in decimal. */
export interface CapFacts {
  readonly company: string;
  readonly period: 'day' | 'month';
  readonly threshold: number;
  readonly cap: string;
  readonly spent: string;
  readonly reserved: string;
  /** Who lowered the cap, where that is why. */
  readonly loweredBy: string | null;
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly at: string;
  /** The dearest operations of the period, the first the dearest. */
  readonly top: readonly { readonly operation: string; readonly cost: string }[];
}

export interface CapLinks {
  readonly spend: string;
  readonly recipients: string;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const OPERATION_CHARACTERS_MAX = 60;

/** 80 %: a warning; 100 %: AI is paused, until when, and how to resume. */
export function capMail(facts: CapFacts, links: CapLinks): MailContent {
  return facts.threshold < 100 ? nearMail(facts, links) : pausedMail(facts, links);
}

function nearMail(facts: CapFacts, links: CapLinks): MailContent {
  const period = periodWord(facts);
  const used = `${dollars(facts.spent)} of ${dollars(facts.cap)}`;
  const raise: Link = { label: 'Spend', url: links.spend };
  const recipients: Link = { label: 'Alerts', url: links.recipients };
  const lowered = facts.loweredBy === null ? '' : `${plain(facts.loweredBy)} lowered it to ${dollars(facts.cap)}. `;
  return {
    subject: `${plain(facts.company)}: ${facts.threshold} % of ${period} AI cap used (${used})`,
    paragraphs: [
      [`${used} of ${period} AI cap is used. ${lowered}${paceSentence(facts)}`],
      ...mostParagraph(facts),
      ['Raise the cap or see what was spent: ', raise],
      [`Sent once per ${facts.period} and cap. Recipients: `, recipients],
    ],
  };
}

function pausedMail(facts: CapFacts, links: CapLinks): MailContent {
  const period = periodWord(facts);
  const cap = dollars(facts.cap);
  const who = facts.loweredBy === null ? null : plain(facts.loweredBy);
  const never = BigInt(facts.cap) === 0n;
  const until = untilWord(facts);
  const why =
    who === null
      ? `${period} cap of ${cap} is reached`
      : `${period} cap is reached because ${who} lowered it to ${cap}`;
  const held = BigInt(facts.reserved) > 0n ? `, held by running requests ${dollars(facts.reserved)}` : '';
  const raise: Link = { label: 'Spend', url: links.spend };
  const resumes: readonly (string | Link)[] = never
    ? [`A cap of ${cap} does not end by itself: AI resumes when an admin raises it: `, raise]
    : [`AI resumes by itself at ${until}, or at once when an admin raises the cap: `, raise];
  return {
    subject: `${plain(facts.company)}: AI is paused ${never ? '' : `until ${until}`}, ${why}`.replace(' ,', ','),
    paragraphs: [
      [
        `Since ${moment(facts.at)} requests are refused before they are sent${who === null ? '' : `, because ${who} lowered ${period} cap to ${cap}`}. Spent ${dollars(facts.spent)}${held}.`,
      ],
      ...mostParagraph(facts),
      resumes,
      [`Sent once per ${facts.period} and cap. Recipients: `, { label: 'Alerts', url: links.recipients }],
    ],
  };
}

/** When the cap would be reached if the rest of the period were like what has passed of it. */
function paceSentence(facts: CapFacts): string {
  const refused = 'Requests that could exceed it are then refused before they reach a provider, until';
  const reached = reachedAt(facts);
  if (reached === null)
    return `At this pace it is not reached before it starts anew at ${untilWord(facts)}. Requests that could exceed it are refused before they reach a provider.`;
  return `At this pace the cap is reached around ${moment(reached.toISOString(), facts.period === 'month')}. ${refused} ${untilWord(facts)}.`;
}

function reachedAt({ start, at, spent, cap, period }: CapFacts): Date | null {
  const passedMs = Date.parse(at) - Date.parse(start);
  const left = BigInt(cap) - BigInt(spent);
  if (BigInt(spent) <= 0n || left <= 0n || passedMs <= 0) return null;
  const reached = new Date(Date.parse(at) + (passedMs * Number(left)) / Number(BigInt(spent)));
  return reached < nextPeriod(start, period) ? reached : null;
}

function mostParagraph({ top }: CapFacts): string[][] {
  if (top.length === 0) return [];
  const parts = top.map(({ operation, cost }) => {
    const name = operation === '' ? 'untagged' : plain(operation, OPERATION_CHARACTERS_MAX);
    return `${name} ${dollars(cost)}`;
  });
  return [[`Most: ${parts.join(', ')}.`]];
}

/** When the next period begins. */
export function nextPeriod(start: string, period: 'day' | 'month'): Date {
  const from = new Date(start);
  return period === 'day'
    ? new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate() + 1))
    : new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 1));
}

function periodWord({ period }: CapFacts): string {
  return period === 'day' ? "today's" : "this month's";
}

function untilWord({ start, period }: CapFacts): string {
  return period === 'day' ? '00:00 UTC' : `${dayAndMonth(nextPeriod(start, period))}, 00:00 UTC`;
}

function moment(iso: string, withDay = false): string {
  const at = new Date(iso);
  const clock = `${at.toISOString().slice(11, 16)} UTC`;
  return withDay ? `${dayAndMonth(at)}, ${clock}` : clock;
}

function dayAndMonth(at: Date): string {
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ''}`;
}

/** From one cent two decimals, rounded down; what is smaller is exact. */
export function dollars(nano: string): string {
  const amount = BigInt(nano);
  if (amount !== 0n && amount < NANO_PER_USD / 100n) return `$${formatUsd(amount)}`;
  const cents = amount / (NANO_PER_USD / 100n);
  return `$${cents / 100n}.${(cents % 100n).toString().padStart(2, '0')}`;
}
