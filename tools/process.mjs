// Running other programs from the tools: output passes through or is kept, and signals reach the child.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's own folder. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Runs a program in the repository. `quiet` keeps its output and gives it back instead of showing it.
 * @param {string} command
 * @param {readonly string[]} words
 * @param {{ quiet?: boolean, env?: Record<string, string | undefined>, cwd?: string }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, words, { quiet = false, env = process.env, cwd = ROOT } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { cwd, env, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    let output = '';
    const collect = (chunk) => {
      output += chunk;
    };
    child.stdout?.setEncoding('utf8').on('data', collect);
    child.stderr?.setEncoding('utf8').on('data', collect);
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const settle = (done) => {
      for (const signal of signals) process.off(signal, forward);
      done();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('close', (code, signal) => {
      settle(() => {
        // A stopped tool ends as if the signal had reached it alone.
        if (signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP') process.kill(process.pid, signal);
        resolve({ code: code ?? 1, output });
      });
    });
  });
}

/** Runs a program that is a script of an installed package, with this very Node. */
export function runScript(script, words, options) {
  return run(process.execPath, [join(ROOT, script), ...words], options);
}

/** Seconds since `began` (performance.now()), for people. */
export function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}
