import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { Client } from 'pg';
import { runKekProcess } from '../kek-process.ts';
import { findPackage } from '../postgres/binaries.ts';
import { findCluster } from '../postgres/place.ts';
import { runningWorkerUrl } from '../postgres/running.ts';
import { type Settings, SettingsError } from '../settings.ts';
import { readFingerprint } from '../supervisor/fingerprint.ts';
import { assertPortFree, bindSharedListener } from '../supervisor/listener.ts';
import { localUrl } from '../supervisor/local-url.ts';
import { dataDirectoryOwner } from '../supervisor/lock.ts';
import { masterKeyProblem } from '../supervisor/master-key.ts';
import { PROGRAMS } from '../supervisor/programs.ts';
import { type Command, isRoot } from './command.ts';

interface Finding {
  readonly level: 'ok' | 'note' | 'problem';
  readonly text: string;
}

export const doctor: Command = {
  summary: 'Check this machine and its settings, and explain what is wrong.',
  help: `Usage: ownkey doctor

Checks Node, the build, settings, data folder, PostgreSQL binaries or the given databases (reachable, roles, migrations),
the master key (also whether it opens what the database holds, where that runs) and ports. Changes nothing. Exit code 1 when something would keep Ownkey from starting.`,
  run: async ({ settings: read, say }) => {
    const findings: Finding[] = [nodeVersion(), built()];
    let settings: Settings | null = null;
    try {
      settings = read();
      findings.push(ok('The settings are well formed.'));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const text of error.problems) findings.push({ level: 'problem', text });
    }
    if (settings !== null) findings.push(...(await checkSettings(settings)));
    for (const { level, text } of findings)
      say(`${{ ok: '  ok     ', note: '  note   ', problem: '  PROBLEM' }[level]}  ${text}`);
    const problems = findings.filter(({ level }) => level === 'problem').length;
    say(
      problems === 0
        ? 'Nothing stands in the way.'
        : `${problems} ${problems === 1 ? 'problem' : 'problems'} to solve.`,
    );
    return problems === 0 ? 0 : 1;
  },
};

async function checkSettings(settings: Settings): Promise<Finding[]> {
  const findings = [...dataFolder(settings), masterKey(settings)];
  if (isRoot())
    findings.push(note('Running as root: `ownkey start` needs --allow-root; the embedded database runs as `nobody`.'));
  if (settings.controlUrl === null && settings.workerUrl === null) findings.push(embeddedBinaries());
  const owner = dataDirectoryOwner(settings.dataDirectory);
  if (owner === null) findings.push(...(await ports(settings)));
  else findings.push(note(`The data folder is in use by ${owner}; ports are not checked.`), await vault(settings));
  for (const [name, url, role] of [
    ['DATABASE_URL', settings.ownerUrl, null],
    ['OWNKEY_CONTROL_DATABASE_URL', settings.controlUrl, 'ownkey_control'],
    ['OWNKEY_WORKER_DATABASE_URL', settings.workerUrl, 'ownkey_worker'],
  ] as const) {
    if (url !== null) findings.push(await database(name, url, role));
  }
  findings.push(...(await masterKeyFits(settings, owner !== null)));
  findings.push(
    settings.sendsMail
      ? ok('A mail server is set.')
      : note('OWNKEY_SMTP_URL is not set: mails (alerts, invitations, new passwords) stay queued.'),
  );
  for (const [name, url] of [
    ['OWNKEY_CONSOLE_URL', settings.consoleUrl],
    ['OWNKEY_GATEWAY_URL', settings.gatewayUrl],
  ] as const) {
    if (url?.startsWith('http:') && !/^http:\/\/(?:localhost|127\.|\[::1\])/.test(url)) {
      findings.push(note(`${name} is plain http: browsers let nobody paste a key there. Put TLS in front.`));
    }
  }
  const { consoleUrl, gatewayUrl } = settings;
  if (consoleUrl !== null && gatewayUrl !== null) findings.push(...origins(consoleUrl, gatewayUrl));
  return findings;
}

/** Of a running installation. */
async function vault({ host, gatewayPort }: Settings): Promise<Finding> {
  const fingerprint = gatewayPort === 0 ? null : await readFingerprint(localUrl(host, gatewayPort));
  return fingerprint === null
    ? note('The gateway does not tell the fingerprint of its vault: it does not run on its port yet.')
    : ok(`Keys are sealed for the vault ${fingerprint}.`);
}

/** The field for keys is a frame of the gateway's origin: what shares its origin could read it. */
function origins(consoleUrl: string, gatewayUrl: string): Finding[] {
  const [page, frame] = [new URL(consoleUrl), new URL(gatewayUrl)];
  if (page.origin === frame.origin)
    return [
      bad('OWNKEY_GATEWAY_URL has the origin of OWNKEY_CONSOLE_URL: give the gateway a host or port of its own.'),
    ];
  return page.protocol === 'https:' && frame.protocol === 'http:'
    ? [bad('OWNKEY_GATEWAY_URL is plain http while the console is https: browsers do not load the field for keys.')]
    : [];
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 20)
    ? ok(`Node ${process.versions.node}.`)
    : bad(`Node ${process.versions.node} is too old: 20.20 or newer is needed.`);
}

