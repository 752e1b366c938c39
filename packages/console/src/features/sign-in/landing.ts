import type { SessionUser } from '@ownkey/contract/api/auth';
import { paths } from '../../paths.ts';

/** Where somebody goes after signing in: where the link pointed, if that is an address of this console; else the first room. */
export function landingOf(user: SessionUser, to: string | undefined): string {
  const own = user.company === null ? paths.operator() : paths.company(user.company.id);
  if (to !== undefined && (to === own || to.startsWith(`${own}/`))) return to;
  return user.company === null ? paths.operatorCompanies() : paths.keys(user.company.id);
}
