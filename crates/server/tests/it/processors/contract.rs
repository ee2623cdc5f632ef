//! One list of promises for all processors: the sandbox, Stripe and a processor over HTTP keep each of
//! them.

use super::connected;
use crate::support::Test;
use crate::{on_both_stores, stripe};
use unitpay::testing::base::PaymentAttemptId;
use unitpay::testing::payments::processor::Holder;
use unitpay::testing::payments::{
    ChargeOrder, ChargeResult, DeclineReason, Processor, ProcessorError, RefundKey, RefundOrder,
    RefundResult,
};

/// A processor with a customer who has these payment methods.
struct Subject {
    processor: Processor,
    customer: String,
    good: String,
    declined: String,
    needs_form: String,
}

impl Test {
    async fn sandbox_subject(&self) -> Subject {
        let processor = self.processor().await;
        let customer = self.holder(&processor).await;
        let attach = async |token: &str| {
            let card = processor.attach(&self.tenant, &customer, token, self.app.clock.now()).await;
            card.unwrap().reference
        };
        Subject {
            good: attach("pm_sandbox_visa").await,
            declined: attach("pm_sandbox_declined").await,
            needs_form: attach("pm_sandbox_requires_form").await,
            customer,
            processor,
        }
    }

    async fn processor(&self) -> Processor {
        let mut tx = self.app.db.read().await.unwrap();
        self.app.processors.choose(&mut tx, &self.tenant).await.unwrap().unwrap()
    }

    async fn holder(&self, processor: &Processor) -> String {
        let holder =
            Holder { id: self.app.ids.customer(), name: "A".into(), email: "a@b.example".into() };
        let first = processor.create_customer(&self.tenant, &holder).await.unwrap();
        // Renamed between two tries, it is the same customer.
        let holder = Holder { name: "B".into(), ..holder };
        let second = processor.create_customer(&self.tenant, &holder).await.unwrap();
        assert_eq!(first, second);
        first
    }

