import { idParams, nothing } from '../api/common.ts';
import * as embed from '../api/embed.ts';
import { HOST, type Route } from './route.ts';

/** Sessions of the embed, made by the host's backend. */
export const EMBED_ROUTES = {
  createEmbedSession: {
    method: 'POST',
    path: '/api/embed-sessions',
    tag: 'embed',
    summary: "A short-lived session of one user for the settings in the host's own pages",
    access: HOST,
    body: embed.embedSessionBody,
    answers: { 201: embed.embedSession },
  },
  endEmbedSession: {
    method: 'DELETE',
    path: '/api/embed-sessions/:id',
    tag: 'embed',
    summary: 'End a session of the embed at once',
    access: HOST,
    params: idParams,
    answers: { 204: nothing },
  },
} as const satisfies Record<string, Route>;
