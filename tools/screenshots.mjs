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

/** Rooms by name; `key` is the first key there is, if any. */
function roomsOf(company, key, gated) {
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
    audit: `${base}/audit`,
    'audit.filtered': `${base}/audit?kind=key&tz=utc`,
    'not-found': '/c/nobody/keys',
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
    if (!user?.company) throw new Error('sign in as a person of a company');
    const keys = (await (await context.request.get('/api/keys')).json()).data;
    const providers = (await (await context.request.get('/api/providers')).json()).data;
    const gated = providers.find((provider) => provider.gated !== null)?.id;
    for (const [room, path] of Object.entries(roomsOf(user.company.id, keys[0]?.id, gated))) await shoot(room, path);
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
