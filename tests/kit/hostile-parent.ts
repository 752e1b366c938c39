import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

/** A page of somebody else on an origin of its own, with whatever is in it. */
export interface ForeignSite {
  readonly origin: string;
  close(): void;
}

/** Serves `pages` by path, as HTML, on 127.0.0.1. */
export async function serveForeign(pages: Readonly<Record<string, string>>): Promise<ForeignSite> {
  const server: Server = createServer((request, response) => {
    const page = pages[request.url ?? ''];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the site has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * A page that holds the secure field and does to it what a hostile script could: it patches what it can patch before the frame is
 * made, listens to everything, and keeps all it ever gets in `window.loot`. `join(place)` speaks the protocol, `say(command)` sends
 * anything at all, `attack()` reaches for the frame's inside in every way there is.
 */
export function hostilePage(fieldUrl: string): string {
  return `<!doctype html><html><head><title>Host</title></head><body style="margin:40px">
<input id="bait" aria-label="Bait"><div id="around" style="width:420px"></div>
<script>
const loot = (window.loot = []);
const keep = (what, value) => { try { loot.push(what + ': ' + (typeof value === 'string' ? value : JSON.stringify(value))); } catch (error) { loot.push(what + ': ' + error); } };
for (const type of ['keydown', 'keypress', 'keyup', 'beforeinput', 'input', 'paste', 'copy', 'cut', 'change', 'compositionend', 'drop', 'focusin', 'focusout', 'selectionchange', 'message'])
  for (const target of [window, document]) target.addEventListener(type, (event) => keep(type, [event.key, event.data, event.target && event.target.value, event.clipboardData && event.clipboardData.getData('text')]), true);
const patch = (owner, name) => { const original = owner[name]; owner[name] = function (...words) { keep(name, words.map((word) => word instanceof Uint8Array ? [...word] : word)); return original.apply(this, words); }; };
patch(MessagePort.prototype, 'postMessage'); patch(TextEncoder.prototype, 'encode'); patch(JSON, 'parse');
patch(SubtleCrypto.prototype, 'encrypt'); patch(SubtleCrypto.prototype, 'deriveBits'); patch(String.prototype, 'charCodeAt'); patch(window, 'fetch');
const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
Object.defineProperty(HTMLInputElement.prototype, 'value', { ...value, get() { const read = value.get.call(this); keep('value', read); return read; } });
const frame = document.createElement('iframe');
frame.src = ${JSON.stringify(fieldUrl)};
frame.style.cssText = 'width:400px;height:150px;border:0';
let loads = 0, port = null, orders = 0;
window.loaded = new Promise((resolve) => frame.addEventListener('load', () => { loads++; resolve(); }));
document.getElementById('around').append(frame);
window.frame = frame;
window.heard = [];
window.join = async (place, change = {}) => {
  await window.loaded;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = ({ data }) => { heard.push(data); keep('port', data); };
  frame.contentWindow.postMessage({ ownkey: 'field', v: 1, label: 'API key', look: { scheme: 'light' }, place, ...change }, '*', [channel.port2]);
};
window.say = (command) => port.postMessage(command);
window.attack = () => {
  const ways = {
    contentDocument: () => frame.contentDocument && frame.contentDocument.body.innerHTML,
    document: () => frame.contentWindow.document.body.innerHTML,
    element: () => frame.contentWindow.key.value,
    global: () => Object.values(frame.contentWindow).join(),
    eval: () => frame.contentWindow.eval('document.body.innerHTML'),
    name: () => frame.contentWindow.name,
    storage: () => JSON.stringify({ ...frame.contentWindow.localStorage }),
    getSelection: () => String(frame.contentWindow.getSelection()),
    child: () => frame.contentWindow[0].document.body.innerHTML,
    named: () => window.frames[0].document.getElementById('key').value,
    accessibleText: () => document.body.innerText + document.documentElement.outerHTML,
    copy: () => { frame.focus(); document.execCommand('selectAll'); return String(document.execCommand('copy')) + String(getSelection()); },
    script: () => { frame.contentWindow.location.href = 'javascript:parent.loot.push(document.body.innerHTML)'; return 'sent'; },
  };
  for (const [name, way] of Object.entries(ways)) { try { keep(name, way()); } catch (error) { keep(name, 'refused: ' + error.name); } }
  for (const command of [{ type: 'value' }, { type: 'read' }, { type: 'seal' }, { type: 'check', id: 1, and: 'value' }, { type: 'constructor' }, { type: 'check', id: 2 }, 'value', null])
    say(command);
  document.getElementById('bait').focus();
};
</script></body></html>`;
}
