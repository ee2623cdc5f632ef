//! The meaning of Stripe's answers for settlement.
//!
//! Only a few fields are read, so that an account's own API version does no harm, and a status that is
//! not known is [`ChargeResult::Unknown`].

use super::amounts;
use super::client::Answer;
use crate::base::{DisputeStatus, ReportedDispute, Time};
use crate::payments::{Card, ChargeOrder, ChargeResult, DeclineReason, RefundResult};
use serde_json::Value;

/// The conclusion from the answer to a charge.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Result(ChargeResult),
    /// The answer may be a repetition of an old failure: look for the charge before giving up.
    LookForCharge,
    /// The request was wrong or not allowed: the operator has to act, the customer cannot.
    Misconfigured,
}

/// Judges the answer to the creation of a payment intent.
pub fn judge_charge(answer: &Answer, charge: &ChargeOrder) -> Verdict {
    let error = &answer.body["error"];
    let result = match (answer.status, answer.error_code()) {
        (200, _) => judge_intent(&answer.body, charge),
        (402, _) => decline(error),
        (400, "idempotency_error") | (500.., _) => return Verdict::LookForCharge,
        (409 | 424 | 429, _) => ChargeResult::Unknown,
        // The minimum holds in the currency of the account's bank: our table is only a hint.
        (400, "amount_too_small") => ChargeResult::AmountTooSmall,
        (400, "amount_too_large") => ChargeResult::Declined(DeclineReason::ProcessingError),
        (400, "payment_intent_unexpected_state")
            if error["payment_intent"]["status"] == "succeeded" =>
        {
            judge_intent(&error["payment_intent"], charge)
        }
        (400 | 404, "resource_missing") if names_the_method(error) => {
            ChargeResult::DeclinedForGood(DeclineReason::PaymentMethodRequired)
        }
        (400, "payment_method_unexpected_state") => {
            ChargeResult::DeclinedForGood(DeclineReason::PaymentMethodRequired)
        }
        (400, _) if says_that_the_method_is_used_up(error) => {
            ChargeResult::DeclinedForGood(DeclineReason::PaymentMethodRequired)
        }
        (_, _) => return Verdict::Misconfigured,
    };
    Verdict::Result(result)
}

/// Judges a payment intent by its status.
pub fn judge_intent(intent: &Value, charge: &ChargeOrder) -> ChargeResult {
    let Some(reference) = intent["id"].as_str() else { return ChargeResult::Unknown };
    let form = || match intent["client_secret"].as_str() {
        Some(secret) => ChargeResult::RequiresForm {
            reference: reference.to_owned(),
            client_secret: secret.to_owned(),
        },
        None => ChargeResult::Unknown,
    };
    match intent["status"].as_str() {
        Some("succeeded") => ChargeResult::Succeeded {
            reference: reference.to_owned(),
            card: if charge.method.is_none() { card(&intent["payment_method"]) } else { None },
        },
        Some("requires_action") if charge.off_session => {
            ChargeResult::Declined(DeclineReason::AuthenticationRequired)
        }
        Some("requires_action") => form(),
        Some("requires_payment_method") if charge.method.is_none() => form(),
        // A charge of a saved card that was declined, found afterwards.
        Some("requires_payment_method") => decline(&intent["last_payment_error"]),
        Some("canceled") => ChargeResult::Declined(DeclineReason::ProcessingError),
        Some(_) | None => ChargeResult::Unknown,
    }
}

/// Judges a decline. Networks charge fees for another try of a card that is lost or stolen, or whose bank
/// advises against it.
fn decline(error: &Value) -> ChargeResult {
    let reason = decline_reason(error);
    let is_final = error["advice_code"] == "do_not_try_again"
        || matches!(
            error["decline_code"].as_str(),
            Some("lost_card" | "stolen_card" | "pickup_card" | "revocation_of_authorization")
        );
    match is_final {
        true => ChargeResult::DeclinedForGood(reason),
        false => ChargeResult::Declined(reason),
    }
}

/// Reads the reason for a decline. `lost_card`, `stolen_card`, `fraudulent` and their like are
/// reported as `card_declined`: Stripe asks not to tell customers.
pub fn decline_reason(error: &Value) -> DeclineReason {
    let code = error["code"].as_str().unwrap_or_default();
    let decline = error["decline_code"].as_str().unwrap_or_default();
    for word in [code, decline] {
        let reason = match word {
            "authentication_required" => DeclineReason::AuthenticationRequired,
            "expired_card" => DeclineReason::ExpiredCard,
            "incorrect_cvc" | "invalid_cvc" => DeclineReason::IncorrectCvc,
            "insufficient_funds" | "withdrawal_count_limit_exceeded" | "card_velocity_exceeded" => {
                DeclineReason::InsufficientFunds
            }
            "processing_error"
            | "issuer_not_available"
            | "try_again_later"
            | "reenter_transaction" => DeclineReason::ProcessingError,
            _ => continue,
        };
        return reason;
    }
    DeclineReason::CardDeclined
}

