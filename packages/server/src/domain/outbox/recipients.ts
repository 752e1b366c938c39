import { readCompanySettings } from '@ownkey/contract/company-settings';
import { first, type Sql } from '../../storage/database.ts';

/** A company as it is told about. */
export interface ToldCompany {
  id: string;
  external_id: string | null;
  name: string;
  settings: Record<string, unknown>;
}

export function findToldCompany(sql: Sql, id: string): Promise<ToldCompany | null> {
  return first(sql, 'SELECT id, external_id, name, settings FROM companies WHERE id = $1', [id]);
}

/** Those the settings name, else the company's admins. */
export async function findRecipients(sql: Sql, company: ToldCompany): Promise<string[]> {
  const named = readCompanySettings(company.settings).notice_recipients;
  if (named.length > 0) return addressesOf(named);
  const admins = await sql.rows<{ email: string }>(
    `SELECT coalesce(u.email, l.email) AS email FROM users u LEFT JOIN logins l ON l.id = u.login_id
     WHERE u.company_id = $1 AND u.role = 'admin' AND coalesce(u.email, l.email) IS NOT NULL ORDER BY u.id`,
    [company.id],
  );
  return addressesOf(admins.map(({ email }) => email));
}

/** The address of one person, where they have one. */
export async function findPersonsAddress(sql: Sql, userId: string): Promise<string[]> {
  const found = await sql.rows<{ email: string }>(
    `SELECT coalesce(u.email, l.email) AS email FROM users u LEFT JOIN logins l ON l.id = u.login_id
     WHERE u.id = $1 AND coalesce(u.email, l.email) IS NOT NULL`,
    [userId],
  );
  return addressesOf(found.map(({ email }) => email));
}

/** What a header of a mail may be built with; what is not is told to nobody. */
const ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;

/** Each once. */
function addressesOf(emails: readonly string[]): string[] {
  const addresses = emails.map((email) => email.trim().toLowerCase()).filter((email) => ADDRESS.test(email));
  return [...new Set(addresses)];
}
