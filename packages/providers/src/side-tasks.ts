import { type CallerRequest, type Exchange, type Task, UnsupportedFeature } from '@ownkey/contract/dialect';
import type { CatalogueEntry, ProviderTarget, Wire } from '@ownkey/contract/provider';
import { NO_USAGE, type Usage, type UsageBasis } from '@ownkey/contract/usage';
import { jsonOf, parseJson } from './json.ts';
import { NativeReader, type NativeReaderOptions } from './native/reader.ts';
import { splice } from './native/splice.ts';
import { upstreamHeaders } from './upstream.ts';

type SideTask = Exclude<Task, 'answer'>;

/** What is asked besides answers: always in the caller's own wire, since no other wire has a counterpart. */
interface SideRoute {
  wire: Wire;
  path: string;
  canServe: (entry: CatalogueEntry) => boolean;
  /** Behind the provider's name. */
  refusal: string;
}

const ROUTES: Readonly<Record<SideTask, SideRoute>> = {
  // Reference: platform.openai.com/docs/api-reference/embeddings/create
  embeddings: {
    wire: 'openai-chat',
    path: '/embeddings',
    canServe: (entry) => entry.dialect === 'openai-chat' && entry.abilities.embeddings,
    refusal: 'has no embeddings',
  },
  // Reference: platform.claude.com/docs/en/api/messages-count-tokens
  'count-tokens': {
    wire: 'anthropic-messages',
    path: '/messages/count_tokens',
    canServe: (entry) => entry.dialect === 'anthropic-messages',
    refusal: 'cannot count the tokens of a message before it is sent',
  },
};

/** Bytes that count as one token where a provider reports nothing. */
const BYTES_PER_TOKEN = 4;

/** A call for embeddings or a count of tokens: the caller's bytes but for the model's name. Throws UnsupportedFeature. */
export function sideExchange(
  target: ProviderTarget,
  request: CallerRequest,
  task: SideTask,
  answerBytesMax: number,
): Exchange {
  const { entry } = target;
  const { wire, path, canServe, refusal } = ROUTES[task];
  if (!canServe(entry)) throw new UnsupportedFeature('model', `${entry.name} ${refusal}.`);
  const inputBytes = task === 'embeddings' ? request.body.length : 0;
  return {
    request: { method: 'POST', path, headers: upstreamHeaders(entry, wire, request, false), body: bodyOf(request) },
    reader: () => new SideReader({ wire, entry, hideUsage: false, answerBytesMax }, task, inputBytes),
    withoutAddedParameters: () => null,
  };
}

function bodyOf({ body, modelRange, parsed, upstreamModel }: CallerRequest): Buffer {
  if (modelRange !== null) return splice(body, [{ ...modelRange, text: JSON.stringify(upstreamModel) }]);
  return Buffer.from(JSON.stringify({ ...(parsed ?? jsonOf(parseJson(body.toString()))), model: upstreamModel }));
}

/** Reads such an answer on its way through. Nothing is generated: vectors cost their input, a count costs nothing. */
class SideReader extends NativeReader {
  readonly #task: SideTask;
  readonly #inputBytes: number;

  constructor(options: NativeReaderOptions, task: SideTask, inputBytes: number) {
    super({ ...options, repairs: false });
    this.#task = task;
    this.#inputBytes = inputBytes;
  }

  override usage(): { usage: Usage; basis: UsageBasis; partial: boolean } | null {
    if (this.#task === 'count-tokens' || this.failure() !== null) return null;
    const reported = super.usage();
    if (reported !== null || !this.started()) return reported;
    const input = Math.ceil(this.#inputBytes / BYTES_PER_TOKEN);
    return { usage: { ...NO_USAGE, input }, basis: 'counted', partial: false };
  }

  override generatedCharacters(): number {
    return 0;
  }
}
