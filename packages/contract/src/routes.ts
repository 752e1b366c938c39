import { ACCESS_ROUTES } from './routes/access.ts';
import { ALERT_ROUTES } from './routes/alerts.ts';
import { COMPANY_ROUTES } from './routes/companies.ts';
import { EMBED_ROUTES } from './routes/embed.ts';
import { INSIGHT_ROUTES } from './routes/insight.ts';
import { INVITATION_ROUTES } from './routes/invitations.ts';
import { KEK_ROUTES } from './routes/kek.ts';
import { KEY_ROUTES } from './routes/keys.ts';
import { MONEY_ROUTES } from './routes/money.ts';
import { NOTICE_ROUTES } from './routes/notices.ts';
import { OPERATION_ROUTES } from './routes/operations.ts';
import { OPERATOR_ROUTES } from './routes/operator.ts';
import { PLATFORM_KEY_ROUTES } from './routes/platform-keys.ts';
import { PRICE_ROUTES } from './routes/prices.ts';
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
  ...KEK_ROUTES,
  ...MONEY_ROUTES,
  ...ALERT_ROUTES,
  ...NOTICE_ROUTES,
  ...INVITATION_ROUTES,
  ...PRICE_ROUTES,
  ...INSIGHT_ROUTES,
  ...EMBED_ROUTES,
  ...OPERATION_ROUTES,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
