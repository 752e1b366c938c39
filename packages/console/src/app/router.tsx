import type { QueryClient } from '@tanstack/react-query';
import { createRoute, createRouter, notFound, Outlet, redirect } from '@tanstack/react-router';
import { Suspense } from 'react';
import { sessionQuery } from '../api/session.ts';
import { parseAnalyticsSearch } from '../features/analytics/analytics-search.ts';
import { parseAuditSearch } from '../features/audit/audit-search.ts';
import { KeysPage } from '../features/keys/KeysPage.tsx';
import { keysSearchValues, parseKeysSearch } from '../features/keys/keys-search.ts';
import { parseModelsSearch } from '../features/models/models-search.ts';
import { parsePricesSearch } from '../features/prices/prices-search.ts';
import { CompanyShell } from '../features/shell/CompanyShell.tsx';
import { CrashPage } from '../features/shell/CrashPage.tsx';
import { NotFoundPage } from '../features/shell/NotFoundPage.tsx';
import { landingOf } from '../features/sign-in/landing.ts';
import { PATTERNS, paths } from '../paths.ts';
import { parseSearchText, searchText } from '../routing/search-text.ts';
import { operatorRoutes } from './operator-routes.tsx';
import {
  AnalyticsPage,
  AuditPage,
  ChooseProvider,
  ConnectDialog,
  CreateToken,
  EntrySheet,
  InvitationPage,
  KeyPage,
  MembersPage,
  ModelsPage,
  NoticesPage,
  RemoveDialog,
  ReplaceDialog,
  ResetPage,
  SetUpPage,
  SignInPage,
  SpendRoom,
  TokensPage,
} from './pages.ts';
import { root, textOf } from './root-route.tsx';

const home = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.home,
  beforeLoad: async ({ context }) => {
    const { user } = await context.queries.ensureQueryData(sessionQuery);
    throw redirect({ to: user === null ? paths.signIn() : landingOf(user, undefined) });
  },
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.signIn,
  validateSearch: (raw: Record<string, unknown>): { to?: string } => {
    const to = textOf(raw.to);
    return to === undefined ? {} : { to };
  },
  component: () => <SignInPage to={signIn.useSearch().to} />,
});

const setUp = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.setUp,
  // `ownkey init` puts the code in the fragment, which reaches no server, log or Referer.
  component: () => <SetUpPage code={parseSearchText(window.location.hash.slice(1)).code} />,
});

const reset = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.reset,
  // As with set-up: mails put the code in the fragment.
  component: () => <ResetPage code={parseSearchText(window.location.hash.slice(1)).code} />,
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.invitation,
  component: () => <InvitationPage code={parseSearchText(window.location.hash.slice(1)).code} />,
});

/** Rooms of a company: signed in and of this company, else the sign-in page or "nothing here". */
const company = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.company,
  beforeLoad: async ({ context, params, location }) => {
    const { user } = await context.queries.ensureQueryData(sessionQuery);
    if (user === null) throw redirect({ to: '/sign-in', search: { to: location.href } });
    if (user.company?.id !== params.co) throw notFound();
  },
});

const companyHome = createRoute({
  getParentRoute: () => company,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: paths.keys(params.co) });
  },
});

const keys = createRoute({
  getParentRoute: () => company,
  path: '/keys',
  // Without defaults: the router writes into the address whatever this returns.
  validateSearch: (raw: Record<string, unknown>) => keysSearchValues(parseKeysSearch(raw)),
  component: () => (
    <CompanyShell co={keys.useParams().co} room="keys">
      <KeysPage co={keys.useParams().co} search={parseKeysSearch(keys.useSearch())}>
        <Suspense>
          <Outlet />
        </Suspense>
      </KeysPage>
    </CompanyShell>
  ),
});

const connect = createRoute({
  getParentRoute: () => keys,
  path: '/connect',
  component: () => <ChooseProvider co={connect.useParams().co} search={parseKeysSearch(connect.useSearch())} />,
});

const connectProvider = createRoute({
  getParentRoute: () => keys,
  path: '/connect/$provider',
  component: () => (
    <ConnectDialog
      co={connectProvider.useParams().co}
      providerId={connectProvider.useParams().provider}
      search={parseKeysSearch(connectProvider.useSearch())}
    />
  ),
});

const key = createRoute({
  getParentRoute: () => company,
  path: '/keys/$key',
  component: () => (
    <CompanyShell co={key.useParams().co} room="keys">
      <Suspense>
        <KeyPage co={key.useParams().co} id={key.useParams().key}>
          <Suspense>
            <Outlet />
          </Suspense>
        </KeyPage>
      </Suspense>
    </CompanyShell>
  ),
});

const replace = createRoute({
  getParentRoute: () => key,
  path: '/replace',
  component: () => <ReplaceDialog co={replace.useParams().co} id={replace.useParams().key} />,
});

const remove = createRoute({
  getParentRoute: () => key,
  path: '/remove',
  component: () => <RemoveDialog co={remove.useParams().co} id={remove.useParams().key} />,
});

const models = createRoute({
  getParentRoute: () => company,
  path: '/models',
  validateSearch: parseModelsSearch,
  component: () => (
    <CompanyShell co={models.useParams().co} room="models">
      <Suspense>
        <ModelsPage co={models.useParams().co} search={models.useSearch()} />
      </Suspense>
    </CompanyShell>
  ),
});

