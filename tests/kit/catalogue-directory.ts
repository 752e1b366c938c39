import { fileURLToPath } from 'node:url';

/** The product's own catalogue. */
export const CATALOGUE_DIRECTORY = fileURLToPath(new URL('../../catalogue', import.meta.url));
