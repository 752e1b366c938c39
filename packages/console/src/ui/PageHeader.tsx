import { type ReactNode, useEffect, useRef } from 'react';

/** Title of a room with its actions. The title takes the focus when the room opens, so that screen readers say where one is. */
export function PageHeader(props: {
  title: ReactNode;
  /** Changes with the room; a new value moves the focus here. */
  room: string;
  lead?: ReactNode;
  above?: ReactNode;
  actions?: ReactNode;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { room } = props;
  useEffect(() => {
    if (room === '' || document.querySelector('[data-oky-modal]') !== null) return;
    heading.current?.focus({ preventScroll: true });
  }, [room]);
  return (
    <header className="flex flex-col gap-2">
      {props.above}
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 ref={heading} tabIndex={-1} className="text-page font-semibold">
            {props.title}
          </h1>
          {props.lead === undefined ? null : <p className="mt-1 max-w-[70ch] text-text-2">{props.lead}</p>}
        </div>
        {props.actions === undefined ? null : (
          <div className="flex flex-wrap items-center gap-2 max-sm:w-full">{props.actions}</div>
        )}
      </div>
    </header>
  );
}
