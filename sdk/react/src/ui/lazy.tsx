/** Loads a component's code when it is first rendered. */
import { useEffect, useState, type ComponentType } from 'react';

import { Button, Skeleton } from './elements.js';
import { useUi } from './parts.js';

/**
 * Returns a component that shows a skeleton of `lines` lines until its code has loaded, and a retry
 * button if loading fails. Unlike `React.lazy` it renders the same skeleton on a server, so that
 * hydration matches.
 */
export function lazy<P extends object>(
  load: () => Promise<ComponentType<P>>,
  lines: number,
): ComponentType<P> {
  let Loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [attempt, setAttempt] = useState(0);
    const [state, setState] = useState<'loading' | 'loaded' | 'failed'>('loading');
    useEffect(() => {
      if (Loaded) return;
      load().then(
        (component) => {
          Loaded = component;
          setState('loaded');
        },
        () => {
          setState('failed');
        },
      );
    }, [attempt]);
    if (Loaded) return <Loaded {...props} />;
    if (state !== 'failed') return <Skeleton lines={lines} />;
    const retry = () => {
      // A second failure means that the server has newer files, which only a reload finds.
      if (attempt > 0) location.reload();
      setState('loading');
      setAttempt(attempt + 1);
    };
    return <Failed onRetry={retry} />;
  };
}

function Failed({ onRetry }: { onRetry: () => void }) {
  const { p, t } = useUi();
  return (
    <div {...p('failure')} role="alert">
      <p {...p('text')}>{t('error.network_error')}</p>
      <Button onClick={onRetry}>{t('action.retry')}</Button>
    </div>
  );
}
