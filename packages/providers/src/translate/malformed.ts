/** A provider's answer that cannot be said in the caller's wire; answered as a failure of the provider. */
export class MalformedAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MalformedAnswer';
  }
}
