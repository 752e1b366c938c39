import { cpuMicroseconds, median, residentMegabytes, startScript } from './process.ts';

export interface Candidate {
  name: string;
  port: number;
  pid: number;
  path: string;
  headers: Record<string, string>;
  model: string;
}

export interface Case {
  name: string;
  /** What one unit of work is: CPU is divided by it. */
  unit: 'request' | 'chunk';
  body(model: string): string;
  connections: number;
  seconds: number;
  /** Requests a second, sent on time whatever the answers do; absent = as fast as the answers come. */
  rate?: number;
}

export interface Measured {
  candidate: string;
  case: string;
  unit: 'request' | 'chunk';
  cpuMicroseconds: number[];
  perSecond: number[];
  p50Ms: number[];
  p99Ms: number[];
  failed: number;
  residentMegabytes: number;
}

/** Interleaved rounds: every candidate once per round, so that a noisy neighbour hits all alike. The first round warms up. */
export async function runRounds(
  candidates: Candidate[],
  cases: Case[],
  rounds: number,
  loadCore: number,
): Promise<Measured[]> {
  const measured = new Map<string, Measured>();
  for (const one of cases) {
    for (let round = 0; round <= rounds; round++) {
      for (const candidate of candidates) {
        const result = await measure(candidate, one, loadCore);
        if (round === 0) continue;
        const key = `${one.name} ${candidate.name}`;
        const entry = measured.get(key) ?? emptyRow(candidate, one);
        entry.cpuMicroseconds.push(result.cpu);
        entry.perSecond.push(result.perSecond);
        entry.p50Ms.push(result.p50);
        entry.p99Ms.push(result.p99);
        entry.failed += result.failed;
        entry.residentMegabytes = Math.max(entry.residentMegabytes, residentMegabytes(candidate.pid));
        measured.set(key, entry);
        process.stderr.write(
          `${one.name}: round ${round}/${rounds} ${candidate.name} ${result.cpu.toFixed(1)} us/${one.unit}\n`,
        );
      }
    }
  }
  return [...measured.values()];
}

function emptyRow(candidate: Candidate, one: Case): Measured {
  return {
    candidate: candidate.name,
    case: one.name,
    unit: one.unit,
    cpuMicroseconds: [],
    perSecond: [],
    p50Ms: [],
    p99Ms: [],
    failed: 0,
    residentMegabytes: 0,
  };
}

async function measure(candidate: Candidate, one: Case, loadCore: number) {
  const job = {
    port: candidate.port,
    path: candidate.path,
    headers: candidate.headers,
    body: one.body(candidate.model),
    connections: one.connections,
    seconds: one.seconds,
    ...(one.rate === undefined ? {} : { rate: one.rate }),
  };
  const load = await startScript('./load.ts', [JSON.stringify(job)], loadCore);
  const before = cpuMicroseconds(candidate.pid);
  const line = await new Promise<string>((resolve) => {
    let text = '';
    load.child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    load.child.once('exit', () => resolve(text.trim().split('\n').at(-1) ?? '{}'));
  });
  const cpu = cpuMicroseconds(candidate.pid) - before;
  const result: { requests: number; failed: number; chunks: number; p50_ms: number; p99_ms: number } = JSON.parse(line);
  const units = one.unit === 'request' ? result.requests : result.chunks;
  return {
    cpu: cpu / Math.max(units, 1),
    perSecond: units / one.seconds,
    p50: result.p50_ms,
    p99: result.p99_ms,
    failed: result.failed,
  };
}

/** A Markdown table per case: medians, best round in brackets, ratio to the first candidate. */
export function table(results: Measured[]): string {
  const lines: string[] = [];
  for (const name of new Set(results.map((row) => row.case))) {
    const rows = results.filter((row) => row.case === name);
    const first = median(rows[0]?.cpuMicroseconds ?? []);
    const unit = rows[0]?.unit ?? 'request';
    lines.push(
      `### ${name}`,
      '',
      `| | CPU us/${unit} (best) | × ${rows[0]?.candidate} | ${unit}s/s | p50 ms | p99 ms | failed | RSS MB |`,
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
    );
    for (const row of rows) {
      const cpu = median(row.cpuMicroseconds);
      lines.push(
        `| ${row.candidate} | ${cpu.toFixed(1)} (${Math.min(...row.cpuMicroseconds).toFixed(1)}) | ${(cpu / first).toFixed(2)} | ${Math.round(median(row.perSecond))} | ${median(row.p50Ms)} | ${median(row.p99Ms)} | ${row.failed} | ${row.residentMegabytes} |`,
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}
