import { randomBytes } from 'node:crypto';
import { newId } from '@ownkey/contract/ids';
import { putCompany } from '../domain/companies/companies.ts';
import { hashPassword } from '../domain/sign-in/password.ts';
import { createLogin, setPassword } from '../domain/sign-in/sign-in.ts';
import { createToken } from '../domain/tokens/tokens.ts';
import { putUser } from '../domain/users/users.ts';
import { first, type Sql } from '../storage/database.ts';

export const SEED_ACTOR = 'ownkey dev';

/** The first demo company may do everything; the second has a plan without own keys, so that gating can be seen. */
const COMPANIES = [
  { externalId: 'demo-acme', name: 'Acme Travel', plan: 'business', email: 'ana@acme.example', person: 'Ana Silva' },
  { externalId: 'demo-birch', name: 'Birch Bakery', plan: 'free', email: 'ben@birch.example', person: 'Ben Berg' },
] as const;
const OPERATOR = { email: 'operator@ownkey.example', name: 'Operator' };

export interface SeededLogin {
  email: string;
  password: string;
}
export interface SeedOutput {
  operator: SeededLogin & { api_token: string };
  companies: {
    id: string;
    name: string;
    plan: string;
    admin: SeededLogin;
    gateway_token: string;
    api_token: string;
  }[];
}

/** Makes or finds the demonstration; passwords and tokens are new each time, those of earlier starts end. */
export async function seedDemo(sql: Sql): Promise<SeedOutput> {
  await sql.rows('DELETE FROM tokens WHERE created_by = $1', [SEED_ACTOR]);
  const operator = await seedOperator(sql);
  const companies: SeedOutput['companies'] = [];
  for (const wanted of COMPANIES) companies.push(await seedCompany(sql, wanted));
  return { operator, companies };
}

async function seedOperator(sql: Sql): Promise<SeedOutput['operator']> {
  const login = await seedLogin(sql, OPERATOR.email);
  await sql.rows('INSERT INTO operators (id, login_id, name) VALUES ($1, $2, $3) ON CONFLICT (login_id) DO NOTHING', [
    newId('operator'),
    login.id,
    OPERATOR.name,
  ]);
  const { token } = await createToken(sql, {
    name: 'Development: host and operator',
    scopes: ['host', 'operator'],
    companyId: null,
    userId: null,
    createdBy: SEED_ACTOR,
    expiresAt: null,
  });
  return { email: OPERATOR.email, password: login.password, api_token: token };
}

async function seedCompany(sql: Sql, wanted: (typeof COMPANIES)[number]): Promise<SeedOutput['companies'][number]> {
  const { company } = await putCompany(sql, wanted.externalId, { name: wanted.name, plan: wanted.plan }, SEED_ACTOR);
  const person = { role: 'admin', email: wanted.email, name: wanted.person } as const;
  const { user } = await putUser(sql, company.id, `${wanted.externalId}-admin`, person, SEED_ACTOR);
  const login = await seedLogin(sql, wanted.email);
  await sql.rows('UPDATE users SET login_id = $2 WHERE id = $1', [user.id, login.id]);
  const base = { companyId: company.id, userId: null, createdBy: SEED_ACTOR, expiresAt: null };
  const gateway = await createToken(sql, {
    ...base,
    name: 'Development: gateway',
    scopes: ['inference', 'act_as_user'],
  });
  const api = await createToken(sql, { ...base, name: 'Development: API', scopes: ['company:admin'] });
  return {
    id: company.id,
    name: company.name,
    plan: company.plan,
    admin: { email: wanted.email, password: login.password },
    gateway_token: gateway.token,
    api_token: api.token,
  };
}

/** A login with a fresh password; sessions of the old one end. */
async function seedLogin(sql: Sql, email: string): Promise<{ id: string; password: string }> {
  const password = randomBytes(9).toString('base64url');
  const hash = await hashPassword(password);
  const existing = await first<{ id: string }>(sql, 'SELECT id FROM logins WHERE email = $1', [email]);
  if (existing === null) return { id: await createLogin(sql, email, hash), password };
  await setPassword(sql, existing.id, hash);
  return { id: existing.id, password };
}
