import { RadioGroup } from 'radix-ui';
import type { ReactNode } from 'react';

export interface Segment<T extends string> {
  value: T;
  label: ReactNode;
}

/** Two or three exclusive choices side by side; arrows move, picked = tint and check mark of the group. */
export function Segmented<T extends string>(props: {
  label: string;
  value: T;
  segments: readonly Segment<T>[];
  onChange: (value: T) => void;
  className?: string;
}) {
  return (
    <RadioGroup.Root
      aria-label={props.label}
      value={props.value}
      orientation="horizontal"
      onValueChange={(value) => {
        const picked = props.segments.find((segment) => segment.value === value);
        if (picked) props.onChange(picked.value);
      }}
      className={`inline-flex rounded-control border border-border-strong bg-surface p-0.5 ${props.className ?? ''}`}
    >
      {props.segments.map((segment) => (
        <RadioGroup.Item
          key={segment.value}
          value={segment.value}
          className="inline-flex min-h-7 items-center gap-2 rounded-bar px-3 text-body whitespace-nowrap text-text-2 hover:bg-sunken data-[state=checked]:bg-selected data-[state=checked]:font-medium data-[state=checked]:text-text coarse:min-h-10"
        >
          {segment.label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
