/** Which of a page's colours and lengths are taken. Pure. A page cannot make what the field says too faint to be read. */
import { FIELD_COLOURS, FIELD_LENGTHS, type FieldLook } from '@ownkey/contract/field';

export interface TakenLook {
  readonly tokens: ReadonlyMap<string, string>;
  /** Names (shortened) of what was not taken. */
  readonly refused: readonly string[];
}

type Scheme = FieldLook['scheme'];

/** Our own colours that matter for contrast, as in style.css. */
const OWN: Readonly<Record<Scheme, Readonly<Record<string, string>>>> = {
  light: {
    '--oky-surface': '#ffffff',
    '--oky-sunken': '#f3f4f6',
    '--oky-text': '#16181d',
    '--oky-text-2': '#4a515d',
    '--oky-bad': '#b42318',
  },
  dark: {
    '--oky-surface': '#161a21',
    '--oky-sunken': '#1e232c',
    '--oky-text': '#eceff4',
    '--oky-text-2': '#b4bcc9',
    '--oky-bad': '#ff8f80',
  },
};

/** WCAG 2 AA for text. */
const CONTRAST_MIN = 4.5;
/** Text and what it stands on; the status colour is ours and cannot be set. */
const PAIRS = [
  ['--oky-text', '--oky-surface'],
  ['--oky-text', '--oky-sunken'],
  ['--oky-text-2', '--oky-surface'],
  ['--oky-bad', '--oky-surface'],
] as const;

/** Takes names of the list with values of their shape; where any text would be faint, no colour of the page is taken. */
export function takeLook({ scheme, tokens = {} }: FieldLook): TakenLook {
  const taken = new Map<string, string>();
  const refused: string[] = [];
  for (const [name, value] of Object.entries(tokens)) {
    if (isColour(name, value) || isLength(name, value)) taken.set(name, value);
    else refused.push(name.slice(0, 40));
  }
  const colour = (name: string): string => taken.get(name) ?? OWN[scheme][name] ?? '#000000';
  if (PAIRS.some(([text, ground]) => contrast(colour(text), colour(ground)) < CONTRAST_MIN)) {
    for (const name of FIELD_COLOURS) if (taken.delete(name)) refused.push(name);
  }
  return { tokens: taken, refused };
}

function isColour(name: string, value: string): boolean {
  return FIELD_COLOURS.some((known) => known === name) && /^#[0-9a-f]{6}$/i.test(value);
}

function isLength(name: string, value: string): boolean {
  const bounds = Object.entries(FIELD_LENGTHS).find(([known]) => known === name)?.[1];
  const px = /^(\d{1,2})px$/.exec(value)?.[1];
  return bounds !== undefined && px !== undefined && Number(px) >= bounds.min && Number(px) <= bounds.max;
}

/** WCAG 2 contrast of two `#rrggbb`. */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
