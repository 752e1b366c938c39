import { sessionAnswer } from '../api/auth.ts';
import { idParams, nothing, pageQuery } from '../api/common.ts';
import * as invitations from '../api/invitations.ts';
import { admins, PUBLIC, type Route } from './route.ts';

/** Asking people to join a company, and joining. */
export const INVITATION_ROUTES = {
  listInvitations: {
    method: 'GET',
    path: '/api/invitations',
    tag: 'access',
    summary: 'People invited who have not joined yet',
    access: admins('company:admin'),
    query: pageQuery,
    answers: { 200: invitations.invitationList },
  },
  createInvitation: {
    method: 'POST',
    path: '/api/invitations',
    tag: 'access',
    summary: 'Invite somebody by mail; the link works once, for 7 days',
    access: admins('company:admin'),
    body: invitations.invitationBody,
    answers: { 201: invitations.invitation },
  },
  removeInvitation: {
    method: 'DELETE',
    path: '/api/invitations/:id',
    tag: 'access',
    summary: 'Withdraw an invitation; its link ends',
    access: admins('company:admin'),
    params: idParams,
    answers: { 204: nothing },
  },
  acceptInvitation: {
    method: 'POST',
    path: '/api/auth/accept-invitation',
    tag: 'auth',
    summary: 'Join with the code of an invitation; signs in',
    access: PUBLIC,
    body: invitations.acceptBody,
    answers: { 201: sessionAnswer },
  },
} as const satisfies Record<string, Route>;
