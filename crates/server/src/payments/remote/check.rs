//! Checks an integrator's service against the protocol, for `unitpay processors check`: real calls, in the
//! sandbox environment only. Unlike logs, findings show the cause of an unreadable answer.

use super::calls::CallError;
use super::protocol::{
    AttachRequest, CancelRequest, Charge, ChargeAnswer, ChargeRequest, CustomerAnswer,
    CustomerRequest, DetachRequest, Done, FindChargeRequest, FindRefundRequest, FormAnswer,
    FoundCharge, FoundRefund, MethodAnswer, MethodRequest, RefundAnswer, RefundRequest,
    SetupRequest,
};
use super::{Card, ChargeOrder, ChargeResult, Remote};
use crate::base::{Currency, CustomerId, Ids, RefundId, Time};
use crate::payments::{DeclineReason, RefundResult};
use crate::signing::SigningSecrets;
use std::future::Future;

/// Signatures of this age have to be refused.
const TOO_OLD_SECONDS: i64 = 301;
/// A token and a method that no service knows.
const MISSING: &str = "unitpay_check_missing";

/// The test tokens of the service, and the currency of the test charges.
pub struct Samples {
    pub good: String,
    pub declined: String,
    pub currency: Currency,
}

/// The result of one case.
pub struct Finding {
    pub case: &'static str,
    /// `Err` says what is wrong.
    pub result: Result<(), String>,
}

/// State of a run.
struct Check<'a> {
    remote: &'a Remote,
    ids: &'a Ids,
    samples: &'a Samples,
    amount: i64,
    findings: Vec<Finding>,
}

type Case<T> = Result<T, String>;

/// Runs all cases. Those that need the result of a failed one are left out.
pub async fn check(remote: &Remote, ids: &Ids, samples: &Samples) -> Vec<Finding> {
    let amount = 1_000;
    let mut check = Check { remote, ids, samples, amount, findings: Vec::new() };
    if let Some(customer) = check.greet().await
        && let Some((good, declined)) = check.methods(&customer).await
    {
        let paid = check.charges(&customer, &good).await;
        check.declines(&customer, &declined).await;
        check.forms(&customer).await;
        if let Some((order, reference)) = paid {
            check.refunds(&order, &reference).await;
        }
        check.removal(&customer, &good).await;
    }
    check.findings
}

