import { Link as RouterLink } from '@tanstack/react-router';
import type { ComponentProps } from 'react';

/**
 * A link to an address built by `paths`; "current" is this very address, or what `aria-current` says. Modified clicks, middle clicks and "copy link" work as on any
 * link.
 */
export function Link({ to, ...anchor }: { to: string } & Omit<ComponentProps<'a'>, 'href' | 'target'>) {
  const [path = to, query = ''] = to.split('?');
  return (
    <RouterLink {...anchor} to={path} search={Object.fromEntries(new URLSearchParams(query))} activeOptions={EXACT} />
  );
}

/** Otherwise a room would count as current in each of its parts. */
const EXACT = { exact: true };
