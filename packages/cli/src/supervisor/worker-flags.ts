/**
 * Node's flags for the isolated processes (decision 0002 says what was measured). Node's permission model is not a boundary
 * against malicious code in the process; it takes away what a mistake or a simple exploit would use: reading other files,
 * writing any, starting processes, threads, addons, the inspector.
 */

interface Version {
  readonly major: number;
  readonly minor: number;
}

/**
 * Flags of the worker for this Node version ("v20.20.2"), reading only `readable` (folders end in a slash).
 * @throws Error for a version without the permission model.
 */
export function workerFlags(version: string, readable: readonly string[]): string[] {
  return [
    ...permissionFlags(version, readable),
    '--disable-proto=throw',
    // No dependency of the worker makes code from strings; WebAssembly (undici's parser) is not affected.
    '--disallow-code-generation-from-strings',
  ];
}

/**
 * Flags of the server: the same wall around files (it cannot read the master key, whatever path it is told), but its
 * libraries compile schemas to code, so making code from strings stays allowed.
 */
export function serverFlags(version: string, readable: readonly string[]): string[] {
  // Tokens are counted in a thread; the server closes the way to any other (its `platform/threads.ts`), which is what Node's warning
  // at every start is about.
  return [...permissionFlags(version, readable), '--allow-worker', '--disable-warning=SecurityWarning'];
}

/** Flags of the server's seeds: they start no thread, so none may. */
export function seedFlags(version: string, readable: readonly string[]): string[] {
  return permissionFlags(version, readable);
}

function permissionFlags(version: string, readable: readonly string[]): string[] {
  const node = parseVersion(version);
  if (node.major < 20) throw new Error(`Node ${version} has no permission model; Ownkey needs Node 20.20 or newer`);
  return [
    since(node, { 22: 13, 23: 5 }) ? '--permission' : '--experimental-permission',
    // Node 20 ends with a failed assertion when it is given a path twice.
    ...[...new Set(readable)].map((path) => `--allow-fs-read=${path}`),
    // From Node 25 on the network is part of the model, all or nothing.
    ...(node.major >= 25 ? ['--allow-net'] : []),
    '--no-addons',
    '--disable-warning=ExperimentalWarning',
    ...(since(node, { 22: 14, 23: 7 }) ? ['--disable-sigusr1'] : []),
    ...(since(node, { 22: 13, 23: 3 }) ? ['--report-exclude-env'] : []),
  ];
}

/** True from the given minor of each named major on, and in every major after the last named one. */
function since(node: Version, minors: Readonly<Record<number, number>>): boolean {
  const minor = minors[node.major];
  return minor === undefined ? node.major > Math.max(...Object.keys(minors).map(Number)) : node.minor >= minor;
}

function parseVersion(version: string): Version {
  const match = /^v?(\d+)\.(\d+)\./.exec(version);
  if (match === null) throw new Error(`${version} is not a Node version`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}
