import type { Operation } from '@ownkey/contract/api/operations';
import { DEFAULT_OPERATION } from '@ownkey/contract/model-choice';

/** The name of an operation in addresses: the one for all others, whose name is empty, has a word. */
export function addressName({ name }: Pick<Operation, 'name'>): string {
  return name === '' ? DEFAULT_OPERATION : name;
}

/** Whether the text can be the name of an operation, as callers send it in a header. */
export function isOperationName(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text);
}

/** Whether the text names a provider and a model of it. */
export function isModelId(text: string): boolean {
  return /^[^\s/]+\/\S.*$/.test(text);
}
