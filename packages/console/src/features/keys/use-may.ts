import type { Key } from '@ownkey/contract/api/keys';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { membersQuery } from '../../api/people.ts';
import { useUser } from '../../api/session.ts';
import { useOnline } from '../../ui/use-online.ts';

export interface May {
  admin: boolean;
  /** "Ask Ana Silva." */
  ask: string;
  /** Null when this key may be changed now, else why not. */
  change: (key: Pick<Key, 'scope'>) => string | null;
  /** Null when company keys may be connected. */
  connectCompany: string | null;
  /** Null when payers may be chosen. */
  source: string | null;
}

/** What the signed-in person may do with keys, and why not. The API decides; this only says so beforehand. */
export function useMay(): May {
  const { t } = useTranslation();
  const user = useUser();
  const online = useOnline();
  const members = useQuery({ ...membersQuery, enabled: user.role === 'member' });
  const admins = (members.data ?? [])
    .filter((member) => member.role === 'admin')
    .map((member) => member.name ?? member.email ?? '')
    .filter((name) => name !== '')
    .slice(0, 3)
    .join(', ');
  const ask = admins === '' ? t('permission.ask_nobody') : t('permission.ask', { admins });
  const admin = user.role === 'admin' || user.kind === 'operator';
  const offline = online ? null : t('permission.offline');
  const company = offline ?? (admin ? null : t('permission.admins_only', { ask }));
  return {
    admin,
    ask,
    change: (key) => (key.scope === 'user' ? offline : company),
    connectCompany: company,
    source: offline ?? (admin ? null : t('permission.admins_only_source', { ask })),
  };
}
