import { describe, expect, test } from 'vitest';
import { invitationMail, resetMail } from './account-mail.ts';
import { type CapFacts, capMail, dollars } from './cap-mail.ts';
import { plain, writeMail } from './mail-text.ts';

const LINKS = {
  spend: 'https://keys.example.com/c/co_1/spend',
  recipients: 'https://keys.example.com/c/co_1/spend/alerts',
};
const FACTS: CapFacts = {
  company: 'Acme',
  period: 'day',
  threshold: 80,
  cap: '10000000000',
  spent: '8040000000',
  reserved: '0',
  loweredBy: null,
  start: '2026-11-18T00:00:00.000Z',
  at: '2026-11-18T14:12:00.000Z',
  top: [],
};
const write = (facts: Partial<CapFacts>) => writeMail(capMail({ ...FACTS, ...facts }, LINKS));

describe('a mail about a cap says what it is about', () => {
  test('80 %: the pace, what happens then, where to raise it', () => {
    const { subject, text } = write({});
    expect(subject).toBe("Acme: 80 % of today's AI cap used ($8.04 of $10.00)");
    expect(text).toContain(
      'At this pace the cap is reached around 17:39 UTC. Requests that could exceed it are then refused before they reach a provider, until 00:00 UTC.',
    );
    expect(text).toContain(`Raise the cap or see what was spent: ${LINKS.spend}`);
    expect(text).toContain(`Sent once per day and cap. Recipients: ${LINKS.recipients}`);
  });

  test('80 % late in the period: that the cap is not reached at this pace', () => {
    expect(write({ at: '2026-11-18T23:30:00.000Z' }).text).toContain('At this pace it is not reached');
  });

  test('80 % of the month: with days', () => {
    const month = { period: 'month', start: '2026-11-01T00:00:00.000Z', at: '2026-11-16T00:00:00.000Z' } as const;
    const { subject, text } = write(month);
    expect(subject).toContain("this month's AI cap");
    expect(text).toMatch(/reached around 19 Nov, \d\d:\d\d UTC\./);
    expect(text).toContain('until 1 Dec, 00:00 UTC.');
  });

  test('100 %: since when, until when, what was spent on what, how to resume', () => {
    const facts = {
      threshold: 100,
      spent: '9910000000',
      reserved: '90000000',
      at: '2026-11-18T17:42:30.000Z',
      top: [
        { operation: 'mail.draft', cost: '6200000000' },
        { operation: '', cost: '2910000000' },
      ],
    };
    const { subject, text } = write(facts);
    expect(subject).toBe("Acme: AI is paused until 00:00 UTC, today's cap of $10.00 is reached");
    expect(text).toContain(
      'Since 17:42 UTC requests are refused before they are sent. Spent $9.91, held by running requests $0.09.',
    );
    expect(text).toContain('Most: mail.draft $6.20, untagged $2.91.');
    expect(text).toContain(
      `AI resumes by itself at 00:00 UTC, or at once when an admin raises the cap: ${LINKS.spend}`,
    );
  });

  test('100 % of December: until the first of January', () => {
    const month = { period: 'month', threshold: 100, start: '2026-12-01T00:00:00.000Z' } as const;
    expect(write(month).subject).toBe(
      "Acme: AI is paused until 1 Jan, 00:00 UTC, this month's cap of $10.00 is reached",
    );
  });

  test('lowered below use: by whom', () => {
    const { subject } = write({ threshold: 100, loweredBy: 'Ana Silva', cap: '5000000000' });
    expect(subject).toBe(
      "Acme: AI is paused until 00:00 UTC, today's cap is reached because Ana Silva lowered it to $5.00",
    );
  });

  test('a cap of 0 does not promise to end by itself', () => {
    const { subject, text } = write({ threshold: 100, cap: '0', loweredBy: 'Ana Silva' });
    expect(subject).toBe("Acme: AI is paused, today's cap is reached because Ana Silva lowered it to $0.00");
    expect(text).not.toContain('resumes by itself');
    expect(text).toContain('AI resumes when an admin raises it');
  });

  test.each([
    ['0', '$0.00'],
    ['1', '$0.000000001'],
    ['4200000', '$0.0042'],
    ['9999999999', '$9.99'],
    ['1234567890000000000', '$1234567890.00'],
  ])('%s nano-USD is %s: never more than it is', (nano, text) => {
    expect(dollars(nano)).toBe(text);
  });
});

describe('names cannot break a mail', () => {
  const NAMES: [string, string][] = [
    ['HTML', '<script>alert(1)</script><img src=x onerror="x">&amp;'],
    ['a quote and a link', `"' onmouseover='x' <a href="https://evil.example">free</a>`],
    ['lines', 'Acme\r\nBcc: victim@example.com\r\n\r\nHello'],
    ['line separators', 'Acme\u2028Bcc: x\u2029y\u0085z'],
    ['emoji', '👩‍👩‍👧‍👦 Café 🎉'],
    ['right to left', 'شركة المستقبل'],
    ['direction overrides', '\u202eevil\u202c \u2066x'],
    ['10,000 characters', '🎉'.repeat(10_000)],
    ['10,000 combining marks', `a${'\u0301'.repeat(10_000)}`],
    ['nothing', ''],
  ];
  test.each(NAMES)('%s', (_, name) => {
    const facts: Partial<CapFacts> = { company: name, loweredBy: name, top: [{ operation: name, cost: '1' }] };
    for (const mail of [
      write(facts),
      write({ ...facts, threshold: 100 }),
      writeMail(invitationMail({ company: name, by: name, role: 'admin', days: 7 }, LINKS.spend, name)),
      writeMail(resetMail(LINKS.spend, 30, name)),
    ]) {
      expect(mail.subject).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
      expect(mail.subject.length).toBeLessThan(500);
      expect(mail.subject.length).toBeGreaterThan(10);
      const tags = mail.html.match(/<[^>]*>/g) ?? [];
      expect(
        tags.filter((tag) => !/^<(?:!doctype html|\/?(?:html|head|title|body|p|a)\b|meta charset="utf-8">)/.test(tag)),
      ).toEqual([]);
      const links = [...mail.html.matchAll(/(?:href|src)=["']?([^"'\s>]+)/g)].map(([, url]) => url);
      const outside = links.filter((url) => !url?.startsWith('https://keys.example.com/'));
      // What looks like an attribute in a name is text: it is escaped.
      expect(outside.filter((url) => !/&quot;|&#39;|^x$/.test(url ?? ''))).toEqual([]);
      expect(mail.text.length).toBeLessThan(2000);
    }
  });

  test('a right-to-left name keeps its direction to itself, a long one is cut where a character ends', () => {
    expect(plain('שלום')).toBe('\u2068שלום\u2069');
    expect(plain('🎉'.repeat(100), 5)).toBe('🎉🎉🎉🎉…');
    expect(plain('👩‍👩‍👧‍👦x', 3)).toBe('👩…');
  });
});
