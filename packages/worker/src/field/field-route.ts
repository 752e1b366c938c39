import type { ServerResponse } from 'node:http';
import { OwnkeyError } from '@ownkey/contract/errors';
import { FIELD_PATH, type FieldSealingKey } from '@ownkey/contract/field';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Sql } from '../access/load.ts';
import type { Targets } from '../gateway/targets.ts';
import { sendBytes, sendJson } from '../http/respond.ts';
import type { Route } from '../http/serve.ts';
import type { SealingKeys } from '../keys/sealing-keys.ts';
import { companyName, fieldProviders, listedParents } from './field-facts.ts';
import { type FieldFiles, PARENTS_MARK } from './field-files.ts';
import { ASSET_HEADERS, FACT_HEADERS, pageHeaders } from './field-headers.ts';

export interface FieldParts {
  readonly sql: Sql;
  readonly sealingKeys: Pick<SealingKeys, 'newest'>;
  readonly catalogue: Catalogue;
  readonly targets: Targets;
  /** null = the page is not built. */
  readonly files: FieldFiles | null;
  readonly consoleUrl: string | null;
  readonly now: () => number;
}

/** Paths below `FIELD_PATH` that hold a name; the others are whole. */
const ASSETS = 'assets/';
const COMPANIES = 'companies/';

/** Every path that the field answers, with names of files and companies left out: for metrics. null = none. */
export function fieldRouteName(path: string): string | null {
  if (path === FIELD_PATH) return path;
  if (!path.startsWith(`${FIELD_PATH}/`)) return null;
  const rest = path.slice(FIELD_PATH.length + 1);
  if (rest.startsWith(ASSETS)) return `${FIELD_PATH}/${ASSETS}{file}`;
  if (rest.startsWith(COMPANIES)) return `${FIELD_PATH}/${COMPANIES}{id}`;
  return rest === 'sealing-key' || rest === 'providers' ? path : null;
}

/**
 * `GET /field…`: the page into which keys are pasted, and what it asks for. Without credentials or cookies; nothing that it answers
 * is secret, and other origins cannot read it in a browser. Which parents are listed is read anew for each page.
 * @throws OwnkeyError not_found, ledger.unavailable
 */
export function createFieldRoute(parts: FieldParts): Route {
  const providers = { data: fieldProviders(parts.catalogue, parts.targets) };
  return async (_request, response, { rest }) => {
    if (rest === '') return sendPage(parts, response);
    if (rest === 'providers') return sendJson(response, 200, providers, FACT_HEADERS);
    if (rest === 'sealing-key') return sendJson(response, 200, sealingKey(parts), FACT_HEADERS);
    if (rest.startsWith(COMPANIES)) {
      const name = await companyName(parts.sql, rest.slice(COMPANIES.length));
      if (name === null) throw new OwnkeyError('not_found');
      return sendJson(response, 200, { name }, FACT_HEADERS);
    }
    const asset = rest.startsWith(ASSETS) ? parts.files?.assets.get(rest.slice(ASSETS.length)) : undefined;
    if (asset === undefined) throw new OwnkeyError('not_found');
    sendBytes(response, 200, asset.type, asset.bytes, ASSET_HEADERS);
  };
}

async function sendPage({ files, sql, consoleUrl }: FieldParts, response: ServerResponse): Promise<void> {
  if (files === null) throw new OwnkeyError('not_found');
  const parents = await listedParents(sql, consoleUrl);
  // Origins hold none of HTML's characters (`isParentOrigin`).
  const page = Buffer.from(files.page.replace(PARENTS_MARK, parents.join(' ')));
  sendBytes(response, 200, 'text/html; charset=utf-8', page, pageHeaders(parents));
}

function sealingKey({ sealingKeys, now }: FieldParts): FieldSealingKey {
  return { ...sealingKeys.newest(), server_time: Math.floor(now() / 1000) };
}
