import { ACCESS_ROUTES } from './routes/access.ts';
import { COMPANY_ROUTES } from './routes/companies.ts';
import { KEY_ROUTES } from './routes/keys.ts';
import { OPERATOR_ROUTES } from './routes/operator.ts';
import { PLATFORM_KEY_ROUTES } from './routes/platform-keys.ts';
import { PROVIDER_ROUTES } from './routes/providers.ts';
import type { Route } from './routes/route.ts';
import { SIGN_IN_ROUTES } from './routes/sign-in.ts';

/** Every route of `/api`. The server registers from it, its tests generate who × route from it, the description is made of it. */
export const ROUTES = {
  ...SIGN_IN_ROUTES,
  ...COMPANY_ROUTES,
  ...PROVIDER_ROUTES,
  ...KEY_ROUTES,
  ...ACCESS_ROUTES,
  ...PLATFORM_KEY_ROUTES,
  ...OPERATOR_ROUTES,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
