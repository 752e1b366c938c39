import * as kek from '../api/kek.ts';
import { OPERATOR, type Route } from './route.ts';

/** The master key: what is known of it without seeing it, and the order to replace it. */
export const KEK_ROUTES = {
  getKek: {
    method: 'GET',
    path: '/api/operator/kek',
    tag: 'operator',
    summary: 'Master keys: what is stored under each, which worker holds it, a rotation, the end of the epoch',
    access: OPERATOR,
    answers: { 200: kek.kek },
  },
  createKekRotation: {
    method: 'POST',
    path: '/api/operator/kek/rotations',
    tag: 'operator',
    summary: 'Order a rotation of the master key; the command that holds the data folder runs it',
    access: OPERATOR,
    answers: { 202: kek.kekRotation },
  },
} as const satisfies Record<string, Route>;
