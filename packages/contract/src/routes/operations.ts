import { writeHeaders } from '../api/common.ts';
import * as operations from '../api/operations.ts';
import { admins, company, type Route } from './route.ts';

/** Which model the product's operations use. */
export const OPERATION_ROUTES = {
  listOperations: {
    method: 'GET',
    path: '/api/operations',
    tag: 'models',
    summary: 'The operations that were called, or have a model of their own',
    access: company('keys:read'),
    answers: { 200: operations.operationList },
  },
  putOperationModel: {
    method: 'PUT',
    path: '/api/operations/:name/model',
    tag: 'models',
    summary: 'The model of calls of this operation that name `auto`',
    access: admins('keys:write'),
    params: operations.operationParams,
    headers: writeHeaders,
    body: operations.operationModelBody,
    answers: { 200: operations.operation },
  },
} as const satisfies Record<string, Route>;
