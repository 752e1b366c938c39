import { lazy, type ReactNode, Suspense, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useSignOut } from '../../api/session.ts';
import { signedOut } from '../../api/signed-out.ts';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { useGo } from '../../routing/use-go.ts';
import { Button } from '../../ui/Button.tsx';
import { Icon, type IconName } from '../../ui/Icon.tsx';
import { useOnline } from '../../ui/use-online.ts';
import { ThemeSwitch } from './ThemeSwitch.tsx';

const SignedOutDialog = lazy(() => import('./SignedOutDialog.tsx').then((m) => ({ default: m.SignedOutDialog })));

export interface Room {
  to: string;
  label: string;
  icon: IconName;
  current: boolean;
}

/** Frame of every signed-in page: navigation, company, theme, sign-out, the place of banners, the page itself. */
export function AppShell(props: {
  name: string;
  person: string;
  rooms: readonly Room[];
  banner?: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const online = useOnline();
  const ended = useSyncExternalStore(signedOut.subscribe, signedOut.get);
  const [open, setOpen] = useState(false);
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[224px_minmax(0,1fr)]">
      <a
        href="#content"
        className="fixed start-2 top-2 z-50 -translate-y-16 rounded-control bg-ink px-3 py-2 font-medium text-on-ink focus:translate-y-0"
      >
        {t('shell.skip')}
      </a>
      <header className="border-border max-lg:border-b lg:sticky lg:top-0 lg:h-dvh lg:border-e">
        <div className="flex h-full flex-col lg:overflow-y-auto">
          <div className="flex items-center justify-between gap-2 px-4 py-3">
            <p className="min-w-0 truncate font-semibold" title={props.name}>
              <bdi>{props.name}</bdi>
            </p>
            <button
              type="button"
              aria-expanded={open}
              aria-controls="rooms"
              onClick={() => setOpen(!open)}
              className="inline-flex min-h-8 items-center gap-2 rounded-control px-2 font-medium hover:bg-sunken lg:hidden coarse:min-h-11"
            >
              <Icon name="menu" />
              {t('shell.menu')}
            </button>
          </div>
          <div id="rooms" className={`flex-1 flex-col gap-6 px-2 pb-4 lg:flex ${open ? 'flex' : 'hidden'}`}>
            <nav aria-label={t('shell.rooms')}>
              <ul className="flex flex-col gap-0.5">
                {props.rooms.map((room) => (
                  <li key={room.to}>
                    <Link
                      to={room.to}
                      aria-current={room.current ? 'page' : undefined}
                      onClick={() => setOpen(false)}
                      className="flex min-h-8 items-center gap-2 rounded-control px-2 hover:bg-sunken aria-[current]:bg-selected aria-[current]:font-medium coarse:min-h-11"
                    >
                      <Icon name={room.icon} className="text-text-2" />
                      {room.label}
                    </Link>
                  </li>
                ))}
              </ul>
            </nav>
            <Account person={props.person} />
          </div>
        </div>
      </header>
      <div className="flex min-w-0 flex-col">
        <div role="status" className="empty:hidden">
          {online ? null : <p className="bg-warn-tint px-4 py-2 text-warn sm:px-8">{t('shell.offline')}</p>}
        </div>
        <div role="status" className="px-4 pt-4 empty:hidden sm:px-8">
          {props.banner}
        </div>
        <main id="content" tabIndex={-1} className="w-full max-w-[1184px] px-4 py-6 outline-none sm:px-8">
          {props.children}
        </main>
      </div>
      {ended ? (
        <Suspense>
          <SignedOutDialog />
        </Suspense>
      ) : null}
    </div>
  );
}

function Account({ person }: { person: string }) {
  const { t } = useTranslation();
  const signOut = useSignOut();
  const go = useGo();
  return (
    <div className="mt-auto flex flex-col gap-3 px-2">
      <ThemeSwitch />
      <p className="text-hint break-all text-text-2">
        <bdi>{person}</bdi>
      </p>
      <Button
        busy={signOut.isPending}
        onClick={() => signOut.mutate(undefined, { onSuccess: () => go(paths.signIn()) })}
        className="self-start"
      >
        <Icon name="exit" />
        {t('shell.sign_out')}
      </Button>
    </div>
  );
}
