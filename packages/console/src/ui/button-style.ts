export type ButtonKind = 'primary' | 'secondary' | 'quiet' | 'danger';

const KINDS: Record<ButtonKind, string> = {
  primary: 'bg-ink text-on-ink hover:opacity-90',
  secondary: 'border border-border-strong bg-surface text-text hover:bg-sunken active:bg-selected',
  quiet: 'text-text hover:bg-sunken active:bg-selected',
  danger: 'bg-danger text-on-danger hover:opacity-90',
};

const UNAVAILABLE = 'border border-dashed border-border-strong text-text-3';

/** Classes of a button, shared with links that look like one. */
export function buttonStyle(kind: ButtonKind, unavailable = false, square = false): string {
  return `inline-flex min-h-8 shrink-0 items-center justify-center gap-2 rounded-control ${square ? 'w-8 coarse:w-11' : 'px-3'} text-body font-medium whitespace-nowrap transition-[background-color,opacity] duration-[120ms] coarse:min-h-11 ${unavailable ? UNAVAILABLE : KINDS[kind]}`;
}
