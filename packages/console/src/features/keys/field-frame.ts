import {
  FIELD_PATH,
  FIELD_PROTOCOL,
  type FieldForm,
  type FieldHello,
  type FieldPlace,
  type FromField,
  type ToField,
} from '@ownkey/contract/field';
import { FieldError } from '../../api/field-error.ts';

/** The secure field in a frame, from the page around it. */
export interface FieldFrame {
  send(command: ToField): void;
  /** What the form check says now. @throws FieldError `closed` */
  check(): Promise<FieldForm>;
  /** Seals and empties what stands in the field. @throws FieldError */
  seal(place: FieldPlace, keyId: string, version: number): Promise<{ sealed: string; fingerprint: string }>;
  close(): void;
}

/** Address of the field at this gateway. */
export function fieldAddress(gatewayUrl: string): string {
  return `${new URL(gatewayUrl).origin}${FIELD_PATH}`;
}

/** An order that got no answer (the frame was taken away) is given up after this long. */
const ANSWER_MAX_MS = 20_000;

type Answer = Extract<FromField, { id: number }>;

/**
 * Speaks with the field that `frame` has loaded. The first message goes to the gateway's origin alone: a frame that was led
 * elsewhere gets no port. `hear` is told everything but the answers to orders.
 */
export function joinField(
  frame: HTMLIFrameElement,
  address: string,
  hello: Omit<FieldHello, 'ownkey' | 'v'>,
  hear: (message: FromField) => void,
): FieldFrame {
  const { port1, port2 } = new MessageChannel();
  const waiting = new Map<number, (answer: Answer | null) => void>();
  let orders = 0;
  port1.addEventListener('message', ({ data }: MessageEvent<FromField>) => {
    if ('id' in data) waiting.get(data.id)?.(data);
    else hear(data);
  });
  port1.start();
  const first: FieldHello = { ownkey: 'field', v: FIELD_PROTOCOL, ...hello };
  frame.contentWindow?.postMessage(first, new URL(address).origin, [port2]);

  const order = (command: (id: number) => ToField): Promise<Answer> => {
    const id = ++orders;
    return new Promise((resolve, reject) => {
      const end = (answer: Answer | null) => {
        clearTimeout(timer);
        waiting.delete(id);
        if (answer === null) reject(new FieldError('closed'));
        else resolve(answer);
      };
      const timer = setTimeout(end, ANSWER_MAX_MS, null);
      waiting.set(id, end);
      port1.postMessage(command(id));
    });
  };
  return {
    send: (command) => port1.postMessage(command),
    check: async () => {
      const answer = await order((id) => ({ type: 'check', id }));
      return answer.type === 'checked' ? answer.form : { state: 'empty' };
    },
    seal: async (place, key_id, version) => {
      const answer = await order((id) => ({ type: 'seal', id, place, key_id, version }));
      if (answer.type === 'sealed') return { sealed: answer.sealed_key, fingerprint: answer.fingerprint };
      throw new FieldError(answer.type === 'refused' ? answer.problem : 'closed');
    },
    close: () => {
      for (const end of waiting.values()) end(null);
      port1.close();
    },
  };
}
