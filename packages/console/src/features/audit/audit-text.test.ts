import { AUDIT_EVENTS, type AuditLine } from '@ownkey/contract/audit';
import { describe, expect, it } from 'vitest';
import { createTexts } from '../../i18n/start.ts';
import { actorText, kindWord, payerOfLine, whatText } from './audit-text.ts';

const { t } = createTexts('en');
const line: AuditLine = {
  id: 'aud_1',
  at: '2026-11-20T14:00:00Z',
  kind: 'call',
  actor: 'Ana Silva',
  user: null,
  account: null,
  provider: 'acme',
  key_id: 'key_1',
  last4: '1a2b',
  key_source: 'own',
  model: 'large-1',
  operation: 'mail.draft',
  status: 200,
  input_tokens: 1,
  output_tokens: 1,
  cached_tokens: 0,
  cost_usd: '0.0042',
  cost_basis: 'reported',
  latency_ms: 10,
  ttfb_ms: 5,
  fallback_reason: null,
  fallback_for: null,
  after_id: null,
  request_id: 'req_1',
  sealed: true,
  detail: null,
};

describe('a line of the record', () => {
  it('names operation and model of a call', () => {
    expect(whatText(line, 'Acme AI', t)).toBe('mail.draft · large-1');
    expect(whatText({ ...line, operation: null }, 'Acme AI', t)).toBe('large-1');
  });

  it('tells what became of a key, in the words of its status', () => {
    const event = { ...line, kind: 'key.status_changed', detail: { from: 'valid', to: 'no_credit' } };
    expect(whatText(event, 'Acme AI', t)).toBe('Acme AI ••••1a2b became Valid · no credit');
  });

  it.each(AUDIT_EVENTS)('has a sentence and a kind for %s', (kind) => {
    expect(whatText({ ...line, kind }, 'Acme AI', t)).not.toMatch(/event\.|[{}]/);
    expect(kindWord(kind, t)).not.toBe('Event');
  });

  it('shows an event it does not know by its name', () => {
    expect(whatText({ ...line, kind: 'moon.landed' }, 'Acme AI', t)).toBe('moon.landed');
    expect(kindWord('moon.landed', t)).toBe('Event');
  });

  it('says whose key paid, fallbacks apart, and nothing for events', () => {
    expect(payerOfLine(line)).toBe('own');
    expect(payerOfLine({ key_source: 'platform', fallback_reason: null })).toBe('shared');
    expect(payerOfLine({ key_source: 'platform', fallback_reason: 'rejected' })).toBe('fallback');
    expect(payerOfLine({ key_source: null, fallback_reason: null })).toBeNull();
  });

  it('names who did it', () => {
    const nameOf = (id: string) => (id === 'usr_1' ? 'Ana Silva' : id);
    expect(actorText({ actor: 'system', user: null }, nameOf, t)).toBe('system');
    expect(actorText({ actor: 'usr_1', user: null }, nameOf, t)).toBe('Ana Silva');
    expect(actorText({ actor: '', user: 'usr_gone' }, nameOf, t)).toBe('usr_gone');
  });
});
