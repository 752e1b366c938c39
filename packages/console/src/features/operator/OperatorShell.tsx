import { useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useUser } from '../../api/session.ts';
import { paths } from '../../paths.ts';
import { AppShell } from '../shell/AppShell.tsx';
import { focusSearch, useShortcuts } from '../shell/use-shortcuts.ts';

/** Frame of the operator's rooms. */
export function OperatorShell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const user = useUser();
  const { pathname } = useLocation();
  const isAt = (room: string) => pathname === room || pathname.startsWith(`${room}/`);
  useShortcuts({ '/': focusSearch });
  const rooms = [
    { to: paths.operatorCompanies(), label: t('shell.companies'), icon: 'building' },
    { to: paths.operatorPlans(), label: t('shell.plans'), icon: 'list' },
    { to: paths.operatorPolicies(), label: t('shell.policies'), icon: 'sliders' },
    { to: paths.operatorKeys(), label: t('shell.shared_keys'), icon: 'key' },
    { to: paths.operatorPrices(), label: t('shell.prices'), icon: 'coin' },
    { to: paths.operatorHealth(), label: t('shell.health'), icon: 'bars' },
    { to: paths.operatorMasterKey(), label: t('shell.master_key'), icon: 'lock' },
  ] as const;
  return (
    <AppShell
      name={t('shell.operator')}
      person={user.email ?? user.id}
      rooms={rooms.map((room) => ({ ...room, current: isAt(room.to) }))}
    >
      {children}
    </AppShell>
  );
}