/** The room Spend: one route, so that it stays as it is while its parts change. */
const spend = createRoute({
  getParentRoute: () => company,
  path: '/spend',
  component: () => (
    <CompanyShell co={spend.useParams().co} room="spend">
      <Suspense>
        <Outlet />
      </Suspense>
    </CompanyShell>
  ),
});

const spendOverview = createRoute({
  getParentRoute: () => spend,
  path: '/',
  validateSearch: (raw: Record<string, unknown>): { whose?: 'me' } => (raw.whose === 'me' ? { whose: 'me' } : {}),
  component: () => (
    <SpendRoom co={spendOverview.useParams().co} tab="overview" whose={spendOverview.useSearch().whose ?? 'company'} />
  ),
});

const spendCaps = createRoute({
  getParentRoute: () => spend,
  path: '/caps',
  component: () => <SpendRoom co={spendCaps.useParams().co} tab="caps" />,
});

const spendPrices = createRoute({
  getParentRoute: () => spend,
  path: '/prices',
  validateSearch: parsePricesSearch,
  component: () => <SpendRoom co={spendPrices.useParams().co} tab="prices" prices={spendPrices.useSearch()} />,
});

const spendAlerts = createRoute({
  getParentRoute: () => spend,
  path: '/alerts',
  validateSearch: (raw: Record<string, unknown>): { add?: 'webhook' } =>
    raw.add === 'webhook' ? { add: 'webhook' } : {},
  component: () => (
    <SpendRoom co={spendAlerts.useParams().co} tab="alerts" addingWebhook={spendAlerts.useSearch().add === 'webhook'} />
  ),
});

const analytics = createRoute({
  getParentRoute: () => company,
  path: '/analytics',
  validateSearch: parseAnalyticsSearch,
  component: () => (
    <CompanyShell co={analytics.useParams().co} room="analytics">
      <Suspense>
        <AnalyticsPage co={analytics.useParams().co} search={analytics.useSearch()} />
      </Suspense>
    </CompanyShell>
  ),
});

const audit = createRoute({
  getParentRoute: () => company,
  path: '/audit',
  validateSearch: parseAuditSearch,
  component: () => (
    <CompanyShell co={audit.useParams().co} room="audit">
      <Suspense>
        <AuditPage co={audit.useParams().co} search={audit.useSearch()}>
          <Suspense>
            <Outlet />
          </Suspense>
        </AuditPage>
      </Suspense>
    </CompanyShell>
  ),
});

const auditEntry = createRoute({
  getParentRoute: () => audit,
  path: '/$entry',
  component: () => (
    <EntrySheet co={auditEntry.useParams().co} id={auditEntry.useParams().entry} search={auditEntry.useSearch()} />
  ),
});

const tokens = createRoute({
  getParentRoute: () => company,
  path: '/tokens',
  component: () => (
    <CompanyShell co={tokens.useParams().co} room="tokens">
      <Suspense>
        <TokensPage co={tokens.useParams().co}>
          <Suspense>
            <Outlet />
          </Suspense>
        </TokensPage>
      </Suspense>
    </CompanyShell>
  ),
});

const newToken = createRoute({
  getParentRoute: () => tokens,
  path: '/new',
  component: () => <CreateToken co={newToken.useParams().co} />,
});

const members = createRoute({
  getParentRoute: () => company,
  path: '/settings/members',
  validateSearch: (raw: Record<string, unknown>): { invite?: 'yes' } => (raw.invite === 'yes' ? { invite: 'yes' } : {}),
  component: () => (
    <CompanyShell co={members.useParams().co} room="members">
      <Suspense>
        <MembersPage co={members.useParams().co} inviting={members.useSearch().invite === 'yes'} />
      </Suspense>
    </CompanyShell>
  ),
});

const notices = createRoute({
  getParentRoute: () => company,
  path: '/notices',
  component: () => (
    <CompanyShell co={notices.useParams().co} room="notices">
      <Suspense>
        <NoticesPage co={notices.useParams().co} />
      </Suspense>
    </CompanyShell>
  ),
});

const tree = root.addChildren([
  home,
  signIn,
  setUp,
  reset,
  invitation,
  company.addChildren([
    companyHome,
    keys.addChildren([connect, connectProvider]),
    key.addChildren([replace, remove]),
    models,
    spend.addChildren([spendOverview, spendCaps, spendPrices, spendAlerts]),
    analytics,
    audit.addChildren([auditEntry]),
    notices,
    tokens.addChildren([newToken]),
    members,
  ]),
  operatorRoutes,
]);

/** `nameHost` is told once how the installation calls the product it is part of; null: it does not say. */
export function createConsoleRouter(queries: QueryClient, nameHost: (name: string | null) => void) {
  return createRouter({
    routeTree: tree,
    context: { queries, nameHost },
    parseSearch: parseSearchText,
    stringifySearch: searchText,
    defaultNotFoundComponent: NotFoundPage,
    defaultErrorComponent: CrashPage,
    notFoundMode: 'root',
    scrollRestoration: true,
  });
}
