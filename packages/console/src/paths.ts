/** Every address of the console. Ids, never names; nothing secret. Search values equal to their default are left out. */

export type SearchValues = Readonly<Record<string, string | undefined>>;

const at = (path: string, search: SearchValues = {}): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) if (value !== undefined && value !== '') query.set(name, value);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
};
const id = encodeURIComponent;

/** In place of a company's id: the operator, whose keys are the shared ones. No id looks like it. */
export const OPERATOR = 'operator';
const keysOf = (co: string): string => (co === OPERATOR ? '/operator/keys' : `/c/${id(co)}/keys`);

export const paths = {
  home: () => '/',
  signIn: (to?: string) => at('/sign-in', { to }),
  setUp: () => '/set-up',
  reset: () => '/reset',
  invitation: () => '/invitation',
  company: (co: string) => `/c/${id(co)}`,
  keys: (co: string, search?: SearchValues) => at(keysOf(co), search),
  connect: (co: string, search?: SearchValues) => at(`${keysOf(co)}/connect`, search),
  connectProvider: (co: string, provider: string, search?: SearchValues) =>
    at(`${keysOf(co)}/connect/${id(provider)}`, search),
  key: (co: string, key: string) => `${keysOf(co)}/${id(key)}`,
  replaceKey: (co: string, key: string) => `${keysOf(co)}/${id(key)}/replace`,
  removeKey: (co: string, key: string) => `${keysOf(co)}/${id(key)}/remove`,
  models: (co: string, search?: SearchValues) => at(`/c/${id(co)}/models`, search),
  spend: (co: string, search?: SearchValues) => at(`/c/${id(co)}/spend`, search),
  spendCaps: (co: string) => `/c/${id(co)}/spend/caps`,
  spendPrices: (co: string, search?: SearchValues) => at(`/c/${id(co)}/spend/prices`, search),
  spendAlerts: (co: string, search?: SearchValues) => at(`/c/${id(co)}/spend/alerts`, search),
  analytics: (co: string, search?: SearchValues) => at(`/c/${id(co)}/analytics`, search),
  audit: (co: string, search?: SearchValues) => at(`/c/${id(co)}/audit`, search),
  auditEntry: (co: string, entry: string, search?: SearchValues) => at(`/c/${id(co)}/audit/${id(entry)}`, search),
  notices: (co: string) => `/c/${id(co)}/notices`,
  tokens: (co: string) => `/c/${id(co)}/tokens`,
  newToken: (co: string) => `/c/${id(co)}/tokens/new`,
  members: (co: string, search?: SearchValues) => at(`/c/${id(co)}/settings/members`, search),
  operator: () => '/operator',
  operatorCompanies: (search?: SearchValues) => at('/operator/companies', search),
  operatorCompany: (company: string, search?: SearchValues) => at(`/operator/companies/${id(company)}`, search),
  operatorKeys: () => keysOf(OPERATOR),
  operatorPlans: () => '/operator/plans',
  operatorPlan: (plan: string) => `/operator/plans/${id(plan)}`,
  operatorPolicies: () => '/operator/policies',
  operatorPrices: (search?: SearchValues) => at('/operator/prices', search),
  operatorHealth: (search?: SearchValues) => at('/operator/health', search),
  operatorMasterKey: (search?: SearchValues) => at('/operator/master-key', search),
} as const;

/** The same addresses as patterns of the router. The test holds both together. */
export const PATTERNS = {
  home: '/',
  signIn: '/sign-in',
  setUp: '/set-up',
  reset: '/reset',
  invitation: '/invitation',
  company: '/c/$co',
  keys: '/c/$co/keys',
  connect: '/c/$co/keys/connect',
  connectProvider: '/c/$co/keys/connect/$provider',
  key: '/c/$co/keys/$key',
  replaceKey: '/c/$co/keys/$key/replace',
  removeKey: '/c/$co/keys/$key/remove',
  models: '/c/$co/models',
  spend: '/c/$co/spend',
  spendCaps: '/c/$co/spend/caps',
  spendPrices: '/c/$co/spend/prices',
  spendAlerts: '/c/$co/spend/alerts',
  analytics: '/c/$co/analytics',
  audit: '/c/$co/audit',
  auditEntry: '/c/$co/audit/$entry',
  notices: '/c/$co/notices',
  tokens: '/c/$co/tokens',
  newToken: '/c/$co/tokens/new',
  members: '/c/$co/settings/members',
  operator: '/operator',
  operatorCompanies: '/operator/companies',
  operatorCompany: '/operator/companies/$id',
  operatorKeys: '/operator/keys',
  operatorPlans: '/operator/plans',
  operatorPlan: '/operator/plans/$plan',
  operatorPolicies: '/operator/policies',
  operatorPrices: '/operator/prices',
  operatorHealth: '/operator/health',
  operatorMasterKey: '/operator/master-key',
} as const satisfies Record<keyof typeof paths, string>;
