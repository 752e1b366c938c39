import { idParams, jobHeaders, nothing, writeHeaders } from '../api/common.ts';
import * as jobs from '../api/jobs.ts';
import * as keys from '../api/keys.ts';
import * as providers from '../api/providers.ts';
import { OPERATOR, type Route } from './route.ts';

const tested = { 200: keys.keyTested, 202: jobs.jobAccepted };
const connected = { 200: keys.keyTested, 201: keys.keyTested, 202: jobs.jobAccepted };

/** The operator's shared keys. */
export const PLATFORM_KEY_ROUTES = {
  listPlatformKeys: {
    method: 'GET',
    path: '/api/operator/platform-keys',
    tag: 'operator',
    summary: "The product's shared keys",
    access: OPERATOR,
    query: keys.keysQuery,
    answers: { 200: keys.keyList },
  },
  listPlatformProviders: {
    method: 'GET',
    path: '/api/operator/providers',
    tag: 'operator',
    summary: 'Every provider of the catalogue, and whether a shared key answers for it',
    access: OPERATOR,
    answers: { 200: providers.providerList },
  },
  getPlatformSealingKey: {
    method: 'GET',
    path: '/api/operator/sealing-key',
    tag: 'operator',
    summary: 'What a shared key must be sealed with',
    access: OPERATOR,
    answers: { 200: providers.sealingKey },
  },
  connectPlatformKey: {
    method: 'POST',
    path: '/api/operator/platform-keys',
    tag: 'operator',
    summary: 'Test a sealed shared key and store it',
    access: OPERATOR,
    headers: jobHeaders,
    body: keys.keyConnectBody,
    answers: connected,
  },
  getPlatformKey: {
    method: 'GET',
    path: '/api/operator/platform-keys/:id',
    tag: 'operator',
    summary: 'One shared key',
    access: OPERATOR,
    params: idParams,
    answers: { 200: keys.key },
  },
  getPlatformKeyImpact: {
    method: 'GET',
    path: '/api/operator/platform-keys/:id/impact',
    tag: 'operator',
    summary: 'What removing a shared key would do',
    access: OPERATOR,
    params: idParams,
    answers: { 200: keys.platformKeyImpact },
  },
  testPlatformKey: {
    method: 'POST',
    path: '/api/operator/platform-keys/:id/test',
    tag: 'operator',
    summary: 'Test a shared key',
    access: OPERATOR,
    params: idParams,
    headers: jobHeaders,
    answers: tested,
  },
  replacePlatformKey: {
    method: 'PUT',
    path: '/api/operator/platform-keys/:id',
    tag: 'operator',
    summary: 'Replace a shared key once the new one has passed its test',
    access: OPERATOR,
    params: idParams,
    headers: jobHeaders,
    body: keys.keyReplaceBody,
    answers: tested,
  },
  changePlatformKey: {
    method: 'PATCH',
    path: '/api/operator/platform-keys/:id',
    tag: 'operator',
    summary: 'Change a shared key',
    access: OPERATOR,
    params: idParams,
    headers: writeHeaders,
    body: keys.platformKeyPatchBody,
    answers: { 200: keys.key },
  },
  removePlatformKey: {
    method: 'DELETE',
    path: '/api/operator/platform-keys/:id',
    tag: 'operator',
    summary: 'Remove a shared key',
    access: OPERATOR,
    params: idParams,
    headers: writeHeaders,
    answers: { 204: nothing },
  },
  getOperatorJob: {
    method: 'GET',
    path: '/api/operator/jobs/:id',
    tag: 'operator',
    summary: 'A running test of a shared key',
    access: OPERATOR,
    params: idParams,
    answers: { 200: jobs.job },
  },
} as const satisfies Record<string, Route>;
