/** Reads what the control plane wrote: every field checked, nothing believed. */
import { OwnkeyError } from '@ownkey/contract/errors';
import type { JobKind, JobPayloads } from '@ownkey/contract/jobs';

export type ReadJob = { [Kind in JobKind]: { kind: Kind; payload: JobPayloads[Kind] } }[JobKind];

/** @throws OwnkeyError `internal`: the job was not written by a control plane of this build */
export function readPayload(kind: string, payload: unknown): ReadJob {
  const fields = new Fields(payload);
  switch (kind) {
    case 'key.connect':
      return {
        kind,
        payload: {
          key_id: fields.text('key_id'),
          owner: fields.oneOf('owner', ['company', 'user', 'platform']),
          user_id: fields.textOrNull('user_id'),
          provider: fields.text('provider'),
          slug: fields.textOrNull('slug'),
          preset: fields.textOrNull('preset'),
          base_url: fields.textOrNull('base_url'),
          label: fields.text('label'),
          save: fields.flag('save', true),
          keep: fields.flag('keep', false),
          on_failure: fields.oneOfOrNull('on_failure', ['stop', 'platform']),
          keyless: fields.flag('keyless', false),
        },
      };
    case 'key.replace':
      return { kind, payload: { key_id: fields.text('key_id'), keep: fields.flag('keep', false) } };
    case 'key.test':
    case 'models.refresh':
      return { kind, payload: { key_id: fields.text('key_id') } };
    case 'audit.verify':
      return { kind, payload: {} };
    default:
      throw new OwnkeyError('internal', {}, `unknown kind of job: ${kind.slice(0, 40)}`);
  }
}

class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(payload: unknown) {
    this.#values = new Map(typeof payload === 'object' && payload !== null ? Object.entries(payload) : []);
  }

  text(name: string): string {
    const value = this.#values.get(name);
    if (typeof value === 'string' && value.length <= 2048) return value;
    throw new OwnkeyError('internal', {}, `a job's payload lacks ${name}`);
  }

  textOrNull(name: string): string | null {
    return (this.#values.get(name) ?? null) === null ? null : this.text(name);
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.#values.get(name) ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw new OwnkeyError('internal', {}, `a job's payload has no flag ${name}`);
  }

  oneOf<const Value extends string>(name: string, allowed: readonly Value[]): Value {
    const found = allowed.find((value) => value === this.#values.get(name));
    if (found !== undefined) return found;
    throw new OwnkeyError('internal', {}, `a job's payload has a wrong ${name}`);
  }

  oneOfOrNull<const Value extends string>(name: string, allowed: readonly Value[]): Value | null {
    return (this.#values.get(name) ?? null) === null ? null : this.oneOf(name, allowed);
  }
}