/// Reads a refund's state.
pub fn refund(refund: &Value) -> RefundResult {
    match refund["status"].as_str() {
        Some("succeeded") => RefundResult::Done,
        Some("failed" | "canceled") => RefundResult::Failed,
        Some(_) | None => RefundResult::Pending,
    }
}

/// Reads a dispute of an expanded payment intent. A status that is not known is under review.
pub fn dispute(dispute: &Value) -> Option<ReportedDispute> {
    let status = match dispute["status"].as_str() {
        Some("warning_needs_response" | "warning_under_review") => DisputeStatus::Inquiry,
        Some("needs_response") => DisputeStatus::NeedsResponse,
        Some("won") => DisputeStatus::Won,
        Some("lost") => DisputeStatus::Lost,
        Some("warning_closed" | "prevented") => DisputeStatus::Closed,
        Some(_) | None => DisputeStatus::UnderReview,
    };
    let (currency, charged) = (&dispute["currency"], &dispute["payment_intent"]["currency"]);
    let ours = currency.as_str().filter(|_| currency == charged);
    let ours = ours.and_then(|code| code.to_ascii_uppercase().parse().ok());
    let amount = ours.zip(dispute["amount"].as_i64());
    let due_by = dispute["evidence_details"]["due_by"].as_i64();
    Some(ReportedDispute {
        reference: dispute["id"].as_str()?.to_owned(),
        amount: amount.and_then(|(currency, amount)| amounts::from_stripe(amount, currency)),
        reason: dispute["reason"].as_str().unwrap_or("general").to_owned(),
        status,
        due_by: due_by.map(Time::from_seconds),
    })
}

/// Reads the card of a payment method; `None` for any other kind of method, and for a mere id.
pub fn card(method: &Value) -> Option<Card> {
    let card = method.get("card").filter(|_| method["type"] == "card")?;
    Some(Card {
        reference: method["id"].as_str()?.to_owned(),
        brand: card["brand"].as_str().unwrap_or("unknown").to_owned(),
        last4: card["last4"].as_str()?.to_owned(),
        exp_month: card["exp_month"].as_i64()?,
        exp_year: card["exp_year"].as_i64()?,
    })
}

fn names_the_method(error: &Value) -> bool {
    error["param"] == "payment_method"
}

