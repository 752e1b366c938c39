import type { Progress } from './rotate.ts';

const WORDS: Readonly<Record<Progress['step'], string>> = {
  ordered: 'Making a new master key',
  spreading: 'Waiting until every worker has it',
  switching: 'Waiting until every worker writes with it',
  rewrapping: 'Re-wrapping',
  closing: 'Closing the old one',
  done: 'Done',
};
const BAR = 30;

/** A bar that moves on a terminal; a line a step elsewhere. */
export function showProgress(out: NodeJS.WriteStream): (progress: Progress) => void {
  let last = '';
  return ({ step, done, total, waitingFor }) => {
    const waiting = waitingFor.length === 0 ? '' : ` (${waitingFor.join(', ')})`;
    if (!out.isTTY) {
      const line = `${WORDS[step]}${waiting}`;
      if (line !== last) out.write(`${line}\n`);
      last = line;
      return;
    }
    const filled = total === 0 ? 0 : Math.round((BAR * done) / total);
    const bar = total === 0 ? '' : ` [${'#'.repeat(filled)}${' '.repeat(BAR - filled)}] ${done} of ${total}`;
    out.write(`\r\x1b[2K${WORDS[step]}${waiting}${bar}${step === 'done' ? '\n' : ''}`);
  };
}
