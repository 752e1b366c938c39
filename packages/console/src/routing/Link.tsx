import { Link as RouterLink } from '@tanstack/react-router';
import type { ComponentProps } from 'react';

/** A link to an address built by `paths`. Modified clicks, middle clicks and "copy link" work as on any link. */
export function Link({ to, ...anchor }: { to: string } & Omit<ComponentProps<'a'>, 'href' | 'target'>) {
  const [path = to, query = ''] = to.split('?');
  return <RouterLink {...anchor} to={path} search={Object.fromEntries(new URLSearchParams(query))} />;
}
