export function readResponsesRequest(..._: unknown[]): never {
  throw new Error('later');
}
