import { PUBLIC_ONLY } from '@ownkey/guard/egress-policy';
import { createScrubber } from '@ownkey/guard/scrub';
import { createOutbox, type Outbox } from '@ownkey/server/domain/outbox/outbox';
import { createLog, type Log } from '@ownkey/server/platform/logger';
import { createSmtpMailer, type Mailer } from '@ownkey/server/platform/mailer';
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { AUTH_SECRET, type ControlPlane, type TestCompany } from './control-plane.ts';
import type { MailPeer } from './mail-peer.ts';

export const DOLLAR = 1_000_000_000n;

/** The outbox of a control plane with a real mail server, and the ledger's part in it: empty before each test. */
export interface OutboxBench {
  readonly owner: Client;
  /** A company of this test, whose recipient is ops@example.com. */
  readonly company: TestCompany;
  readonly log: Log;
  readonly logLines: readonly string[];
  /** The steps of one server, with a connection of its own to the mail server; null = none is set up. */
  server(mailer?: Mailer | null): Outbox;
  setRecipients(company: TestCompany, ...emails: string[]): Promise<unknown>;
  /** What the ledger notes when so much of a cap is spent. */
  spend(spent: bigint, of?: { cap?: bigint; kind?: 'day' | 'month'; company?: TestCompany }): Promise<unknown>;
  states(): Promise<{ state: string; attempts: number }[]>;
  /** As if the time until the next try had passed. */
  makeDue(): Promise<unknown>;
}

export function useOutboxBench(plane: ControlPlane, peer: MailPeer): OutboxBench {
  const logLines: string[] = [];
  const log = createLog('info', createScrubber(), { write: (line) => logLines.push(line) });
  const mailers: Mailer[] = [];
  let owner: Client | null = null;
  let company: TestCompany | null = null;
  beforeAll(async () => {
    owner = await plane.postgres.connect('superuser');
    await owner.query('SET search_path = ownkey');
  });
  beforeEach(async () => {
    await bench.owner.query('DELETE FROM outbox');
    await bench.owner.query('DELETE FROM alerts');
    await bench.owner.query('DELETE FROM notices');
    peer.mails.length = 0;
    peer.answer = null;
    company = await plane.createCompany();
    await bench.setRecipients(company, 'ops@example.com');
  });
  afterAll(() => {
    for (const mailer of mailers) mailer.close();
  });
  const smtp = (): Mailer => {
    const mailer = createSmtpMailer(peer.url, { name: 'Leads', address: 'no-reply@example.com' });
    mailers.push(mailer);
    return mailer;
  };
  const made = <T>(value: T | null): T => {
    if (value === null) throw new Error('useOutboxBench(): read it inside a test or hook');
    return value;
  };
  const bench: OutboxBench = {
    get owner() {
      return made(owner);
    },
    get company() {
      return made(company);
    },
    log,
    logLines,
    server: (mailer = smtp()) => {
      const { database } = plane;
      const webhooks = { database, authSecret: AUTH_SECRET, policy: PUBLIC_ONLY, lookup: async () => [], version: '0' };
      const place = { authSecret: AUTH_SECRET, consoleUrl: 'https://keys.example.com', hostName: 'Leads' };
      return createOutbox({
        database,
        log,
        mail: mailer && { mailer, ...place },
        webhooks,
        nameProvider: () => 'OpenAI',
      });
    },
    setRecipients: (of, ...emails) =>
      bench.owner.query(
        "UPDATE companies SET settings = jsonb_build_object('notice_recipients', $2::jsonb) WHERE id = $1",
        [of.id, JSON.stringify(emails)],
      ),
    spend: (spent, { cap = 10n * DOLLAR, kind = 'day', company: of = bench.company } = {}) =>
      bench.owner.query(
        "SELECT note_alert($1, '', $2, date_trunc($2, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', $3, $4, 0, 'spent', NULL)",
        [of.id, kind, cap, spent],
      ),
    states: async () =>
      (await bench.owner.query<{ state: string; attempts: number }>('SELECT state, attempts FROM outbox ORDER BY id'))
        .rows,
    makeDue: () => bench.owner.query("UPDATE outbox SET next_try_at = now() WHERE state = 'queued'"),
  };
  return bench;
}
