import type { operatorCompanyList } from '@ownkey/contract/api/operator';
import { queryOptions } from '@tanstack/react-query';
import { api } from './browser-client.ts';

type CompanyList = (typeof operatorCompanyList)['_output'];

export const companiesQuery = (q: string | undefined) =>
  queryOptions({
    queryKey: ['operator', 'companies', q ?? ''],
    queryFn: async ({ signal }) =>
      (await api.call<CompanyList>('GET', '/api/operator/companies', { signal, query: { q, limit: 200 } })).data,
  });
