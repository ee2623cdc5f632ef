/** Whether there is a page: on a server there is none. */
export const isPage = typeof document !== 'undefined';

/** What happens to the page, for a session that lives in it. All of these reach the window. */
export interface PageEvents {
  online: () => void;
  offline: () => void;
  visibilitychange: () => void;
  /** After it was frozen. */
  resume: () => void;
  /** Left; perhaps for the back-forward cache. */
  pagehide: () => void;
  /** `persisted`: out of the back-forward cache, with everything as it was. */
  pageshow: (event: { persisted: boolean }) => void;
}

/** Returns what ends it. Where there is no page nothing happens. */
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
