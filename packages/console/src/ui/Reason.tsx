import type { ReactNode } from 'react';

/** Shows why a control is unavailable while it has focus or the pointer; the control names `id` as its description. */
export function Reason({ id, text, children }: { id: string; text: string; children: ReactNode }) {
  return (
    <span className="relative inline-flex">
      {children}
      <span
        id={id}
        role="tooltip"
        className="pointer-events-none absolute end-0 top-full z-20 mt-1 hidden w-max max-w-64 rounded-control border border-border bg-surface px-3 py-2 text-start text-hint font-normal whitespace-normal text-text-2 shadow-layer peer-hover:block peer-focus:block"
      >
        {text}
      </span>
    </span>
  );
}
