import type { KeyConnectBody } from '@ownkey/contract/api/keys';
import { OwnkeyError } from '@ownkey/contract/errors';
import { isId, newId } from '@ownkey/contract/ids';
import type { JobPayloads } from '@ownkey/contract/jobs';
import { CUSTOM_PROVIDER, catalogueDestination, type KeyOwner, PLATFORM_OWNER } from '@ownkey/contract/key';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { type Catalogue, resolveProvider } from '@ownkey/providers/catalogue';
import { parseSealedKey, type SealContext, SealFormatError } from '@ownkey/vault/context';

/** For whom a key is connected: the company, one of its people, or the operator. */
export interface KeyOwnership {
  readonly owner: KeyOwner;
  readonly companyId: string | null;
  readonly userId: string | null;
}

export interface PlannedConnect {
  readonly payload: JobPayloads['key.connect'];
  readonly sealed: string | null;
  readonly providerName: string;
  readonly destination: string;
}

/**
 * What a connect request asks of the worker. Pure: everything that can be refused without opening the key is refused here, with
 * the reason; the worker checks the seal itself, which this plane cannot open.
 * @throws OwnkeyError provider.unknown, request.invalid, base_url.refused, slug.taken, seal.invalid, seal.expired
 */
export function planConnect(
  body: KeyConnectBody,
  { owner, companyId, userId }: KeyOwnership,
  facts: { catalogue: Catalogue; egress: EgressPolicy; nowS: number },
): PlannedConnect {
  const custom = body.provider.toLowerCase() === CUSTOM_PROVIDER;
  const target = custom ? customTarget(body, owner, facts) : catalogueTarget(body, facts.catalogue);
  const context = body.sealed_key === undefined ? null : readContext(body.sealed_key);
  if (context === null && !custom)
    throw invalid('sealed_key', `A key for ${target.name} is needed: seal it with GET /api/sealing-key.`);
  if (context !== null) {
    const bound = {
      company: companyId ?? PLATFORM_OWNER,
      user: owner === 'user' ? userId : null,
      provider: target.provider,
      version: 1,
      destination: target.destination,
    };
    assertContext(context, bound, facts.nowS);
  }
  const keyId = context?.key_id ?? body.key_id ?? newId('key');
  if (!isId('key', keyId) && context === null) throw invalid('key_id', 'key_id: not the id of a key.');
  const payload: JobPayloads['key.connect'] = {
    key_id: keyId,
    owner,
    user_id: owner === 'user' ? userId : null,
    provider: target.provider,
    slug: target.slug,
    preset: custom ? (body.preset ?? null) : null,
    base_url: target.baseUrl,
    label: body.label ?? '',
    save: body.save ?? true,
    keep: body.keep ?? false,
    on_failure: body.on_failure ?? null,
    keyless: context === null,
  };
  return { payload, sealed: body.sealed_key ?? null, providerName: target.name, destination: target.destination };
}

interface Target {
  readonly provider: string;
  readonly slug: string | null;
  readonly baseUrl: string | null;
  readonly destination: string;
  readonly name: string;
}

function catalogueTarget(body: KeyConnectBody, catalogue: Catalogue): Target {
  const entry = resolveProvider(catalogue, body.provider);
  if (entry === undefined)
    throw new OwnkeyError('provider.unknown', { provider: body.provider.slice(0, 64), param: 'provider' });
  for (const field of ['base_url', 'slug', 'preset'] as const) {
    if (body[field] !== undefined) throw invalid(field, `${field}: only custom endpoints have one.`);
  }
  return {
    provider: entry.id,
    slug: null,
    baseUrl: null,
    destination: catalogueDestination(entry.id),
    name: entry.name,
  };
}

function customTarget(
  body: KeyConnectBody,
  owner: KeyOwner,
  facts: { catalogue: Catalogue; egress: EgressPolicy },
): Target {
  if (owner === 'platform') throw invalid('provider', 'Shared keys are for providers of the catalogue alone.');
  if (body.base_url === undefined) throw invalid('base_url', 'base_url: a custom endpoint needs one.');
  if (body.slug === undefined) throw invalid('slug', 'slug: a custom endpoint needs a short name.');
  if (body.preset !== undefined && !facts.catalogue.presets.has(body.preset))
    throw invalid('preset', `preset: there is none called ${body.preset}.`);
  if (body.slug === CUSTOM_PROVIDER || resolveProvider(facts.catalogue, body.slug) !== undefined)
    throw new OwnkeyError('slug.taken', { slug: body.slug, param: 'slug' });
  const checked = checkBaseUrl(body.base_url, facts.egress);
  if (!checked.ok) throw new OwnkeyError('base_url.refused', { param: 'base_url', hint: checked.hint });
  const { href, origin } = checked.url;
  return { provider: CUSTOM_PROVIDER, slug: body.slug, baseUrl: href, destination: origin, name: body.slug };
}

/** What a sealed key is bound to, without opening it. @throws OwnkeyError seal.invalid */
export function readContext(sealed: string): SealContext {
  try {
    return parseSealedKey(sealed).context;
  } catch (error) {
    if (error instanceof SealFormatError)
      throw new OwnkeyError('seal.invalid', { problem: `${error.field} is not well formed`, param: 'sealed_key' });
    throw error;
  }
}

/** @throws OwnkeyError seal.invalid naming the first member that is another, seal.expired */
export function assertContext(context: SealContext, bound: Partial<SealContext>, nowS: number): void {
  for (const [name, value] of Object.entries(bound)) {
    if (Reflect.get(context, name) !== value)
      throw new OwnkeyError('seal.invalid', { problem: `it was sealed for another ${name}`, param: 'sealed_key' });
  }
  if (context.exp <= nowS) throw new OwnkeyError('seal.expired', { param: 'sealed_key' });
}

function invalid(param: string, problem: string): OwnkeyError {
  return new OwnkeyError('request.invalid', { problem, param });
}
