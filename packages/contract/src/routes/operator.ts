import { idParams, nothing, pageQuery } from '../api/common.ts';
import * as operator from '../api/operator.ts';
import * as tokens from '../api/tokens.ts';
import { OPERATOR, type Route } from './route.ts';

/** Plans, companies, tokens and health for operators. */
export const OPERATOR_ROUTES = {
  listPlans: {
    method: 'GET',
    path: '/api/operator/plans',
    tag: 'operator',
    summary: 'Plans',
    access: OPERATOR,
    query: pageQuery,
    answers: { 200: operator.planList },
  },
  getPlan: {
    method: 'GET',
    path: '/api/operator/plans/:id',
    tag: 'operator',
    summary: 'One plan',
    access: OPERATOR,
    params: operator.planParams,
    answers: { 200: operator.plan },
  },
  putPlan: {
    method: 'PUT',
    path: '/api/operator/plans/:id',
    tag: 'operator',
    summary: 'Create a plan or bring it to this state',
    access: OPERATOR,
    params: operator.planParams,
    body: operator.planBody,
    answers: { 200: operator.plan, 201: operator.plan },
  },
  removePlan: {
    method: 'DELETE',
    path: '/api/operator/plans/:id',
    tag: 'operator',
    summary: 'Remove a plan no company is on',
    access: OPERATOR,
    params: operator.planParams,
    answers: { 204: nothing },
  },
  listCompanies: {
    method: 'GET',
    path: '/api/operator/companies',
    tag: 'operator',
    summary: 'Companies, the newest first',
    access: OPERATOR,
    query: operator.companiesQuery,
    answers: { 200: operator.operatorCompanyList },
  },
  listOperatorTokens: {
    method: 'GET',
    path: '/api/operator/tokens',
    tag: 'operator',
    summary: 'Tokens of the host and of operators',
    access: OPERATOR,
    query: pageQuery,
    answers: { 200: tokens.tokenList },
  },
  createOperatorToken: {
    method: 'POST',
    path: '/api/operator/tokens',
    tag: 'operator',
    summary: 'Create a token of the host or an operator; it is shown once',
    access: OPERATOR,
    body: tokens.tokenBody,
    answers: { 201: tokens.tokenCreated },
  },
  revokeOperatorToken: {
    method: 'DELETE',
    path: '/api/operator/tokens/:id',
    tag: 'operator',
    summary: 'Revoke a token of the host or an operator',
    access: OPERATOR,
    params: idParams,
    answers: { 204: nothing },
  },
  getHealth: {
    method: 'GET',
    path: '/api/operator/health',
    tag: 'operator',
    summary: 'Workers, database, jobs, audit',
    access: OPERATOR,
    answers: { 200: operator.health },
  },
} as const satisfies Record<string, Route>;
