import * as usage from '../api/usage.ts';
import { company, type Route } from './route.ts';

/** What AI did, and its exports. */
export const INSIGHT_ROUTES = {
  getUsage: {
    method: 'GET',
    path: '/api/usage',
    tag: 'insight',
    summary: 'Calls, tokens and cost by day, provider, operation, model and person; members see their own',
    access: company('usage:read'),
    query: usage.usageQuery,
    answers: { 200: usage.usage },
  },
  exportUsageCsv: {
    method: 'GET',
    path: '/api/usage.csv',
    tag: 'insight',
    summary: 'The same as CSV, one line for each day, provider, model, operation, person and payer',
    access: company('usage:read'),
    query: usage.usageQuery,
    answers: { 200: usage.usageCsv },
  },
  exportUsageJson: {
    method: 'GET',
    path: '/api/usage.json',
    tag: 'insight',
    summary: 'The lines of the CSV as JSON',
    access: company('usage:read'),
    query: usage.usageQuery,
    answers: { 200: usage.usageExport },
  },
} as const satisfies Record<string, Route>;
