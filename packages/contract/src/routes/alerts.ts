import * as alerts from '../api/alerts.ts';
import { idParams, nothing, pageQuery } from '../api/common.ts';
import { admins, company, type Route } from './route.ts';

/** Alerts of caps, and the webhooks they are told to. */
export const ALERT_ROUTES = {
  listAlerts: {
    method: 'GET',
    path: '/api/alerts',
    tag: 'money',
    summary: 'Thresholds of caps that were passed, the newest first, with what was sent about them',
    access: company('usage:read'),
    query: pageQuery,
    answers: { 200: alerts.alertList },
  },
  listWebhooks: {
    method: 'GET',
    path: '/api/webhooks',
    tag: 'webhooks',
    summary: 'Webhooks of the company',
    access: admins('company:admin'),
    query: pageQuery,
    answers: { 200: alerts.webhookList },
  },
  createWebhook: {
    method: 'POST',
    path: '/api/webhooks',
    tag: 'webhooks',
    summary: 'Add a webhook; its secret is shown once, in this answer',
    access: admins('company:admin'),
    body: alerts.webhookBody,
    answers: { 201: alerts.webhookCreated },
  },
  changeWebhook: {
    method: 'PATCH',
    path: '/api/webhooks/:id',
    tag: 'webhooks',
    summary: 'Change address, events, or turn it off',
    access: admins('company:admin'),
    params: idParams,
    body: alerts.webhookChange,
    answers: { 200: alerts.webhook },
  },
  removeWebhook: {
    method: 'DELETE',
    path: '/api/webhooks/:id',
    tag: 'webhooks',
    summary: 'Remove a webhook; what is queued for it is not sent any more',
    access: admins('company:admin'),
    params: idParams,
    answers: { 204: nothing },
  },
  testWebhook: {
    method: 'POST',
    path: '/api/webhooks/:id/test',
    tag: 'webhooks',
    summary: 'Send `webhook.test`; at most one in 5 s, more give the same delivery',
    access: admins('company:admin'),
    params: idParams,
    answers: { 202: alerts.delivery },
  },
  listDeliveries: {
    method: 'GET',
    path: '/api/webhooks/:id/deliveries',
    tag: 'webhooks',
    summary: 'Deliveries of the last 30 days, the newest first',
    access: admins('company:admin'),
    params: idParams,
    query: pageQuery,
    answers: { 200: alerts.deliveryList },
  },
} as const satisfies Record<string, Route>;
