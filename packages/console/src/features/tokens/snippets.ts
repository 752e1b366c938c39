import { hasScope } from '@ownkey/contract/scopes';

export const SNIPPETS = ['curl', 'node', 'python'] as const;
export type Snippet = (typeof SNIPPETS)[number];
export const SNIPPET_NAMES: Readonly<Record<Snippet, string>> = { curl: 'curl', node: 'Node', python: 'Python' };

interface Places {
  readonly gateway: string;
  readonly console: string;
}

/** A first call with a token of these scopes, in three languages; null for a token that can read nothing and call no AI. */
export function snippetsFor(scopes: readonly string[], places: Places): Readonly<Record<Snippet, string>> | null {
  if (hasScope(scopes, 'inference')) return aiCall(`${places.gateway}/v1`);
  if (hasScope(scopes, 'usage:read')) return reading(`${places.console}/api/usage?range=30d`);
  if (hasScope(scopes, 'audit:read')) return reading(`${places.console}/api/audit`);
  if (hasScope(scopes, 'keys:read')) return reading(`${places.console}/api/keys`);
  return null;
}

function aiCall(base: string): Readonly<Record<Snippet, string>> {
  return {
    curl: `curl ${base}/chat/completions \\
  -H "authorization: Bearer $OWNKEY_TOKEN" \\
  -H "content-type: application/json" \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`,
    node: `import { env } from 'node:process';

const answer = await fetch('${base}/chat/completions', {
  method: 'POST',
  headers: {
    authorization: \`Bearer \${env.OWNKEY_TOKEN}\`,
    'content-type': 'application/json',
  },
  body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }),
});
console.log(await answer.json());`,
    python: `import os
from openai import OpenAI

client = OpenAI(base_url="${base}", api_key=os.environ["OWNKEY_TOKEN"])
answer = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
  };
}

function reading(address: string): Readonly<Record<Snippet, string>> {
  return {
    curl: `curl "${address}" \\
  -H "authorization: Bearer $OWNKEY_TOKEN"`,
    node: `import { env } from 'node:process';

const answer = await fetch('${address}', {
  headers: { authorization: \`Bearer \${env.OWNKEY_TOKEN}\` },
});
console.log(await answer.json());`,
    python: `import json, os, urllib.request

request = urllib.request.Request(
    "${address}",
    headers={"authorization": "Bearer " + os.environ["OWNKEY_TOKEN"]},
)
print(json.load(urllib.request.urlopen(request)))`,
  };
}
