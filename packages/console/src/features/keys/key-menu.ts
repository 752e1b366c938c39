import type { Key } from '@ownkey/contract/api/keys';
import type { TFunction } from 'i18next';
import { paths } from '../../paths.ts';
import type { MenuItem } from '../../ui/Menu.tsx';
import type { ProviderRow } from './groups.ts';
import type { KeyActions } from './use-key-actions.ts';
import type { May } from './use-may.ts';

/** The menu of a key's row: what cannot be done now stays in it, with its reason. */
export function keyMenu(input: {
  row: ProviderRow;
  key: Key;
  co: string;
  may: May;
  act: KeyActions;
  go: (to: string) => void;
  t: TFunction;
}): MenuItem[] {
  const { row, key, co, may, act, go, t } = input;
  const { provider, keys } = row;
  const change = may.change(key);
  const position = keys.findIndex((other) => other.id === key.id);
  const usesOwn = provider.source.source === 'own';
  const payer: MenuItem = usesOwn
    ? {
        label: t('act.use_shared'),
        unavailable: may.source ?? (provider.platform_key ? null : t('act.no_shared', { provider: provider.name })),
        onSelect: () => act.setSource(provider, 'platform'),
      }
    : {
        label: t('act.use_own'),
        unavailable: may.source ?? (keys.some((other) => other.enabled) ? null : t('act.no_own_key')),
        onSelect: () => act.setSource(provider, 'own'),
      };
  const items: MenuItem[] = [
    { label: t('act.test'), unavailable: change, onSelect: () => act.test(key, provider) },
    // Shared keys have no other payer to choose.
    ...(key.scope === 'platform' ? [] : [payer]),
    {
      label: key.enabled ? t('act.turn_off') : t('act.turn_on'),
      unavailable: change,
      onSelect: () => act.setEnabled(key, provider, !key.enabled),
    },
  ];
  if (keys.length > 1) {
    items.push(
      {
        label: t('act.move_up'),
        unavailable: change ?? (position === 0 ? t('act.first_already') : null),
        onSelect: () => act.move(keys, key, -1, provider),
      },
      {
        label: t('act.move_down'),
        unavailable: change ?? (position === keys.length - 1 ? t('act.last_already') : null),
        onSelect: () => act.move(keys, key, 1, provider),
      },
    );
  }
  items.push(
    { label: t('act.replace'), unavailable: change, onSelect: () => go(paths.replaceKey(co, key.id)) },
    { label: t('act.remove'), unavailable: change, danger: true, onSelect: () => go(paths.removeKey(co, key.id)) },
  );
  return items;
}
