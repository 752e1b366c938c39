import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** A password input whose text can be shown; the toggle is named just "Show". */
export function PasswordField(props: {
  label: string;
  name: string;
  autoComplete: 'current-password' | 'new-password';
  hint?: string;
  error?: string | null;
}) {
  const { t } = useTranslation();
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {props.label}
      </label>
      <div className="flex gap-2">
        <input
          id={id}
          name={props.name}
          type={shown ? 'text' : 'password'}
          autoComplete={props.autoComplete}
          aria-invalid={props.error ? true : undefined}
          aria-describedby={`${id}-note`}
          className="min-h-8 w-full min-w-0 rounded-control border border-border-strong bg-surface px-2.5 coarse:min-h-11 coarse:text-dialog"
        />
        <button
          type="button"
          aria-pressed={shown}
          onClick={() => setShown(!shown)}
          className="min-h-8 shrink-0 rounded-control border border-border-strong bg-surface px-3 font-medium hover:bg-sunken coarse:min-h-11"
        >
          {t('action.show')}
        </button>
      </div>
      <p
        id={`${id}-note`}
        aria-live="polite"
        className={`text-compact empty:hidden ${props.error ? 'text-bad' : 'text-text-3'}`}
      >
        {props.error ?? props.hint}
      </p>
    </div>
  );
}
