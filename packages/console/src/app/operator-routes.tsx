import { createRoute, notFound, Outlet, redirect } from '@tanstack/react-router';
import { Suspense } from 'react';
import { sessionQuery } from '../api/session.ts';
import { parsePricesSearch } from '../features/prices/prices-search.ts';
import { PATTERNS, paths } from '../paths.ts';
import { CompaniesPage, OperatorPricesPage, OperatorShell, PlanPage, PlansPage, PoliciesPage } from './pages.ts';
import { root, textOf } from './root-route.tsx';

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
  validateSearch: (raw: Record<string, unknown>): { q?: string } => {
    const q = textOf(raw.q)?.slice(0, 200);
    return q === undefined ? {} : { q };
  },
  component: () => <CompaniesPage q={companies.useSearch().q} />,
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

/** Rooms of operators: signed in as one, else the sign-in page or "nothing here". */
export const operatorRoutes = operator.addChildren([operatorHome, companies, plans, plan, policies, operatorPrices]);
