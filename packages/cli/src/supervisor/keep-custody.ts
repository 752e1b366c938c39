import { runKekProcess } from '../kek-process.ts';
import type { Settings } from '../settings.ts';
import { Custodian } from './custodian.ts';

/** Starts the custodian of this data folder; rotations that an operator ordered run as `ownkey kek rotate` does. */
export async function startCustodian(
  settings: Settings,
  workerUrl: () => string,
  say: (line: string) => void,
): Promise<Custodian> {
  const custodian = new Custodian({
    workerUrl,
    dataDirectory: settings.dataDirectory,
    say,
    rotate: async () => {
      const { code, output } = await runKekProcess(settings, workerUrl(), ['rotate'], { output: 'collect' });
      const words = output.trim();
      if (words !== '') say(words);
      return code;
    },
  });
  try {
    await custodian.start();
  } catch (error) {
    await custodian.stop();
    throw new Error(
      `Removed keys could not be looked up: ${error instanceof Error ? error.message : String(error)}. Is the database of this version? Run \`ownkey migrate\`.`,
      { cause: error },
    );
  }
  return custodian;
}
