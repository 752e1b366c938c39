/** Reads what a page says to the field. Strict: an unknown member, type or bound makes the whole message nothing. Pure. */
import {
  FIELD_LABEL_MAX,
  FIELD_PROTOCOL,
  type FieldHello,
  type FieldLook,
  type FieldPlace,
  type ToField,
} from '@ownkey/contract/field';

type Check = (value: unknown) => boolean;
type Members = Readonly<Record<string, Check>>;

const text =
  (most: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= most && !/[\p{Cc}\p{Cs}]/u.test(value);
const matches =
  (form: RegExp): Check =>
  (value) =>
    typeof value === 'string' && form.test(value);
const is =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const object =
  (members: Members, optional: readonly string[] = []): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const names = Object.keys(value);
    return (
      names.every((name) => Object.hasOwn(members, name)) &&
      Object.entries(members).every(([name, check]) =>
        Object.hasOwn(value, name) ? check(Reflect.get(value, name)) : optional.includes(name),
      )
    );
  };

const name = matches(/^[^\p{Cc}\p{Cs}]{1,200}$/u);
const place: Check = object({
  company: name,
  user: orNull(name),
  provider: matches(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  destination: matches(/^(?:catalogue:[a-z0-9][a-z0-9._-]{0,63}|https?:\/\/[a-z0-9._:[\]-]{1,262})$/),
} satisfies Record<keyof FieldPlace, Check>);
/** What the tokens are is looked at one by one (`look.ts`): a wrong one is left out, not the message. */
const tokens: Check = (value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length <= 30 &&
  Object.values(value).every((token) => typeof token === 'string' && token.length <= 40);
const look: Check = object({ scheme: is('light', 'dark'), tokens } satisfies Record<keyof FieldLook, Check>, [
  'tokens',
]);
const label = text(FIELD_LABEL_MAX);

const hello = object({
  ownkey: is('field'),
  v: is(FIELD_PROTOCOL),
  label,
  look,
  place: orNull(place),
} satisfies Record<keyof FieldHello, Check>);

const COMMANDS: Readonly<Record<ToField['type'], Check>> = {
  place: object({ type: is('place'), place: orNull(place) }),
  look: object({ type: is('look'), look }),
  label: object({ type: is('label'), label }),
  focus: object({ type: is('focus') }),
  clear: object({ type: is('clear') }),
  disable: object({ type: is('disable'), disabled: is(true, false) }),
  invalid: object({ type: is('invalid') }),
  'accept-form': object({ type: is('accept-form') }),
  check: object({ type: is('check'), id: count }),
  seal: object({
    type: is('seal'),
    id: count,
    place,
    key_id: matches(/^key_[0-9A-Za-z]{8,60}$/),
    version: (value) => count(value) && value !== 0 && Number(value) <= 2_147_483_647,
  }),
};

/** null = this is not the first message of a page that speaks our protocol. */
export function readHello(value: unknown): FieldHello | null {
  return isHello(value) ? value : null;
}

function isHello(value: unknown): value is FieldHello {
  return hello(value);
}

export function readCommand(value: unknown): ToField | null {
  return isCommand(value) ? value : null;
}

function isCommand(value: unknown): value is ToField {
  const type: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : null;
  return isType(type) && COMMANDS[type](value);
}

function isType(value: unknown): value is ToField['type'] {
  return typeof value === 'string' && Object.hasOwn(COMMANDS, value);
}
