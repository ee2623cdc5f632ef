/** False on a server. */
export const isPage = typeof document !== 'undefined';

/** Events of the window that concern a session. */
export interface PageEvents {
  online: () => void;
  offline: () => void;
  visibilitychange: () => void;
  /** The page was frozen. */
  resume: () => void;
  /** The page may enter the back-forward cache. */
  pagehide: () => void;
  /** `persisted`: the page comes from the back-forward cache. */
  pageshow: (event: { persisted: boolean }) => void;
}

/** Adds the listeners and returns a function that removes them. Does nothing on a server. */
export function listenToPage(events: PageEvents): () => void {
  const end = new AbortController();
  if (isPage) {
    for (const [type, listener] of Object.entries(events)) {
      addEventListener(type, listener as EventListener, { signal: end.signal });
    }
  }
  return () => {
    end.abort();
  };
}

export function isHidden(): boolean {
  return isPage && document.visibilityState === 'hidden';
}
