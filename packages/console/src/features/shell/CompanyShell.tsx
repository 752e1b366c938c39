import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { settingsQuery } from '../../api/people.ts';
import { useUser } from '../../api/session.ts';
import { formatDay } from '../../format/time.ts';
import { paths } from '../../paths.ts';
import { useGo } from '../../routing/use-go.ts';
import { CopyButton } from '../../ui/CopyButton.tsx';
import { Note } from '../../ui/Feedback.tsx';
import { AppShell } from './AppShell.tsx';
import { canSeal } from './can-seal.ts';
import { focusSearch, useShortcuts } from './use-shortcuts.ts';

// Loaded after the room: what it says needs an answer of the API anyway.
// A banner that cannot be loaded takes no room away.
const NoticeBanner = lazy(() =>
  import('../notices/NoticeBanner.tsx').then(
    (m) => ({ default: m.NoticeBanner }),
    () => ({ default: () => null }),
  ),
);

/** Rooms of a company around `children`. `room` is the one that is open. */
export function CompanyShell(props: {
  co: string;
  room: 'keys' | 'models' | 'spend' | 'analytics' | 'audit' | 'tokens' | 'members' | 'notices';
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const { co, room } = props;
  const go = useGo();
  const user = useUser();
  useShortcuts({
    'g k': () => go(paths.keys(co)),
    'g m': () => go(paths.models(co)),
    'g s': () => go(paths.spend(co)),
    'g y': () => go(paths.analytics(co)),
    'g a': () => go(paths.audit(co)),
    'g t': () => go(paths.tokens(co)),
    'g ,': () => go(paths.members(co)),
    '/': focusSearch,
    c: () => go(paths.connect(co)),
  });
  return (
    <AppShell
      name={user.company?.name ?? ''}
      person={user.email ?? user.name ?? user.id}
      // The page of notices says all of it.
      banner={room === 'notices' ? undefined : <Banner co={co} />}
      rooms={[
        { to: paths.keys(co), label: t('shell.keys'), icon: 'key', current: room === 'keys' },
        { to: paths.models(co), label: t('shell.models'), icon: 'sliders', current: room === 'models' },
        { to: paths.spend(co), label: t('shell.spend'), icon: 'coin', current: room === 'spend' },
        { to: paths.analytics(co), label: t('shell.analytics'), icon: 'bars', current: room === 'analytics' },
        { to: paths.audit(co), label: t('shell.audit'), icon: 'list', current: room === 'audit' },
        { to: paths.tokens(co), label: t('shell.tokens'), icon: 'lock', current: room === 'tokens' },
        { to: paths.members(co), label: t('shell.members'), icon: 'people', current: room === 'members' },
      ]}
    >
      {props.children}
    </AppShell>
  );
}

/** The most important notice alone. */
function Banner({ co }: { co: string }) {
  const { t, i18n } = useTranslation();
  const user = useUser();
  const settings = useQuery(settingsQuery);
  if (!canSeal()) {
    const address = `https://${location.host}${location.pathname}`;
    return (
      <Note tone="warn" actions={<CopyButton text={address} label={t('shell.sealing_impossible_action')} />}>
        {t('errors.insecure_context', { origin: location.origin })}
      </Note>
    );
  }
  if (settings.data?.ai_enabled === false) {
    const since = formatDay(settings.data.ai_changed_at, i18n.language);
    return <Note tone="warn">{t('shell.ai_off', { company: user.company?.name ?? '', since })}</Note>;
  }
  return (
    <Suspense>
      <NoticeBanner co={co} admin={user.role === 'admin'} />
    </Suspense>
  );
}
