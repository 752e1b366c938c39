/** Start of the frame. Blank until a listed page around it has said the first message; only the first one is heard. */
import './style.css';
import type { FieldHello, FromField } from '@ownkey/contract/field';
import { problemOf } from './held-key.ts';
import { isFromParent, readParents } from './parents.ts';
import { readCommand, readHello } from './read-message.ts';
import { SecureField } from './secure-field.ts';
import { watchSight } from './sight.ts';
import { openView } from './view.ts';
import { wire } from './wire.ts';
import { readProviders, readSealingKey } from './worker-facts.ts';

const listed = readParents(document.querySelector('meta[name="ownkey-parents"]')?.getAttribute('content') ?? null);

addEventListener('message', function first(event: MessageEvent<unknown>) {
  const [port] = event.ports;
  if (window.parent === window || port === undefined || !isFromParent(event, window.parent, listed, location.origin))
    return;
  const hello = readHello(event.data);
  if (hello === null) return;
  removeEventListener('message', first);
  void start(hello, port);
});

async function start(hello: FieldHello, port: MessagePort): Promise<void> {
  const tell = (message: FromField) => port.postMessage(message);
  try {
    const [{ fingerprint }, providers] = await Promise.all([readSealingKey(), readProviders()]);
    const view = openView(document);
    const field = new SecureField(view, tell, { fingerprint, providers });
    view.main.hidden = false;
    wire(view, field, tell);
    field.begin(hello);
    port.addEventListener('message', (event: MessageEvent<unknown>) => {
      const command = readCommand(event.data);
      if (command !== null) field.obey(command);
    });
    port.start();
    tell({ type: 'ready', fingerprint });
    watchSight(view.main, (sight) => field.seen(sight));
    if (document.hasFocus()) view.input.focus();
  } catch (error) {
    tell({ type: 'failed', problem: problemOf(error) });
  }
}
