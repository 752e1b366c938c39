/** The form check as the field tells it: a sentence for the reader, and for the page no more than its outcome. Pure. */
import type { FieldForm, FieldProvider } from '@ownkey/contract/field';
import { checkKeyShape } from '@ownkey/vault/shape';
import { fill, texts } from './texts.ts';

export interface CheckedForm {
  readonly form: FieldForm;
  /** For the reader alone: it may say how long the key is. */
  readonly sentence: string;
  readonly tone: 'good' | 'plain' | 'bad';
}

export const EMPTY: CheckedForm = { form: { state: 'empty' }, sentence: '', tone: 'plain' };

/** `owner`: whose key is expected; null where keys have no known form. */
export function checkForm(text: string, owner: FieldProvider | null, all: readonly FieldProvider[]): CheckedForm {
  if (text === '') return EMPTY;
  const result = checkKeyShape(text, owner, all);
  if (!result.ok) {
    const sentence = fill(texts.form[result.problem], {
      other: all.find(({ id }) => id === result.provider)?.name ?? '',
      length: text.trim().length,
      provider: owner?.name ?? '',
      min: owner?.key.min_length ?? 0,
    });
    return wrong(result.problem, sentence, result.provider);
  }
  const lead = result.trimmed ? `${texts.form.trimmed} ` : '';
  return result.recognised
    ? { form: { state: 'ok' }, sentence: lead + fill(texts.form.ok, { provider: owner?.name ?? '' }), tone: 'good' }
    : { form: { state: 'unknown' }, sentence: lead + texts.form.unknown, tone: 'plain' };
}

export function wrong(problem: string, sentence: string, provider: string | null = null): CheckedForm {
  return { form: { state: 'wrong', problem, provider }, sentence, tone: 'bad' };
}
