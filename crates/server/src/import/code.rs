//! Codes of the report: why something does not move, and what differs.

use crate::base::words::words;

words! {
    Code {
        /// The Stripe customer has no value for the external id.
        ExternalIdMissing = "external_id_missing",
        ExternalIdInvalid = "external_id_invalid",
        /// A customer with this external id belongs to another Stripe customer.
        ExternalIdTaken = "external_id_taken",
        CustomerArchived = "customer_archived",
        EmailMissing = "email_missing",
        EmailInvalid = "email_invalid",
        NameInvalid = "name_invalid",
        /// The address, tax ids or language are left out.
        AddressIncomplete = "address_incomplete",
        TaxIdsLeft = "tax_ids_left",
        LocaleUnknown = "locale_unknown",
        /// A balance at Stripe is not moved.
        BalanceLeft = "balance_left",
        /// A payment method that is no card stays at Stripe.
        MethodNotCard = "method_not_card",
        /// Charged is a source of the old kind, `card_…` or `src_…`.
        LegacySource = "legacy_source",
        /// Nothing that can be charged.
        NoCard = "no_card",
        /// Another card is charged at Stripe than the customer's default here.
        OtherMethod = "other_method",
        CustomerNotMoved = "customer_not_moved",
        PriceNotMapped = "price_not_mapped",
        PlanNotAvailable = "plan_not_available",
        PlanCurrencyDiffers = "plan_currency_differs",
        PlanIntervalDiffers = "plan_interval_differs",
        AmountDiffers = "amount_differs",
        AmountOutOfRange = "amount_out_of_range",
        CurrencyUnknown = "currency_unknown",
        CurrencyMismatch = "currency_mismatch",
        IntervalUnsupported = "interval_unsupported",
        DecimalAmount = "decimal_amount",
        QuantityOutOfRange = "quantity_out_of_range",
        Metered = "metered",
        Tiered = "tiered",
        SeveralItems = "several_items",
        Coupon = "coupon",
        Trial = "trial",
        Schedule = "schedule",
        SendInvoice = "send_invoice",
        Paused = "paused",
        Tax = "tax",
        Unpaid = "unpaid",
        /// It is set to end at Stripe.
        Ends = "ends",
        PendingUpdate = "pending_update",
        /// Money of it goes to a connected account.
        Connect = "connect",
        /// Its next billing date is no month of its anchor.
        AnchorDiffers = "anchor_differs",
        PeriodOver = "period_over",
        /// The period ends within 24 hours: try again after that.
        PeriodEndsSoon = "period_ends_soon",
        SubscriptionExists = "subscription_exists",
        /// It was moved, and has ended here.
        EndedHere = "ended_here",
        /// It changed at Stripe after it was moved.
        ChangedSince = "changed_since",
        Failed = "failed",
    }
}
