import { writeHeaders } from '../api/common.ts';
import * as money from '../api/money.ts';
import { JSON_DEPTH_MAX } from '../json-scan.ts';
import { company, OPERATOR, type Route } from './route.ts';

/** Caps, spend, estimates, and the host's policies on them. */
export const MONEY_ROUTES = {
  getCaps: {
    method: 'GET',
    path: '/api/caps',
    tag: 'money',
    summary: 'Caps on AI spend; members see those that apply to them',
    access: company('usage:read', 'inference'),
    answers: { 200: money.caps },
  },
  putCaps: {
    method: 'PUT',
    path: '/api/caps',
    tag: 'money',
    summary: 'Change caps; members not named stay, null clears. Members may lower their own',
    access: company('caps:write'),
    headers: writeHeaders,
    body: money.capsBody,
    answers: { 200: money.caps },
  },
  previewCaps: {
    method: 'POST',
    path: '/api/caps/preview',
    tag: 'money',
    summary: 'What saving these caps would do',
    access: company('caps:write'),
    body: money.capsBody,
    answers: { 200: money.capsPreview },
  },
  getSpend: {
    method: 'GET',
    path: '/api/spend',
    tag: 'money',
    summary: 'Spend of today and this month, beside the caps in force',
    access: company('usage:read', 'inference'),
    answers: { 200: money.spend },
  },
  estimate: {
    method: 'POST',
    path: '/api/estimate',
    tag: 'money',
    summary: 'What a call could cost, and whether it would be blocked',
    access: company('usage:read', 'inference'),
    query: money.estimateQuery,
    headers: money.estimateHeaders,
    body: money.estimateBody,
    // Bodies as the gateway takes them, and one level around.
    bodyMax: { bytes: 1_048_576, levels: JSON_DEPTH_MAX + 1 },
    answers: { 200: money.estimate },
  },
  getPolicies: {
    method: 'GET',
    path: '/api/operator/policies',
    tag: 'operator',
    summary: 'What the host fixes about caps for every company',
    access: OPERATOR,
    answers: { 200: money.policies },
  },
  putPolicies: {
    method: 'PUT',
    path: '/api/operator/policies',
    tag: 'operator',
    summary: 'Change the policies; members not named stay',
    access: OPERATOR,
    body: money.policiesBody,
    answers: { 200: money.policies },
  },
} as const satisfies Record<string, Route>;
