//! Invoices that a backend writes, and items that wait for the next one.

use crate::on_both_stores;
use crate::support::{Answer, Test, check_books, flat, lines, monthly, post, summarize};
use futures_util::future::join_all;
use serde_json::{Value, json};

impl Test {
    async fn write_invoice(&self, body: Value) -> Answer {
        self.call(post("/v1/invoices", &body).key(&self.key)).await
    }

    async fn add_item(&self, body: Value) -> Answer {
        self.call(post("/v1/invoice-items", &body).key(&self.key)).await
    }
}

on_both_stores! {
    async fn sent_invoice_of_items_is_due_when_asked(t) {
        t.customer("one").await;
        let items = json!([{ "description": "Setup", "unitAmount": 20_000 }, { "description": "Hours", "quantity": 3, "unitAmount": 9_000 }]);
        let body = json!({ "customerId": "one", "currency": "USD", "items": items, "dueInDays": 14 });
        let ask = || t.call(post("/v1/invoices", &body).key(&t.key).header("idempotency-key", "k"));
        let twins = join_all((0..3).map(|_| ask())).await;
        let bodies: Vec<Value> = twins.into_iter().map(|twin| twin.expect(201).json()).collect();
        assert!(bodies.iter().all(|body| body["id"] == bodies[0]["id"]), "{bodies:?}");
        let invoice = &bodies[0];
        assert_eq!((&invoice["status"], &invoice["reason"], &invoice["totalAmount"]), (&json!("issued"), &json!("manual"), &json!(47_000)));
        assert_eq!((&invoice["dueDate"], lines(invoice)), (&json!("2030-01-15T00:00:00.000Z"), vec![("one_off".to_owned(), 20_000), ("one_off".to_owned(), 27_000)]));
        t.clock_to("2030-01-16T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("one").await), [("manual", "overdue", 47_000)]);
    }

    async fn collected_invoice_is_charged_and_a_decline_leaves_it_open(t) {
        t.payer("one").await;
        t.credit("one", 300).await;
        let body = |customer: &str, amount: i64| json!({ "customerId": customer, "currency": "USD", "autoCollect": true,
            "items": [{ "description": "Work", "unitAmount": amount }] });
        let paid = t.write_invoice(body("one", 1_000)).await.expect(201).json();
        assert_eq!((&paid["status"], &paid["balanceApplied"], &paid["amountPaid"]), (&json!("paid"), &json!(300), &json!(700)));
        let two = t.customer("two").await;
        let open = t.write_invoice(body("two", 1_000)).await.expect(201).json();
        assert_eq!((&open["status"], &open["amountDue"]), (&json!("issued"), &json!(1_000)));
        t.card(&two, "pm_sandbox_visa").await;
        t.pay(open["id"].as_str().unwrap(), json!({})).await.expect(200);
        assert_eq!(t.charges().await, 2);
        check_books(&t.app.db, "after collected invoices").await;
    }

    async fn impossible_invoices_and_items_change_nothing(t) {
        t.payer("one").await;
        t.customer("gone").await;
        t.call(post("/v1/customers/gone/archive", &json!({})).key(&t.key)).await.expect(200);
        t.credit("one", 1).await;
        let before = t.state().await;
        let item = |amount: i64| json!([{ "description": "Work", "unitAmount": amount }]);
        let most = unitpay::testing::base::MAX_AMOUNT;
        for (customer, more, status, code) in [
            ("one", json!({ "items": item(1_000) }), 422, "validation_failed"),
            ("one", json!({ "currency": "USD", "items": item(-1) }), 422, "validation_failed"),
            ("one", json!({ "currency": "USD", "items": [{ "description": "", "unitAmount": 1 }] }), 422, "validation_failed"),
            ("one", json!({ "currency": "USD", "items": item(1_000), "dueInDays": 366 }), 422, "validation_failed"),
            ("one", json!({ "currency": "USD", "items": [] }), 422, "amount_out_of_range"),
            ("one", json!({ "currency": "USD", "items": item(0) }), 422, "amount_out_of_range"),
            ("one", json!({ "currency": "USD", "items": [{ "description": "W", "quantity": 2, "unitAmount": most }] }), 422, "amount_out_of_range"),
            ("one", json!({ "currency": "USD", "items": item(49), "autoCollect": true }), 422, "amount_out_of_range"),
            ("one", json!({ "currency": "EUR", "items": item(1_000) }), 422, "currency_mismatch"),
            ("nobody", json!({ "currency": "USD", "items": item(1_000) }), 404, "customer_not_found"),
            ("gone", json!({ "currency": "USD", "items": item(1_000) }), 409, "customer_archived"),
        ] {
            let mut body = more;
            body["customerId"] = json!(customer);
            t.write_invoice(body.clone()).await.refused(status, code);
            if body["items"].as_array().unwrap().len() == 1 && body["autoCollect"].is_null() && body["dueInDays"].is_null() {
                let mut one = body["items"][0].clone();
                (one["customerId"], one["currency"]) = (json!(customer), body["currency"].clone());
                one.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                let code = if one["unitAmount"] == 0 { "validation_failed" } else { code };
                t.add_item(one).await.refused(status, code);
            }
        }
        assert_eq!(t.state().await, before);
    }

    async fn item_waits_for_the_next_invoice(t) {
        let plan = t.plan(monthly("pro", flat(1_000))).await;
        t.payer("one").await;
        t.buy("one", &plan, 1).await;
        let item = json!({ "customerId": "one", "description": "Import", "quantity": 2, "unitAmount": 250 });
        let waiting = t.add_item(item).await.expect(201).json();
        assert_eq!((&waiting["currency"], lines(&waiting)), (&json!("USD"), vec![("one_off".to_owned(), 500)]));
        // An invoice that a backend writes has exactly its items.
        let body = json!({ "customerId": "one", "items": [{ "description": "Work", "unitAmount": 700 }], "autoCollect": true });
        t.write_invoice(body).await.expect(201);
        t.clock_to("2030-02-01T00:00:00Z").await;
        assert_eq!(summarize(&t.invoices_of("one").await), [("create", "paid", 1_000), ("manual", "paid", 700), ("renewal", "paid", 1_500)]);
        check_books(&t.app.db, "after an item").await;
    }
}
