/** What happens to the page, for a session that lives in it. */
export interface PageEvents {
  online: () => void;
  offline: () => void;
  /** Visible again, or thawed. */
  wake: () => void;
  /** Left; perhaps for the back-forward cache. */
  hide: () => void;
  /** `isRestored`: out of the back-forward cache, with everything as it was. */
  show: (isRestored: boolean) => void;
}

/** Returns what ends it. Where there is no page nothing happens. */
export function listenToPage(events: PageEvents): () => void {
  if (typeof document === 'undefined') return () => undefined;
  const end = new AbortController();
  const { signal } = end;
  addEventListener('online', events.online, { signal });
  addEventListener('offline', events.offline, { signal });
  addEventListener('pagehide', events.hide, { signal });
  const onShow = (event: PageTransitionEvent) => {
    events.show(event.persisted);
  };
  addEventListener('pageshow', onShow, { signal });
  document.addEventListener('visibilitychange', events.wake, { signal });
  document.addEventListener('resume', events.wake, { signal });
  return () => {
    end.abort();
  };
}

export function isHidden(): boolean {
  return typeof document !== 'undefined' && document.visibilityState === 'hidden';
}
