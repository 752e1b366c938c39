import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** The built page of the secure field, read once at start. */
export interface FieldFiles {
  /** With `PARENTS_MARK` where the listed parents go. */
  readonly page: string;
  /** Name below `assets/` (with its hash) → bytes. Nothing else is served. */
  readonly assets: ReadonlyMap<string, { readonly type: string; readonly bytes: Buffer }>;
}

/** Stands in the page for the origins that may hold it. */
export const PARENTS_MARK = '%PARENTS%';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** null = it is not built, as in tests that run from the sources. @throws Error when the page lacks its mark */
export function readFieldFiles(folder: string): FieldFiles | null {
  const page = join(folder, 'index.html');
  if (!existsSync(page)) return null;
  const text = readFileSync(page, 'utf8');
  if (!text.includes(PARENTS_MARK)) throw new Error(`${page} does not hold ${PARENTS_MARK}; run \`npm run build\``);
  const assets = new Map<string, { type: string; bytes: Buffer }>();
  for (const name of readdirSync(join(folder, 'assets'))) {
    const type = TYPES[extname(name)];
    if (type !== undefined) assets.set(name, { type, bytes: readFileSync(join(folder, 'assets', name)) });
  }
  return { page: text, assets };
}