function built(): Finding {
  const missing = [PROGRAMS.server, PROGRAMS.worker, PROGRAMS.migrate, PROGRAMS.kekFile].filter(
    (path) => !existsSync(path),
  );
  return missing.length === 0
    ? ok('The programs are built.')
    : bad(`Not built: ${missing.join(', ')}. Run \`npm run build\`.`);
}

function dataFolder({ dataDirectory }: Settings): Finding[] {
  if (!existsSync(dataDirectory))
    return [note(`The data folder ${dataDirectory} does not exist yet; it is made at the first start.`)];
  try {
    accessSync(dataDirectory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [bad(`The data folder ${dataDirectory} cannot be written by this user.`)];
  }
  const mode = statSync(dataDirectory).mode & 0o777;
  const cluster = findCluster(dataDirectory);
  return [
    (mode & 0o066) === 0
      ? ok(`Data folder ${dataDirectory}.`)
      : bad(
          `The data folder ${dataDirectory} can be read or written by others (mode ${mode.toString(8)}). Run: chmod 700 ${dataDirectory}`,
        ),
    ...(cluster === null ? [] : [ok(`The embedded database lies in ${cluster}.`)]),
  ];
}

function masterKey({ kekFile }: Settings): Finding {
  const problem = masterKeyProblem(kekFile);
  if (problem === null) return ok(`Master key ${kekFile}.`);
  return existsSync(kekFile) ? bad(problem) : note(`${problem} \`ownkey dev\` makes one too.`);
}

/** Opens every row in a process behind the worker's walls. Of an embedded database only while it runs: `doctor` starts nothing. */
async function masterKeyFits(settings: Settings, isRunning: boolean): Promise<Finding[]> {
  if (masterKeyProblem(settings.kekFile) !== null) return [];
  const url = settings.workerUrl ?? (isRunning ? runningWorkerUrl(settings.dataDirectory) : null);
  if (url === null) {
    return findCluster(settings.dataDirectory) === null
      ? []
      : [
          note(
            'The embedded database does not run, so no row was opened. `ownkey kek rotate --dry-run` opens all of them.',
          ),
        ];
  }
  const { code, output } = await runKekProcess(settings, url, ['check'], { output: 'collect' });
  const text = output.trim().replaceAll('\n', '\n           ');
  return [code === 0 ? (text.includes('damaged') ? note(text) : ok(text)) : bad(text)];
}

function embeddedBinaries(): Finding {
  try {
    const { version } = findPackage();
    return ok(`PostgreSQL binaries ${version}.`);
  } catch (error) {
    return bad(messageOf(error));
  }
}

async function ports(settings: Settings): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, port] of [
    ['OWNKEY_PORT', settings.port],
    ['OWNKEY_GATEWAY_PORT', settings.gatewayPort],
    ['OWNKEY_SANDBOX_PORT', settings.sandboxPort],
  ] as const) {
    try {
      await assertPortFree(settings.host, port, name);
    } catch (error) {
      findings.push(bad(messageOf(error)));
    }
  }
  try {
    (await bindSharedListener(settings.host, 0, 'OWNKEY_GATEWAY_PORT')).close();
  } catch (error) {
    findings.push(bad(`OWNKEY_HOST: ${messageOf(error)}`));
  }
  return findings.length === 0
    ? [ok(`Ports ${settings.port}, ${settings.gatewayPort}, ${settings.sandboxPort} on ${settings.host} can be used.`)]
    : findings;
}

async function database(name: string, url: string, role: string | null): Promise<Finding> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ role: string; version: number; migrated: boolean }>(
      "SELECT current_user AS role, current_setting('server_version_num')::int AS version, to_regclass('public.ownkey_migrations') IS NOT NULL AS migrated",
    );
    const found = rows[0];
    if (found === undefined) return bad(`${name}: no answer.`);
    if (found.version < 150000)
      return bad(`${name}: PostgreSQL 15 or newer is needed (it is ${Math.floor(found.version / 10000)}).`);
    if (role !== null && found.role !== role)
      return bad(`${name} connects as ${found.role}; it must be ${role}, which has only the rights its plane needs.`);
    if (!found.migrated)
      return bad(
        `${name}: the database is not prepared. Run \`ownkey init\` (or \`ownkey migrate\`) with DATABASE_URL.`,
      );
    return ok(`${name}: reachable as ${found.role}, PostgreSQL ${Math.floor(found.version / 10000)}.`);
  } catch (error) {
    return bad(`${name}: ${messageOf(error)}`);
  } finally {
    await client.end().catch(() => {});
  }
}

const ok = (text: string): Finding => ({ level: 'ok', text });
const note = (text: string): Finding => ({ level: 'note', text });
const bad = (text: string): Finding => ({ level: 'problem', text });

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
