import * as prices from '../api/prices.ts';
import { admins, company, OPERATOR, type Route } from './route.ts';

/** What models cost: the prices in force, and what a company or the operator sets instead. */
export const PRICE_ROUTES = {
  listPrices: {
    method: 'GET',
    path: '/api/prices',
    tag: 'money',
    summary: 'Prices of models, and models used without one',
    access: company('usage:read'),
    query: prices.pricesQuery,
    answers: { 200: prices.priceList },
  },
  putPrice: {
    method: 'PUT',
    path: '/api/prices',
    tag: 'money',
    summary: "Set the company's own price of a model, or remove it",
    access: admins('caps:write'),
    body: prices.priceBody,
    answers: { 200: prices.listedPrice },
  },
  listOperatorPrices: {
    method: 'GET',
    path: '/api/operator/prices',
    tag: 'operator',
    summary: 'Prices of every company that sets none of its own, and models used without one',
    access: OPERATOR,
    query: prices.pricesQuery,
    answers: { 200: prices.priceList },
  },
  putOperatorPrice: {
    method: 'PUT',
    path: '/api/operator/prices',
    tag: 'operator',
    summary: 'Set the price of a model for every company that sets none of its own, or remove it',
    access: OPERATOR,
    body: prices.priceBody,
    answers: { 200: prices.listedPrice },
  },
} as const satisfies Record<string, Route>;
