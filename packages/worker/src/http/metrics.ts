/** Counters and gauges in Prometheus' text format. Labels are fixed words of ours: never companies, keys or models. */
export class Metrics {
  readonly #counters = new Map<string, Map<string, number>>();
  readonly #gauges = new Map<string, () => number>();
  readonly #help = new Map<string, string>();

  /** Declares a counter; the returned function adds one for these labels. */
  counter(name: string, help: string): (labels?: Readonly<Record<string, string | number>>) => void {
    const values = new Map<string, number>();
    this.#counters.set(name, values);
    this.#help.set(name, help);
    return (labels) => {
      const key = labels === undefined ? '' : labelText(labels);
      values.set(key, (values.get(key) ?? 0) + 1);
    };
  }

  /** Declares a gauge, read when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.set(name, read);
    this.#help.set(name, help);
  }

  /** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
  text(): string {
    const lines: string[] = [];
    for (const [name, values] of this.#counters) {
      lines.push(`# HELP ${name} ${this.#help.get(name)}`, `# TYPE ${name} counter`);
      for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
    }
    for (const [name, read] of this.#gauges) {
      lines.push(`# HELP ${name} ${this.#help.get(name)}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function labelText(labels: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${String(value).replace(/["\\\n]/g, '_')}"`);
  return `{${parts.join(',')}}`;
}
