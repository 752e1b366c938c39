import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from './Button.tsx';
import { Icon } from './Icon.tsx';

interface Message {
  text: string;
  undo?: (() => void) | undefined;
}

interface Messages {
  /** Says that something was done; with `undo` the bar stays 10 s and offers to take it back. Never for errors. */
  say: (text: string, undo?: () => void) => void;
}

const Context = createContext<Messages>({ say: () => undefined });

/** How long a confirmation stays, and how long Undo is offered. */
const STAY_MS = 6_000;
const UNDO_MS = 10_000;

/** One bar at the bottom for confirmations and Undo. Its live region is there from the start, so that it is announced. */
export function MessageProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const [message, setMessage] = useState<Message | null>(null);
  const say = useCallback((text: string, undo?: () => void) => setMessage({ text, undo }), []);
  const value = useMemo(() => ({ say }), [say]);
  useEffect(() => {
    if (message === null) return;
    const timer = setTimeout(() => setMessage(null), message.undo === undefined ? STAY_MS : UNDO_MS);
    return () => clearTimeout(timer);
  }, [message]);
  return (
    <Context value={value}>
      {children}
      <div className="pointer-events-none fixed inset-x-0 bottom-0 z-20 flex justify-center p-3">
        <div role="status" aria-live="polite" className="contents">
          {message === null ? null : (
            <div className="layer-enter pointer-events-auto flex max-w-[640px] items-center gap-3 rounded-card border border-border bg-surface py-2 ps-4 pe-2 shadow-layer">
              <span className="min-w-0 [overflow-wrap:anywhere]">{message.text}</span>
              {message.undo === undefined ? null : (
                <Button
                  onClick={() => {
                    message.undo?.();
                    setMessage(null);
                  }}
                >
                  {t('action.undo')}
                </Button>
              )}
              <IconButton label={t('action.close')} onClick={() => setMessage(null)}>
                <Icon name="cross" />
              </IconButton>
            </div>
          )}
        </div>
      </div>
    </Context>
  );
}

export function useMessages(): Messages {
  return useContext(Context);
}
