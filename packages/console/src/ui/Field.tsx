import { type ComponentProps, type ReactNode, useId } from 'react';

const INPUT =
  'min-h-8 w-full rounded-control border border-border-strong bg-surface px-2.5 text-body text-text coarse:min-h-11 coarse:text-dialog';

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  /** What is wrong, in place; announced when it appears. */
  error?: ReactNode;
}

/** A labelled text input with hint and error beneath. */
export function TextField({ label, hint, error, ...input }: FieldProps & ComponentProps<'input'>) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <input
        {...input}
        id={id}
        aria-describedby={describedBy(id, hint, error)}
        aria-invalid={error ? true : undefined}
        className={`${INPUT} ${error ? 'border-bad' : ''} ${input.className ?? ''}`}
      />
      <Notes id={id} hint={hint} error={error} />
    </div>
  );
}

/** A labelled text of several lines, with hint and error beneath. */
export function TextArea({ label, hint, error, ...area }: FieldProps & ComponentProps<'textarea'>) {
  const id = useId();
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <textarea
        {...area}
        id={id}
        aria-describedby={describedBy(id, hint, error)}
        aria-invalid={error ? true : undefined}
        className={`${INPUT} py-1.5 ${error ? 'border-bad' : ''}`}
      />
      <Notes id={id} hint={hint} error={error} />
    </div>
  );
}

/** One yes or no beside its label. */
export function CheckField(props: {
  label: ReactNode;
  hint?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <label className="grid w-fit cursor-pointer grid-cols-[auto_1fr] items-center gap-x-2 coarse:min-h-11 coarse:content-center">
      <input
        type="checkbox"
        checked={props.checked}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        onChange={(event) => props.onChange(event.target.checked)}
        className="size-4 accent-(--oky-ink) coarse:size-6"
      />
      <span>{props.label}</span>
      {props.hint ? (
        <span id={`${id}-hint`} className="col-start-2 max-w-[70ch] text-compact text-text-2">
          {props.hint}
        </span>
      ) : null}
    </label>
  );
}

/** A labelled native select. */
export function SelectField<T extends string>(props: {
  label: string;
  hideLabel?: boolean;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  className?: string;
}) {
  const id = useId();
  return (
    <div className={`flex flex-col gap-1 ${props.className ?? ''}`}>
      <label htmlFor={id} className={props.hideLabel === true ? 'sr-only' : 'font-medium'}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        className={`${INPUT} pe-7`}
        onChange={(event) => {
          const picked = props.options.find((option) => option.value === event.target.value);
          if (picked) props.onChange(picked.value);
        }}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Radio choices, each with a sentence of what it means. */
export function RadioField<T extends string>(props: {
  label: string;
  name: string;
  value: T;
  inline?: boolean;
  options: readonly { value: T; label: string; hint?: ReactNode }[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1 font-medium">{props.label}</legend>
      <div className={props.inline === true ? 'flex flex-wrap gap-x-6 gap-y-2' : 'flex flex-col gap-3'}>
        {props.options.map((option) => (
          <label key={option.value} className="grid cursor-pointer grid-cols-[auto_1fr] gap-x-2">
            <input
              type="radio"
              name={props.name}
              value={option.value}
              checked={option.value === props.value}
              onChange={() => props.onChange(option.value)}
              className="mt-0.5 size-4 accent-(--oky-ink) coarse:size-6"
            />
            <span>{option.label}</span>
            {option.hint === undefined ? null : (
              <span className="col-start-2 text-compact text-text-2">{option.hint}</span>
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Notes({ id, hint, error }: { id: string; hint?: ReactNode; error?: ReactNode }) {
  return (
    <>
      {hint === undefined || hint === null ? null : (
        <p id={`${id}-hint`} className="text-hint text-text-3">
          {hint}
        </p>
      )}
      <p id={`${id}-error`} aria-live="polite" className="text-compact text-bad empty:hidden">
        {error}
      </p>
    </>
  );
}

function describedBy(id: string, hint: ReactNode, error: ReactNode): string | undefined {
  const ids = [hint ? `${id}-hint` : null, error ? `${id}-error` : null].filter((part) => part !== null);
  return ids.length === 0 ? undefined : ids.join(' ');
}
