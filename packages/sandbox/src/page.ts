/** The sandbox's own page: every provider with its keys, and every scenario. Works without scripts; they only copy. */
import { createHash } from 'node:crypto';
import { OUTCOME_TEXT, OUTCOMES, type ProviderKeys, type SandboxKeys } from './keys.ts';
import type { Mail } from './mailbox.ts';
import { bareId } from './models-wire.ts';
import { SCRIPT, STYLE } from './page-style.ts';
import type { SimulatedProvider } from './provider.ts';
import type { Scenario } from './scenario.ts';
import { BYTES_PER_TOKEN, TOKENS_PER_IMAGE } from './tokens.ts';

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The whole page as HTML. It shows keys: they are worth nothing outside this sandbox. */
export function renderPage(
  providers: SimulatedProvider[],
  scenarios: Scenario[],
  keys: SandboxKeys,
  url: string,
): string {
  const all = { ...keys.providers, ...keys.custom };
  const sections = providers.map((provider) => providerSection(provider, all[provider.entry.id])).join('\n');
  const links = providers
    .map(({ entry }) => `<li><a href="#${escapeHtml(entry.id)}">${escapeHtml(entry.name)}</a></li>`)
    .join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ownkey sandbox</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Ownkey sandbox</h1>
<p>Simulated AI providers, for development and for your CI. Each answers in its provider's own wire format. Nothing leaves this machine and nothing costs money. Keys are new at each start; they work here and nowhere else.</p>
<nav aria-label="Providers"><ul>${links}<li><a href="#scenarios">Scenarios</a></li><li><a href="#rules">Rules</a></li></ul></nav>
<p role="status" id="said"></p>
</header>
<main>
<h2>Providers</h2>
${sections}
${scenarioSection(scenarios)}
${rulesSection(url)}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** The post box as HTML: text parts only, so that nothing of a mail runs here. */
export function renderMails(mails: Mail[]): string {
  const list = mails
    .map(
      (mail) =>
        `<section class="card"><h3>${escapeHtml(mail.subject)}</h3><p>To ${escapeHtml(mail.to)}, <time datetime="${escapeHtml(mail.at)}">${escapeHtml(mail.at)}</time></p><pre tabindex="0" aria-label="Text">${escapeHtml(mail.text)}</pre></section>`,
    )
    .join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail of the Ownkey sandbox</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>Mail</h1><p>Mails that would have been sent, newest first. <a href="/">Back to the sandbox</a></p></header>
<main>${list === '' ? '<p>No mail yet.</p>' : list}</main>
</body>
</html>
`;
}

function providerSection({ entry, profile }: SimulatedProvider, keys: ProviderKeys | undefined): string {
  const id = escapeHtml(entry.id);
  const rows = OUTCOMES.map(
    (outcome) => `<tr>
<th scope="row"><code>${outcome}</code></th>
<td>${escapeHtml(OUTCOME_TEXT[outcome])}</td>
<td><code id="key-${id}-${outcome}">${escapeHtml(keys?.keys[outcome] ?? '')}</code></td>
<td><button type="button" data-copy="key-${id}-${outcome}" aria-label="Copy the ${outcome} key of ${escapeHtml(entry.name)}">Copy</button></td>
</tr>`,
  ).join('\n');
  const models = profile.models.map((model) => `<code>${escapeHtml(bareId(model.id))}</code>`).join(', ');
  const follows = profile.follows
    .map((link) => `<a href="${escapeHtml(link)}">${escapeHtml(new URL(link).hostname)}</a>`)
    .join(', ');
  return `<section class="card" id="${id}" aria-labelledby="name-${id}">
<h3 id="name-${id}">${escapeHtml(entry.name)}</h3>
<p>Base URL <code>${escapeHtml(keys?.base_url ?? '')}</code>. Models: ${models}. Follows ${follows}.</p>
<div class="scroll" role="group" tabindex="0" aria-label="Keys of ${escapeHtml(entry.name)}">
<table>
<thead><tr><th scope="col">Outcome</th><th scope="col">What it does</th><th scope="col">Key</th><th scope="col">Copy</th></tr></thead>
<tbody>
${rows}
</tbody>
</table>
</div>
</section>`;
}

function scenarioSection(scenarios: Scenario[]): string {
  const rows = scenarios
    .map((scenario) => {
      const follows = scenario.follows
        .map((link) => `<a href="${escapeHtml(link)}">${escapeHtml(new URL(link).hostname)}</a>`)
        .join(', ');
      return `<tr><th scope="row"><code>${escapeHtml(scenario.name)}</code></th><td>${escapeHtml(scenario.title)}</td><td>${escapeHtml(scenario.what)}</td><td>${follows}</td></tr>`;
    })
    .join('\n');
  return `<section class="card" id="scenarios" aria-labelledby="scenarios-title">
<h2 id="scenarios-title">Scenarios</h2>
<p>Write <code>sandbox:&lt;name&gt;</code> into the last user message, or ask for the model <code>sandbox-&lt;name&gt;</code>. Without either, the words of the message decide, and else the answer is <code>text</code>.</p>
<div class="scroll" role="group" tabindex="0" aria-label="Scenarios">
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Title</th><th scope="col">What happens</th><th scope="col">Follows</th></tr></thead>
<tbody>
${rows}
</tbody>
</table>
</div>
</section>`;
}

function rulesSection(url: string): string {
  return `<section class="card" id="rules" aria-labelledby="rules-title">
<h2 id="rules-title">Rules</h2>
<p>Any key of the form <code>&lt;prefix&gt;&lt;outcome&gt;-&lt;24 or more letters, digits, _ or -&gt;</code> is taken; where a provider's keys have no prefix, the outcome comes first.</p>
<p>Tokens: one per ${BYTES_PER_TOKEN} bytes of UTF-8, rounded up: for the input over all texts, tool definitions and tool results together, for the output over thinking, text and each tool call (name and arguments). Each image counts ${TOKENS_PER_IMAGE}. Token limits and stop sequences are kept to.</p>
<p>The same request always gets the same answer, byte for byte, whoever asks.</p>
<p>For tests, JSON: <code>GET /_keys</code>, <code>GET /_prices</code>, <code>GET /_calls</code>, <code>DELETE /_calls</code>, <code>GET</code>, <code>PUT</code> and <code>DELETE /_control</code> (late first byte, cut chunks, held streams, sizes, other outcomes for a provider or a key). <code>GET /_mail</code> is the post box of development.</p>
<pre tabindex="0" aria-label="Example"><code>curl ${escapeHtml(url)}/_calls</code></pre>
</section>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
