export class ResponsesStreamWriter {
  constructor(..._: unknown[]) {}
  write(): string {
    return '';
  }
}
