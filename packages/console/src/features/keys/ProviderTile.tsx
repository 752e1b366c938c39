/** Letter tile of a provider; the name stands beside it, so it says nothing to screen readers. */
export function ProviderTile({ name }: { name: string }) {
  return (
    <span
      aria-hidden="true"
      className="inline-flex size-8 shrink-0 items-center justify-center rounded-control bg-sunken font-semibold text-text-2"
    >
      {[...name][0]?.toUpperCase()}
    </span>
  );
}
