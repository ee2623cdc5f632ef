//! Unused time is credited with the tax that it was charged with.

use crate::on_both_stores;
use crate::support::{Test, flat, lines, monthly, patch, summarize, with, yearly};
use serde_json::{Value, json};

/// Taxes a customer at this rate from now on.
async fn taxed(t: &Test, basis_points: i64) {
    let rate = json!({ "taxRate": { "name": "VAT", "basisPoints": basis_points } });
    t.call(patch("/v1/customers/c", &rate).key(&t.key)).await.expect(200);
}

async fn exempt(t: &Test) {
    let status = json!({ "taxStatus": "exempt" });
    t.call(patch("/v1/customers/c", &status).key(&t.key)).await.expect(200);
}

fn sums(invoice: &Value) -> [i64; 3] {
    ["subtotal", "taxAmount", "totalAmount"].map(|sum| invoice[sum].as_i64().unwrap())
}

fn rates(invoice: &Value) -> Vec<Value> {
    invoice["items"].as_array().unwrap().iter().map(|item| item["tax"].clone()).collect()
}

on_both_stores! {
    async fn unused_time_is_credited_with_the_tax_it_was_charged_with(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_100))).await;
        let year = t.plan(yearly("year", flat(62_000))).await;
        t.payer("c").await;
        taxed(&t, 1_900).await;
        let subscription = t.buy("c", &small, 1).await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        taxed(&t, 2_000).await;
        let body = json!({ "planId": large });
        let preview = t.of_subscription(&subscription, "preview-change", body.clone()).await.expect(200).json();
        let changed = t.of_subscription(&subscription, "change-plan", body).await.expect(200).json();
        // 19 % of −6.77 and 20 % of 21.00.
        let invoice = &changed["invoice"];
        assert_eq!(lines(invoice), [("proration".into(), -677), ("proration".into(), 2_100)]);
        assert_eq!((sums(&preview), sums(invoice)), ([1_423, 291, 1_714], [1_423, 291, 1_714]));
        assert_eq!(rates(invoice), [json!({ "name": "VAT", "basisPoints": 1_900 }), Value::Null]);
        assert_eq!((&preview["items"], &invoice["amountPaid"]), (&invoice["items"], &json!(1_714)));
        t.clock_to("2030-01-21T00:00:00Z").await;
        exempt(&t).await;
        let changed = t.of_subscription(&subscription, "change-plan", json!({ "planId": year })).await.expect(200).json();
        // 20 % of −11.00, which the change charged, and no tax on the year.
        assert_eq!(sums(&changed["invoice"]), [60_900, -220, 60_680]);
        // A renewal in between: all of it was charged without tax.
        t.clock_to("2031-01-21T00:00:00Z").await;
        assert_eq!(sums(t.invoices_of("c").await.last().unwrap()), [62_000, 0, 62_000]);
        let path = format!("/v1/invoices/{}/pdf", changed["invoice"]["id"].as_str().unwrap());
        t.call(crate::support::get(path).key(&t.key)).await.expect(200);
    }

    async fn untaxed_time_is_credited_without_tax(t) {
        let small = t.plan(monthly("small", flat(1_000))).await;
        let large = t.plan(monthly("large", flat(3_100))).await;
        t.payer("c").await;
        let subscription = t.buy("c", &small, 1).await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        taxed(&t, 2_000).await;
        let changed = t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200).json();
        assert_eq!(sums(&changed["invoice"]), [1_423, 420, 1_843]);
        let items = changed["invoice"]["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|item| item.get("tax").cloned()).collect::<Vec<_>>(), [Some(Value::Null), None]);
    }

    async fn change_waits_if_it_credits_more_tax_than_it_charges(t) {
        let small = t.plan(monthly("small", flat(10_000))).await;
        let large = t.plan(monthly("large", flat(10_100))).await;
        t.payer("c").await;
        taxed(&t, 2_000).await;
        let subscription = t.buy("c", &small, 1).await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        exempt(&t).await;
        // 68.42 − 67.74 − 13.55 is less than nothing.
        let changed = t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200).json();
        assert_eq!((&changed["kind"], &changed["effectiveAt"]), (&json!("deferred"), &json!("2030-02-01T00:00:00.000Z")));
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("c").await), [("create", "paid", 12_000), ("renewal", "paid", 10_100)]);
    }

    async fn moved_remainder_is_not_taxed_again(t) {
        let plan = t.plan(monthly("plan", flat(2_000))).await;
        t.payer("c").await;
        taxed(&t, 1_900).await;
        t.buy("c", &plan, 1).await;
        let card = t.card("c", "pm_sandbox_declined").await;
        let prefer = async |card: &str| {
            let path = format!("/v1/payment-methods/{card}/default");
            t.call(crate::support::post(path, &json!({})).key(&t.key)).await.expect(200);
        };
        prefer(&card).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        let owed = t.invoices_of("c").await.pop().unwrap();
        let path = format!("/v1/invoices/{}/payments", owed["id"].as_str().unwrap());
        let body = json!({ "amount": 2_350, "reference": "transfer" });
        let paid = t.call(crate::support::post(path, &body).key(&t.key)).await.expect(201).json();
        let known = ["status", "amountPaid", "amountMoved", "amountDue"].map(|name| paid[name].clone());
        assert_eq!(known, [json!("paid"), json!(2_350), json!(30), json!(0)]);
        let card = t.card("c", "pm_sandbox_visa").await;
        prefer(&card).await;
        t.clock_to("2030-03-01T00:00:00Z").await;
        let next = t.invoices_of("c").await.pop().unwrap();
        assert_eq!(lines(&next), [("recurring".into(), 2_000), ("addition".into(), 30)]);
        assert_eq!((sums(&next), &next["items"][1]["description"]), ([2_030, 380, 2_410], &json!("Remainder, INV-000002")));
        let none = with(json!({}), json!({ "tax": null }));
        assert_eq!(next["items"][1].get("tax"), none.get("tax"));
    }

    async fn credit_note_of_a_line_has_the_tax_of_the_line(t) {
        let (small, large) = (t.plan(monthly("small", flat(1_000))).await, t.plan(monthly("large", flat(3_100))).await);
        t.payer("c").await;
        taxed(&t, 1_900).await;
        let subscription = t.buy("c", &small, 1).await;
        t.clock_to("2030-01-11T00:00:00Z").await;
        taxed(&t, 2_000).await;
        let changed = t.of_subscription(&subscription, "change-plan", json!({ "planId": large })).await.expect(200).json();
        let invoice = changed["invoice"]["id"].as_str().unwrap();
        // Of 14.23 with 2.91 of tax: the second line has 20 %, the whole invoice 20.45 %.
        let mut notes = Vec::new();
        for amount in [1_000, 423] {
            let body = json!({ "lines": [{ "item": 1, "amount": amount }], "reason": "other" });
            let note = t.note(invoice, body).await.expect(201).json();
            notes.push(sums(&note));
            let pdf = format!("/v1/credit-notes/{}/pdf", note["id"].as_str().unwrap());
            t.call(crate::support::get(pdf).key(&t.key)).await.expect(200);
        }
        assert_eq!(notes, [[1_000, 200, 1_200], [423, 91, 514]]);
        crate::support::check_books(&t.app.db, "after credit notes of two rates").await;
    }
}
