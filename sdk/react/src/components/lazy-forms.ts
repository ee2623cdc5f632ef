/** The dialogs and forms, loaded when one of them is first shown. */
import type { ComponentType } from 'react';

import { lazy } from '../ui/lazy.js';

type Forms = typeof import('./forms.js');

/** Returns a form that shows a skeleton of `lines` lines until all forms have loaded. */
function form<K extends keyof Forms>(name: K, lines: number) {
  return lazy(async () => (await import('./forms.js'))[name] as ComponentType<PropsOf<K>>, lines);
}

type PropsOf<K extends keyof Forms> = Forms[K] extends ComponentType<infer P> ? P & object : never;

export const AutoTopUpForm = /* @__PURE__ */ form('AutoTopUpForm', 5);
export const CancelDialog = /* @__PURE__ */ form('CancelDialog', 0);
export const Comparison = /* @__PURE__ */ form('Comparison', 6);
export const DetailsForm = /* @__PURE__ */ form('DetailsForm', 12);
export const InvoiceDialog = /* @__PURE__ */ form('InvoiceDialog', 0);
export const LedgerTable = /* @__PURE__ */ form('LedgerTable', 6);
export const Lines = /* @__PURE__ */ form('Lines', 3);
export const PayDialog = /* @__PURE__ */ form('PayDialog', 0);
export const PaymentForm = /* @__PURE__ */ form('PaymentForm', 4);
export const PlanChangeDialog = /* @__PURE__ */ form('PlanChangeDialog', 0);
export const PlansDialog = /* @__PURE__ */ form('PlansDialog', 0);
export const RemoveDialog = /* @__PURE__ */ form('RemoveDialog', 0);
export const SettleForm = /* @__PURE__ */ form('SettleForm', 4);
export const TopUpForm = /* @__PURE__ */ form('TopUpForm', 3);
