/** Deep links: a card opens its dialog at once, and tells how that ended. */
import { useState } from 'react';

import type { Flow } from '../api-types.js';

export interface FlowProps {
  /** What to begin with; a card does what is its own. */
  flow?: Flow | undefined;
  /** Called when that is done, or given up. */
  onFlowEnd?: ((reason: 'completed' | 'canceled') => void) | undefined;
}

type FlowOf<T extends Flow['type']> = Extract<Flow, { type: T }>;

/** The flow where it is of these types and not over yet; and what ends it. */
export function useFlow<T extends Flow['type']>(
  { flow, onFlowEnd }: FlowProps,
  ...types: readonly T[]
): [FlowOf<T> | null, (isDone: boolean) => void] {
  const [isOver, setOver] = useState(false);
  const isMine = !isOver && flow !== undefined && (types as readonly string[]).includes(flow.type);
  const end = (isDone: boolean) => {
    if (!isMine) return;
    setOver(true);
    onFlowEnd?.(isDone ? 'completed' : 'canceled');
  };
  return [isMine ? (flow as FlowOf<T>) : null, end];
}
