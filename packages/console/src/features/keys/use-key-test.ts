import type { Key, KeyTested } from '@ownkey/contract/api/keys';
import { ApiError, ConnectionError } from '@ownkey/sdk/api-error';
import {
  type ConnectSealedInput,
  connectSealed,
  getKey,
  type JobSteps,
  replaceSealed,
  type Sealer,
} from '@ownkey/sdk/sealed-keys';
import { useEffect, useRef, useState } from 'react';
import { api } from '../../api/browser-client.ts';
import { useRefreshKeys } from '../../api/keys.ts';

/** Where a connect or replace stands. Errors keep the form; `lost` = no answer came, so the key itself is asked. */
export type TestRun =
  | { phase: 'form'; error: unknown }
  | { phase: 'testing'; sealed: boolean; fingerprint: string | null; steps: JobSteps }
  | { phase: 'checking' }
  | { phase: 'not_saved' }
  | { phase: 'done'; key: Key; steps: JobSteps; fingerprint: string | null; lost: boolean };

type Connect = Omit<ConnectSealedInput, 'seal' | 'onSealed' | 'onSteps' | 'signal'>;

/** Runs one sealed test at a time. The clear key stays in the secure field, which seals it. */
export function useKeyTest() {
  const refresh = useRefreshKeys();
  const [run, setRun] = useState<TestRun>({ phase: 'form', error: null });
  const alive = useRef(true);
  useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const show = (next: TestRun) => {
    if (alive.current) setRun(next);
  };

  const start = async (
    seal: Sealer | null,
    act: (progress: Pick<ConnectSealedInput, 'onSealed' | 'onSteps'>) => Promise<KeyTested>,
    wasStored: (key: Key) => boolean,
    knownId: string | null,
    base?: string,
  ) => {
    let keyId = knownId;
    let fingerprint: string | null = null;
    let steps: JobSteps = [];
    let sealed = seal === null;
    const running = () => show({ phase: 'testing', sealed, fingerprint, steps });
    running();
    try {
      const tested = await act({
        onSealed: (fact) => {
          ({ keyId, fingerprint } = fact);
          sealed = true;
          running();
        },
        onSteps: (reported) => {
          steps = reported;
          running();
        },
      });
      show({ phase: 'done', key: { ...tested, id: tested.id ?? '' }, steps: tested.steps, fingerprint, lost: false });
    } catch (error) {
      if (!(error instanceof ConnectionError) || keyId === null || !sealed) show({ phase: 'form', error });
      else {
        show({ phase: 'checking' });
        show(await lookAgain(keyId, wasStored, fingerprint, base));
      }
    } finally {
      refresh();
    }
  };

  return {
    run,
    reset: () => setRun({ phase: 'form', error: null }),
    connect: (seal: Sealer | null, input: Connect) =>
      start(
        seal,
        (progress) => connectSealed(api, { ...input, ...progress, seal }),
        () => true,
        null,
        input.base,
      ),
    replace: (seal: Sealer, key: Key) =>
      start(
        seal,
        (progress) => replaceSealed(api, key, seal, progress),
        (now) => now.version > key.version,
        key.id,
        key.scope === 'platform' ? '/api/operator' : undefined,
      ),
  };
}

/** How often and how far apart the key is asked for after an answer got lost. */
const LOOKS = 5;
const LOOK_EVERY_MS = 2_000;

async function lookAgain(
  id: string,
  wasStored: (key: Key) => boolean,
  fingerprint: string | null,
  base: string | undefined,
): Promise<TestRun> {
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    try {
      const key = await getKey(api, id, undefined, base);
      if (wasStored(key)) return { phase: 'done', key, steps: [], fingerprint, lost: true };
    } catch (error) {
      if (error instanceof ApiError && error.status !== 404) return { phase: 'form', error };
    }
  }
  return { phase: 'not_saved' };
}
