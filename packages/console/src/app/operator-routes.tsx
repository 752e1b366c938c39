import { createRoute, notFound, Outlet, redirect } from '@tanstack/react-router';
import { Suspense } from 'react';
import { sessionQuery } from '../api/session.ts';
import { keysSearchValues, parseKeysSearch } from '../features/keys/keys-search.ts';
import { parseCompaniesSearch } from '../features/operator/companies-search.ts';
import { parsePricesSearch } from '../features/prices/prices-search.ts';
import { OPERATOR, PATTERNS, paths } from '../paths.ts';
import {
  ChooseProvider,
  CompaniesPage,
  CompanyPage,
  ConnectDialog,
  HealthPage,
  MasterKeyPage,
  OperatorPricesPage,
  OperatorShell,
  PlanPage,
  PlansPage,
  PoliciesPage,
  RemoveSharedKey,
  ReplaceDialog,
  SharedKeyPage,
  SharedKeysPage,
} from './pages.ts';
import { root } from './root-route.tsx';

const operator = createRoute({
  getParentRoute: () => root,
  path: PATTERNS.operator,
  beforeLoad: async ({ context, location }) => {
    const { user } = await context.queries.ensureQueryData(sessionQuery);
    if (user === null) throw redirect({ to: '/sign-in', search: { to: location.href } });
    if (user.kind !== 'operator') throw notFound();
  },
  component: () => (
    <OperatorShell>
      <Suspense>
        <Outlet />
      </Suspense>
    </OperatorShell>
  ),
});

const operatorHome = createRoute({
  getParentRoute: () => operator,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: paths.operatorCompanies() });
  },
});

const companies = createRoute({
  getParentRoute: () => operator,
  path: '/companies',
  validateSearch: parseCompaniesSearch,
  component: () => <CompaniesPage search={companies.useSearch()} />,
});

const operatorCompany = createRoute({
  getParentRoute: () => operator,
  path: '/companies/$id',
  validateSearch: (raw: Record<string, unknown>): { erase?: 'yes' } => (raw.erase === 'yes' ? { erase: 'yes' } : {}),
  component: () => (
    <CompanyPage
      key={operatorCompany.useParams().id}
      id={operatorCompany.useParams().id}
      erasing={operatorCompany.useSearch().erase === 'yes'}
    />
  ),
});

const sharedKeys = createRoute({
  getParentRoute: () => operator,
  path: '/keys',
  validateSearch: (raw: Record<string, unknown>) => keysSearchValues(parseKeysSearch(raw)),
  component: () => (
    <SharedKeysPage search={parseKeysSearch(sharedKeys.useSearch())}>
      <Suspense>
        <Outlet />
      </Suspense>
    </SharedKeysPage>
  ),
});

const connectShared = createRoute({
  getParentRoute: () => sharedKeys,
  path: '/connect',
  component: () => <ChooseProvider co={OPERATOR} search={parseKeysSearch(connectShared.useSearch())} />,
});

const connectSharedProvider = createRoute({
  getParentRoute: () => sharedKeys,
  path: '/connect/$provider',
  component: () => (
    <ConnectDialog
      co={OPERATOR}
      providerId={connectSharedProvider.useParams().provider}
      search={parseKeysSearch(connectSharedProvider.useSearch())}
    />
  ),
});

const sharedKey = createRoute({
  getParentRoute: () => operator,
  path: '/keys/$key',
  component: () => (
    <SharedKeyPage id={sharedKey.useParams().key}>
      <Suspense>
        <Outlet />
      </Suspense>
    </SharedKeyPage>
  ),
});

const replaceShared = createRoute({
  getParentRoute: () => sharedKey,
  path: '/replace',
  component: () => <ReplaceDialog co={OPERATOR} id={replaceShared.useParams().key} />,
});

const removeShared = createRoute({
  getParentRoute: () => sharedKey,
  path: '/remove',
  component: () => <RemoveSharedKey id={removeShared.useParams().key} />,
});

const plans = createRoute({
  getParentRoute: () => operator,
  path: '/plans',
  component: () => <PlansPage />,
});

const plan = createRoute({
  getParentRoute: () => operator,
  path: '/plans/$plan',
  component: () => <PlanPage key={plan.useParams().plan} id={plan.useParams().plan} />,
});

const policies = createRoute({
  getParentRoute: () => operator,
  path: '/policies',
  component: () => <PoliciesPage />,
});

const operatorPrices = createRoute({
  getParentRoute: () => operator,
  path: '/prices',
  validateSearch: parsePricesSearch,
  component: () => <OperatorPricesPage search={operatorPrices.useSearch()} />,
});

const health = createRoute({
  getParentRoute: () => operator,
  path: '/health',
  validateSearch: (raw: Record<string, unknown>): { view?: 'table' } => (raw.view === 'table' ? { view: 'table' } : {}),
  component: () => <HealthPage view={health.useSearch().view ?? 'chart'} />,
});

const masterKey = createRoute({
  getParentRoute: () => operator,
  path: '/master-key',
  validateSearch: (raw: Record<string, unknown>): { rotate?: 'yes' } => (raw.rotate === 'yes' ? { rotate: 'yes' } : {}),
  component: () => <MasterKeyPage rotating={masterKey.useSearch().rotate === 'yes'} />,
});

/** Rooms of operators: signed in as one, else the sign-in page or "nothing here". */
export const operatorRoutes = operator.addChildren([
  operatorHome,
  companies,
  operatorCompany,
  sharedKeys.addChildren([connectShared, connectSharedProvider]),
  sharedKey.addChildren([replaceShared, removeShared]),
  plans,
  plan,
  policies,
  operatorPrices,
  health,
  masterKey,
]);
