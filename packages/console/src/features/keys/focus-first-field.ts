/**
 * Starts a dialog in its first field (the key, or what a custom endpoint starts from) where there is a keyboard; on touch
 * screens the on-screen one would cover the help. For radix's `onOpenAutoFocus`.
 */
export function focusFirstField(event: Event): void {
  if (!matchMedia('(pointer: fine)').matches) return;
  const field = document.querySelector<HTMLElement>('[data-oky-modal] :is(select, input, [data-oky-field])');
  if (field === null) return;
  event.preventDefault();
  field.focus();
}
