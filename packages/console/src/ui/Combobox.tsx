// biome-ignore-all lint/a11y/useSemanticElements: a datalist has no groups, no notes and is drawn differently by each browser
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';

export interface ComboboxOption {
  value: string;
  group: string;
  note?: ReactNode;
}

/** Most options shown at once; typing narrows them. */
const SHOWN_MAX = 60;

/**
 * A text field with a list of what it can be, grouped; other text is taken as it is. The list stands open beneath the field, so
 * Escape belongs to the layer around it. Arrows move in the list, Enter takes the marked option (WAI-ARIA combobox).
 */
export function Combobox(props: {
  label: string;
  value: string;
  options: readonly ComboboxOption[];
  /** Beneath the list, said when it changes: how many there are. */
  summary: (found: number, shown: number) => string;
  hint?: string;
  error?: ReactNode;
  onChange: (value: string) => void;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [marked, setMarked] = useState<string | null>(null);
  const { value, options } = props;
  const found = matching(options, value);
  const shown = found.slice(0, SHOWN_MAX);
  const at = shown.findIndex((option) => option.value === marked);
  const groups = [...new Set(shown.map((option) => option.group))];
  const optionId = (option: ComboboxOption) => `${id}-option-${shown.indexOf(option)}`;
  useEffect(() => {
    if (marked !== null) list.current?.querySelector('[data-marked]')?.scrollIntoView({ block: 'nearest' });
  }, [marked]);
  const pick = (option: ComboboxOption) => {
    setMarked(null);
    props.onChange(option.value);
  };
  const moves: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at === -1 ? shown.length - 1 : at - 1 };
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {props.label}
      </label>
      <input
        id={id}
        role="combobox"
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={`${id}-list`}
        aria-activedescendant={at === -1 ? undefined : `${id}-option-${at}`}
        aria-describedby={`${id}-hint ${id}-error`}
        aria-invalid={props.error ? true : undefined}
        value={value}
        maxLength={256}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setMarked(null);
          props.onChange(event.target.value);
        }}
        onKeyDown={(event) => {
          const next = moves[event.key];
          if (next !== undefined) {
            event.preventDefault();
            setMarked(shown[(next + shown.length) % Math.max(1, shown.length)]?.value ?? null);
          }
          const option = shown[at];
          if (event.key === 'Enter' && option !== undefined) {
            event.preventDefault();
            pick(option);
          }
        }}
        className={`min-h-8 w-full rounded-control border border-border-strong bg-surface px-2.5 font-mono text-compact coarse:min-h-11 coarse:text-dialog ${props.error ? 'border-bad' : ''}`}
      />
      <p id={`${id}-hint`} className="text-hint text-text-3 empty:hidden">
        {props.hint}
      </p>
      <p id={`${id}-error`} aria-live="polite" className="text-compact text-bad empty:hidden">
        {props.error}
      </p>
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label={props.label}
        className={`max-h-64 overflow-y-auto rounded-card border border-border p-1 ${shown.length === 0 ? 'hidden' : ''}`}
      >
        {groups.map((group, index) => (
          <div key={group} role="group" aria-labelledby={`${id}-group-${index}`}>
            <div
              id={`${id}-group-${index}`}
              role="presentation"
              className="px-2 pt-2 pb-1 text-hint font-semibold text-text-2"
            >
              <bdi>{group}</bdi>
            </div>
            {shown
              .filter((option) => option.group === group)
              .map((option) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: keys belong to the field, which keeps the focus
                <div
                  key={option.value}
                  id={optionId(option)}
                  role="option"
                  tabIndex={-1}
                  aria-selected={option.value === value}
                  data-marked={option.value === marked ? '' : undefined}
                  // The field keeps the focus.
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={() => pick(option)}
                  className="flex min-h-8 cursor-pointer flex-wrap items-center justify-between gap-x-3 rounded-control px-2 py-1 font-mono text-compact [overflow-wrap:anywhere] hover:bg-sunken aria-selected:bg-selected data-marked:bg-sunken data-marked:outline-2 data-marked:outline-ink coarse:min-h-11"
                >
                  <bdi>{option.value}</bdi>
                  <span className="font-sans text-hint text-text-2">{option.note}</span>
                </div>
              ))}
          </div>
        ))}
      </div>
      <p role="status" className="text-hint text-text-3">
        {props.summary(found.length, shown.length)}
      </p>
    </div>
  );
}

/** Every option while the text is one of them, as it is just after one was picked; else those that hold all its words. */
function matching(options: readonly ComboboxOption[], text: string): readonly ComboboxOption[] {
  if (options.some((option) => option.value === text)) return options;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return options.filter((option) => {
    const all = `${option.value} ${option.group}`.toLowerCase();
    return words.every((word) => all.includes(word));
  });
}
