//! Billing helpers: cards, invoices, and the sandbox processor's records.

use super::{Answer, Test, get, post};
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::base::{CollectionMethod, Decimal, InvoiceId, PaymentAttemptId, Time};
use unitpay::testing::customers::CustomerRef;
use unitpay::testing::db::{Lane, Sql, Tx, sql};
use unitpay::testing::flows::pay::PayWith;
use unitpay::testing::invoices::{Invoice, InvoiceReason, Line, LineKind, NewInvoice};
use unitpay::testing::organizations::Tenant;
use unitpay::testing::settlement::{Billed, Effect};
use unitpay::testing::work::{BillingError, Work};
use unitpay::testing::{customers, flows, invoices, payments, settlement};

const PAY_CANCELED: Sql =
    sql("UPDATE sandbox_intents SET status = 'succeeded', decline_reason = NULL \
     WHERE status = 'declined' AND decline_reason = 'processing_error'");
const CHARGES: Sql = sql("SELECT COUNT(*) FROM sandbox_intents \
    WHERE key IS NOT NULL AND status IN ('succeeded', 'refunded')");

/// One line with this amount.
pub fn line(amount: i64) -> Line {
    Line {
        description: "Pro".into(),
        label: None,
        kind: LineKind::Recurring,
        quantity: Decimal::from_integer(1),
        unit_amount: Some(Decimal::from_integer(amount)),
        usage: None,
        tax: None,
        amount,
        discount: None,
        period: None,
    }
}

/// An invoice of these amounts in dollars, to be charged.
pub fn new_invoice(amounts: &[i64]) -> NewInvoice {
    NewInvoice {
        subscription_id: None,
        reason: InvoiceReason::Renewal,
        currency: "USD".parse().unwrap(),
        lines: amounts.iter().copied().map(line).collect(),
        period: None,
        collection_method: CollectionMethod::ChargeAutomatically,
        due_key: None,
    }
}

impl Test {
    /// Adds the payment method of a sandbox token to a customer.
    pub async fn card(&self, customer: &str, token: &str) -> String {
        self.add_card(customer, &json!({ "processorToken": token })).await.expect(201).text("id")
    }

    pub async fn add_card(&self, customer: &str, body: &Value) -> Answer {
        let path = format!("/v1/customers/{customer}/payment-methods");
        self.call(post(path, body).key(&self.key)).await
    }

    /// Returns a customer's number.
    pub async fn customer_no(&self, customer: &str) -> i64 {
        let reference: CustomerRef = customer.parse().unwrap();
        let mut tx = self.app.db.read().await.unwrap();
        customers::get(&mut tx, &self.tenant, &reference).await.unwrap().unwrap().no
    }

    /// Issues an invoice like the engine, without charging it.
    pub async fn issue(
        &self,
        tenant: Tenant,
        customer_no: i64,
        new: NewInvoice,
    ) -> Result<Option<Invoice>, BillingError> {
        let by = self.app.by(Actor::System);
        let at = Time::from_seconds(by.now.seconds());
        self.app
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                customers::lock_no(tx, &tenant, customer_no).await?;
                invoices::create_issued(
                    &mut Work { tx, tenant: &tenant, at, by: &by },
                    customer_no,
                    new.clone(),
                )
                .await
            })
            .await
    }

    /// Issues an invoice of a customer over this amount.
    pub async fn bill(&self, customer: &str, amount: i64) -> String {
        let no = self.customer_no(customer).await;
        let issued = self.issue(self.tenant, no, new_invoice(&[amount])).await;
        issued.unwrap().unwrap().id.to_string()
    }

    /// Bills a customer by its default payment method in the effect's first transaction and stops
    /// there, like a node that dies.
    pub async fn collect(
        &self,
        customer: &str,
        new: NewInvoice,
        effect: Effect,
    ) -> Result<Billed, BillingError> {
        let (no, tenant) = (self.customer_no(customer).await, self.tenant);
        let by = self.app.by(Actor::System);
        let at = Time::from_seconds(by.now.seconds());
        self.app
            .db
            .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                customers::lock_no(tx, &tenant, no).await?;
                let card = payments::default_of(tx, &tenant, no).await?;
                let (new, effect) = (new.clone(), effect.clone());
                settlement::collect(
                    &mut Work { tx, tenant: &tenant, at, by: &by },
                    no,
                    new,
                    card.as_ref(),
                    effect,
                )
                .await
            })
            .await
    }

    /// Sends a request that moves money and returns its outcome.
    pub async fn ask(&self, path: &str, body: Value) -> Value {
        self.call(post(format!("/v1/{path}"), &body).key(&self.key)).await.expect(200).json()
    }

    pub async fn invoice(&self, id: &str) -> Value {
        self.call(get(format!("/v1/invoices/{id}")).key(&self.key)).await.expect(200).json()
    }

    /// Reads an invoice from the store, drafts included; `None` if it is deleted.
    pub async fn stored_invoice(&self, id: InvoiceId) -> Option<Invoice> {
        let mut tx = self.app.db.read().await.unwrap();
        invoices::get(&mut tx, &self.tenant, id).await.unwrap()
    }

    /// Runs step (a) of paying an invoice only.
    pub async fn begin_to_pay(&self, invoice: &str) -> PaymentAttemptId {
        let (tenant, id) = (self.tenant, invoice.parse().unwrap());
        let by = self.app.by(Actor::System);
        let at = Time::from_seconds(by.now.seconds());
        let kept = self.app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            let work = &mut Work { tx, tenant: &tenant, at, by: &by };
            flows::pay(work, id, PayWith::Default).await
        });
        kept.await.unwrap().attempt_id().unwrap()
    }

    pub async fn pay(&self, invoice: &str, body: Value) -> Answer {
        self.call(post(format!("/v1/invoices/{invoice}/pay"), &body).key(&self.key)).await
    }

    /// The same under an idempotency key.
    pub async fn pay_once(&self, invoice: &str, body: Value, key: &str) -> Answer {
        let request = post(format!("/v1/invoices/{invoice}/pay"), &body).key(&self.key);
        self.call(request.header("idempotency-key", key)).await
    }

    /// Opens a sandbox form for a payment method and returns its secret.
    pub async fn set_up(&self, customer: &str) -> String {
        let path = format!("/v1/customers/{customer}/payment-methods/setup");
        self.call(post(path, &json!({})).key(&self.key)).await.expect(200).text("clientSecret")
    }

    /// Completes a sandbox form.
    pub async fn fill_in(&self, secret: &str, outcome: &str) -> Answer {
        let body = json!({ "clientSecret": secret, "outcome": outcome });
        self.call(post("/v1/sandbox/forms/confirm", &body).key(&self.key)).await
    }

    /// Has the sandbox's canceled forms paid, as if the customers had been faster than the cancellations.
    pub async fn pay_canceled_forms(&self) {
        let pay = async |tx: &mut Tx<'_, '_>| tx.execute(&PAY_CANCELED, &[]).await;
        assert!(self.app.db.write(Lane::Usual, pay).await.unwrap() > 0);
    }

    /// Returns how often the sandbox moved money.
    pub async fn charges(&self) -> i64 {
        self.count(&CHARGES).await
    }

    /// Runs the scheduler's work on payments.
    pub async fn sweep(&self) -> usize {
        unitpay::testing::flows::sweep(&self.app).await.unwrap()
    }
}