/// Stripe has no code for a method that was detached or used without a customer.
fn says_that_the_method_is_used_up(error: &Value) -> bool {
    error["message"].as_str().is_some_and(|message| message.contains("may not be used again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Clock, Ids, Random};
    use serde_json::json;

    fn charge(method: Option<&str>, off_session: bool) -> ChargeOrder {
        let at = Time::from_seconds(1_893_456_000);
        ChargeOrder {
            key: Ids::new(Clock::manual(at), Random::system()).payment_attempt(),
            customer: "cus_1".into(),
            method: method.map(str::to_owned),
            amount: 1_000,
            currency: "USD".parse().unwrap(),
            off_session,
            keeps_card: true,
            at,
        }
    }

    fn judged(status: u16, body: Value) -> Verdict {
        let answer = Answer { status, body, request_id: String::new() };
        judge_charge(&answer, &charge(Some("pm_1"), false))
    }

    fn declined(reason: DeclineReason) -> Verdict {
        Verdict::Result(ChargeResult::Declined(reason))
    }

    #[test]
    fn refusals_are_told_apart() {
        let error =
            |code: &str| json!({ "error": { "type": "invalid_request_error", "code": code } });
        let unknown = Verdict::Result(ChargeResult::Unknown);
        for status in [409, 424, 429] {
            assert_eq!(judged(status, error("lock_timeout")), unknown, "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert_eq!(judged(status, error("api_error")), Verdict::LookForCharge, "{status}");
        }
        let reused = json!({ "error": { "type": "idempotency_error" } });
        assert_eq!(judged(400, reused), Verdict::LookForCharge);
        let too_small = Verdict::Result(ChargeResult::AmountTooSmall);
        assert_eq!(judged(400, error("amount_too_small")), too_small);
        let too_large = declined(DeclineReason::ProcessingError);
        assert_eq!(judged(400, error("amount_too_large")), too_large);
        for (status, code) in [(401, ""), (403, ""), (400, "parameter_unknown"), (404, "")] {
            assert_eq!(judged(status, error(code)), Verdict::Misconfigured, "{status} {code}");
        }
        let missing =
            |param: &str| json!({ "error": { "code": "resource_missing", "param": param } });
        let gone = ChargeResult::DeclinedForGood(DeclineReason::PaymentMethodRequired);
        let gone = || Verdict::Result(gone.clone());
        assert_eq!(judged(400, missing("payment_method")), gone());
        // The customer is missing if the account was swapped: nobody's card is to blame.
        assert_eq!(judged(400, missing("customer")), Verdict::Misconfigured);
        let used = "The provided PaymentMethod was previously used and may not be used again.";
        assert_eq!(judged(400, json!({ "error": { "message": used } })), gone());
        let done = json!({ "error": { "code": "payment_intent_unexpected_state",
            "payment_intent": { "id": "pi_1", "status": "succeeded" } } });
        let succeeded = ChargeResult::Succeeded { reference: "pi_1".into(), card: None };
        assert_eq!(judged(400, done), Verdict::Result(succeeded));
    }

    #[test]
    fn intents_are_judged_by_their_status() {
        let form =
            ChargeResult::RequiresForm { reference: "pi_1".into(), client_secret: "s".into() };
        let succeeded = ChargeResult::Succeeded { reference: "pi_1".into(), card: None };
        let declined = ChargeResult::Declined;
        for (status, method, off_session, expected) in [
            ("succeeded", Some("pm_1"), false, succeeded),
            ("requires_action", Some("pm_1"), false, form.clone()),
            (
                "requires_action",
                Some("pm_1"),
                true,
                declined(DeclineReason::AuthenticationRequired),
            ),
            ("requires_payment_method", None, false, form),
            ("requires_payment_method", Some("pm_1"), false, declined(DeclineReason::ExpiredCard)),
            ("canceled", Some("pm_1"), false, declined(DeclineReason::ProcessingError)),
            ("processing", Some("pm_1"), false, ChargeResult::Unknown),
            ("requires_capture", Some("pm_1"), false, ChargeResult::Unknown),
            ("requires_confirmation", Some("pm_1"), false, ChargeResult::Unknown),
            ("a_status_of_next_year", Some("pm_1"), false, ChargeResult::Unknown),
        ] {
            let intent = json!({ "id": "pi_1", "status": status, "client_secret": "s",
                "last_payment_error": { "code": "expired_card" } });
            assert_eq!(judge_intent(&intent, &charge(method, off_session)), expected, "{status}");
        }
    }

    #[test]
    fn decline_reasons_hide_what_customers_must_not_learn() {
        for (code, decline, expected) in [
            ("card_declined", "insufficient_funds", DeclineReason::InsufficientFunds),
            ("card_declined", "authentication_required", DeclineReason::AuthenticationRequired),
            ("authentication_required", "", DeclineReason::AuthenticationRequired),
            ("expired_card", "expired_card", DeclineReason::ExpiredCard),
            ("incorrect_cvc", "", DeclineReason::IncorrectCvc),
            ("card_declined", "card_velocity_exceeded", DeclineReason::InsufficientFunds),
            ("processing_error", "", DeclineReason::ProcessingError),
            ("card_declined", "try_again_later", DeclineReason::ProcessingError),
            ("card_declined", "lost_card", DeclineReason::CardDeclined),
            ("card_declined", "stolen_card", DeclineReason::CardDeclined),
            ("card_declined", "fraudulent", DeclineReason::CardDeclined),
            ("card_declined", "generic_decline", DeclineReason::CardDeclined),
            ("a_code_of_next_year", "", DeclineReason::CardDeclined),
        ] {
            let error = json!({ "code": code, "decline_code": decline });
            assert_eq!(decline_reason(&error), expected, "{code} {decline}");
        }
    }

    #[test]
    fn lost_cards_and_advised_ones_are_declined_for_good() {
        let soft = ChargeResult::Declined(DeclineReason::CardDeclined);
        let hard = ChargeResult::DeclinedForGood(DeclineReason::CardDeclined);
        for (decline, advice, expected) in [
            ("lost_card", "", &hard),
            ("stolen_card", "", &hard),
            ("pickup_card", "try_again_later", &hard),
            ("revocation_of_authorization", "", &hard),
            ("generic_decline", "do_not_try_again", &hard),
            ("generic_decline", "confirm_card_data", &soft),
            ("do_not_honor", "", &soft),
        ] {
            let error =
                json!({ "code": "card_declined", "decline_code": decline, "advice_code": advice });
            let verdict = Verdict::Result(expected.clone());
            assert_eq!(judged(402, json!({ "error": error })), verdict, "{decline} {advice}");
            let intent = json!({ "id": "pi_1", "status": "requires_payment_method", "last_payment_error": error });
            assert_eq!(judge_intent(&intent, &charge(Some("pm_1"), true)), *expected, "{decline}");
        }
    }

    #[test]
    fn only_cards_are_read_as_cards() {
        let method = json!({ "id": "pm_1", "type": "card", "card":
            { "brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030 } });
        assert_eq!(card(&method).map(|card| card.last4), Some("4242".to_owned()));
        assert_eq!(card(&json!({ "id": "pm_1", "type": "link", "link": {} })), None);
        assert_eq!(card(&json!("pm_1")), None);
        assert_eq!(card(&Value::Null), None);
    }
}
