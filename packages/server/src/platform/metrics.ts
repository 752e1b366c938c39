import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Figures for `/metrics`. Labels are route patterns and statuses: never ids, names or anything a caller wrote. */
export interface Metrics {
  readonly contentType: string;
  observe(route: string, method: string, status: number, seconds: number): void;
  text(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'ownkey_server_' });
  const requests = new Counter({
    name: 'ownkey_server_requests_total',
    help: 'Requests answered',
    labelNames: ['route', 'method', 'status'] as const,
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'ownkey_server_request_seconds',
    help: 'Time to the end of the answer',
    labelNames: ['route', 'method'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 40],
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    observe: (route, method, status, seconds) => {
      requests.inc({ route, method, status });
      duration.observe({ route, method }, seconds);
    },
    text: () => registry.metrics(),
  };
}
