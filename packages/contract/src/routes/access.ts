import * as audit from '../api/audit.ts';
import { idParams, nothing, pageQuery, writeHeaders } from '../api/common.ts';
import * as settings from '../api/settings.ts';
import * as tokens from '../api/tokens.ts';
import { admins, company, type Route } from './route.ts';

/** Audit, tokens, members, settings. */
export const ACCESS_ROUTES = {
  listAudit: {
    method: 'GET',
    path: '/api/audit',
    tag: 'audit',
    summary: 'AI calls and events, the newest first; members see their own',
    access: company('audit:read'),
    query: audit.auditQuery,
    answers: { 200: audit.auditList },
  },
  getAuditEntry: {
    method: 'GET',
    path: '/api/audit/:request_id',
    tag: 'audit',
    summary: 'One call by its request id, or one event by its id',
    access: company('audit:read'),
    params: audit.auditParams,
    answers: { 200: audit.auditEntry },
  },
  verifyAudit: {
    method: 'POST',
    path: '/api/audit/verify',
    tag: 'audit',
    summary: 'Check the chain of entries',
    access: admins('audit:read'),
    answers: { 200: audit.auditVerified },
  },
  listTokens: {
    method: 'GET',
    path: '/api/tokens',
    tag: 'access',
    summary: 'Tokens; members see their own',
    access: company('keys:read'),
    query: pageQuery,
    answers: { 200: tokens.tokenList },
  },
  createToken: {
    method: 'POST',
    path: '/api/tokens',
    tag: 'access',
    summary: 'Create a token; it is shown once, in this answer',
    access: company('keys:write'),
    body: tokens.tokenBody,
    answers: { 201: tokens.tokenCreated },
  },
  revokeToken: {
    method: 'DELETE',
    path: '/api/tokens/:id',
    tag: 'access',
    summary: 'Revoke a token',
    access: company('keys:write'),
    params: idParams,
    answers: { 204: nothing },
  },
  listMembers: {
    method: 'GET',
    path: '/api/members',
    tag: 'access',
    summary: 'People of the company; members see its admins and themselves',
    access: company('keys:read'),
    query: pageQuery,
    answers: { 200: settings.memberList },
  },
  getSettings: {
    method: 'GET',
    path: '/api/settings',
    tag: 'settings',
    summary: 'Settings of the company',
    access: company('keys:read'),
    answers: { 200: settings.settings },
  },
  putSettings: {
    method: 'PUT',
    path: '/api/settings',
    tag: 'settings',
    summary: 'Change settings; members not named stay',
    access: admins('company:admin'),
    headers: writeHeaders,
    body: settings.settingsBody,
    answers: { 200: settings.settings },
  },
} as const satisfies Record<string, Route>;