impl Check<'_> {
    async fn case<T>(
        &mut self,
        case: &'static str,
        run: impl Future<Output = Case<T>>,
    ) -> Option<T> {
        let (result, value) = match run.await {
            Ok(value) => (Ok(()), Some(value)),
            Err(reason) => (Err(reason), None),
        };
        self.findings.push(Finding { case, result });
        value
    }

    async fn greet(&mut self) -> Option<String> {
        let (remote, ids) = (self.remote, self.ids);
        let terms =
            self.case("hello says what it is", async { explained(remote.hello().await) }).await?;
        let least = terms.minimums.get(self.samples.currency.as_str()).copied().unwrap_or(1);
        self.amount = self.amount.max(least.saturating_mul(4));
        let id = ids.customer();
        let forged = async {
            let other = SigningSecrets::generate(&remote.random);
            refused(remote.send("hello", &other, remote.clock.now()).await)
        };
        self.case("a call with another secret is refused", forged).await;
        let late = async {
            let at = remote.clock.now().plus_seconds(-TOO_OLD_SECONDS);
            refused(remote.send("hello", &remote.secrets, at).await)
        };
        self.case("a call signed more than five minutes ago is refused", late).await;
        let made = async {
            let first = customer(remote, id, "Check").await?;
            let renamed = customer(remote, id, "Check again").await?;
            same(first == renamed, "a renamed customer is another one")?;
            Ok(first)
        };
        self.case("a customer is made once, even if it is renamed", made).await
    }

    async fn methods(&mut self, customer: &str) -> Option<(Card, Card)> {
        let (remote, samples) = (self.remote, self.samples);
        let attach = async |token: &str| -> Case<Card> {
            let request = AttachRequest { customer, token };
            let MethodAnswer { method } =
                explained(remote.call("methods/attach", None, &request).await)?;
            Ok(method.card()?)
        };
        let good = async {
            let first = attach(&samples.good).await?;
            same(attach(&samples.good).await? == first, "the same token gives another method")?;
            let request = MethodRequest { customer, method: &first.reference };
            let MethodAnswer { method } =
                explained(remote.call("methods/get", None, &request).await)?;
            same(method.card()? == first, "methods/get answers another method")?;
            Ok(first)
        };
        let good = self.case("a token becomes a method, which is found", good).await;
        let declined = attach(&samples.declined);
        let declined =
            self.case("the token of a card that is declined becomes a method", declined).await;
        let missing = async {
            let request = AttachRequest { customer, token: MISSING };
            let answer = remote.call::<_, MethodAnswer>("methods/attach", None, &request).await;
            coded(answer.map(|_| ()), "unknown_token")
        };
        self.case("an unknown token is refused", missing).await;
        let get = async {
            let request = MethodRequest { customer, method: MISSING };
            let answer = remote.call::<_, MethodAnswer>("methods/get", None, &request).await;
            coded(answer.map(|_| ()), "unknown_method")
        };
        self.case("an unknown method is refused", get).await;
        good.zip(declined)
    }

    fn order(&self, customer: &str, method: Option<&Card>) -> ChargeOrder {
        ChargeOrder {
            key: self.ids.payment_attempt(),
            customer: customer.to_owned(),
            method: method.map(|card| card.reference.clone()),
            amount: self.amount,
            currency: self.samples.currency,
            off_session: false,
            keeps_card: true,
            at: self.remote.clock.now(),
        }
    }

    async fn charges(&mut self, customer: &str, good: &Card) -> Option<(ChargeOrder, String)> {
        let remote = self.remote;
        let order = self.order(customer, Some(good));
        let none = async {
            same(find(remote, &order).await?.is_none(), "it finds a charge that was never made")
        };
        self.case("a charge that was never made is not found", none).await;
        let paid = async {
            let result = charge(remote, &order).await?;
            let ChargeResult::Succeeded { reference, .. } = result else {
                return Err(format!("it is {result:?}"));
            };
            Ok(reference)
        };
        let reference = self.case("a good card is charged", paid).await?;
        let expected = ChargeResult::Succeeded { reference: reference.clone(), card: None };
        let replay = async {
            same(charge(remote, &order).await? == expected, "the second answer is another one")
        };
        self.case("the same charge again is the first one", replay).await;
        let found = async {
            same(find(remote, &order).await? == Some(expected), "it finds another charge or none")
        };
        self.case("a charge is found by its attempt", found).await;
        let reused = async {
            let other = ChargeOrder { amount: order.amount + 1, ..order.clone() };
            coded(send_charge(remote, &other).await.map(|_| ()), "key_reused")
        };
        self.case("the same attempt with another amount is refused", reused).await;
        let mut missing = self.order(customer, Some(good));
        missing.method = Some(MISSING.to_owned());
        let unknown =
            async { coded(send_charge(remote, &missing).await.map(|_| ()), "unknown_method") };
        self.case("a charge of an unknown method is refused", unknown).await;
        Some((order, reference))
    }

    async fn declines(&mut self, customer: &str, card: &Card) {
        let (remote, order) = (self.remote, self.order(customer, Some(card)));
        let declined = async {
            let first = charge(remote, &order).await?;
            let is_declined =
                matches!(first, ChargeResult::Declined(_) | ChargeResult::DeclinedForGood(_));
            same(is_declined, "it is not declined")?;
            same(charge(remote, &order).await? == first, "the second answer is another one")?;
            same(find(remote, &order).await? == Some(first), "charges/find answers another one")
        };
        self.case("a card is declined, and stays declined for this attempt", declined).await;
    }

    async fn forms(&mut self, customer: &str) {
        let remote = self.remote;
        let setup = async {
            let answer = remote.call("setup", None, &SetupRequest { customer }).await;
            let FormAnswer { form } = explained(answer)?;
            form.address(remote.allow_http)?;
            Ok(())
        };
        self.case("setup opens a form", setup).await;
        let order = self.order(customer, None);
        let form = async {
            let first = charge(remote, &order).await?;
            let ChargeResult::RequiresForm { reference, .. } = first.clone() else {
                return Err(format!("it is {first:?}"));
            };
            same(charge(remote, &order).await? == first, "the second answer is another form")?;
            Ok(reference)
        };
        let form = self.case("a charge without a method opens a form", form).await;
        let Some(reference) = form else { return };
        let canceled = async {
            for _ in 0..2 {
                let request = CancelRequest { charge: &reference };
                let Done {} = explained(remote.call("charges/cancel", None, &request).await)?;
            }
            let canceled = ChargeResult::Declined(DeclineReason::ProcessingError);
            same(
                find(remote, &order).await? == Some(canceled),
                "charges/find does not say canceled",
            )
        };
        self.case("a form is canceled, once or more", canceled).await;
    }

    async fn refunds(&mut self, order: &ChargeOrder, charge: &str) {
        let remote = self.remote;
        let (part, rest) = (order.amount / 4, order.amount - order.amount / 4);
        let (first, second) = (self.ids.refund(), self.ids.refund());
        let in_part = async {
            for _ in 0..2 {
                refund(remote, order, charge, (first, part)).await?;
            }
            let found = find_refund(remote, first, charge).await?;
            same(found.is_some(), "refunds/find finds no refund")
        };
        self.case("a part is refunded once, and is found", in_part).await;
        let above = self.ids.refund();
        let too_much = async {
            let answer = send_refund(remote, order, charge, (above, rest + 1)).await;
            coded(answer, "amount_too_large")?;
            let found = find_refund(remote, above, charge).await?;
            same(found.is_none(), "a refund that was refused is found")
        };
        self.case("more than the rest is refused", too_much).await;
        let whole = async { refund(remote, order, charge, (second, rest)).await };
        self.case("the rest is refunded", whole).await;
    }

    async fn removal(&mut self, customer: &str, good: &Card) {
        let (remote, order) = (self.remote, self.order(customer, Some(good)));
        let gone = async {
            let request = DetachRequest { method: &good.reference };
            let Done {} = explained(remote.call("methods/detach", None, &request).await)?;
            match remote.call("methods/detach", None, &request).await {
                Ok(Done {}) => {}
                Err(error) if error.is("unknown_method") => {}
                Err(error) => return Err(error.explain()),
            }
            coded(send_charge(remote, &order).await.map(|_| ()), "unknown_method")
        };
        self.case("a removed method is not charged", gone).await;
    }
}

