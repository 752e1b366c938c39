import { DropdownMenu as Radix } from 'radix-ui';
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

/** The "More" menu of a row or page. */
export function Menu({ label, items }: { label?: string; items: readonly MenuItem[] }) {
  const { t } = useTranslation();
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>
        <IconButton label={label ?? t('action.more')}>
          <Icon name="more" />
        </IconButton>
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="layer-enter z-50 min-w-48 max-w-72 rounded-card border border-border bg-surface p-1 text-body shadow-layer"
        >
          {items.map((item) => (
            <Radix.Item
              key={item.label}
              aria-disabled={item.unavailable ? true : undefined}
              onSelect={(event) => {
                if (item.unavailable) event.preventDefault();
                else item.onSelect();
              }}
              className={`flex min-h-8 cursor-pointer flex-col justify-center rounded-control px-3 py-1 outline-none data-highlighted:bg-sunken coarse:min-h-11 ${item.unavailable ? 'text-text-3' : item.danger ? 'text-bad' : ''}`}
            >
              {item.label}
              {item.unavailable ? <span className="text-hint">{item.unavailable}</span> : null}
            </Radix.Item>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
