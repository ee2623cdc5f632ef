/** The dialogs and forms, and parts of the cards, loaded when one of them is first shown. */
import type { ComponentType } from 'react';

import { lazy } from '../ui/lazy.js';

type PropsOf<C> = C extends ComponentType<infer P> ? P & object : never;

/** Returns a function that names a component of a module, which loads when one of them is shown. */
function partsOf<M extends object>(load: () => Promise<M>) {
  return <K extends keyof M>(name: K, lines: number) =>
    lazy(async () => (await load())[name] as ComponentType<PropsOf<M[K]>>, lines);
}

const form = /* @__PURE__ */ partsOf(() => import('./forms.js'));
const later = /* @__PURE__ */ partsOf(() => import('./later.js'));

export const AddressLines = /* @__PURE__ */ later('AddressLines', 3);
export const Chart = /* @__PURE__ */ later('Chart', 14);

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
