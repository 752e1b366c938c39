import { describe, expect, it } from 'vitest';
import { checkBaseUrl } from './base-url.ts';
import { isListed, PUBLIC_ONLY, parseEgressAllow } from './egress-policy.ts';

const GOOD = [
  'https://api.example.com/v1',
  'https://llm.acme-corp.com:8443/v1',
  'https://my_host.example.org/v1',
  'https://8.8.8.8/v1',
  'https://[2606:4700:4700::1111]/v1',
  'https://xn--bcher-kva.ch/v1',
  'https://API.Example.com/V1/',
  'https://api.example.com',
  'https://api.example.com/',
  'https://api.example.com:443/openai/v1',
  'https://a.b.c.d.example.co.uk/a/b%20c',
  'https://local.example.com/v1',
  'https://10.example.com/v1',
];

const BAD: Readonly<Record<string, readonly string[]>> = {
  length: ['', `https://example.com/${'a'.repeat(2040)}`],
  characters: [
    ' https://example.com/v1',
    'https://example.com/v1 ',
    'https://exa\tmple.com',
    'https://example.com\r\nHost: x/v1',
    'https://exa\u00admple.com',
    'https://exa\u200bmple.com',
    'https://example.com\u0000.org',
    'https://example.com\\@127.0.0.1/',
    'https:\\\\example.com\\v1',
    '\ufeffhttps://example.com',
  ],
  scheme: [
    'http://example.com/v1',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com:70/_x',
    'data:text/plain,x',
    'javascript:alert(1)',
    'ws://example.com/',
    'unix:///run/x.sock',
    'blob:https://example.com/x',
    '//example.com/v1',
    'example.com/v1',
    'httpsx://example.com',
  ],
  form: [
    'https://',
    'https:/example.com/v1',
    'https:example.com',
    'https:///example.com/v1',
    'https://?',
    'https://#x',
    'https://[::1',
    'https://[v1.x]/',
    'https://example.com:99999/',
    'https://example.com:44x/',
    'https://256.256.256.256/v1',
    'https://1.1.1.1.1/v1',
    'https://xn--/v1',
    'https://example.com%00.org/',
  ],
  userinfo: [
    'https://user:pass@example.com/v1',
    'https://user@example.com/',
    'https://example.com:443@127.0.0.1/',
    'https://@example.com/',
  ],
  query: [
    'https://example.com/v1?x=1',
    'https://example.com/v1?',
    'https://example.com/v1#f',
    'https://example.com/v1#',
    'https://127.0.0.1#@example.com/',
    'https://127.0.0.1?@example.com/',
  ],
  port: [
    'https://example.com:22/v1',
    'https://example.com:80/v1',
    'https://example.com:5432/',
    'https://example.com:8080/',
    'https://8.8.8.8:53/',
  ],
  path: [
    'https://example.com/a%2fb',
    'https://example.com/a%2F..%2Fb',
    'https://example.com//v1',
    'https://example.com/a%5cb',
    'https://example.com/%00',
    'https://example.com/a%2eb/%2E%2e%2F',
  ],
  host_form: [
    'https://127.1/v1',
    'https://2130706433/v1',
    'https://0x7f000001/v1',
    'https://0x7f.1/',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://127.000.000.001/',
    'https://0/v1',
    'https://%31%32%37.0.0.1/v1',
    'https://\uff11\uff12\uff17.0.0.1/v1',
    'https://\u2460\u2461\u2466.0.0.1/',
    'https://127\u30020\u30020\u30021/',
    'https://bücher.ch/v1',
    'https://example.com:/v1',
    'https://example.com:0443/v1',
    'https://example.com:0/',
    'https://[0:0:0:0:0:0:0:1]/v1',
    'https://[2606:4700:4700:0:0:0:0:1111]/v1',
    'https://[::ffff:127.0.0.1]/v1',
    'https://[64:ff9b::169.254.169.254]/v1',
  ],
  host: [
    'https://127.0.0.1/v1',
    'https://0.0.0.0/v1',
    'https://10.0.0.1/v1',
    'https://169.254.169.254/latest',
    'https://168.63.129.16/',
    'https://100.100.100.200/',
    'https://[::1]/v1',
    'https://[::]/v1',
    'https://[::ffff:7f00:1]/v1',
    'https://[64:ff9b::a9fe:a9fe]/v1',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://localhost/v1',
    'https://LOCALHOST/v1',
    'https://localhost./v1',
    'https://foo.localhost/',
    'https://localhost.localdomain/',
    'https://postgres/v1',
    'https://metadata/',
    'https://metadata.google.internal/',
    'https://kubernetes.default.svc/api',
    'https://x.svc.cluster.local/',
    'https://printer.local/',
    'https://router.lan/',
    'https://x.corp/',
    'https://x.home.arpa/',
    'https://1.0.0.127.in-addr.arpa/',
    'https://x.onion/',
    'https://x.test/',
    'https://x.example/',
    'https://x.invalid/',
    'https://example.com./v1',
    'https://-.example.com/',
    'https://a-.example.com/',
    'https://a..example.com/',
    'https://..../v1',
    'https://-/v1',
    'https://./v1',
    `https://${'a'.repeat(64)}.com/`,
    `https://${'a.'.repeat(130)}com/`,
    'https://ex$ample.com/',
    'https://example.c*m/',
    "https://exam'ple.com/",
  ],
};

