import { describe, expect, it } from 'vitest';
import { isParentOrigin, readPolicies } from './policies.ts';

describe('a parent of our frames', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
    'https://xn--bcher-kva.example',
    'https://my_app.example.com',
  ])('may be %s', (origin) => expect(isParentOrigin(origin)).toBe(true));

  it.each([
    'http://app.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://APP.example.com',
    'https://*.example.com',
    'https://user@app.example.com',
    "https://app.example.com 'self'",
    'https://app.example.com;script-src',
    'https://app.example.com,https://b.example',
    'https://app.example.com"onload=',
    'https://app$&.example.com',
    'https://app.example.com&quot',
    'https://app.example.com;sandbox',
    'app.example.com',
    'null',
    'data:text/html,x',
    'https:',
    '*',
    '',
    `https://${'a'.repeat(300)}.example.com`,
  ])('is never %j', (origin) => expect(isParentOrigin(origin)).toBe(false));

  it('is left out where what is stored names none', () => {
    const stored = { policies: { embed: { parent_origins: ['https://a.example', 'https://*.b.example', 7] } } };
    expect(readPolicies(stored).embed.parent_origins).toEqual(['https://a.example']);
    expect(readPolicies({}).embed.parent_origins).toEqual([]);
  });
});
