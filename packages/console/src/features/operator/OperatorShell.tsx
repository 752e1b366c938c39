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
  useShortcuts({ '/': focusSearch });
  return (
    <AppShell
      name={t('shell.operator')}
      person={user.email ?? user.id}
      rooms={[{ to: paths.operatorCompanies(), label: t('shell.companies'), icon: 'building', current: true }]}
    >
      {children}
    </AppShell>
  );
}
