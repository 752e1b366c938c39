import type { Estimate, EstimateBody } from '@ownkey/contract/api/money';
import { OwnkeyError } from '@ownkey/contract/errors';
import { type Limit, METERS } from '@ownkey/contract/spend';
import { boundCost } from '@ownkey/policy/bound-cost';
import { capsFor } from '@ownkey/policy/caps';
import { readBody } from '@ownkey/policy/read-body';
import { type RequestFeatures, readFeatures } from '@ownkey/policy/request-features';
import type { Catalogue } from '@ownkey/providers/catalogue';
import type { Database } from '../../storage/database.ts';
import { readCaps } from '../caps/store.ts';
import type { PayerState } from '../keys/payer.ts';
import { readSums } from '../spend/meters.ts';
import { readGrantedCredits } from '../spend/spend.ts';
import { findBlock, limitsLeft, remainingOf } from './blocks.ts';
import { costsOf } from './estimate.ts';
import { type EstimateWire, type RequestText, readText, wireOf } from './request-text.ts';
import { routeCall } from './route-call.ts';
import { findPrice, findTypicalOutput } from './store.ts';
import type { TokenCounter } from './token-counter.ts';

export interface EstimateParts {
  readonly database: Database;
  readonly catalogue: Catalogue;
  readonly tokenCounter: TokenCounter;
}

export interface EstimateAsk {
  readonly companyId: string;
  readonly userId: string | null;
  readonly account: string | null;
  readonly operation: string | null;
  readonly wire: EstimateWire | undefined;
  readonly body: EstimateBody;
  /** The body as it came: its bytes are what the gateway would bound. */
  readonly bytes: Buffer;
}

/** Tokens around each turn and tool, at the start of an answer, of a usual image, and bytes a token has where nothing is counted. */
const ITEM_TOKENS = 4;
const START_TOKENS = 3;
const IMAGE_TOKENS = 800;
const BYTES_PER_TOKEN = 4;

/**
 * What a call would cost and whether it would be sent now. Nothing is reserved, and nothing is asked of a provider.
 * @throws OwnkeyError what the gateway would refuse the call with before it comes to money: request.*, model.*, key.*, plan.*, …
 */
export async function estimateCall(parts: EstimateParts, state: PayerState, ask: EstimateAsk): Promise<Estimate> {
  const { body, bytes, wire } = unwrap(ask);
  const asked = readBody(bytes, wire);
  const features = readFeatures(bytes, wire);
  const text = readText(wire, body);
  const call = await routeCall(parts, state, ask, asked.model);
  const tokens = await countInput(parts.tokenCounter, text, features);
  return parts.database.tenant(ask.companyId, async (sql) => {
    const caps = await readCaps(sql, ask.companyId, 'no lock');
    const { policies, today } = caps;
    const { price, at } = await findPrice(sql, call.keySource === 'own' ? ask.companyId : null, call);
    const bound =
      price === null
        ? null
        : boundCost({
            model: call.model,
            rates: price.rates,
            provider: call.provider,
            bodyBytes: bytes.length,
            features,
            generates: true,
            maxTokens: asked.maxTokens,
            modelMaxTokens: call.modelMaxTokens,
            choices: asked.choices,
            policies,
          });
    const limits: Limit[] = capsFor({ policies, rows: caps.rows, userId: ask.userId, fallback: false });
    const credits = call.keySource === 'platform' ? await readGrantedCredits(sql, ask.companyId) : null;
    if (credits !== null) limits.push({ meter: METERS.credits, kind: 'month', cap: credits });
    const meters = [METERS.company, METERS.credits, ...(ask.userId === null ? [] : [ask.userId])];
    const left = limitsLeft(limits, await readSums(sql, ask.companyId, meters, today), today);
    const maxTokens = bound?.maxTokens ?? asked.maxTokens ?? call.modelMaxTokens;
    return {
      model: call.model,
      provider: call.slug,
      key_source: call.keySource,
      input_tokens: tokens.input,
      tokens_counted: tokens.counted,
      max_tokens: maxTokens,
      ...costsOf({
        price,
        bound,
        inputTokens: tokens.input,
        choices: asked.choices,
        maxTokens,
        typicalOutput: await findTypicalOutput(sql, ask.companyId, call),
        at,
      }),
      would_block: findBlock(
        { keySource: call.keySource, blocksUnpriced: caps.blockUnpriced, bound, userId: ask.userId },
        left,
      ),
      remaining: remainingOf(left),
    };
  });
}

/** A body by itself is taken as it came; one in `body` is written anew, as JSON.stringify of the caller writes it. */
function unwrap(ask: EstimateAsk): { body: Record<string, unknown>; bytes: Buffer; wire: EstimateWire } {
  const { wire, body, ...rest } = ask.body;
  if (body === undefined) {
    if (wire !== undefined)
      throw new OwnkeyError('request.invalid', {
        problem: 'wire: beside a body in `body`; otherwise name it in the query.',
        param: 'wire',
      });
    return { body: rest, bytes: ask.bytes, wire: ask.wire ?? wireOf(rest) };
  }
  return { body, bytes: Buffer.from(JSON.stringify(body)), wire: wire ?? ask.wire ?? wireOf(body) };
}

async function countInput(
  counter: TokenCounter,
  { texts, items }: RequestText,
  features: RequestFeatures,
): Promise<{ input: number; counted: boolean }> {
  const around = START_TOKENS + items * ITEM_TOKENS + features.images * IMAGE_TOKENS;
  const counted = await counter.count(texts);
  if (counted !== null) return { input: counted + around, counted: true };
  const length = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { input: Math.ceil(length / BYTES_PER_TOKEN) + around, counted: false };
}
