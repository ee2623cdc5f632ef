/** The dialogs and forms, in one module so that they load together: most lead to another. */
export { Lines } from '../ui/lines.js';
export { AutoTopUpForm } from './auto-top-up.js';
export { CancelDialog } from './cancel-dialog.js';
export { Comparison } from './comparison.js';
export { DetailsForm } from './details-form.js';
export { InvoiceDialog } from './invoice-dialog.js';
export { LedgerTable } from './ledger-table.js';
export { PayDialog } from './pay-dialog.js';
export { PaymentForm } from './payment-form.js';
export { PlanChangeDialog } from './plan-change-dialog.js';
export { PlansDialog } from './plans-dialog.js';
export { RemoveDialog } from './remove-dialog.js';
export { SettleForm } from './settle-form.js';
export { TopUpForm } from './top-up.js';
