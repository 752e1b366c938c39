// Makes a picture of every room, theme and width of a console that runs already:
//   node tools/screenshots.mjs --url http://127.0.0.1:8420 --email … --password … [--out docs/screenshots] [--rooms keys,audit]
// Chromium: CHROMIUM_PATH, else the one of @sparticuz/chromium.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    email: { type: 'string' },
    password: { type: 'string' },
    out: { type: 'string', default: 'docs/screenshots' },
    rooms: { type: 'string' },
    widths: { type: 'string', default: '1280,360' },
    themes: { type: 'string', default: 'light,dark' },
  },
});
if (!values.url || !values.email || !values.password) {
  console.error('Say --url, --email and --password of a console that runs.');
  process.exit(2);
}

/** Rooms by name; `key` is the first key there is, `call` the newest call, if any. */
function roomsOf(company, key, gated, call) {
  const base = `/c/${company}`;
  return {
    keys: `${base}/keys`,
    'keys.attention': `${base}/keys?state=attention`,
    'keys.personal': `${base}/keys?scope=personal`,
    'keys.no-match': `${base}/keys?q=nothing-like-this`,
    connect: `${base}/keys/connect`,
    'connect.provider': `${base}/keys/connect/openai`,
    'connect.custom': `${base}/keys/connect/custom`,
    ...(gated ? { 'connect.gated': `${base}/keys/connect/${gated}` } : {}),
    ...(key
      ? {
          key: `${base}/keys/${key}`,
          'key.replace': `${base}/keys/${key}/replace`,
          'key.remove': `${base}/keys/${key}/remove`,
        }
      : {}),
    spend: `${base}/spend`,
    'spend.me': `${base}/spend?whose=me`,
    'spend.caps': `${base}/spend/caps`,
    'spend.prices': `${base}/spend/prices`,
    'spend.prices.unknown': `${base}/spend/prices?unknown=true`,
    'spend.prices.set': `${base}/spend/prices?of=openai&model=gpt-4o-mini`,
    'spend.alerts': `${base}/spend/alerts`,
    'spend.alerts.add': `${base}/spend/alerts?add=webhook`,
    members: `${base}/settings/members`,
    audit: `${base}/audit`,
    ...(call ? { 'audit.entry': `${base}/audit/${call}` } : {}),
    'audit.filtered': `${base}/audit?kind=key&tz=utc`,
    'not-found': '/c/nobody/keys',
  };
}

/** Rooms of an operator; `plan` is the first plan. */
function operatorRooms(plan) {
  return {
    'operator.companies': '/operator/companies',
    'operator.plans': '/operator/plans',
    ...(plan ? { 'operator.plan': `/operator/plans/${plan}` } : {}),
    'operator.policies': '/operator/policies',
    'operator.prices': '/operator/prices',
  };
}

const executablePath = await chromiumPath();
const browser = await chromium.launch({ executablePath, args: FLAGS });
mkdirSync(values.out, { recursive: true });
const wanted = values.rooms?.split(',');
let made = 0;
for (const width of values.widths.split(',').map(Number)) {
  for (const theme of values.themes.split(',')) {
    const phone = width < 640;
    const context = await browser.newContext({
      baseURL: values.url,
      colorScheme: theme,
      viewport: { width, height: phone ? 780 : 900 },
      ...(phone ? { isMobile: true, hasTouch: true } : {}),
    });
    const page = await context.newPage();
    const shoot = async (room, path) => {
      if (wanted !== undefined && !wanted.includes(room)) return;
      await page.goto(path);
      await page.getByRole('heading').first().waitFor();
      await page.waitForLoadState('networkidle');
      // Layers come in within 200 ms and skeletons stay for 300 ms at least; a picture shows the end of both.
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(values.out, `${room}.${theme}.${width}.png`) });
      made++;
    };
    await shoot('sign-in', '/sign-in');
    await context.request.post('/api/auth/sign-in', { data: { email: values.email, password: values.password } });
    const { user } = await (await context.request.get('/api/auth/session')).json();
    if (user?.kind === 'operator') {
      const plans = (await (await context.request.get('/api/operator/plans')).json()).data;
      for (const [room, path] of Object.entries(operatorRooms(plans[0]?.id))) await shoot(room, path);
      await context.close();
      continue;
    }
    if (!user?.company) throw new Error('sign in as a person of a company, or as an operator');
    const keys = (await (await context.request.get('/api/keys')).json()).data;
    const providers = (await (await context.request.get('/api/providers')).json()).data;
    const gated = providers.find((provider) => provider.gated !== null)?.id;
    const [call] = (await (await context.request.get('/api/audit?kind=call&limit=1')).json()).data;
    const rooms = roomsOf(user.company.id, keys[0]?.id, gated, call?.request_id);
    for (const [room, path] of Object.entries(rooms)) await shoot(room, path);
    await context.close();
  }
}
await browser.close();
console.log(`${made} pictures in ${values.out}`);

async function chromiumPath() {
  const path = process.env.CHROMIUM_PATH;
  if (path !== undefined && existsSync(path)) return path;
  const { default: packed } = await import('@sparticuz/chromium');
  return packed.executablePath();
}
