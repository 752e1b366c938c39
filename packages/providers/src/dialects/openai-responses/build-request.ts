export function buildResponsesRequest(..._: unknown[]): never {
  throw new Error('later');
}
