//! A processor that an integrator implements: a service that is called with signed JSON. See
//! `docs/processors.md` for the protocol.
//!
//! The service is called under the rules for URLs of organizations. Its answers are read strictly, and an
//! answer that cannot be read, or is about another amount, never counts as paid.

mod calls;
pub mod check;
mod connections;
mod events;
mod protocol;
mod sql;

pub use connections::{
    ConnectError, Connection, Connections, all, disconnect, of_tenant, step_back,
};
pub use protocol::VERSION;

use super::processor::{
    BadWebhook, Card, ChargeOrder, ChargeResult, Client, ClientKind, DeclineReason, Holder,
    PaymentProcessor, ProcessorError, ProcessorEvent, RawEvent, RefundKey, RefundOrder,
    RefundResult, Reply,
};
use crate::base::{Clock, Currency, Random, Time};
use crate::organizations::{Environment, Tenant};
use crate::outbound::Peer;
use crate::signing::SigningSecrets;
use ::http::HeaderMap;
use calls::CallError;
use futures_util::future::BoxFuture;
use protocol::{
    AttachRequest, CancelRequest, Charge, ChargeAnswer, ChargeRequest, CustomerAnswer,
    CustomerRequest, DetachRequest, Done, FindChargeRequest, FindRefundRequest, FormAnswer,
    FoundCharge, FoundRefund, Hello, MethodAnswer, MethodRequest, RefundAnswer, RefundRequest,
    SetupRequest, Terms, Wrong, is_reference,
};
use std::fmt;
use std::time::Duration;

pub const NAME: &str = "http";
/// The purpose for which the sealing key of the secrets is derived.
pub const SEALED_FOR: &[u8] = b"unitpay http processors";

/// One tenant's processor.
pub struct Remote {
    peer: Peer,
    within: Duration,
    secrets: SigningSecrets,
    environment: Environment,
    /// `None` until it has said them.
    terms: Option<Terms>,
    /// Whether forms may have plain `http` addresses, as in development.
    allow_http: bool,
    clock: Clock,
    random: Random,
}

impl Remote {
    /// Asks the service what it is.
    async fn hello(&self) -> Result<Terms, CallError> {
        let hello = Hello { protocol: VERSION };
        let terms: Terms = self.call("hello", None, &hello).await?;
        terms.check(self.environment)?;
        Ok(terms)
    }

    /// A charge that cannot be read or is another one is unknown, and never paid.
    fn judge(&self, charge: Charge, order: &ChargeOrder) -> ChargeResult {
        charge.result(order, self.allow_http).unwrap_or_else(|wrong| {
            tracing::error!(attempt = %order.key, wrong, "the answer to a charge is refused");
            ChargeResult::Unknown
        })
    }

    async fn charge_now(&self, order: &ChargeOrder) -> ChargeResult {
        let key = order.key.to_string();
        let request = ChargeRequest::new(order);
        let error = match self.call("charges", Some(&key), &request).await {
            Ok(ChargeAnswer { charge }) => return self.judge(charge, order),
            Err(error) if error.is("unknown_method") => {
                return ChargeResult::DeclinedForGood(DeclineReason::PaymentMethodRequired);
            }
            Err(error) if error.is("amount_too_small") => return ChargeResult::AmountTooSmall,
            Err(error) => error,
        };
        tracing::warn!(attempt = %order.key, %error, "the result of a charge is unknown");
        if !error.has_answer() {
            return ChargeResult::Unknown;
        }
        let found = self.look_for(order).await;
        found.ok().flatten().unwrap_or(ChargeResult::Unknown)
    }

    async fn look_for(&self, order: &ChargeOrder) -> Result<Option<ChargeResult>, ProcessorError> {
        let request = FindChargeRequest { attempt_id: order.key, customer: &order.customer };
        let FoundCharge { charge } = self.call("charges/find", None, &request).await?;
        Ok(charge.map(|charge| self.judge(charge, order)))
    }

    async fn find_refund(
        &self,
        key: RefundKey,
        charge: &str,
    ) -> Result<Option<protocol::Refund>, ProcessorError> {
        let request = FindRefundRequest { refund_id: key.to_string(), charge };
        let FoundRefund { refund } = self.call("refunds/find", None, &request).await?;
        Ok(refund)
    }

    /// Asks for the present state first: a key would repeat the first answer.
    async fn refund_now(&self, order: &RefundOrder) -> Result<RefundResult, ProcessorError> {
        let key = order.key.to_string();
        let refund = match self.find_refund(order.key, &order.reference).await? {
            Some(known) => known,
            None => {
                let request = RefundRequest {
                    refund_id: key.clone(),
                    attempt_id: order.attempt,
                    charge: &order.reference,
                    amount: order.amount,
                    currency: order.currency.as_str(),
                    exponent: order.currency.exponent(),
                };
                let once = refund_key(&key);
                let RefundAnswer { refund } = self.call("refunds", Some(&once), &request).await?;
                refund
            }
        };
        if !refund.has_amount(order.amount, order.currency) {
            return Err(wrong("the refund is of another amount or currency"));
        }
        refund.result(&key, &order.reference).map_err(wrong)
    }

