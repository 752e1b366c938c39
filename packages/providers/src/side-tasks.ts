import { type CallerRequest, type Exchange, type Task, UnsupportedFeature } from '@ownkey/contract/dialect';
import { scanBodyFields } from '@ownkey/contract/json-scan';
import type { CatalogueEntry, ProviderTarget, Wire } from '@ownkey/contract/provider';
import { NO_USAGE, type Usage, type UsageBasis } from '@ownkey/contract/usage';
import { PackedVectors } from './embeddings-format.ts';
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
  const reader = { wire, entry, hideUsage: false, answerBytesMax };
  const side = {
    task,
    inputBytes: request.body.length,
    wantsPacked: task === 'embeddings' && asksBase64(request.body),
  };
  return {
    request: { method: 'POST', path, headers: upstreamHeaders(entry, wire, request, false), body: bodyOf(request) },
    reader: () => new SideReader(reader, side),
    withoutAddedParameters: () => null,
  };
}

function bodyOf({ body, modelRange, parsed, upstreamModel }: CallerRequest): Buffer {
  if (modelRange !== null) return splice(body, [{ ...modelRange, text: JSON.stringify(upstreamModel) }]);
  return Buffer.from(JSON.stringify({ ...(parsed ?? jsonOf(parseJson(body.toString()))), model: upstreamModel }));
}

function asksBase64(body: Buffer): boolean {
  const field = scanBodyFields(body).fields.find(({ name }) => name === 'encoding_format');
  return field !== undefined && body.toString('latin1', field.start, field.end) === '"base64"';
}

interface Side {
  task: SideTask;
  inputBytes: number;
  wantsPacked: boolean;
}

/** Reads such an answer on its way through. Nothing is generated: vectors cost their input, a count costs nothing. */
class SideReader extends NativeReader {
  readonly #side: Side;
  readonly #packed: PackedVectors | null;

  constructor(options: NativeReaderOptions, side: Side) {
    super({ ...options, repairs: false });
    this.#side = side;
    this.#packed = side.wantsPacked ? new PackedVectors(options.answerBytesMax) : null;
  }

  override push(chunk: Buffer): Buffer | null {
    const out = super.push(chunk);
    return out === null || this.#packed === null ? out : this.#packed.push(out);
  }

  override end(): Buffer | null {
    const out = super.end();
    return out ?? this.#packed?.end() ?? null;
  }

  override usage(): { usage: Usage; basis: UsageBasis; partial: boolean } | null {
    if (this.#side.task === 'count-tokens' || this.failure() !== null) return null;
    const reported = super.usage();
    if (reported !== null || !this.started()) return reported;
    const input = Math.ceil(this.#side.inputBytes / BYTES_PER_TOKEN);
    return { usage: { ...NO_USAGE, input }, basis: 'counted', partial: false };
  }

  override generatedCharacters(): number {
    return 0;
  }
}
