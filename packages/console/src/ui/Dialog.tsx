import { AlertDialog as Alert, Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './Button.tsx';
import { Icon } from './Icon.tsx';
import { useOpener } from './use-opener.ts';

/*
 * The overlays of radix lock scrolling with an injected <style>, which the page's policy forbids; an element of our own and the
 * `data-oky-modal` rule of styles.css do the same.
 */
const OVERLAY = 'fixed inset-0 z-30 bg-[rgb(0_0_0/40%)]';
const PANEL =
  'layer-enter fixed z-40 flex flex-col overflow-hidden bg-surface text-text shadow-layer inset-0 sm:inset-auto sm:start-1/2 sm:top-[8dvh] sm:max-h-[84dvh] sm:w-[480px] sm:-ms-[240px] sm:rounded-card';

export interface DialogProps {
  title: string;
  /** Called by Close, Escape and nothing else (a click outside never loses what was typed). */
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the bottom; they stay in sight on a phone. */
  footer?: ReactNode;
  /** `sheet` is a panel at the side for long facts. */
  shape?: 'dialog' | 'sheet';
  /** Called instead of focusing the first control. */
  onOpen?: (event: Event) => void;
}

/** A modal layer: full screen below 640 px, traps focus and gives it back. Opened by being rendered. */
export function Dialog({ title, onClose, children, footer, shape = 'dialog', onOpen }: DialogProps) {
  const { t } = useTranslation();
  const giveFocusBack = useOpener();
  const place =
    shape === 'sheet'
      ? 'layer-enter fixed inset-0 z-40 flex flex-col overflow-hidden bg-surface text-text shadow-layer sm:start-auto sm:w-[480px]'
      : PANEL;
  return (
    <Radix.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Radix.Portal>
        <div className={OVERLAY} aria-hidden="true" />
        <Radix.Content
          data-oky-modal=""
          aria-modal="true"
          className={place}
          aria-describedby={undefined}
          onOpenAutoFocus={onOpen}
          onCloseAutoFocus={giveFocusBack}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <header className="flex items-center justify-between gap-4 border-b border-border px-4 py-3 sm:px-6">
            <Radix.Title className="text-dialog font-semibold">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label={t('action.close')} className="-me-2">
                <Icon name="cross" />
              </IconButton>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4 sm:px-6">{children}</div>
          {footer === undefined ? null : (
            <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-border px-4 py-3 sm:px-6">
              {footer}
            </footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A question that must be answered; focus starts on the harmless answer, which Escape gives too. */
export function AlertDialog(props: {
  title: ReactNode;
  keep: string;
  onKeep: () => void;
  /** The button that does it. */
  confirm: ReactNode;
  children: ReactNode;
}) {
  const giveFocusBack = useOpener();
  return (
    <Alert.Root open onOpenChange={(open) => (open ? undefined : props.onKeep())}>
      <Alert.Portal>
        <div className={OVERLAY} aria-hidden="true" />
        <Alert.Content
          onCloseAutoFocus={giveFocusBack}
          data-oky-modal=""
          aria-modal="true"
          className="layer-enter fixed inset-x-3 bottom-3 z-40 flex max-h-[90dvh] flex-col overflow-hidden rounded-card bg-surface shadow-layer sm:inset-auto sm:start-1/2 sm:top-[12dvh] sm:w-[480px] sm:-ms-[240px]"
        >
          <div className="min-h-0 overflow-y-auto px-4 py-4 sm:px-6 sm:py-5">
            <Alert.Title className="mb-2 text-dialog font-semibold">{props.title}</Alert.Title>
            <Alert.Description asChild>
              <div className="flex flex-col gap-2 text-text-2">{props.children}</div>
            </Alert.Description>
          </div>
          <footer className="flex flex-wrap justify-end gap-2 border-t border-border px-4 py-3 sm:px-6">
            <Alert.Cancel asChild>
              <button
                type="button"
                className="inline-flex min-h-8 items-center rounded-control border border-border-strong bg-surface px-3 font-medium hover:bg-sunken active:bg-selected coarse:min-h-11"
              >
                {props.keep}
              </button>
            </Alert.Cancel>
            {props.confirm}
          </footer>
        </Alert.Content>
      </Alert.Portal>
    </Alert.Root>
  );
}
