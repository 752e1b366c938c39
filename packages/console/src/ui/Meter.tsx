export type MeterTone = 'plain' | 'warn' | 'bad';

const FILLS: Record<MeterTone, string> = { plain: 'fill-ink', warn: 'fill-warn-graphic', bad: 'fill-bad' };

/** How much of a limit is used, as a bar: `used` per cent, then `held` per cent in grey. Figure and word stand beside it. */
export function Meter(props: { label: string; text: string; used: number; held?: number; tone: MeterTone }) {
  const used = clamp(props.used);
  const held = clamp(used + (props.held ?? 0)) - used;
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element cannot show what is held beside what is used
    <div
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(used)}
      aria-valuetext={props.text}
      className="w-full"
    >
      <svg
        aria-hidden="true"
        viewBox="0 0 100 8"
        preserveAspectRatio="none"
        className="block h-2 w-full rounded-bar bg-selected"
      >
        <rect width={used} height="8" className={FILLS[props.tone]} />
        <rect x={used} width={held} height="8" className="fill-text-3" />
      </svg>
    </div>
  );
}

function clamp(percent: number): number {
  return Math.min(100, Math.max(0, percent));
}
