import type { Profile } from './profile.ts';

export type EndpointName =
  | 'models'
  | 'model'
  | 'key_info'
  | 'chat'
  | 'messages'
  | 'count_tokens'
  | 'responses'
  | 'embeddings';

export interface Endpoint {
  name: EndpointName;
  /** Model id out of the path, for `model`. */
  id: string;
}

/** Finds the endpoint of a path below the provider's base path; null if this provider has none there. */
export function findEndpoint(profile: Profile, method: string, path: string): Endpoint | null {
  // Several providers serve the same paths with and without a version in front.
  const below = path.replace(/^\/v1(?=\/)/, '');
  const found = method === 'GET' ? findRead(profile, below) : method === 'POST' ? findWrite(profile, below) : null;
  return found && { id: '', ...found };
}

function findRead(profile: Profile, path: string): { name: EndpointName; id?: string } | null {
  if (profile.keyInfo && path === profile.keyInfo.path) return { name: 'key_info' };
  if (!profile.modelList) return null;
  if (path === '/models') return { name: 'models' };
  const id = /^\/models\/(.+)$/.exec(path)?.[1];
  return id === undefined ? null : { name: 'model', id: decodeURIComponent(id) };
}

function findWrite(profile: Profile, path: string): { name: EndpointName } | null {
  if (path === '/chat/completions' && profile.chat) return { name: 'chat' };
  if (path === '/messages' && profile.messages) return { name: 'messages' };
  if (path === '/messages/count_tokens' && profile.messages) return { name: 'count_tokens' };
  if (path === '/responses' && profile.responses) return { name: 'responses' };
  if (path === '/embeddings' && profile.embeddings) return { name: 'embeddings' };
  return null;
}

/** Endpoints that cost money: outcomes about credit, limits and speed are for them alone. */
export function isGeneration(endpoint: EndpointName): boolean {
  return endpoint === 'chat' || endpoint === 'messages' || endpoint === 'responses' || endpoint === 'embeddings';
}
