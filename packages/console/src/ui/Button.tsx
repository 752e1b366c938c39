import { type ComponentProps, useId } from 'react';
import { type ButtonKind, buttonStyle } from './button-style.ts';
import { Spinner } from './Icon.tsx';
import { Reason } from './Reason.tsx';

export interface ButtonProps extends Omit<ComponentProps<'button'>, 'disabled'> {
  kind?: ButtonKind;
  /** Running: the label stays, a spinner is added, clicks do nothing. */
  busy?: boolean;
  /** Why the button cannot be used now. It stays visible and focusable and says so. */
  unavailable?: string | null;
  /** For an icon alone. */
  square?: boolean;
}

/** A button that is never `disabled`: unavailable ones keep their focus and say why. */
export function Button({ kind = 'secondary', busy = false, unavailable = null, square = false, ...rest }: ButtonProps) {
  const reasonId = useId();
  const { className = '', children, onClick, ...props } = rest;
  const blocked = unavailable !== null;
  const button = (
    <button
      type="button"
      {...props}
      className={`${buttonStyle(kind, blocked, square)} ${blocked ? 'peer' : ''} ${className}`}
      aria-disabled={blocked || busy ? true : undefined}
      aria-busy={busy ? true : undefined}
      aria-describedby={blocked ? reasonId : props['aria-describedby']}
      onClick={(event) => {
        if (blocked || busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy ? <Spinner /> : null}
      {children}
    </button>
  );
  return blocked ? (
    <Reason id={reasonId} text={unavailable}>
      {button}
    </Reason>
  ) : (
    button
  );
}

/** A button that is an icon alone; `label` names it. */
export function IconButton({ label, ...props }: ButtonProps & { label: string }) {
  return <Button kind="quiet" {...props} square aria-label={label} />;
}
