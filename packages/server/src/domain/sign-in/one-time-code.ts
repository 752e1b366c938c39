import { createHash, randomInt } from 'node:crypto';
import { first, type Sql } from '../../storage/database.ts';

/** Without letters that are read wrongly. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUPS = 5;
const GROUP_CHARACTERS = 5;

export type CodePurpose = 'set-up' | 'reset' | 'invite';

/** What a code is for: a login, an invitation, or neither (the first operator). */
export interface CodeSubject {
  readonly loginId?: string;
  readonly invitationId?: string;
}

/** A new code such as `7KQ2M-…` (122 bits); stored as its SHA-256. Earlier codes of the same purpose and subject end. */
export async function createCode(
  sql: Sql,
  purpose: CodePurpose,
  subject: CodeSubject,
  lifeMinutes: number,
): Promise<string> {
  const group = (): string =>
    Array.from({ length: GROUP_CHARACTERS }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  const code = Array.from({ length: GROUPS }, group).join('-');
  await sql.rows(
    `DELETE FROM one_time_codes WHERE expires_at < now() OR (purpose = $1 AND login_id IS NOT DISTINCT FROM $2
       AND invitation_id IS NOT DISTINCT FROM $3)`,
    [purpose, subject.loginId ?? null, subject.invitationId ?? null],
  );
  await sql.rows(
    `INSERT INTO one_time_codes (hash, purpose, login_id, invitation_id, expires_at)
     VALUES ($1, $2, $3, $4, now() + make_interval(mins => $5))`,
    [codeHash(code), purpose, subject.loginId ?? null, subject.invitationId ?? null, lifeMinutes],
  );
  return code;
}

/** Uses a code up: of two callers with the same code one gets it. null = no such code, used, or too late. */
export async function takeCode(
  sql: Sql,
  purpose: CodePurpose,
  code: string,
): Promise<{ login_id: string | null; invitation_id: string | null } | null> {
  return first(
    sql,
    'DELETE FROM one_time_codes WHERE hash = $1 AND purpose = $2 AND expires_at > now() RETURNING login_id, invitation_id',
    [codeHash(code), purpose],
  );
}

/** Case, blanks and hyphens do not count: codes are typed. */
function codeHash(code: string): Buffer {
  const typed = code.toUpperCase().replace(/[\s-]/g, '');
  return createHash('sha256').update(`one-time-code\0${typed}`).digest();
}
