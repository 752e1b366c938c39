import { DropdownMenu as Radix } from 'radix-ui';
import { IconButton } from './Button.tsx';
import { Icon } from './Icon.tsx';
import type { MenuItem } from './Menu.tsx';

/** The menu behind its button; open when it is first shown, and from then on like any other. */
export function OpenMenu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  return (
    <Radix.Root modal={false} defaultOpen>
      <Radix.Trigger asChild>
        <IconButton label={label}>
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
