/**
 * Shares loads of one key between callers without ever giving anybody a result older than their question: a load that already
 * runs began before the question, so it does not count; the callers who came meanwhile share the one that starts after it.
 */
export class SharedLoads<Key, Value> {
  readonly #load: (key: Key) => Promise<Value>;
  readonly #running = new Map<Key, { current: Promise<Value>; next: Promise<Value> | null }>();

  constructor(load: (key: Key) => Promise<Value>) {
    this.#load = load;
  }

  get(key: Key): Promise<Value> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key);
    running.next ??= running.current.then(
      () => this.#start(key),
      () => this.#start(key),
    );
    return running.next;
  }

  #start(key: Key): Promise<Value> {
    const current = this.#load(key);
    const entry = { current, next: null };
    this.#running.set(key, entry);
    const done = (): void => {
      if (this.#running.get(key) === entry) this.#running.delete(key);
    };
    current.then(done, done);
    return current;
  }
}
