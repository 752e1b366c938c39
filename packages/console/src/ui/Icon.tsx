/** One 16 px line set, 1.5 px stroke. Always beside a word, or in a button that has a label. */
const PATHS = {
  check: 'M3 8.5 6.5 12 13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  alert: 'M8 3.5v5.5M8 12v.01',
  half: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 2.5v11',
  clock: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 5v3l2 2',
  ring: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z',
  barred: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM4.2 4.2l7.6 7.6',
  dash: 'M4 8h8',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  more: 'M3.5 8v.01M8 8v.01M12.5 8v.01',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  external: 'M6.5 3.5h-4v10h10v-4M9 2.5h4.5v4.5M13 3 7.5 8.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.5 10.5 14 14',
  back: 'M10 3 5 8l5 5',
  down: 'M3.5 6 8 10.5 12.5 6',
  menu: 'M2 4h12M2 8h12M2 12h12',
  key: 'M6 7.5a3 3 0 1 0 0 1M6 8h8M12 8v3',
  bars: 'M3 13.5V9M8 13.5v-11M13 13.5V6',
  list: 'M5 4h9M5 8h9M5 12h9M2 4v.01M2 8v.01M2 12v.01',
  building: 'M3 13.5v-11h7v11M10 6.5h3v7M1.5 13.5h13M5.5 5.5h2M5.5 8.5h2',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  exit: 'M6.5 2.5h-4v11h4M6 8h8M11 5l3 3-3 3',
  plus: 'M8 3v10M3 8h10',
  coin: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM8 5v6M9.7 6.200C9 5.700 6.400 5.500 6.400 7s3.400.6 3.400 2.200-2.700 1.400-3.600.7',
  people:
    'M6 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM1.500 13.500c0-2.500 2-4 4.500-4s4.500 1.500 4.500 4M10.500 2.800a2.500 2.500 0 0 1 0 4.400M12.200 9.800c1.400.600 2.300 1.900 2.300 3.700',
  sliders: 'M2 5h12M2 11h12M6 3v4M10 9v4',
  shield: 'M8 1.5 13.5 4v4c0 3-2.2 5.2-5.5 6.5C4.700 13.2 2.5 11 2.5 8V4z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = '' }: { name: IconName; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      className={`inline-block size-4 shrink-0 fill-none stroke-current ${className}`}
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Spinner({ className = '' }: { className?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      className={`spinner inline-block size-4 shrink-0 fill-none stroke-current ${className}`}
      strokeWidth="1.5"
      strokeLinecap="round"
    >
      <path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5" />
    </svg>
  );
}
