import { idParams, jobHeaders, writeHeaders } from '../api/common.ts';
import * as jobs from '../api/jobs.ts';
import * as keys from '../api/keys.ts';
import * as providers from '../api/providers.ts';
import { company, type Route } from './route.ts';

const tested = { 200: keys.keyTested, 202: jobs.jobAccepted };
const connected = { 200: keys.keyTested, 201: keys.keyTested, 202: jobs.jobAccepted };

/** Keys of a company and of its people. */
export const KEY_ROUTES = {
  getSealingKey: {
    method: 'GET',
    path: '/api/sealing-key',
    tag: 'keys',
    summary: 'What a key must be sealed with',
    access: company('keys:write'),
    answers: { 200: providers.sealingKey },
  },
  listKeys: {
    method: 'GET',
    path: '/api/keys',
    tag: 'keys',
    summary: 'Company keys, and the personal keys of the caller',
    access: company('keys:read'),
    query: keys.keysQuery,
    answers: { 200: keys.keyList },
  },
  connectKey: {
    method: 'POST',
    path: '/api/keys',
    tag: 'keys',
    summary: 'Test a sealed key and store it',
    access: company('keys:write'),
    headers: jobHeaders,
    body: keys.keyConnectBody,
    answers: connected,
  },
  getKey: {
    method: 'GET',
    path: '/api/keys/:id',
    tag: 'keys',
    summary: 'One key',
    access: company('keys:read'),
    params: idParams,
    answers: { 200: keys.key },
  },
  testKey: {
    method: 'POST',
    path: '/api/keys/:id/test',
    tag: 'keys',
    summary: 'Test a stored key',
    access: company('keys:write'),
    params: idParams,
    headers: jobHeaders,
    answers: tested,
  },
  replaceKey: {
    method: 'PUT',
    path: '/api/keys/:id',
    tag: 'keys',
    summary: 'Replace the key by a new one once that has passed its test',
    access: company('keys:write'),
    params: idParams,
    headers: jobHeaders,
    body: keys.keyReplaceBody,
    answers: tested,
  },
  changeKey: {
    method: 'PATCH',
    path: '/api/keys/:id',
    tag: 'keys',
    summary: 'Change label, on or off, order, allowed models',
    access: company('keys:write'),
    params: idParams,
    headers: writeHeaders,
    body: keys.keyPatchBody,
    answers: { 200: keys.key },
  },
  removeKey: {
    method: 'DELETE',
    path: '/api/keys/:id',
    tag: 'keys',
    summary: 'Remove a key and what it was stored in',
    access: company('keys:write'),
    params: idParams,
    headers: writeHeaders,
    answers: { 200: keys.removed },
  },
  getKeyUsage: {
    method: 'GET',
    path: '/api/keys/:id/usage',
    tag: 'keys',
    summary: 'What ran on a key, by UTC day',
    access: company('keys:read'),
    params: idParams,
    query: keys.keyUsageQuery,
    answers: { 200: keys.keyUsage },
  },
  getKeyImpact: {
    method: 'GET',
    path: '/api/keys/:id/impact',
    tag: 'keys',
    summary: 'What removing a key would do',
    access: company('keys:read'),
    params: idParams,
    answers: { 200: keys.keyImpact },
  },
  getJob: {
    method: 'GET',
    path: '/api/jobs/:id',
    tag: 'keys',
    summary: 'A running test: its steps, and in the end its result',
    access: company('keys:read'),
    params: idParams,
    answers: { 200: jobs.job },
  },
} as const satisfies Record<string, Route>;