    /// A customer's payment method; `None` if the customer has no such method any more.
    async fn card_of(&self, customer: &str, method: &str) -> Result<Option<Card>, ProcessorError> {
        match self.call("methods/get", None, &MethodRequest { customer, method }).await {
            Ok(MethodAnswer { method: found }) => {
                let card = found.card().map_err(wrong)?;
                if card.reference != method {
                    return Err(wrong("the payment method is another one"));
                }
                Ok(Some(card))
            }
            Err(error) if error.is("unknown_method") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl PaymentProcessor for Remote {
    fn name(&self) -> &'static str {
        NAME
    }

    fn create_customer<'a>(&'a self, _: &'a Tenant, holder: &'a Holder) -> Reply<'a, String> {
        Box::pin(async move {
            let Holder { id, name, email } = holder;
            let request = CustomerRequest { customer_id: *id, name, email };
            let CustomerAnswer { customer } = self.call("customers", None, &request).await?;
            let good = is_reference(&customer).then_some(customer);
            good.ok_or_else(|| wrong("customer must be a reference"))
        })
    }

    fn setup<'a>(&'a self, _: &'a Tenant, customer: &'a str) -> Reply<'a, Client> {
        Box::pin(async move {
            let request = SetupRequest { customer };
            let FormAnswer { form } = self.call("setup", None, &request).await?;
            let secret = form.address(self.allow_http).map_err(wrong)?;
            Ok(Client { processor: NAME, kind: ClientKind::Setup, secret, publishable_key: None })
        })
    }

    fn attach<'a>(
        &'a self,
        _: &'a Tenant,
        customer: &'a str,
        token: &'a str,
        _: Time,
    ) -> Reply<'a, Card> {
        Box::pin(async move {
            match self.call("methods/attach", None, &AttachRequest { customer, token }).await {
                Ok(MethodAnswer { method }) => method.card().map_err(wrong),
                Err(error) if error.is("unknown_token") => Err(ProcessorError::UnknownToken),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn detach<'a>(&'a self, _: &'a Tenant, reference: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            match self.call("methods/detach", None, &DetachRequest { method: reference }).await {
                Ok(Done {}) => Ok(()),
                Err(error) if error.is("unknown_method") => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn charge<'a>(&'a self, _: &'a Tenant, charge: &'a ChargeOrder) -> BoxFuture<'a, ChargeResult> {
        Box::pin(self.charge_now(charge))
    }

    fn find_charge<'a>(
        &'a self,
        _: &'a Tenant,
        charge: &'a ChargeOrder,
    ) -> Reply<'a, Option<ChargeResult>> {
        Box::pin(self.look_for(charge))
    }

    fn cancel<'a>(&'a self, _: &'a Tenant, reference: &'a str) -> Reply<'a, ()> {
        Box::pin(async move {
            match self.call("charges/cancel", None, &CancelRequest { charge: reference }).await {
                Ok(Done {}) => Ok(()),
                Err(error) if error.is("unknown_charge") => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn refund<'a>(&'a self, _: &'a Tenant, order: &'a RefundOrder) -> Reply<'a, RefundResult> {
        Box::pin(self.refund_now(order))
    }

    fn minimum(&self, currency: Currency) -> i64 {
        let minimums = self.terms.as_ref().map(|terms| &terms.minimums);
        minimums.and_then(|minimums| minimums.get(currency.as_str()).copied()).unwrap_or(1)
    }

    fn key_holds_for_seconds(&self) -> i64 {
        self.terms.as_ref().map_or(0, |terms| terms.key_holds_for_seconds)
    }

    fn publishable_key(&self) -> Option<String> {
        None
    }

    fn verify_webhook(
        &self,
        _: &Tenant,
        headers: &HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Result<String, BadWebhook> {
        if !self.secrets.has_signed(headers, body, now) {
            return Err(BadWebhook);
        }
        events::id(body, self.environment).ok_or(BadWebhook)
    }

    fn read_event<'a>(
        &'a self,
        _: &'a Tenant,
        body: &'a [u8],
    ) -> Reply<'a, Option<ProcessorEvent>> {
        Box::pin(events::read(self, body))
    }

    /// None: open forms are asked for one by one, so an event may be lost.
    fn events_since<'a>(&'a self, _: &'a Tenant, _: Time) -> Reply<'a, Vec<RawEvent>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A refund of a whole charge has the id of its attempt, which is the key of the charge.
fn refund_key(id: &str) -> String {
    format!("refund_{id}")
}

fn wrong(reason: Wrong) -> ProcessorError {
    ProcessorError::Unavailable(reason.into())
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}
