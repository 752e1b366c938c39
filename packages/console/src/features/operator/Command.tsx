import { CopyButton } from '../../ui/CopyButton.tsx';

/** A line for the terminal of the machine that holds the data folder. */
export function Command({ text }: { text: string }) {
  return (
    <span className="mt-1 flex flex-wrap items-center gap-2">
      <code className="font-mono text-compact">{text}</code>
      <CopyButton text={text} />
    </span>
  );
}
