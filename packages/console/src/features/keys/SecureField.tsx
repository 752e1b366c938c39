import type { FieldForm, FieldLook, FieldPlace, FromField } from '@ownkey/contract/field';
import type { Sealer } from '@ownkey/sdk/sealed-keys';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { FieldError } from '../../api/field-error.ts';
import { installationQuery } from '../../api/session.ts';
import { Button } from '../../ui/Button.tsx';
import { type FieldFrame, fieldAddress, joinField } from './field-frame.ts';

export interface SecureFieldHandle {
  /** What the form check says now; `closed` = the field is not there. */
  check: () => Promise<FieldForm>;
  /** Seals what was pasted; the field is empty after it. */
  seal: Sealer;
  /** Takes a key whose form is another provider's, until it is changed. */
  acceptForm: () => void;
  clear: () => void;
  focus: () => void;
  isEmpty: () => boolean;
}

/** A frame that has not answered by then has not loaded. */
const READY_MAX_MS = 5_000;
/** Height of the field before it has told its own. */
const HEIGHT_PX = 130;

type State = 'loading' | 'ready' | 'failed';

/**
 * The paste field of a key: a frame of the gateway's origin. This page never holds the key: it says what the key is for, hears what
 * the form check says, and gets the key sealed. There is no plain input to fall back to.
 */
export function SecureField(props: {
  ref: Ref<SecureFieldHandle>;
  label: string;
  /** null: not known yet; nothing can be pasted until it is. */
  place: FieldPlace | null;
  onForm?: (form: FieldForm) => void;
  onEscape: () => void;
  /** An error from outside, such as the provider's refusal. */
  error?: ReactNode;
}) {
  const { t } = useTranslation();
  const { label, place } = props;
  const gateway = useQuery(installationQuery).data?.gateway_url;
  const address = gateway === undefined ? null : fieldAddress(gateway);
  const element = useRef<HTMLIFrameElement>(null);
  const field = useRef<FieldFrame | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<State>('loading');
  const [form, setForm] = useState<FieldForm>({ state: 'empty' });
  const [height, setHeight] = useState(HEIGHT_PX);
  const filled = form.state !== 'empty' && form.state !== 'cleared';

  const hear = (message: FromField) => {
    switch (message.type) {
      case 'ready':
        setState('ready');
        // A frame that was focused before it had loaded (into another process) does not know of it.
        if (document.activeElement === element.current) {
          element.current?.blur();
          element.current?.focus();
        }
        break;
      case 'failed':
        setState('failed');
        break;
      case 'form':
        setForm(message.form);
        props.onForm?.(message.form);
        break;
      case 'submit':
        element.current?.closest('form')?.requestSubmit();
        break;
      case 'escape':
        props.onEscape();
        break;
      case 'resize':
        setHeight(message.height);
        break;
      case 'focus':
        element.current?.scrollIntoView({ block: 'nearest' });
        break;
    }
  };
  const heard = useRef(hear);
  heard.current = hear;

  const join = () => {
    field.current?.close();
    if (element.current === null || address === null) return;
    field.current = joinField(element.current, address, { label, look: pageLook(), place }, (message) =>
      heard.current(message),
    );
  };

  useEffect(() => {
    if (state !== 'loading') return;
    const timer = setTimeout(() => setState('failed'), READY_MAX_MS);
    return () => clearTimeout(timer);
  }, [state]);
  useEffect(() => () => field.current?.close(), []);
  useEffect(() => {
    const scheme = new MutationObserver(() => field.current?.send({ type: 'look', look: pageLook() }));
    scheme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => scheme.disconnect();
  }, []);
  const { company, user, provider, destination } = place ?? {
    company: null,
    user: null,
    provider: '',
    destination: '',
  };
  useEffect(() => {
    field.current?.send({ type: 'place', place: company === null ? null : { company, user, provider, destination } });
  }, [company, user, provider, destination]);
  useEffect(() => field.current?.send({ type: 'label', label }), [label]);
  const hasError = Boolean(props.error) && !filled;
  useEffect(() => {
    if (hasError) field.current?.send({ type: 'invalid' });
  }, [hasError]);

  useImperativeHandle(props.ref, () => ({
    check: () => (state === 'ready' && field.current !== null ? field.current.check() : Promise.reject(closed())),
    seal: ({ key_id, version, ...whole }) =>
      field.current === null ? Promise.reject(closed()) : field.current.seal(whole, key_id, version),
    acceptForm: () => field.current?.send({ type: 'accept-form' }),
    clear: () => field.current?.send({ type: 'clear' }),
    focus: () => {
      element.current?.focus();
      field.current?.send({ type: 'focus' });
    },
    isEmpty: () => !filled,
  }));

  return (
    <div className="flex flex-col gap-1">
      {state === 'failed' ? (
        <div role="alert" className="mb-3 flex flex-col items-start gap-2 rounded-card border border-border px-4 py-3">
          <p>{t('secure_field.failed', { host: address === null ? '' : new URL(address).host })}</p>
          <Button
            onClick={() => {
              setState('loading');
              setAttempt(attempt + 1);
            }}
          >
            {t('action.try_again')}
          </Button>
        </div>
      ) : (
        <div className="relative min-h-[122px]" aria-busy={state === 'loading'}>
          {address === null ? null : (
            <iframe
              key={attempt}
              ref={element}
              src={address}
              title={t('secure_field.title')}
              onLoad={join}
              data-oky-field=""
              // Its own margin is the room of its focus ring.
              className="-m-1 block w-[calc(100%+8px)] max-w-none border-0"
              style={{ height }}
            />
          )}
          {state === 'ready' ? null : (
            <div className="absolute -inset-1 flex flex-col gap-2 bg-surface px-1 py-1.5">
              <span className="sr-only">{t('word.loading')}</span>
              <span aria-hidden="true" className="h-4 w-20 rounded-bar bg-sunken" />
              <span aria-hidden="true" className="h-8 w-full rounded-control bg-sunken" />
            </div>
          )}
        </div>
      )}
      <p aria-live="polite" className="text-compact text-bad empty:hidden">
        {hasError ? props.error : null}
      </p>
    </div>
  );
}

function closed(): FieldError {
  return new FieldError('closed');
}

function pageLook(): FieldLook {
  return { scheme: document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light' };
}
