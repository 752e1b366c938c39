import { useEffect, useId, useState } from 'react';
import { Icon } from './Icon.tsx';

/** A search box. Typing shows at once and is reported after a short rest, so that the address does not change per letter. */
export function Search(props: { label: string; value: string; onChange: (value: string) => void; className?: string }) {
  const id = useId();
  const [text, setText] = useState(props.value);
  const { value, onChange } = props;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 200);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  return (
    <div className={`relative ${props.className ?? ''}`}>
      <label htmlFor={id} className="sr-only">
        {props.label}
      </label>
      <Icon name="search" className="pointer-events-none absolute start-2.5 top-2 text-text-3 coarse:top-3.5" />
      <input
        id={id}
        type="search"
        data-oky-search=""
        value={text}
        maxLength={200}
        autoComplete="off"
        spellCheck={false}
        placeholder={props.label}
        onChange={(event) => setText(event.target.value)}
        className="min-h-8 w-full rounded-control border border-border-strong bg-surface ps-8 pe-2 coarse:min-h-11 coarse:text-dialog"
      />
    </div>
  );
}
