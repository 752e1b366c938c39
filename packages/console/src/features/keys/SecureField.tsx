import { checkKeyShape, type ShapeOwner } from '@ownkey/vault/shape';
import type { TFunction } from 'i18next';
import { type ReactNode, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../../ui/Icon.tsx';

/** What the form check says; never the key nor a part of it. */
export type FormState = { state: 'empty' } | { state: 'ok' } | { state: 'unknown' } | { state: 'cleared' } | WrongForm;
interface WrongForm {
  state: 'wrong';
  problem: string;
  provider: string | null;
}

export interface SecureFieldHandle {
  /** The pasted text as bytes; the field is emptied. The caller erases the bytes. Null when nothing usable is in it. */
  take: (anyForm: boolean) => Uint8Array | null;
  clear: () => void;
  focus: () => void;
  isEmpty: () => boolean;
}

/** Pasted keys do not lie around: emptied after this long without typing. */
const CLEAR_AFTER_MS = 5 * 60_000;
/** Longer pastes are refused before they are read. */
const PASTE_MAX = 8_192;

/**
 * The paste field of a key: label, input, Show and the form check, one document's worth, so that it can be served as a frame of
 * another origin. The text lives in the DOM input alone: it is never in React state, never logged, and gone once taken.
 */
export function SecureField(props: {
  ref: Ref<SecureFieldHandle>;
  label: string;
  /** Whose key is expected; null where keys have no known form. */
  owner: ShapeOwner | null;
  all: readonly ShapeOwner[];
  onForm?: (form: FormState) => void;
  /** The text was changed by hand or paste; told before its check. */
  onTyped?: () => void;
  /** An error from outside, such as the provider's refusal. */
  error?: ReactNode;
  autoFocus?: boolean;
}) {
  const { t } = useTranslation();
  const { owner, all, onForm } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [form, setForm] = useState<FormState>({ state: 'empty' });
  const [trimmed, setTrimmed] = useState(false);
  const [length, setLength] = useState(0);
  const [shown, setShown] = useState(false);

  const report = (next: FormState) => {
    setForm(next);
    onForm?.(next);
  };
  const empty = () => {
    if (input.current !== null) input.current.value = '';
    setShown(false);
    setTrimmed(false);
    report({ state: 'empty' });
  };
  const check = () => {
    const text = input.current?.value ?? '';
    if (text === '') return report({ state: 'empty' });
    const result = checkKeyShape(text, owner, all);
    setTrimmed(result.ok && result.trimmed);
    setLength(text.trim().length);
    report(
      result.ok
        ? { state: result.recognised ? 'ok' : 'unknown' }
        : { state: 'wrong', problem: result.problem, provider: result.provider },
    );
  };

  useImperativeHandle(props.ref, () => ({
    take: (anyForm) => {
      const bytes = new TextEncoder().encode(input.current?.value ?? '');
      const result = checkKeyShape(bytes, anyForm ? null : owner, all);
      if (!result.ok) {
        bytes.fill(0);
        report(
          bytes.length === 0
            ? { state: 'wrong', problem: 'empty', provider: null }
            : { state: 'wrong', problem: result.problem, provider: result.provider },
        );
        return null;
      }
      const clearKey = result.clearKey.slice();
      bytes.fill(0);
      empty();
      return clearKey;
    },
    clear: empty,
    focus: () => input.current?.focus(),
    isEmpty: () => (input.current?.value ?? '') === '',
  }));

  const filled = form.state !== 'empty' && form.state !== 'cleared';
  const recheck = useRef(check);
  recheck.current = check;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a changed owner is what asks for another look
  useEffect(() => {
    if ((input.current?.value ?? '') !== '') recheck.current();
  }, [owner]);

  useEffect(() => {
    if (!filled) return;
    const field = input.current;
    const clear = () => {
      if (field !== null) field.value = '';
      setShown(false);
      setForm({ state: 'cleared' });
    };
    const timer = setTimeout(clear, CLEAR_AFTER_MS);
    addEventListener('pagehide', clear);
    return () => {
      clearTimeout(timer);
      removeEventListener('pagehide', clear);
    };
  }, [filled]);

  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {props.label}
      </label>
      <div className="flex gap-2">
        <input
          ref={input}
          id={id}
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          data-1p-ignore=""
          data-lpignore="true"
          data-bwignore=""
          data-form-type="other"
          aria-describedby={`${id}-form`}
          aria-invalid={form.state === 'wrong' || props.error ? true : undefined}
          onPaste={(event) => {
            if (event.clipboardData.getData('text').length <= PASTE_MAX) return;
            event.preventDefault();
            report({ state: 'wrong', problem: 'too_long', provider: null });
          }}
          onInput={() => {
            props.onTyped?.();
            check();
          }}
          onBlur={(event) => {
            if (event.relatedTarget?.id !== `${id}-show`) setShown(false);
          }}
          className={`key-input min-h-8 w-full min-w-0 rounded-control border border-border-strong bg-surface px-2.5 font-mono text-compact coarse:min-h-11 coarse:text-dialog ${shown ? '' : 'key-hidden'}`}
        />
        <button
          type="button"
          id={`${id}-show`}
          aria-pressed={shown}
          aria-controls={id}
          onClick={() => setShown(!shown)}
          onBlur={(event) => {
            if (event.relatedTarget !== input.current) setShown(false);
          }}
          className="min-h-8 shrink-0 rounded-control border border-border-strong bg-surface px-3 font-medium hover:bg-sunken coarse:min-h-11"
        >
          {t('action.show')}
        </button>
      </div>
      <div id={`${id}-form`} aria-live="polite" className="min-h-5 text-compact">
        {props.error && !filled ? (
          <p className="text-bad">{props.error}</p>
        ) : (
          <FormHint form={form} trimmed={trimmed} length={length} owner={owner} all={all} />
        )}
      </div>
    </div>
  );
}

function FormHint(props: {
  form: FormState;
  trimmed: boolean;
  length: number;
  owner: ShapeOwner | null;
  all: readonly ShapeOwner[];
}) {
  const { t } = useTranslation();
  const { form, owner } = props;
  const lead = props.trimmed ? `${t('shape.trimmed')} ` : '';
  if (form.state === 'empty') return null;
  if (form.state === 'cleared') return <p className="text-text-2">{t('shape.cleared')}</p>;
  if (form.state === 'unknown') return <p className="text-text-2">{lead + t('shape.unknown')}</p>;
  if (form.state === 'ok') {
    return (
      <p className="flex items-start gap-1.5">
        <Icon name="check" className="mt-0.5 text-good" />
        {lead + t('shape.ok', { provider: owner?.name ?? '' })}
      </p>
    );
  }
  return <p className="text-bad">{wrongText(form, props, t)}</p>;
}

function wrongText(
  form: WrongForm,
  { length, owner, all }: { length: number; owner: ShapeOwner | null; all: readonly ShapeOwner[] },
  t: TFunction,
): string {
  switch (form.problem) {
    case 'other_provider':
      return t('shape.other_provider', { other: all.find((other) => other.id === form.provider)?.name ?? '' });
    case 'cut_off':
      return t('shape.cut_off', { length, provider: owner?.name ?? '', min: owner?.key.min_length ?? 0 });
    case 'ownkey_token':
      return t('shape.ownkey_token');
    case 'too_long':
      return t('shape.too_long');
    case 'empty':
      return t('shape.empty');
    default:
      return t('shape.bad_character');
  }
}
