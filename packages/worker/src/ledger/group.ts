/** In place of a result: this member failed, the others did not. */
export class MemberFailure {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/**
 * Gathers single calls into groups: one group is in flight, what comes meanwhile waits for the next. No timer: alone, a call goes
 * at once; under load the groups grow by themselves.
 */
export class Groups<Item, Result> {
  readonly #send: (items: readonly Item[]) => Promise<readonly (Result | MemberFailure)[]>;
  readonly #groupMax: number;
  #waiting: Waiting<Item, Result>[] = [];
  #running = false;

  /** `send` resolves to one result per item, in order, or rejects for the whole group. */
  constructor(send: (items: readonly Item[]) => Promise<readonly (Result | MemberFailure)[]>, groupMax: number) {
    this.#send = send;
    this.#groupMax = groupMax;
  }

  /** How many wait for their group. */
  get waiting(): number {
    return this.#waiting.length;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What arrived in the same turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#groupMax);
      try {
        const results = await this.#send(group.map((waiting) => waiting.item));
        for (const [i, waiting] of group.entries()) {
          const result = results[i];
          if (result === undefined) waiting.reject(new Error('the group has no result for this member'));
          else if (result instanceof MemberFailure) waiting.reject(result.cause);
          else waiting.resolve(result);
        }
      } catch (error) {
        for (const waiting of group) waiting.reject(error);
      }
    }
    this.#running = false;
  }
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}
