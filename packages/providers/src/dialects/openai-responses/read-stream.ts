export class ResponsesStreamReader {
  constructor(..._: unknown[]) {}
  read(): never[] {
    return [];
  }
  end(): never[] {
    return [];
  }
}
