/** Deep links: a card opens a dialog at once and reports how it ended. */
import { useState } from 'react';

import type { Flow } from '../api-types.js';

export interface FlowProps {
  /** The task to open; each card handles its own. */
  flow?: Flow | undefined;
  /** Called when the task is completed or dismissed. */
  onFlowEnd?: ((reason: 'completed' | 'canceled') => void) | undefined;
}

type FlowOfType<T extends Flow['type']> = Extract<Flow, { type: T }>;

/** Returns the flow if its type matches and it has not ended, and a function that ends it. */
export function useFlow<T extends Flow['type']>(
  { flow, onFlowEnd }: FlowProps,
  ...types: readonly T[]
): [FlowOfType<T> | null, (isDone: boolean) => void] {
  const [isOver, setOver] = useState(false);
  const isHandled =
    !isOver && flow !== undefined && (types as readonly string[]).includes(flow.type);
  const end = (isDone: boolean) => {
    if (!isHandled) return;
    setOver(true);
    onFlowEnd?.(isDone ? 'completed' : 'canceled');
  };
  return [isHandled ? (flow as FlowOfType<T>) : null, end];
}
