import { idParams, nothing } from '../api/common.ts';
import * as notices from '../api/notices.ts';
import { company, type Route } from './route.ts';

/** What people have to know about their keys. */
export const NOTICE_ROUTES = {
  listNotices: {
    method: 'GET',
    path: '/api/notices',
    tag: 'notices',
    summary: 'Keys that fail and fallbacks to the shared key: the open ones first, then the newest',
    access: company('usage:read'),
    query: notices.noticesQuery,
    answers: { 200: notices.noticeList },
  },
  dismissNotice: {
    method: 'POST',
    path: '/api/notices/:id/dismiss',
    tag: 'notices',
    summary: 'Do not show it to this person until its facts change',
    access: company('usage:read'),
    params: idParams,
    answers: { 204: nothing },
  },
} as const satisfies Record<string, Route>;
