export function buildResponsesAnswer(..._: unknown[]): never {
  throw new Error('later');
}
