import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './Button.tsx';
import { Icon } from './Icon.tsx';

export interface MenuItem {
  label: string;
  onSelect: () => void;
  /** Why it cannot be chosen now; shown beneath the label. */
  unavailable?: string | null;
  danger?: boolean;
}

// Loaded when somebody is about to open the first menu: a room is there before.
const load = () => import('./OpenMenu.tsx').then((m) => ({ default: m.OpenMenu }));
const OpenMenu = lazy(load);

/** The "More" menu of a row or page. */
export function Menu({ label, items }: { label?: string; items: readonly MenuItem[] }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(false);
  const name = label ?? t('action.more');
  const warm = () => void load();
  if (wanted) {
    return (
      <Suspense fallback={<Closed name={name} />}>
        <OpenMenu label={name} items={items} />
      </Suspense>
    );
  }
  return (
    <IconButton
      label={name}
      aria-haspopup="menu"
      aria-expanded={false}
      onPointerEnter={warm}
      onFocus={warm}
      onClick={() => setWanted(true)}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown') return;
        event.preventDefault();
        setWanted(true);
      }}
    >
      <Icon name="more" />
    </IconButton>
  );
}

function Closed({ name }: { name: string }) {
  return (
    <IconButton label={name} aria-haspopup="menu" aria-expanded={false} busy>
      <Icon name="more" />
    </IconButton>
  );
}
