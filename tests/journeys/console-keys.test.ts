import { describe, expect, it } from 'vitest';
import { fieldFocused, pasteKey, sandboxKey, secureField, useConsole } from '../kit/console.ts';
import { api, useProduct } from '../kit/product.ts';

const product = useProduct();
const visitors = useConsole(product);

const company = () => {
  const [first] = product.dev().companies;
  if (first === undefined) throw new Error('no demo company');
  return first;
};

describe('signing in', () => {
  it('says the same for a wrong password and an unknown email, and keeps what was typed', async () => {
    const page = await visitors.visit();
    await page.goto('/');
    for (const email of [company().admin.email, 'nobody@example.com']) {
      await page.getByLabel('Email').fill(email);
      await page.getByLabel('Password').fill('not the password');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('Email or password is not right.').waitFor();
      expect(await page.getByLabel('Email').inputValue()).toBe(email);
    }
    expect(page.url()).toContain('/sign-in');
  });

  it('leads to where the link pointed', async () => {
    const page = await visitors.visit();
    await page.goto(`/c/${company().id}/audit?kind=call`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Email').fill(company().admin.email);
    await page.getByLabel('Password').fill(company().admin.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(`/c/${company().id}/audit?kind=call`);
  });

  it('offers the demo accounts in development', async () => {
    const page = await visitors.visit();
    await page.goto('/sign-in');
    await page
      .getByRole('button', { name: /^Sign in as / })
      .first()
      .click();
    await page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Sign in' }).waitFor();
  });

  it("shows another company's rooms as if they were not there", async () => {
    const page = await visitors.enter();
    const other = product.dev().companies[1]?.id ?? '';
    for (const id of [other, 'co_never']) {
      await page.goto(`/c/${id}/keys`);
      await page.getByText('Nothing here. It was removed or belongs to another company.').waitFor();
    }
  });

  it('ends with the session and asks to sign in over the page', async () => {
    const page = await visitors.enter();
    // What the page asks by itself would open the dialog earlier.
    await page.waitForLoadState('networkidle');
    await page.context().clearCookies();
    await page.getByLabel('Search providers').fill('nothing-like-this');
    await page.getByText('Nothing matches these filters.').waitFor();
    await page.getByRole('button', { name: 'Connect a key' }).click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /Custom endpoint/ })
      .click();
    await page.getByRole('dialog').getByLabel('Name').fill('Kept');
    await page.getByRole('dialog').getByLabel('Base URL').fill('https://models.example.com/v1');
    await secureField(page).input.fill('a-key-of-some-custom-endpoint');
    await page.getByRole('button', { name: 'Test and save' }).click();
    const dialog = page.getByRole('dialog', { name: 'You were signed out' });
    await dialog.getByLabel('Email').fill(company().admin.email);
    await dialog.getByLabel('Password').fill(company().admin.password);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('dialog').getByLabel('Name').inputValue()).toBe('Kept');
  });
});

describe('connecting a key', () => {
  it.each([
    ['anthropic', 'Anthropic'],
    ['openai', 'OpenAI'],
    ['gemini', 'Google Gemini'],
  ])('proves a key of %s in one view, and the clear key never comes back', async (id, name) => {
    const page = await visitors.enter();
    const key = sandboxKey(product, id);
    const sent: string[] = [];
    page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
    await pasteKey(page, name, key, 'Production');
    const dialog = page.getByRole('dialog');
    await dialog
      .getByText(`${name} is connected. New requests use your key ••••${key.slice(-4)} from now on.`)
      .waitFor();
    const steps = dialog.getByRole('list', { name: 'Testing your key' });
    await steps.getByText('Sealed in your browser').waitFor();
    expect(await steps.getByRole('listitem').count()).toBe(5);
    const kept = [
      await page.content(),
      page.url(),
      ...sent,
      await page.evaluate<string>('JSON.stringify([{...localStorage}, {...sessionStorage}])'),
    ];
    for (const text of kept) expect(text.includes(key) || text.includes(key.slice(-12))).toBe(false);
    await dialog.getByRole('button', { name: 'Done' }).click();
    const row = page.getByRole('row', { name: new RegExp(`${name}.*${key.slice(-4)}`) });
    await row.getByText('Valid').waitFor();
    await row.getByText('Your key').waitFor();
  });

  it("stores nothing of a rejected key and shows the provider's words beside the field", async () => {
    const page = await visitors.enter();
    await pasteKey(page, 'Groq', sandboxKey(product, 'groq', 'invalid'), 'Kept label');
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^Groq rejected this key, so it was not saved: “.+” \(401\)\./).waitFor();
    await fieldFocused(dialog);
    expect(await secureField(dialog).input.inputValue()).toBe('');
    expect(await dialog.getByLabel('Label').inputValue()).toBe('Kept label');
    const { body } = await api<{ data: { provider: string }[] }>(product, 'GET', '/api/keys');
    expect(body.data.filter((key) => key.provider === 'groq')).toEqual([]);
  });

  it("names another provider's key before anything is sent", async () => {
    const page = await visitors.enter();
    await page.getByRole('button', { name: 'Connect a key' }).first().click();
    await page.getByRole('dialog').getByRole('button', { name: /^Groq/ }).click();
    const posts: string[] = [];
    page.on('request', (request) => (request.method() === 'POST' ? posts.push(request.url()) : undefined));
    await secureField(page).input.fill(sandboxKey(product, 'anthropic'));
    await secureField(page).frame.getByText('This looks like a key of Anthropic.').waitFor();
    await page.getByRole('button', { name: 'Test and save' }).click();
    await page.getByRole('button', { name: 'Connect Anthropic instead' }).click();
    await page.getByRole('dialog', { name: 'Connect Anthropic' }).waitFor();
    expect(await secureField(page).input.inputValue()).toBe('');
    expect(posts).toEqual([]);
  });

  it.each([
    ['no_credit', 'Valid · no credit', /accepts the key, but its account has no credit/],
    ['restricted', 'Valid · limited', /The key works but may not list models/],
  ])('calls a key with the outcome %s what it is, not invalid', async (outcome, badge, sentence) => {
    const page = await visitors.enter();
    await pasteKey(page, 'Mistral', sandboxKey(product, 'mistral', outcome), outcome);
    await page.getByRole('dialog').getByText(sentence).waitFor();
    await page.getByRole('button', { name: 'Open this key' }).click();
    await page
      .getByRole('heading', { level: 1, name: /Mistral/ })
      .getByText(badge)
      .waitFor();
    await page.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await page.getByRole('button', { name: 'Remove key' }).click();
    await page.getByRole('heading', { level: 1, name: 'Model keys' }).waitFor();
  });

  it('shows the upgrade prompt in place of the form where the plan has no own keys', async () => {
    const page = await visitors.enter({ company: 1 });
    await page.goto(`${page.url()}/connect/openai`);
    const dialog = page.getByRole('dialog', { name: 'Connect OpenAI' });
    await dialog.getByText(/Your own OpenAI key is not part of the plan/).waitFor();
    expect(await dialog.locator('iframe').count()).toBe(0);
  });
});
