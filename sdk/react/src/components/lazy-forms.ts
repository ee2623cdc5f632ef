/** The dialogs and forms, loaded when one of them is first shown. */
import { lazy } from '../ui/lazy.js';

const forms = () => import('./forms.js');

export const AutoTopUpForm = /* @__PURE__ */ lazy(async () => (await forms()).AutoTopUpForm, 5);
export const CancelDialog = /* @__PURE__ */ lazy(async () => (await forms()).CancelDialog, 0);
export const Comparison = /* @__PURE__ */ lazy(async () => (await forms()).Comparison, 6);
export const DetailsForm = /* @__PURE__ */ lazy(async () => (await forms()).DetailsForm, 12);
export const InvoiceDialog = /* @__PURE__ */ lazy(async () => (await forms()).InvoiceDialog, 0);
export const Lines = /* @__PURE__ */ lazy(async () => (await forms()).Lines, 3);
export const PayDialog = /* @__PURE__ */ lazy(async () => (await forms()).PayDialog, 0);
export const PaymentForm = /* @__PURE__ */ lazy(async () => (await forms()).PaymentForm, 4);
export const PlanChangeDialog = /* @__PURE__ */ lazy(
  async () => (await forms()).PlanChangeDialog,
  0,
);
export const PlansDialog = /* @__PURE__ */ lazy(async () => (await forms()).PlansDialog, 0);
export const RemoveDialog = /* @__PURE__ */ lazy(async () => (await forms()).RemoveDialog, 0);
export const SettleForm = /* @__PURE__ */ lazy(async () => (await forms()).SettleForm, 4);
export const TopUpForm = /* @__PURE__ */ lazy(async () => (await forms()).TopUpForm, 3);
