import { afterEach, describe, expect, test } from 'vitest';
import { useMailPeer } from '../../../../tests/kit/mail-peer.ts';
import { writeMail } from '../domain/mail/mail-text.ts';
import { createMailboxMailer, createSmtpMailer, type Mailer, readSender } from './mailer.ts';

const peer = useMailPeer();
const open: Mailer[] = [];
afterEach(() => {
  for (const mailer of open.splice(0)) mailer.close();
  peer.mails.length = 0;
});

function mailerTo(url: string, name = 'Café, "AI" 🎉'): Mailer {
  const mailer = createSmtpMailer(url, { name, address: 'no-reply@example.com' });
  open.push(mailer);
  return mailer;
}
const mail = (subject: string, paragraphs: string[] = ['Hello']) => ({
  id: 'msg_1',
  to: 'ana@example.com',
  ...writeMail({ subject, paragraphs: paragraphs.map((text) => [text]) }),
});

describe('a mail over SMTP', () => {
  test('arrives as it was written: emoji, right-to-left, long lines, dots at their start', async () => {
    const texts = ['👩‍👩‍👧‍👦 Café', 'شركة', `${'x'.repeat(3000)} end`, '.\n..\n.dot'];
    await mailerTo(peer.url).send(mail('Größe 🎉 שלום', texts));
    const [arrived] = peer.mails;
    expect(arrived?.subject).toBe('Größe 🎉 שלום');
    expect(arrived?.text).toBe(`${texts.join('\n\n')}\n`);
    expect(arrived?.html).toContain('👩‍👩‍👧‍👦 Café');
    expect(arrived?.headers).toMatchObject({ 'message-id': '<msg_1@example.com>', to: 'ana@example.com' });
    expect(arrived?.headers['auto-submitted']).toBe('auto-generated');
  });

  test.each([
    'x\r\nBcc: eve@example.com',
    'x\nBcc: eve@example.com',
    'x\rBcc: eve@example.com\r\n\r\nbody',
    'x\u2028Bcc: y',
  ])('a subject cannot begin another header: %j', async (subject) => {
    await mailerTo(peer.url).send(mail(subject));
    const [arrived] = peer.mails;
    expect(arrived?.to).toEqual(['ana@example.com']);
    expect(arrived?.headers).not.toHaveProperty('bcc');
    expect(arrived?.subject).toMatch(/^x Bcc: /);
  });

  test('a password is not sent without TLS', async () => {
    const url = peer.url.replace('127.0.0.1', 'user:s3cret@0.0.0.0');
    await expect(mailerTo(url).send(mail('x'))).rejects.toThrow(/TLS/i);
    expect(peer.mails).toEqual([]);
  });
});

test('the post box of development that refuses is an error, not a mail that is lost', async () => {
  const refuse = createMailboxMailer('http://127.0.0.1/_mail', async () => new Response('no', { status: 500 }));
  await expect(refuse.send(mail('x'))).rejects.toThrow('500');
});

test.each([
  ['no-reply@example.com', { name: '', address: 'no-reply@example.com' }],
  ['Acme AI <no-reply@example.com>', { name: 'Acme AI', address: 'no-reply@example.com' }],
  ['"Acme, Inc." <no-reply@example.com>', { name: 'Acme, Inc.', address: 'no-reply@example.com' }],
])('the sender %s is read', (text, sender) => {
  expect(readSender(text)).toEqual(sender);
});
