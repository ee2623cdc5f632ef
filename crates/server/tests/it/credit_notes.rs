//! Credit notes and their refunds: amounts, tax, parts, races, crashes, visibility.

use crate::on_both_stores;
use crate::support::{Answer, Test, check_books, flat, get, monthly, new_invoice, post, summarize};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::db::{Sql, sql};
use unitpay::testing::settlement::Effect;

const REFUNDED: Sql = sql("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM sandbox_refunds \
    WHERE status = 'succeeded'");

impl Test {
    pub async fn note(&self, invoice: &str, body: Value) -> Answer {
        self.call(post(format!("/v1/invoices/{invoice}/credit-notes"), &body).key(&self.key)).await
    }

    async fn credit_note(&self, id: &str) -> Value {
        self.call(get(format!("/v1/credit-notes/{id}")).key(&self.key)).await.expect(200).json()
    }

    async fn void_note(&self, note: &Value) -> Answer {
        let path = format!("/v1/credit-notes/{}/void", id(note));
        self.call(post(path, &json!({})).key(&self.key)).await
    }

    async fn tax(&self, points: i64) {
        let body = json!({ "taxRate": { "name": "VAT", "basisPoints": points } });
        self.call(crate::support::Request::new("PUT", "/v1/branding").json(&body).key(&self.key))
            .await
            .expect(200);
    }

    /// Issues an invoice of these lines and pays it with a card of this token.
    async fn paid_invoice(&self, customer: &str, amounts: &[i64], token: &str) -> String {
        self.card(customer, token).await;
        let no = self.customer_no(customer).await;
        let issued = self.issue(self.tenant, no, new_invoice(amounts)).await.unwrap().unwrap();
        let id = issued.id.to_string();
        self.pay(&id, json!({})).await.expect(200);
        id
    }
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// Net, tax, and the four parts of a credit note.
fn parts(note: &Value) -> Value {
    json!([
        note["subtotal"],
        note["taxAmount"],
        note["amountDueReduction"],
        note["refundAmount"],
        note["creditAmount"],
        note["outOfBandAmount"]
    ])
}

/// Status, amount due, and what was credited of an invoice.
fn owed(invoice: &Value) -> Value {
    json!([
        invoice["status"],
        invoice["amountDue"],
        invoice["amountCredited"],
        invoice["amountDueReduction"]
    ])
}

fn refunds(note: &Value) -> Value {
    let each = note["refunds"].as_array().unwrap().iter();
    each.map(|refund| json!([refund["amount"], refund["status"]])).collect()
}

on_both_stores! {
    async fn paid_invoice_is_credited_in_parts_with_its_tax(t) {
        t.tax(1_900).await;
        t.customer("one").await;
        let invoice = t.paid_invoice("one", &[8_000, 2_000], "pm_sandbox_visa").await;
        let first = json!({ "amount": 1_190, "reason": "order_change", "refundAmount": 690,
            "creditAmount": 300, "outOfBandAmount": 200, "memo": "One seat less" });
        let path = format!("/v1/invoices/{invoice}/credit-notes/preview");
        let shown = t.call(post(path, &first).key(&t.key)).await.expect(200).json();
        assert_eq!(parts(&shown), json!([1_000, 190, 0, 690, 300, 200]));
        assert_eq!((t.count(&REFUNDED).await, t.balances("one").await), (0, json!([])));
        let note = t.note(&invoice, first).await.expect(201).json();
        assert_eq!(parts(&note), parts(&shown));
        assert_eq!((&note["creditNoteNumber"], &note["invoiceNumber"], &note["memo"]), (&json!("CN-000001"), &json!("INV-000001"), &json!("One seat less")));
        assert_eq!(refunds(&note), json!([[690, "succeeded"]]));
        assert_eq!((t.count(&REFUNDED).await, t.balances("one").await), (690, json!([["USD", 300]])));
        // Lines without an amount are credited as far as they are left.
        let lines = json!({ "lines": [{ "item": 1, "amount": 500 }], "reason": "other" });
        let second = t.note(&invoice, lines).await.expect(201).json();
        assert_eq!((parts(&second), &second["items"]), (json!([500, 95, 0, 0, 595, 0]), &json!([{ "item": 1, "description": "Pro", "amount": 500 }])));
        let rest = json!({ "lines": [{ "item": 1 }], "reason": "other", "refundAmount": 1_785 });
        let third = t.note(&invoice, rest.clone()).await.expect(201).json();
        assert_eq!((parts(&third), &third["creditNoteNumber"]), (json!([1_500, 285, 0, 1_785, 0, 0]), &json!("CN-000003")));
        t.note(&invoice, rest).await.refused(422, "amount_out_of_range");
        assert_eq!(owed(&t.invoice(&invoice).await), json!(["paid", 0, 3_570, 0]));
        let entries = t.balance_entries("one").await;
        assert_eq!(entries, [json!(["credit_note", 300, 300]), json!(["credit_note", 595, 895])]);
        let list = t.call(get(format!("/v1/credit-notes?invoiceId={invoice}")).key(&t.key)).await.expect(200).json();
        let numbers: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|one| &one["creditNoteNumber"]).collect();
        assert_eq!(numbers, ["CN-000003", "CN-000002", "CN-000001"]);
        let pdf = t.call(get(format!("/v1/credit-notes/{}/pdf", id(&note))).key(&t.key)).await.expect(200);
        assert!(pdf.body.starts_with(b"%PDF-") && pdf.header("content-disposition").unwrap().contains("CN-000001.pdf"));
        check_books(&t.app.db, "after credit notes").await;
    }

