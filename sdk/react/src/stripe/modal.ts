/**
 * Lets the bank's dialog through: Stripe adds it to the page's body, where it would be covered, and
 * out of reach for the focus, while a modal dialog of ours is open. Returns a function that makes
 * our dialogs modal again.
 */
export function yieldModals(inside: HTMLElement): () => void {
  const focused = document.activeElement;
  const dialogs: HTMLDialogElement[] = [];
  for (let at = inside.closest('dialog'); at; at = at.parentElement?.closest('dialog') ?? null) {
    if (at.dataset.upay === 'dialog' && at.matches(':modal')) dialogs.push(at);
  }
  // The events of closing come later, when the dialogs are open again.
  for (const dialog of dialogs) {
    dialog.close();
    dialog.show();
  }
  return () => {
    for (const dialog of dialogs.reverse()) {
      if (!dialog.isConnected || !dialog.open) continue;
      dialog.close();
      dialog.showModal();
    }
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  };
}
