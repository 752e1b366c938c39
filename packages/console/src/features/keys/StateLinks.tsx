import { useTranslation } from 'react-i18next';
import { paths } from '../../paths.ts';
import { Link } from '../../routing/Link.tsx';
import { KEY_STATES, type KeyState, type KeysSearch, keysSearchValues } from './keys-search.ts';

/** The states there are keys in, with how many; each is an address. */
export function StateLinks(props: { co: string; search: KeysSearch; counts: Readonly<Record<KeyState, number>> }) {
  const { t } = useTranslation();
  const { co, search, counts } = props;
  return (
    <nav aria-label={t('keys.states')} className="flex flex-wrap gap-x-1">
      {KEY_STATES.filter((state) => state === 'all' || state === search.state || counts[state] > 0).map((state) => (
        <Link
          key={state}
          to={paths.keys(co, keysSearchValues({ ...search, state }))}
          aria-current={state === search.state ? 'page' : undefined}
          className="inline-flex min-h-8 items-center gap-1.5 rounded-control px-1.5 whitespace-nowrap text-text-2 hover:bg-sunken aria-[current]:bg-selected aria-[current]:font-medium aria-[current]:text-text coarse:min-h-11"
        >
          {t(`state.${state}`)}
          <span className="text-text-3">{counts[state]}</span>
        </Link>
      ))}
    </nav>
  );
}
