import type { ProviderFailure } from '@ownkey/contract/dialect';
import type { NeutralAnswer, NeutralEvent } from '@ownkey/contract/neutral';

/** Puts a stream's events together again: for providers that stream although not asked to, and for comparing both forms. */
export class AnswerCollector {
  readonly #answer: NeutralAnswer = { id: '', model: '', parts: [], stop: 'stop', usage: null };
  failure: ProviderFailure | null = null;
  /** Whether the stream came to its end. */
  finished = false;

  add(event: NeutralEvent): void {
    const { parts } = this.#answer;
    const last = parts.at(-1);
    switch (event.type) {
      case 'message-start': {
        this.#answer.id = event.id;
        this.#answer.model = event.model;
        if (event.created !== undefined) this.#answer.created = event.created;
        break;
      }
      case 'text-start':
        parts.push({ type: 'text', text: '' });
        break;
      case 'thinking-start':
        parts.push({ type: 'thinking', text: '', ...(event.id === undefined ? {} : { id: event.id }) });
        break;
      case 'text-delta':
        if (last?.type === 'text') last.text += event.text;
        break;
      case 'thinking-delta':
        if (last?.type === 'thinking') last.text += event.text;
        break;
      case 'thinking-signature':
        if (last?.type === 'thinking') {
          last.signature = (last.signature ?? '') + event.signature;
          last.format = event.format;
        }
        break;
      case 'redacted-thinking':
        parts.push({ type: 'redacted-thinking', data: event.data, format: event.format });
        break;
      case 'refusal-delta':
        if (last?.type === 'refusal') last.text += event.text;
        else parts.push({ type: 'refusal', text: event.text });
        break;
      case 'tool-start': {
        const signed = event.signature === undefined ? {} : { signature: event.signature };
        parts.push({ type: 'tool-call', id: event.id, name: event.name, arguments: '', ...signed });
        break;
      }
      case 'tool-delta':
        if (last?.type === 'tool-call') last.arguments += event.arguments;
        break;
      case 'tool-end':
        if (last?.type === 'tool-call' && last.arguments === '') last.arguments = '{}';
        break;
      case 'usage':
        this.#answer.usage = event.usage;
        break;
      case 'message-finish':
        this.#answer.stop = event.stop;
        if (event.stopSequence !== undefined) this.#answer.stopSequence = event.stopSequence;
        this.finished = true;
        break;
      case 'error':
        this.failure = event.failure;
        break;
      default:
    }
  }

  /** What came; empty texts are left out, as an unstreamed answer has none. */
  answer(): NeutralAnswer {
    const parts = this.#answer.parts.filter((part) => part.type !== 'text' || part.text !== '');
    return { ...this.#answer, parts };
  }
}
