import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderTarget, Wire } from '@ownkey/contract/provider';
import { type Catalogue, customTarget, resolveProvider, targetFor } from '@ownkey/providers/catalogue';

/** One recorded exchange of a provider: a file of the folder that `OWNKEY_RECORDINGS` names. */
export interface Recording {
  file: string;
  provider: string;
  endpoint: string;
  case: string;
  streaming: boolean;
  model: string | null;
  request: { method: string; path: string; headers: Record<string, string>; body: Record<string, unknown> };
  response: { status: number; headers: Record<string, string>; body?: unknown; sse?: string };
}

/** Endpoints a dialect speaks, by the name recordings give them. Native Gemini and Ollama ones are not among them. */
export const WIRE_OF_ENDPOINT: Readonly<Record<string, Wire>> = {
  'chat.completions': 'openai-chat',
  'openai.chat.completions': 'openai-chat',
  responses: 'openai-responses',
  messages: 'anthropic-messages',
};

/** Every recording of the folder, in order of its name. */
export function readRecordings(folder: string): Recording[] {
  return readdirSync(folder)
    .filter((name) => statSync(join(folder, name)).isDirectory())
    .flatMap((name) =>
      readdirSync(join(folder, name))
        .filter((file) => file.endsWith('.json'))
        .map((file) => ({ file: `${name}/${file}`, ...JSON.parse(readFileSync(join(folder, name, file), 'utf8')) })),
    );
}

/** The provider of a recording as a destination; one the catalogue does not know is a custom endpoint. */
export function targetOf(catalogue: Catalogue, recording: Recording): ProviderTarget {
  const entry = resolveProvider(catalogue, recording.provider);
  const wire = WIRE_OF_ENDPOINT[recording.endpoint] ?? 'openai-chat';
  const target = entry
    ? targetFor(entry)
    : customTarget(
        catalogue,
        catalogue.presets.has(recording.provider) ? recording.provider : null,
        recording.provider,
        'https://endpoint.example/v1',
      );
  // A recording of another wire than the entry's (a provider that speaks several) is read as what it is.
  return { ...target, entry: { ...target.entry, dialect: wire } };
}

/** The bytes of a recorded answer. */
export function answerBytes({ response }: Recording): Buffer {
  if (response.sse !== undefined) return Buffer.from(response.sse);
  return Buffer.from(typeof response.body === 'string' ? response.body : JSON.stringify(response.body));
}
