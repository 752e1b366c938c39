import { sessionsEnded } from '../api/auth.ts';
import { nothing } from '../api/common.ts';
import * as companies from '../api/companies.ts';
import { HOST, type Route } from './route.ts';

/** What the host does: companies, their users and plans. */
export const COMPANY_ROUTES = {
  putCompany: {
    method: 'PUT',
    path: '/api/companies/:company',
    tag: 'companies',
    summary: 'Create a company or bring it to this state',
    access: HOST,
    params: companies.companyParams,
    body: companies.companyBody,
    answers: { 200: companies.company, 201: companies.company },
  },
  getCompany: {
    method: 'GET',
    path: '/api/companies/:company',
    tag: 'companies',
    summary: 'One company',
    access: HOST,
    params: companies.companyParams,
    answers: { 200: companies.company },
  },
  deleteCompany: {
    method: 'DELETE',
    path: '/api/companies/:company',
    tag: 'companies',
    summary: 'Erase a company and everything of it',
    access: HOST,
    params: companies.companyParams,
    answers: { 204: nothing },
  },
  putCompanyPlan: {
    method: 'PUT',
    path: '/api/companies/:company/plan',
    tag: 'companies',
    summary: 'Move a company to a plan',
    access: HOST,
    params: companies.companyParams,
    body: companies.companyPlanBody,
    answers: { 200: companies.company },
  },
  putUser: {
    method: 'PUT',
    path: '/api/companies/:company/users/:user',
    tag: 'companies',
    summary: 'Create a user or bring it to this state',
    access: HOST,
    params: companies.userParams,
    body: companies.userBody,
    answers: { 200: companies.user, 201: companies.user },
  },
  getUser: {
    method: 'GET',
    path: '/api/companies/:company/users/:user',
    tag: 'companies',
    summary: 'One user',
    access: HOST,
    params: companies.userParams,
    answers: { 200: companies.user },
  },
  deleteUser: {
    method: 'DELETE',
    path: '/api/companies/:company/users/:user',
    tag: 'companies',
    summary: 'Remove a user with their personal keys and tokens',
    access: HOST,
    params: companies.userParams,
    answers: { 204: nothing },
  },
  endUserSessions: {
    method: 'DELETE',
    path: '/api/companies/:company/users/:user/sessions',
    tag: 'companies',
    summary: 'End every console session of a user',
    access: HOST,
    params: companies.userParams,
    answers: { 200: sessionsEnded },
  },
} as const satisfies Record<string, Route>;
