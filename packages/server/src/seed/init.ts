import { createSetUpCode, SET_UP_HOURS } from '../domain/sign-in/sign-in.ts';
import { openDatabase } from '../storage/database.ts';
import { memberOf, runSeedProcess } from './process.ts';

/** `ownkey init`: the one-time code for the first operator; `{}` when there is an operator already. */
await runSeedProcess(async (input, controlUrl) => {
  const database = openDatabase(controlUrl, 1);
  try {
    const code = await database.everywhere(createSetUpCode);
    if (code === null) return {};
    const consoleUrl = memberOf(input, 'console_url');
    const base = typeof consoleUrl === 'string' ? consoleUrl.replace(/\/+$/, '') : '';
    // In the fragment: it reaches no server, log or Referer.
    return { setup_code: code, url: `${base}/set-up#code=${code}`, valid_hours: SET_UP_HOURS };
  } finally {
    await database.close();
  }
});
