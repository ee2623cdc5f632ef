/** Parts of the package that the page loads when they are first shown; the build puts them in. */
import { useEffect, useState, type ComponentType } from 'react';

import { Button, Skeleton } from '../../sdk/react/src/ui/elements.js';
import { useUi } from '../../sdk/react/src/ui/parts.js';

type Loading<P> = () => Promise<ComponentType<P>>;

/** `lines` is how high what is loaded will be, more or less; the chart is as high as a style says. */
export function later<P extends object>(
  load: Loading<P>,
  lines: number | 'chart',
): ComponentType<P> {
  let Loaded: ComponentType<P> | null = null;
  return function Later(props: P) {
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
    }, []);
    if (Loaded) return <Loaded {...props} />;
    if (state === 'failed') return <Failed />;
    if (lines !== 'chart') return <Skeleton lines={lines} />;
    return (
      <div className="upay-card">
        <div className="chart-to-come">
          <Skeleton lines={6} />
        </div>
      </div>
    );
  };
}

/** The connection is lost, or the server has been renewed and has other files now. */
function Failed() {
  const { t } = useUi();
  return (
    <div className="upay-failure" role="alert">
      <p className="upay-text">{t('error.network_error')}</p>
      <Button
        onClick={() => {
          location.reload();
        }}
      >
        {t('action.retry')}
      </Button>
    </div>
  );
}
