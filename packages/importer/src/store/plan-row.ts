/** What a row asks for, checked against catalogue, address guard and the company's plan: the rules of connecting a key. Pure. */
import { CUSTOM_PROVIDER, catalogueDestination, type KeyOwner, SLUG_PATTERN } from '@ownkey/contract/key';
import type { CatalogueEntry } from '@ownkey/contract/provider';
import { checkBaseUrl } from '@ownkey/guard/base-url';
import type { EgressPolicy } from '@ownkey/guard/egress-policy';
import { type Catalogue, resolveProvider } from '@ownkey/providers/catalogue';
import type { Binding } from '@ownkey/vault/envelope';
import { RowFault } from '../faults.ts';
import { deriveKeyId } from './derive-key-id.ts';
import type { ImportCompany } from './look-up.ts';

/** A key to be, as far as its row says. */
export interface PlannedKey {
  readonly binding: Binding;
  readonly owner: KeyOwner;
  readonly userId: string | null;
  readonly slug: string | null;
  readonly preset: string | null;
  readonly baseUrl: string | null;
  readonly label: string;
  /** null for an endpoint of the company's own. */
  readonly entry: CatalogueEntry | null;
}

export interface PlanRules {
  readonly importName: string;
  readonly catalogue: Catalogue;
  readonly policy: EgressPolicy;
}

type Fields = ReadonlyMap<string, string>;
type Place = Pick<PlannedKey, 'slug' | 'preset' | 'baseUrl' | 'entry'> & { provider: string; destination: string };

const LABEL_CHARACTERS_MAX = 200;

/**
 * `company` and `userId`: what the database has under the row's names, null for nothing.
 * @throws RowFault
 */
export function planRow(
  rules: PlanRules,
  fields: Fields,
  company: ImportCompany | null,
  userId: string | null,
): PlannedKey {
  if (company === null) {
    throw new RowFault(
      'company.unknown',
      'There is no company of this id; create it first, then run the import again.',
    );
  }
  const personal = fields.has('user');
  if (personal && userId === null) {
    throw new RowFault('user.unknown', 'The company has no user of this id; create it first.');
  }
  const place = isCustom(fields) ? planEndpoint(rules, fields) : planProvider(rules, fields);
  checkPlan(company, place, personal);
  return {
    binding: {
      company: company.id,
      provider: place.provider,
      key_id: deriveKeyId(rules.importName, company.id, fields),
      version: 1,
      destination: place.destination,
    },
    owner: personal ? 'user' : 'company',
    userId,
    slug: place.slug,
    preset: place.preset,
    baseUrl: place.baseUrl,
    label: (fields.get('label') ?? '').slice(0, LABEL_CHARACTERS_MAX),
    entry: place.entry,
  };
}

function isCustom(fields: Fields): boolean {
  return fields.get('provider')?.toLowerCase() === CUSTOM_PROVIDER;
}

function planProvider({ catalogue }: PlanRules, fields: Fields): Place {
  const entry = resolveProvider(catalogue, fields.get('provider') ?? '');
  if (!entry) {
    throw new RowFault(
      'provider.unknown',
      `The catalogue has no such provider; for another address give "${CUSTOM_PROVIDER}".`,
    );
  }
  const odd = ['slug', 'base_url', 'preset'].find((name) => fields.has(name));
  if (odd !== undefined) {
    throw new RowFault(
      'row.malformed',
      `${odd} belongs to the provider "${CUSTOM_PROVIDER}": where this key goes would not be clear.`,
    );
  }
  const destination = catalogueDestination(entry.id);
  return { provider: entry.id, destination, slug: null, preset: null, baseUrl: null, entry };
}

function planEndpoint({ catalogue, policy }: PlanRules, fields: Fields): Place {
  const slug = fields.get('slug') ?? '';
  if (!SLUG_PATTERN.test(slug) || slug === CUSTOM_PROVIDER || resolveProvider(catalogue, slug)) {
    throw new RowFault(
      'slug.invalid',
      'An endpoint needs a slug of its own: lower-case letters, digits and hyphens, at most 32, and not the name of a provider.',
    );
  }
  const preset = fields.get('preset') ?? null;
  if (preset !== null && !catalogue.presets.has(preset)) {
    throw new RowFault('preset.unknown', `The presets are ${[...catalogue.presets.keys()].join(', ')}.`);
  }
  const checked = checkBaseUrl(fields.get('base_url') ?? '', policy);
  if (!checked.ok) throw new RowFault('base_url.refused', checked.hint);
  const { href, origin } = checked.url;
  return { provider: CUSTOM_PROVIDER, destination: origin, slug, preset, baseUrl: href, entry: null };
}

function checkPlan({ aiEnabled, personalKeysAllowed, plan }: ImportCompany, place: Place, personal: boolean): void {
  if (!aiEnabled)
    throw new RowFault('ai.consent_off', 'The company has turned AI off; it takes no keys until it is on.');
  const allowed = plan.byok && (plan.byokProviders === null || plan.byokProviders.includes(place.provider));
  if (!allowed) throw new RowFault('plan.upgrade_required', `The plan ${plan.name} has no own keys of this provider.`);
  if (!personal) return;
  if (!plan.personalKeys) throw new RowFault('plan.upgrade_required', `The plan ${plan.name} has no personal keys.`);
  if (!personalKeysAllowed) throw new RowFault('personal_keys.off', 'The company allows no personal keys.');
}
