import type { FromField } from '@ownkey/contract/field';
import type { SecureField } from './secure-field.ts';
import type { View } from './view.ts';

/** Events of the page's elements, as calls of the field and messages to the page around it. No event goes out with what it holds. */
export function wire(view: View, field: SecureField, tell: (message: FromField) => void): void {
  const { input, show, main } = view;
  let tabbed: 'next' | 'previous' | null = null;

  input.addEventListener('beforeinput', (event) => {
    if (!field.mayWrite()) event.preventDefault();
  });
  input.addEventListener('paste', (event) => {
    if (!field.mayPaste(event.clipboardData?.getData('text').length ?? 0)) event.preventDefault();
  });
  input.addEventListener('input', () => field.typed());
  // Nothing is dropped in, and nothing is dragged or copied out.
  for (const type of ['drop', 'dragover', 'dragstart', 'copy', 'cut'] as const)
    addEventListener(type, (event) => event.preventDefault());

  show.addEventListener('click', () => view.setShown(show.getAttribute('aria-pressed') !== 'true'));
  main.addEventListener('focusout', (event) => {
    if (event.relatedTarget !== input && event.relatedTarget !== show) view.setShown(false);
  });

  addEventListener('keydown', (event) => {
    tabbed = event.key === 'Tab' ? (event.shiftKey ? 'previous' : 'next') : null;
    // Neither reaches the page around a frame by itself.
    if (event.key === 'Escape') tell({ type: 'escape' });
    if (event.key === 'Enter' && event.target === input) {
      event.preventDefault();
      tell({ type: 'submit' });
    }
  });
  addEventListener('focus', () => {
    tell({ type: 'focus' });
    if (document.activeElement === document.body) input.focus();
  });
  addEventListener('blur', () => {
    tell({ type: 'blur', towards: tabbed });
    tabbed = null;
  });
  addEventListener('pagehide', () => field.leave());

  new ResizeObserver(() => tell({ type: 'resize', height: Math.ceil(main.getBoundingClientRect().height) })).observe(
    main,
  );
}
