export function readResponsesAnswer(..._: unknown[]): never {
  throw new Error('later');
}
