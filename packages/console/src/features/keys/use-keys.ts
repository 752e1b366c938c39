import { useQuery } from '@tanstack/react-query';
import { keyQuery, keysQuery, providersQuery } from '../../api/keys.ts';
import { useUser } from '../../api/session.ts';
import { sharedKeyQuery, sharedKeysQuery, sharedProvidersQuery } from '../../api/shared-keys.ts';

/** Whether these are the operator's keys, which all companies share. */
export function useIsShared(): boolean {
  return useUser().kind === 'operator';
}

/** The providers and keys of whoever is signed in: of the company, or the shared ones. */
export function useProviders() {
  const isShared = useIsShared();
  const ofCompany = useQuery({ ...providersQuery, enabled: !isShared });
  const shared = useQuery({ ...sharedProvidersQuery, enabled: isShared });
  return isShared ? shared : ofCompany;
}

export function useKeys() {
  const isShared = useIsShared();
  const ofCompany = useQuery({ ...keysQuery, enabled: !isShared });
  const shared = useQuery({ ...sharedKeysQuery, enabled: isShared });
  return isShared ? shared : ofCompany;
}

export function useKey(id: string) {
  const isShared = useIsShared();
  const ofCompany = useQuery({ ...keyQuery(id), enabled: !isShared });
  const shared = useQuery({ ...sharedKeyQuery(id), enabled: isShared });
  return isShared ? shared : ofCompany;
}