    async fn impossible_credit_notes_change_nothing(t) {
        let (one, two) = (t.customer("one").await, t.customer("two").await);
        let invoice = t.paid_invoice("one", &[1_000], "pm_sandbox_visa").await;
        let sent = t.bill("two", 1_000).await;
        let body = json!({ "amount": 600, "reference": "SEPA" });
        t.call(post(format!("/v1/invoices/{sent}/payments"), &body).key(&t.key)).await.expect(201);
        let before = t.state().await;
        let note = |more: Value| {
            let mut body = json!({ "reason": "other" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (more, code) in [
            (json!({}), "validation_failed"),
            (json!({ "amount": 100, "lines": [{ "item": 0 }] }), "validation_failed"),
            (json!({ "amount": 0 }), "validation_failed"),
            (json!({ "amount": 100, "refundAmount": -1 }), "validation_failed"),
            (json!({ "amount": 100, "reason": "because" }), "validation_failed"),
            (json!({ "lines": [{ "item": 1 }] }), "validation_failed"),
            (json!({ "lines": [{ "amount": 1 }] }), "validation_failed"),
            (json!({ "amount": 100, "refundAmount": 60, "creditAmount": 41 }), "validation_failed"),
            (json!({ "amount": 100, "refundAmount": 99 }), "validation_failed"),
            (json!({ "amount": 1_001 }), "amount_out_of_range"),
            (json!({ "amount": unitpay::testing::base::MAX_AMOUNT }), "amount_out_of_range"),
            (json!({ "amount": 1_001, "refundAmount": 1_001 }), "amount_out_of_range"),
            (json!({ "lines": [{ "item": 0, "amount": 1_001 }] }), "amount_out_of_range"),
            (json!({ "lines": [{ "item": 0 }, { "item": 0, "amount": 1 }] }), "amount_out_of_range"),
            (json!({ "lines": [] }), "amount_out_of_range"),
        ] {
            let path = format!("/v1/invoices/{invoice}/credit-notes/preview");
            t.call(post(path, &note(more.clone())).key(&t.key)).await.refused(422, code);
            t.note(&invoice, note(more)).await.refused(422, code);
        }
        // A transfer cannot be refunded by a processor: of 1,000 the open 400 come first.
        let too_much = note(json!({ "amount": 700, "refundAmount": 300 }));
        t.note(&sent, too_much).await.refused(422, "amount_out_of_range");
        let other = t.live(t.tenant.organization_id).await;
        let other = t.key_of(other, unitpay::testing::keys::KeyScopes::ALL).await;
        for path in [format!("/v1/invoices/{invoice}/credit-notes"), format!("/v1/invoices/{invoice}/credit-notes/preview")] {
            t.call(post(path, &note(json!({ "amount": 1 }))).key(&other)).await.refused(404, "not_found");
        }
        t.note("inv_01kwgt3qt8f689ez1ekre217xv", note(json!({ "amount": 1 }))).await.refused(404, "not_found");
        assert_eq!(t.state().await, before);
        let voided = t.bill("two", 1_000).await;
        t.call(post(format!("/v1/invoices/{voided}/void"), &json!({})).key(&t.key)).await.expect(200);
        t.note(&voided, note(json!({ "amount": 1 }))).await.refused(409, "conflict");
        // A customer sees only its own credit notes.
        let made = t.note(&invoice, note(json!({ "amount": 100 }))).await.expect(201).json();
        let (mine, theirs) = (t.token(&one).await, t.token(&two).await);
        let path = format!("/v1/credit-notes/{}", id(&made));
        t.call(get(&path).bearer(&mine)).await.expect(200);
        t.call(get(format!("{path}/pdf")).bearer(&mine)).await.expect(200);
        for path in [path.clone(), format!("{path}/pdf")] {
            t.call(get(path).bearer(&theirs)).await.refused(404, "not_found");
        }
        let list = t.call(get("/v1/credit-notes").bearer(&theirs)).await.expect(200).json();
        assert_eq!(list["data"], json!([]));
        t.call(get("/v1/credit-notes?customerId=one").bearer(&theirs)).await.refused(404, "customer_not_found");
        t.call(post(format!("{path}/void"), &json!({})).key(&other)).await.refused(404, "not_found");
        t.call(post(format!("{path}/void"), &json!({})).bearer(&mine)).await.refused(401, "invalid_api_key");
    }

    async fn credit_note_lowers_what_is_due_first(t) {
        t.customer("one").await;
        let invoice = t.bill("one", 1_000).await;
        let body = json!({ "amount": 300, "reference": "SEPA" });
        t.call(post(format!("/v1/invoices/{invoice}/payments"), &body).key(&t.key)).await.expect(201);
        let note = t.note(&invoice, json!({ "amount": 200, "reason": "other" })).await.expect(201).json();
        assert_eq!(parts(&note), json!([200, 0, 200, 0, 0, 0]));
        assert_eq!(owed(&t.invoice(&invoice).await), json!(["partially_paid", 500, 200, 200]));
        t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await.refused(409, "invoice_not_payable");
        // Nothing is due any more; 100 of what was paid goes to the balance.
        let last = t.note(&invoice, json!({ "amount": 600, "reason": "other" })).await.expect(201).json();
        assert_eq!(parts(&last), json!([600, 0, 500, 0, 100, 0]));
        assert_eq!(owed(&t.invoice(&invoice).await), json!(["paid", 0, 800, 700]));
        assert_eq!(t.balances("one").await, json!([["USD", 100]]));
        check_books(&t.app.db, "after an open invoice was credited").await;
    }

    async fn credited_renewal_ends_the_dunning(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        let card = t.card("one", "pm_sandbox_declined").await;
        t.call(post(format!("/v1/payment-methods/{card}/default"), &json!({})).key(&t.key)).await.expect(200);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(t.subscription_of("one").await["status"], "past_due");
        let open = t.invoices_of("one").await.pop().unwrap();
        t.note(id(&open), json!({ "amount": 1_000, "reason": "order_change" })).await.expect(201);
        assert_eq!(t.subscription_of("one").await["status"], "active");
        t.clock_to("2030-02-20T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("one").await)[1], ("renewal", "paid", 1_000));
        assert_eq!((t.subscription_of("one").await["status"].clone(), t.charges().await), (json!("active"), 1));
    }

    async fn credit_note_in_a_charge_in_progress_is_refused(t) {
        t.payer("one").await;
        let invoice = t.bill("one", 1_000).await;
        t.begin_to_pay(&invoice).await;
        t.note(&invoice, json!({ "amount": 100, "reason": "other" })).await.refused(409, "payment_in_progress");
    }

    async fn credit_note_is_voided_once_while_nothing_went_out(t) {
        t.customer("one").await;
        let open = t.bill("one", 1_000).await;
        let note = t.note(&open, json!({ "amount": 1_000, "reason": "duplicate" })).await.expect(201).json();
        assert_eq!(owed(&t.invoice(&open).await), json!(["paid", 0, 1_000, 1_000]));
        let void = t.void_note(&note).await.expect(200).json();
        assert_eq!((&void["status"], &void["creditNoteNumber"]), (&json!("void"), &json!("CN-000001")));
        assert_eq!(owed(&t.invoice(&open).await), json!(["issued", 1_000, 0, 0]));
        t.void_note(&note).await.refused(409, "conflict");
        let invoice = t.paid_invoice("one", &[1_000], "pm_sandbox_visa").await;
        let kept = t.note(&invoice, json!({ "amount": 300, "reason": "other" })).await.expect(201).json();
        t.adjust("one", json!({ "currency": "USD", "amount": -1 })).await.expect(201);
        t.void_note(&kept).await.refused(409, "conflict");
        t.credit("one", 1).await;
        let twins = join_all((0..4).map(|_| t.void_note(&kept))).await;
        assert_eq!(twins.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(t.balances("one").await, json!([["USD", 0]]));
        for part in ["refundAmount", "outOfBandAmount"] {
            let mut body = json!({ "amount": 100, "reason": "other" });
            body[part] = json!(100);
            let gone = t.note(&invoice, body).await.expect(201).json();
            t.void_note(&gone).await.refused(409, "conflict");
        }
        // A voided amount can be credited again.
        t.note(&invoice, json!({ "amount": 800, "reason": "other" })).await.expect(201);
        check_books(&t.app.db, "after voids").await;
    }

    async fn parallel_credit_notes_never_exceed_the_invoice(t) {
        t.tax(1_900).await;
        t.customer("one").await;
        let invoice = t.paid_invoice("one", &[1_000], "pm_sandbox_visa").await;
        let half = json!({ "amount": 500, "reason": "other", "refundAmount": 500 });
        let answers = join_all((0..6).map(|_| t.note(&invoice, half.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2);
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.refused(422, "amount_out_of_range");
        }
        let last = json!({ "amount": 190, "reason": "other", "refundAmount": 190 });
        let once = || t.call(post(format!("/v1/invoices/{invoice}/credit-notes"), &last).key(&t.key).header("idempotency-key", "k"));
        let twins = join_all((0..4).map(|_| once())).await;
        let bodies: Vec<Value> = twins.into_iter().map(|twin| twin.expect(201).json()).collect();
        assert!(bodies.iter().all(|body| id(body) == id(&bodies[0])), "{bodies:?}");
        assert_eq!(t.count(&REFUNDED).await, 1_190);
        assert_eq!(owed(&t.invoice(&invoice).await), json!(["paid", 0, 1_190, 0]));
        check_books(&t.app.db, "after parallel credit notes").await;
    }

    async fn failed_refund_goes_to_the_balance(t) {
        t.customer("one").await;
        let invoice = t.paid_invoice("one", &[1_000], "pm_sandbox_refund_fails").await;
        let body = json!({ "amount": 400, "reason": "product_unsatisfactory", "refundAmount": 400 });
        let note = t.note(&invoice, body).await.expect(201).json();
        assert_eq!(refunds(&note), json!([[400, "pending"]]));
        t.bill_what_is_due().await;
        assert_eq!((refunds(&t.credit_note(id(&note)).await), t.balances("one").await), (json!([[400, "pending"]]), json!([])));
        for _ in 0..2 {
            t.advance(3_600);
            t.bill_what_is_due().await;
            assert_eq!(refunds(&t.credit_note(id(&note)).await), json!([[400, "failed"]]));
        }
        assert_eq!(t.balance_entries("one").await, [json!(["refund_failed", 400, 400])]);
        check_books(&t.app.db, "after a failed refund").await;
    }

    async fn refunded_top_up_takes_back_the_credits_that_are_left(t) {
        let shop = t.shop_granting(|_| json!([])).await;
        let package = json!({ "creditCurrencyId": shop.credits, "name": "K", "credits": 100, "price": 1_000, "currency": "USD" });
        let package = t.make("credit-packages", package).await;
        t.subscriber(&shop, "one").await;
        t.card("one", "pm_sandbox_visa").await;
        let bought = t.ask("customers/one/top-ups", json!({ "creditCurrencyId": shop.credits, "packageId": package })).await;
        let invoice = bought["invoice"]["id"].as_str().unwrap();
        let used = json!([crate::support::event_with("one", "generate", "1", json!({ "quantity": 20 }))]);
        assert_eq!(t.tracked(used).await, []);
        let left = t.balance("one").await;
        let half = json!({ "amount": 505, "reason": "other", "refundAmount": 505 });
        let first = t.note(invoice, half).await.expect(201).json();
        assert_eq!((&first["creditsTakenBack"], &first["creditsUsed"]), (&json!(51), &json!(0)));
        assert_eq!(t.balance("one").await, left - 51);
        let rest = json!({ "amount": 495, "reason": "other", "refundAmount": 495 });
        let second = t.note(invoice, rest).await.expect(201).json();
        assert_eq!((&second["creditsTakenBack"], &second["creditsUsed"]), (&json!(left - 51), &json!(100 - left)));
        assert_eq!(t.balance("one").await, 0);
        t.void_note(&second).await.refused(409, "conflict");
        // Never paid and closed by a credit note: nothing was granted, nothing is taken back.
        t.call(crate::support::patch("/v1/customers/one", &json!({ "collectionMethod": "send_invoice" })).key(&t.key)).await.expect(200);
        let sent = t.ask("customers/one/top-ups", json!({ "creditCurrencyId": shop.credits, "packageId": package })).await;
        let closed = t.note(sent["invoice"]["id"].as_str().unwrap(), json!({ "amount": 1_000, "reason": "duplicate" })).await.expect(201).json();
        assert_eq!((&closed["creditsTakenBack"], t.balance("one").await), (&Value::Null, 0));
        t.void_note(&closed).await.refused(409, "conflict");
        check_books(&t.app.db, "after refunded top-ups").await;
    }

    async fn refunds_take_the_newest_charge_first(t) {
        t.customer("one").await;
        let invoice = t.bill("one", 1_000).await;
        let transfer = json!({ "amount": 100, "reference": "SEPA" });
        t.call(post(format!("/v1/invoices/{invoice}/payments"), &transfer).key(&t.key)).await.expect(201);
        t.card("one", "pm_sandbox_visa").await;
        t.pay(&invoice, json!({})).await.expect(200);
        // 900 were charged, 100 came by transfer.
        let body = |refund: i64, balance: i64| json!({ "amount": refund + balance, "reason": "other", "refundAmount": refund, "creditAmount": balance });
        t.note(&invoice, body(901, 0)).await.refused(422, "amount_out_of_range");
        t.note(&invoice, body(500, 0)).await.expect(201);
        t.note(&invoice, body(401, 0)).await.refused(422, "amount_out_of_range");
        let last = t.note(&invoice, body(400, 100)).await.expect(201).json();
        assert_eq!((refunds(&last), t.count(&REFUNDED).await), (json!([[400, "succeeded"]]), 900));
        check_books(&t.app.db, "after refunds").await;
    }

    async fn invoice_paid_from_the_balance_is_credited_to_it(t) {
        let one = t.payer("one").await;
        t.credit("one", 700).await;
        t.collect(&one, new_invoice(&[1_000]), Effect::CollectInvoice).await.unwrap();
        t.advance(61);
        t.sweep().await;
        let invoice = t.invoices_of("one").await.pop().unwrap();
        assert_eq!((&invoice["balanceApplied"], &invoice["amountPaid"]), (&json!(700), &json!(300)));
        let body = json!({ "amount": 1_000, "reason": "other", "refundAmount": 301, "creditAmount": 699 });
        t.note(id(&invoice), body).await.refused(422, "amount_out_of_range");
        let body = json!({ "amount": 1_000, "reason": "other", "refundAmount": 300, "creditAmount": 700 });
        t.note(id(&invoice), body).await.expect(201);
        assert_eq!(t.balances("one").await, json!([["USD", 700]]));
        check_books(&t.app.db, "after a whole credit").await;
    }

    async fn credit_note_happens_once_after_a_crash_at_any_row(t) {
        t.tax(1_900).await;
        t.count_writes().await;
        let prepare = async |name: &str| {
            t.customer(name).await;
            t.paid_invoice(name, &[1_000], "pm_sandbox_visa").await;
        };
        let work = async |name: &str| {
            let invoice = t.invoices_of(name).await.pop().unwrap();
            let body = json!({ "amount": 595, "reason": "other", "refundAmount": 500, "creditAmount": 95 });
            let path = format!("/v1/invoices/{}/credit-notes", id(&invoice));
            drop(t.call(post(path, &body).key(&t.key).header("idempotency-key", name)).await);
        };
        let expected = async |name: &str, rows: i64| {
            let path = format!("/v1/credit-notes?customerId={name}");
            let list = t.call(get(path).key(&t.key)).await.expect(200).json();
            let list = list["data"].as_array().unwrap();
            assert_eq!(list.len(), 1, "after {rows} rows");
            assert_eq!(refunds(&t.credit_note(id(&list[0])).await), json!([[500, "succeeded"]]), "after {rows} rows");
            assert_eq!(t.balances(name).await, json!([["USD", 95]]), "after {rows} rows");
        };
        let rows = t.die_after_each_row(prepare, work, expected).await;
        assert!(rows > 8, "it wrote {rows} rows");
    }

    async fn random_credit_notes_sum_up_to_the_invoice(t) {
        t.tax(1_931).await;
        let mut random = crate::histories::Random(7);
        for history in 0..12 {
            let name = format!("h{history}");
            t.customer(&name).await;
            let amounts: Vec<i64> = (0..=random.below(3)).map(|_| 50 + i64::try_from(random.below(9_000)).unwrap()).collect();
            let paid = random.below(2) == 0;
            let invoice = match paid {
                true => t.paid_invoice(&name, &amounts, "pm_sandbox_visa").await,
                false => t.issue(t.tenant, t.customer_no(&name).await, new_invoice(&amounts)).await.unwrap().unwrap().id.to_string(),
            };
            let whole = t.invoice(&invoice).await;
            let mut notes = Vec::new();
            for _ in 0..8 {
                let body = match random.below(3) {
                    0 => json!({ "lines": [{ "item": random.below(amounts.len()), "amount": 1 + random.below(4_000) }], "reason": "other" }),
                    1 => json!({ "lines": [{ "item": random.below(amounts.len()) }], "reason": "other" }),
                    _ => json!({ "amount": 1 + random.below(3_000), "reason": "other" }),
                };
                let answer = t.note(&invoice, body).await;
                match answer.status {
                    201 => notes.push(answer.json()),
                    _ => drop(answer.refused(422, "amount_out_of_range")),
                }
                if random.below(4) == 0 && let Some(at) = notes.len().checked_sub(1) {
                    t.void_note(&notes[at]).await.expect(200);
                    notes.pop();
                }
            }
            let sum = |notes: &[Value], name: &str| -> i64 { notes.iter().map(|note| note[name].as_i64().unwrap()).sum() };
            let rest = whole["totalAmount"].as_i64().unwrap() - sum(&notes, "totalAmount");
            assert!(rest >= 0, "{notes:?}");
            if rest > 0 {
                t.note(&invoice, json!({ "amount": rest + 1, "reason": "other" })).await.refused(422, "amount_out_of_range");
                notes.push(t.note(&invoice, json!({ "amount": rest, "reason": "other" })).await.expect(201).json());
            }
            assert_eq!((sum(&notes, "subtotal"), sum(&notes, "taxAmount")), (whole["subtotal"].as_i64().unwrap(), whole["taxAmount"].as_i64().unwrap()), "{notes:?}");
            assert_eq!(t.invoice(&invoice).await["amountDue"], 0);
        }
        check_books(&t.app.db, "after random credit notes").await;
    }
}
