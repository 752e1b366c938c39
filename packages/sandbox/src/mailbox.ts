/** The post box of development: mails the product would send are kept here and can be read in a browser. */
import { isJsonObject, type Json, type JsonObject, textOf } from './json.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  at: string;
}

const MAILS_MAX = 500;

export class Mailbox {
  #mails: Mail[] = [];

  /** Takes `{to, subject, text, html?}`; `to` may be a list. Returns false for anything else. */
  take(value: Json | undefined, at: string): boolean {
    if (!isJsonObject(value)) return false;
    const mail = {
      to: addresses(value),
      subject: textOf(value.subject),
      text: textOf(value.text),
      html: textOf(value.html),
      at,
    };
    if (mail.to === '' || mail.subject === '') return false;
    this.#mails.unshift(mail);
    this.#mails.length = Math.min(this.#mails.length, MAILS_MAX);
    return true;
  }

  /** Newest first. */
  all(): Mail[] {
    return [...this.#mails];
  }

  clear(): void {
    this.#mails = [];
  }
}

function addresses(value: JsonObject): string {
  return Array.isArray(value.to) ? value.to.map(textOf).join(', ') : textOf(value.to);
}