describe('a base URL', () => {
  it.each(GOOD)('%s is accepted', (text) => {
    expect(checkBaseUrl(text, PUBLIC_ONLY)).toMatchObject({ ok: true });
  });

  it('comes back in parts, with the origin its key is bound to', () => {
    expect(checkBaseUrl('https://LLM.example.org:8443/v1/', PUBLIC_ONLY)).toEqual({
      ok: true,
      url: {
        href: 'https://llm.example.org:8443/v1',
        origin: 'https://llm.example.org:8443',
        protocol: 'https:',
        host: 'llm.example.org',
        port: 8443,
      },
    });
    expect(checkBaseUrl('https://[2606:4700:4700::1111]:443/', PUBLIC_ONLY)).toMatchObject({
      url: { href: 'https://[2606:4700:4700::1111]', host: '2606:4700:4700::1111', port: 443 },
    });
  });

  for (const [problem, texts] of Object.entries(BAD)) {
    it.each(texts)(`%j is refused: ${problem}`, (text) => {
      expect(checkBaseUrl(text, PUBLIC_ONLY)).toMatchObject({ ok: false, problem });
    });
  }

  it('is refused with one and the same answer for every host that may not be called', () => {
    const answers = (BAD.host ?? []).map((text) => JSON.stringify(checkBaseUrl(text, PUBLIC_ONLY)));
    expect(new Set(answers).size).toBe(1);
  });

  it('is refused in linear time when it is hostile', () => {
    const texts = [
      `https://${'a.'.repeat(1000)}`,
      `https://${'@'.repeat(2000)}`,
      `https://${'['.repeat(2000)}`,
      `https://a:${'1'.repeat(2000)}`,
    ];
    for (const text of texts) expect(checkBaseUrl(text, PUBLIC_ONLY).ok).toBe(false);
  });
});

describe('the operator’s list', () => {
  const { policy, problems } = parseEgressAllow(
    '127.0.0.1:8422, ollama:11434 ,[::1]:8000,llm.corp:9000,,models.example.com:8080',
  );
  it('is read whole', () => {
    expect(problems).toEqual([]);
    expect([...policy.listed].length).toBe(5);
    expect(isListed(policy, 'OLLAMA', 11434)).toBe(true);
  });

  it.each([
    'http://127.0.0.1:8422/v1',
    'https://127.0.0.1:8422/v1',
    'http://ollama:11434/v1',
    'http://[::1]:8000/v1',
    'https://llm.corp:9000',
    'https://models.example.com:8080/v1',
    'https://api.example.com/v1',
  ])('opens %s', (text) => {
    expect(checkBaseUrl(text, policy)).toMatchObject({ ok: true });
  });

  it.each([
    ['another port of the host', 'http://127.0.0.1:8423/v1', 'scheme'],
    ['another host on the port', 'https://127.0.0.2:8422/v1', 'port'],
    ['another spelling of the host', 'http://2130706433:8422/v1', 'host_form'],
    ['a mapped spelling of the host', 'http://[::ffff:7f00:1]:8422/v1', 'scheme'],
    ['a longer name', 'http://ollama.example.org:11434/v1', 'scheme'],
    ['userinfo before the host', 'http://x@127.0.0.1:8422/v1', 'userinfo'],
    ['plain http elsewhere', 'http://api.example.com/v1', 'scheme'],
  ])('opens nothing else: %s', (_name, text, problem) => {
    expect(checkBaseUrl(text, policy)).toMatchObject({ ok: false, problem });
  });

  it.each([
    '127.0.0.1',
    'http://127.0.0.1:80',
    '127.0.0.1:0',
    '127.0.0.1:70000',
    '127.0.0.1:08',
    '127.1:80',
    '2130706433:80',
    '::1:80',
    '[::1]',
    '[0:0::1]:80',
    'a b:80',
    'user@host:80',
    '10.0.0.0/8:80',
    '*:80',
    '169.254.169.254:80',
    '[fe80::1]:80',
    '[fd00:ec2::254]:80',
    '[::ffff:7f00:1]:80',
    '100.100.100.200:80',
    '0.0.0.0:80',
  ])('refuses the entry %j, says so, and keeps the others', (entry) => {
    const read = parseEgressAllow(`10.0.0.5:80,${entry}`);
    expect(read.problems).toHaveLength(1);
    expect(read.problems[0]).toContain(entry);
    expect([...read.policy.listed]).toHaveLength(1);
  });

  it('is empty when the setting is', () => {
    for (const text of ['', ' ', ',']) expect(parseEgressAllow(text)).toEqual({ policy: PUBLIC_ONLY, problems: [] });
  });
});
