import { useEffect, useLayoutEffect } from 'react';

import { isPage } from '../core/page.js';

/** On the server there is no layout, and React 18 says so in the log. */
export const useLayout = isPage ? useLayoutEffect : useEffect;
