import { createClient } from '@ownkey/sdk/client';

/** The API of the page's own origin, with the session cookie. */
export const api = createClient();
