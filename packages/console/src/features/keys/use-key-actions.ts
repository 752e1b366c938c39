import type { Key } from '@ownkey/contract/api/keys';
import type { Provider } from '@ownkey/contract/api/providers';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Explained, explainError } from '../../api/explain-error.ts';
import { useChangeKey, useChangeSource, useTestKey } from '../../api/keys.ts';
import { useMessages } from '../../ui/Messages.tsx';
import { nameOfKey, shownStatus } from './status.ts';

export interface Problem {
  name: string;
  failure: Explained;
}

/**
 * What can be done to a key from a row or its detail at once: each act is confirmed in the bar, can be undone where it is a
 * switch, and leaves its error in `problem` until the next try.
 */
export function useKeyActions() {
  const { t } = useTranslation();
  const { say } = useMessages();
  const testing = useTestKey();
  const changing = useChangeKey();
  const sourcing = useChangeSource();
  const [problem, setProblem] = useState<Problem | null>(null);

  const fail = (name: string) => (error: unknown) => setProblem({ name, failure: explainError(error, t) });

  const test = (key: Key, provider: Provider) => {
    const name = nameOfKey(key, provider.name);
    setProblem(null);
    say(t('act.testing', { name }));
    testing.mutate(key, {
      onSuccess: (tested) => say(t('act.tested', { name, status: t(`status.${shownStatus(tested)}`) })),
      onError: fail(name),
    });
  };

  const setEnabled = (key: Key, provider: Provider, enabled: boolean, undoing = false) => {
    const name = nameOfKey(key, provider.name);
    setProblem(null);
    changing.mutate(
      { key, change: { enabled } },
      {
        onSuccess: (changed) => {
          const text = undoing
            ? t('act.undone')
            : enabled
              ? t('act.turned_on', { name })
              : t('act.turned_off', { name });
          say(text, undoing ? undefined : () => setEnabled(changed, provider, !enabled, true));
        },
        onError: fail(name),
      },
    );
  };

  const setSource = (provider: Provider, source: 'own' | 'platform', undoing = false) => {
    setProblem(null);
    sourcing.mutate(
      { provider, source },
      {
        onSuccess: () => {
          const words = { provider: provider.name };
          const text = undoing
            ? t('act.undone')
            : source === 'own'
              ? t('act.now_own', words)
              : t('act.now_shared', words);
          const other = source === 'own' ? 'platform' : 'own';
          say(text, undoing ? undefined : () => setSource(provider, other, true));
        },
        onError: fail(provider.name),
      },
    );
  };

  const setOnFailure = (provider: Provider, onFailure: 'stop' | 'platform', undoing = false) => {
    setProblem(null);
    sourcing.mutate(
      { provider, onFailure },
      {
        onSuccess: () => {
          const words = { provider: provider.name };
          const text = onFailure === 'stop' ? t('act.on_failure_stop', words) : t('act.on_failure_shared', words);
          const other = onFailure === 'stop' ? 'platform' : 'stop';
          say(undoing ? t('act.undone') : text, undoing ? undefined : () => setOnFailure(provider, other, true));
        },
        onError: fail(provider.name),
      },
    );
  };

  /** Changes places with the neighbour before (-1) or after (1). */
  const move = (keys: readonly Key[], key: Key, by: -1 | 1, provider: Provider) => {
    const from = keys.findIndex((other) => other.id === key.id);
    const neighbour = keys[from + by];
    if (neighbour === undefined) return;
    setProblem(null);
    const name = nameOfKey(key, provider.name);
    // Orders may be equal in old data; the position in the list is then what counts.
    const [mine, theirs] = neighbour.order === key.order ? [from + by, from] : [neighbour.order, key.order];
    changing
      .mutateAsync({ key, change: { order: mine } })
      .then(() => changing.mutateAsync({ key: neighbour, change: { order: theirs } }))
      .then(() => say(t('act.moved', { name, position: from + by + 1, count: keys.length })))
      .catch(fail(name));
  };

  return {
    test,
    setEnabled,
    setSource,
    setOnFailure,
    move,
    problem,
    dismiss: () => setProblem(null),
    testingId: testing.isPending ? testing.variables.id : null,
    changingId: changing.isPending ? changing.variables.key.id : null,
  };
}

export type KeyActions = ReturnType<typeof useKeyActions>;
