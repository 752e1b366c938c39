import { nothing, pageQuery, writeHeaders } from '../api/common.ts';
import * as providers from '../api/providers.ts';
import { admins, company, type Route } from './route.ts';

/** Providers, whose key pays, models. */
export const PROVIDER_ROUTES = {
  listProviders: {
    method: 'GET',
    path: '/api/providers',
    tag: 'providers',
    summary: 'Every provider and custom endpoint, and how things stand with it here',
    access: company('keys:read'),
    answers: { 200: providers.providerList },
  },
  putSource: {
    method: 'PUT',
    path: '/api/providers/:provider/source',
    tag: 'providers',
    summary: 'Whose key pays for a provider; own keys stay stored',
    access: admins('keys:write'),
    params: providers.sourceParams,
    headers: writeHeaders,
    body: providers.sourceBody,
    answers: { 200: providers.source },
  },
  listSources: {
    method: 'GET',
    path: '/api/providers/:provider/sources',
    tag: 'providers',
    summary: "The company's choice for a provider, then those for single accounts and operations",
    access: company('keys:read'),
    params: providers.sourceParams,
    query: pageQuery,
    answers: { 200: providers.sourceList },
  },
  removeSource: {
    method: 'DELETE',
    path: '/api/providers/:provider/source',
    tag: 'providers',
    summary: 'Take back the choice for an account or operation',
    access: admins('keys:write'),
    params: providers.sourceParams,
    query: providers.sourceQuery,
    headers: writeHeaders,
    answers: { 204: nothing },
  },
  listModels: {
    method: 'GET',
    path: '/api/models',
    tag: 'models',
    summary: 'Models that can be used now, and on whose account',
    access: company('keys:read'),
    query: providers.modelsQuery,
    answers: { 200: providers.modelList },
  },
} as const satisfies Record<string, Route>;
