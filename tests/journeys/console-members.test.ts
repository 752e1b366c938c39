import { beforeAll, describe, expect, it } from 'vitest';
import { axeViolations, useConsole } from '../kit/console.ts';
import { createMember, enterAsMember } from '../kit/member.ts';
import { api, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);
const room = () => `/c/${product.dev().companies[0]?.id}/settings/members`;

beforeAll(() => createMember(product), 60_000);

interface Invited {
  data: { email: string; role: string }[];
}
const invitations = async () => (await api<Invited>(product, 'GET', '/api/invitations')).body.data;

describe('an admin', () => {
  it('invites somebody, who is listed until they join or the invitation is withdrawn', async () => {
    const page = await visitors.enter();
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('row', { name: /^Max/ }).getByText('Member', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Invite somebody' }).click();
    const dialog = page.getByRole('dialog', { name: 'Invite somebody' });
    await dialog.getByLabel('Email').fill('nobody');
    await dialog.getByRole('button', { name: 'Send invitation' }).click();
    await dialog.getByText('Type the whole address, such as ana@example.com.').waitFor();
    await dialog.getByLabel('Email').fill('eva@acme.example');
    await dialog.getByRole('radio', { name: /^Admin/ }).check();
    await dialog.getByRole('button', { name: 'Send invitation' }).click();
    await page.getByText('eva@acme.example is invited. The link works once, for 7 days.').waitFor();
    expect(await invitations()).toMatchObject([{ email: 'eva@acme.example', role: 'admin' }]);

    const row = page.getByRole('row', { name: /^eva@acme\.example/ });
    await row.getByRole('button', { name: /^Withdraw/ }).click();
    const question = page.getByRole('alertdialog');
    await question.getByRole('button', { name: 'Keep invitation' }).click();
    expect(await invitations()).toHaveLength(1);
    await row.getByRole('button', { name: /^Withdraw/ }).click();
    await question.getByRole('button', { name: 'Withdraw' }).click();
    await page.getByText('Nobody is invited and has not joined yet.').waitFor();
    expect(await invitations()).toEqual([]);
  });
});

describe('somebody who is signed in twice', () => {
  it('sees both places, and signs out everywhere else', async () => {
    const elsewhere = await visitors.enter();
    const page = await visitors.enter();
    await page.goto(room());
    const section = page.getByRole('region', { name: 'Where you are signed in' });
    await section.getByText('this one').waitFor();
    await section
      .getByRole('button', { name: /^Sign out there/ })
      .first()
      .waitFor();
    await section.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await page.getByText('You are signed out everywhere else.').waitFor();
    await section
      .getByRole('button', { name: /^Sign out there/ })
      .first()
      .waitFor({ state: 'detached' });
    const who = async ({ request }: typeof page) =>
      (await (await request.get('/api/auth/session')).json()).user?.role ?? null;
    expect([await who(elsewhere), await who(page)]).toEqual([null, 'admin']);
  });
});

describe('a member', () => {
  it('sees whom to ask, and no invitations', async () => {
    const page = await enterAsMember(product, visitors);
    await page.goto(`${room()}?invite=yes`);
    const invite = page.getByRole('button', { name: 'Invite somebody' });
    await invite.hover();
    await page.getByText(/^Only admins invite people\. Ask .*Ana/).waitFor();
    expect(await invite.getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(await page.getByText('Invited').count()).toBe(0);
  });
});

it.each(['light', 'dark'] as const)('breaks no rule of axe and never scrolls sideways (%s)', async (theme) => {
  await api(product, 'POST', '/api/invitations', { body: { email: 'axe@acme.example', role: 'member', name: 'Axe' } });
  for (const width of [1280, 360]) {
    const page = await visitors.enter({ theme, width });
    for (const path of [room(), `${room()}?invite=yes`]) {
      await page.goto(path);
      await page.getByRole('heading').first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await axeViolations(page)).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
  }
});