    /// Checks every promise of the trait.
    async fn check_contract(&self, subject: &Subject) {
        let (t, processor) = (&self.tenant, &subject.processor);
        let unknown = processor.attach(t, &subject.customer, "pm_nonsense", self.app.clock.now());
        assert!(matches!(unknown.await, Err(ProcessorError::UnknownToken)));
        let charge = |key, method: Option<&String>, off_session| ChargeOrder {
            key,
            customer: subject.customer.clone(),
            method: method.cloned(),
            amount: 1_000,
            currency: "USD".parse().unwrap(),
            off_session,
            keeps_card: true,
            at: self.app.clock.now(),
        };
        let key = || -> PaymentAttemptId { self.app.ids.payment_attempt() };

        // A charge succeeds once for its key, and is found by it.
        let paid = charge(key(), Some(&subject.good), false);
        assert_eq!(processor.find_charge(t, &paid).await.unwrap(), None);
        let first = processor.charge(t, &paid).await;
        let ChargeResult::Succeeded { reference, card: None } = first.clone() else {
            panic!("{first:?}");
        };
        assert_eq!(processor.charge(t, &paid).await, first);
        assert_eq!(processor.find_charge(t, &paid).await.unwrap(), Some(first.clone()));
        // Another key is another charge.
        assert_ne!(processor.charge(t, &charge(key(), Some(&subject.good), true)).await, first);

        // It is refunded in parts, each once for its key, up to the whole.
        let part = |key, amount| RefundOrder {
            key,
            attempt: paid.key,
            reference: reference.clone(),
            amount,
            currency: paid.currency,
        };
        let refund = || RefundKey::Refund(self.app.ids.refund());
        let (first, rest) = (part(refund(), 400), part(refund(), 600));
        for order in [&first, &first, &rest, &rest, &first] {
            assert_eq!(processor.refund(t, order).await.unwrap(), RefundResult::Done);
        }
        let other = charge(key(), Some(&subject.good), false);
        let ChargeResult::Succeeded { reference, .. } = processor.charge(t, &other).await else {
            panic!();
        };
        let order = |key, amount| {
            let (reference, currency) = (reference.clone(), other.currency);
            RefundOrder { key, attempt: other.key, reference, amount, currency }
        };
        assert_eq!(processor.refund(t, &order(refund(), 600)).await.unwrap(), RefundResult::Done);
        assert!(processor.refund(t, &order(refund(), 401)).await.is_err());
        let whole = RefundKey::Attempt(other.key);
        for _ in 0..2 {
            assert_eq!(processor.refund(t, &order(whole, 400)).await.unwrap(), RefundResult::Done);
        }

        // A decline is one, however often it is asked for, and is found as one.
        let refused = charge(key(), Some(&subject.declined), false);
        let declined = ChargeResult::Declined(DeclineReason::CardDeclined);
        for _ in 0..2 {
            assert_eq!(processor.charge(t, &refused).await, declined);
        }
        assert_eq!(processor.find_charge(t, &refused).await.unwrap(), Some(declined));

        // A method that does not exist is declined.
        let missing = "pm_that_does_not_exist".to_owned();
        let declined = processor.charge(t, &charge(key(), Some(&missing), true)).await;
        let is_declined =
            matches!(declined, ChargeResult::Declined(_) | ChargeResult::DeclinedForGood(_));
        assert!(is_declined, "{declined:?}");

        // A form opens if somebody is there.
        for method in [None, Some(&subject.needs_form)] {
            let asked = charge(key(), method, false);
            let form = processor.charge(t, &asked).await;
            assert!(matches!(form, ChargeResult::RequiresForm { .. }), "{form:?}");
            assert_eq!(processor.charge(t, &asked).await, form);
            assert_eq!(processor.find_charge(t, &asked).await.unwrap(), Some(form));
        }
        // Given up, it is canceled, once or more; a charge that succeeded stays.
        let given_up = charge(key(), None, false);
        let ChargeResult::RequiresForm { reference: form, .. } =
            processor.charge(t, &given_up).await
        else {
            panic!();
        };
        for reference in [&form, &form, &reference] {
            processor.cancel(t, reference).await.unwrap();
        }
        let canceled = ChargeResult::Declined(DeclineReason::ProcessingError);
        assert_eq!(processor.find_charge(t, &given_up).await.unwrap(), Some(canceled));
        assert!(matches!(
            processor.find_charge(t, &other).await.unwrap(),
            Some(ChargeResult::Succeeded { .. })
        ));
        let alone = charge(key(), Some(&subject.needs_form), true);
        let required = ChargeResult::Declined(DeclineReason::AuthenticationRequired);
        assert_eq!(processor.charge(t, &alone).await, required);
        let setup = processor.setup(t, &subject.customer).await.unwrap();
        assert!(!setup.secret.is_empty());
        assert_eq!(setup.processor, processor.name());

        // Removed twice is removed.
        for _ in 0..2 {
            processor.detach(t, &subject.good).await.unwrap();
        }
        assert!(processor.key_holds_for_seconds() >= 3_600);
        assert!(processor.minimum("USD".parse().unwrap()) > 0);
    }
}

on_both_stores! {
    async fn sandbox_keeps_the_contract(t) {
        let subject = t.sandbox_subject().await;
        t.check_contract(&subject).await;
    }

    async fn stripe_keeps_the_contract(t) {
        let (t, stand_in) = stripe::connected(t.engine).await;
        let processor = t.processor().await;
        assert_eq!(processor.name(), "stripe");
        let customer = t.holder(&processor).await;
        let subject = Subject {
            good: stand_in.save_card(&customer, "pm_card_visa"),
            declined: stand_in.save_card(&customer, "pm_card_chargeDeclined"),
            needs_form: stand_in.save_card(&customer, "pm_card_authenticationRequired"),
            customer,
            processor,
        };
        t.check_contract(&subject).await;
    }

    async fn http_keeps_the_contract(t) {
        let (t, integrator) = connected(t.engine).await;
        let processor = t.processor().await;
        assert_eq!(processor.name(), "http");
        let customer = t.holder(&processor).await;
        let now = t.app.clock.now();
        let attach = async |token: &str| {
            processor.attach(&t.tenant, &customer, token, now).await.unwrap().reference
        };
        let subject = Subject {
            good: attach("tok_good").await,
            declined: attach("tok_declined").await,
            needs_form: attach("tok_form").await,
            customer: customer.clone(),
            processor: processor.clone(),
        };
        t.check_contract(&subject).await;
        let refusals = [(422, "unknown_token"), (422, "amount_too_large"), (404, "unknown_method"), (404, "unknown_method")];
        assert_eq!(integrator.refusals(), refusals.map(|(status, code)| (status, code.to_owned())));
    }
}
