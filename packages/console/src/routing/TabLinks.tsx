import { Link } from './Link.tsx';

/** Parts of one room, each with an address of its own. */
export function TabLinks(props: { label: string; tabs: readonly { to: string; label: string; current: boolean }[] }) {
  return (
    <nav aria-label={props.label} className="border-b border-border">
      <ul className="-mb-px flex flex-wrap gap-x-4">
        {props.tabs.map((tab) => (
          <li key={tab.to}>
            <Link
              to={tab.to}
              aria-current={tab.current ? 'page' : undefined}
              className="inline-flex min-h-9 items-center border-transparent border-b-2 px-1 whitespace-nowrap text-text-2 hover:text-text aria-[current]:border-ink aria-[current]:font-medium aria-[current]:text-text coarse:min-h-11"
            >
              {tab.label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