impl Remote {
    /// Says hello with another secret, or at another time.
    async fn send(
        &self,
        operation: &'static str,
        secrets: &SigningSecrets,
        at: Time,
    ) -> Result<(), CallError> {
        let hello = super::Hello { protocol: super::VERSION };
        let terms: Result<super::Terms, _> =
            self.call_signed(operation, None, &hello, (secrets, at)).await;
        terms.map(|_| ())
    }
}

async fn customer(remote: &Remote, customer_id: CustomerId, name: &str) -> Case<String> {
    let request = CustomerRequest { customer_id, name, email: "check@example.com" };
    let CustomerAnswer { customer } = explained(remote.call("customers", None, &request).await)?;
    same(super::is_reference(&customer), "customer is no reference")?;
    Ok(customer)
}

async fn send_charge(remote: &Remote, order: &ChargeOrder) -> Result<Charge, CallError> {
    let key = order.key.to_string();
    let request = ChargeRequest::new(order);
    let ChargeAnswer { charge } = remote.call("charges", Some(&key), &request).await?;
    Ok(charge)
}

async fn charge(remote: &Remote, order: &ChargeOrder) -> Case<ChargeResult> {
    Ok(explained(send_charge(remote, order).await)?.result(order, remote.allow_http)?)
}

async fn find(remote: &Remote, order: &ChargeOrder) -> Case<Option<ChargeResult>> {
    let request = FindChargeRequest { attempt_id: order.key, customer: &order.customer };
    let FoundCharge { charge } = explained(remote.call("charges/find", None, &request).await)?;
    let result = charge.map(|charge| charge.result(order, remote.allow_http));
    Ok(result.transpose()?)
}

async fn send_refund(
    remote: &Remote,
    order: &ChargeOrder,
    charge: &str,
    (id, amount): (RefundId, i64),
) -> Result<(), CallError> {
    let key = id.to_string();
    let request = RefundRequest {
        refund_id: key.clone(),
        attempt_id: order.key,
        charge,
        amount,
        currency: order.currency.as_str(),
        exponent: order.currency.exponent(),
    };
    let RefundAnswer { refund } =
        remote.call("refunds", Some(&super::refund_key(&key)), &request).await?;
    if !refund.has_amount(amount, order.currency) {
        return Err(CallError::Wrong("the refund is of another amount or currency"));
    }
    match refund.result(&key, charge)? {
        RefundResult::Done | RefundResult::Pending => Ok(()),
        RefundResult::Failed => Err(CallError::Wrong("the refund failed")),
    }
}

async fn refund(
    remote: &Remote,
    order: &ChargeOrder,
    charge: &str,
    part: (RefundId, i64),
) -> Case<()> {
    explained(send_refund(remote, order, charge, part).await)
}

async fn find_refund(remote: &Remote, id: RefundId, charge: &str) -> Case<Option<RefundResult>> {
    let key = id.to_string();
    let request = FindRefundRequest { refund_id: key.clone(), charge };
    let FoundRefund { refund } = explained(remote.call("refunds/find", None, &request).await)?;
    Ok(refund.map(|refund| refund.result(&key, charge)).transpose()?)
}

fn explained<T>(answer: Result<T, CallError>) -> Case<T> {
    answer.map_err(|error| error.explain())
}

fn same(is_so: bool, otherwise: &str) -> Case<()> {
    if is_so { Ok(()) } else { Err(otherwise.to_owned()) }
}

/// Whether a call was refused with this code.
fn coded(answer: Result<(), CallError>, code: &str) -> Case<()> {
    match answer {
        Err(error) if error.is(code) => Ok(()),
        Err(error) => Err(format!("it is not refused with {code}: {}", error.explain())),
        Ok(()) => Err(format!("it is not refused with {code}")),
    }
}

/// Whether a call was refused, with whatever code.
fn refused(answer: Result<(), CallError>) -> Case<()> {
    match answer {
        Err(CallError::Refused { status: 400..500, .. } | CallError::Status(400..500)) => Ok(()),
        Err(error) => Err(format!("it is not refused: {}", error.explain())),
        Ok(()) => Err("it is answered as though it were signed well".to_owned()),
    }
}
