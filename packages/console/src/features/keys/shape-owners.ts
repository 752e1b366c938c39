import type { Provider } from '@ownkey/contract/api/providers';
import type { ShapeOwner } from '@ownkey/vault/shape';

/** What the form check needs of the providers that have a key form. */
export function shapeOwners(providers: readonly Provider[]): ShapeOwner[] {
  return providers.flatMap(({ id, name, kind, key }) =>
    kind === 'catalogue' && key !== null ? [{ id, name, key }] : [],
  );
}
