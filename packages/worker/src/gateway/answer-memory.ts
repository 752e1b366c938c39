import { AnswerTooLarge } from '@ownkey/contract/dialect';

export interface AnswerMemoryLimits {
  /** Of one answer. */
  readonly answerBytesMax: number;
  /** Of all running answers of a company, so that an endpoint of one company's own cannot use up what others need. */
  readonly companyBytesMax: number;
  readonly bytesMax: number;
}

/** Bounds what this worker holds of answers that were read and not handed on yet: those to be translated, and errors. */
export class AnswerMemory {
  readonly #limits: AnswerMemoryLimits;
  readonly #companies = new Map<string, number>();
  #bytes = 0;

  constructor(limits: AnswerMemoryLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** For one answer of a company. `end()` gives back what it still holds. */
  open(companyId: string): HeldAnswer {
    return new HeldAnswer(this.#limits.answerBytesMax, (bytes) => this.#move(companyId, bytes));
  }

  /** False, and nothing moved, when it would not fit. */
  #move(companyId: string, bytes: number): boolean {
    const company = (this.#companies.get(companyId) ?? 0) + bytes;
    const all = this.#bytes + bytes;
    if (bytes > 0 && (company > this.#limits.companyBytesMax || all > this.#limits.bytesMax)) return false;
    if (company === 0) this.#companies.delete(companyId);
    else this.#companies.set(companyId, company);
    this.#bytes = all;
    return true;
  }
}

export class HeldAnswer {
  readonly #bytesMax: number;
  readonly #move: (bytes: number) => boolean;
  #bytes = 0;

  constructor(bytesMax: number, move: (bytes: number) => boolean) {
    this.#bytesMax = bytesMax;
    this.#move = move;
  }

  /** A piece was read and `out` came of it, which is given back. While nothing comes of them, pieces add up. @throws AnswerTooLarge */
  note(piece: Buffer, out: Buffer | null): Buffer | null {
    if (out !== null) this.end();
    else if (this.#bytes + piece.length > this.#bytesMax || !this.#move(piece.length)) {
      throw new AnswerTooLarge(this.#bytesMax);
    } else this.#bytes += piece.length;
    return out;
  }

  end(): void {
    this.#move(-this.#bytes);
    this.#bytes = 0;
  }
}
