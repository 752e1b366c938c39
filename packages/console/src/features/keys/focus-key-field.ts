/**
 * Starts a dialog in its key field where there is a keyboard; on touch screens the on-screen one would cover the help.
 * For radix's `onOpenAutoFocus`.
 */
export function focusKeyField(event: Event): void {
  if (!matchMedia('(pointer: fine)').matches) return;
  const field = document.querySelector<HTMLInputElement>('[data-oky-modal] [data-oky-key-field]');
  if (field === null) return;
  event.preventDefault();
  field.focus();
}
