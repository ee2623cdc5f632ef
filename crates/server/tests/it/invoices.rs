//! Invoices: gapless numbers, immutable lines, tax, transfers, voiding, visibility.

use crate::on_both_stores;
use crate::support::{Test, delete, get, line, new_invoice, post};
use futures_util::future::join_all;
use serde_json::{Value, json};
use unitpay::testing::audit::Actor;
use unitpay::testing::base::{CollectionMethod, Decimal, Period, TaxRate, Time};
use unitpay::testing::db::{DbError, Lane, Sql, Tx, sql};
use unitpay::testing::invoices;
use unitpay::testing::invoices::{InvoiceReason, InvoiceStatus, NewInvoice};
use unitpay::testing::settlement::{Billed, Effect};
use unitpay::testing::work::BillingError;
use unitpay::testing::work::Work;

const NUMBERS: Sql = sql("SELECT COUNT(DISTINCT number) * 1000 + MAX(number) FROM invoices");
const INVOICES: Sql = sql("SELECT COUNT(*) FROM invoices");
const WAITING: Sql = sql("SELECT COUNT(*) FROM invoice_additions WHERE invoice_id IS NULL");

/// Sends an invoice, due in thirty days.
fn sent(amount: i64) -> NewInvoice {
    NewInvoice { collection_method: CollectionMethod::SendInvoice, ..new_invoice(&[amount]) }
}

async fn transfer(t: &Test, invoice: &str, amount: i64) -> crate::support::Answer {
    let body = json!({ "amount": amount, "reference": "bank 7" });
    t.call(post(format!("/v1/invoices/{invoice}/payments"), &body).key(&t.key)).await
}

async fn void(t: &Test, invoice: &str) -> crate::support::Answer {
    t.call(post(format!("/v1/invoices/{invoice}/void"), &json!({})).key(&t.key)).await
}

async fn put_branding(t: &Test, body: Value) {
    t.call(crate::support::Request::new("PUT", "/v1/branding").json(&body).key(&t.key))
        .await
        .expect(200);
}

on_both_stores! {
    async fn invoice_numbers_have_no_gap_under_concurrency(t) {
        let mut customers = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let id = t.customer(name).await;
            customers.push(t.customer_no(&id).await);
        }
        let all = (0..48).map(|n| {
            let no = customers[n % customers.len()];
            // Every third one is rolled back after it took its number.
            let fails = n % 3 == 2;
            let (app, tenant) = (t.app.clone(), t.tenant);
            async move {
                let by = app.by(Actor::System);
                let at = Time::from_seconds(by.now.seconds());
                let issued = app.db.write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
                    unitpay::testing::customers::lock_no(tx, &tenant, no).await?;
                    let new = new_invoice(&[1_000]);
                    invoices::create_issued(&mut Work { tx, tenant: &tenant, at, by: &by }, no, new).await?;
                    match fails {
                        true => Err(BillingError::Db(DbError::Broken("on purpose"))),
                        false => Ok(()),
                    }
                });
                assert_eq!(issued.await.is_err(), fails);
            }
        });
        join_all(all).await;
        assert_eq!(t.count(&INVOICES).await, 32);
        assert_eq!(t.count(&NUMBERS).await, 32 * 1000 + 32);
    }

    async fn voided_invoice_keeps_its_number_and_is_not_payable(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let first = t.bill(&customer, 1_000).await;
        let voided = void(&t, &first).await.expect(200).json();
        assert_eq!(voided["status"], "void");
        assert_eq!(voided["invoiceNumber"], "INV-000001");
        assert_eq!(voided["amountDue"], 0);
        let second = t.bill(&customer, 1_000).await;
        assert_eq!(t.invoice(&second).await["invoiceNumber"], "INV-000002");
        let before = (t.state().await, t.invoice(&first).await);
        t.pay(&first, json!({})).await.refused(409, "invoice_not_payable");
        void(&t, &first).await.refused(409, "invoice_not_payable");
        transfer(&t, &first, 1).await.refused(409, "invoice_not_payable");
        assert_eq!((t.state().await, t.invoice(&first).await), before);
        assert_eq!(t.charges().await, 0);
    }

    async fn transfers_pay_in_parts_up_to_the_amount_due(t) {
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        for amount in [0, -1] {
            transfer(&t, &invoice, amount).await.refused(422, "validation_failed");
        }
        transfer(&t, &invoice, 1_001).await.refused(422, "amount_out_of_range");
        assert_eq!(t.invoice(&invoice).await["status"], "issued");
        let part = transfer(&t, &invoice, 400).await.expect(201).json();
        assert_eq!((&part["status"], &part["amountPaid"], &part["amountDue"]),
            (&json!("partially_paid"), &json!(400), &json!(600)));
        assert_eq!(part["paidAt"], Value::Null);
        transfer(&t, &invoice, 601).await.refused(422, "amount_out_of_range");
        void(&t, &invoice).await.refused(409, "invoice_not_payable");
        let whole = transfer(&t, &invoice, 600).await.expect(201).json();
        assert_eq!((&whole["status"], &whole["amountDue"]), (&json!("paid"), &json!(0)));
        assert_eq!(whole["payments"].as_array().unwrap().len(), 2);
        let first = &whole["payments"][0];
        assert_eq!((&first["method"], &first["reference"], &first["brand"]), (&json!("transfer"), &json!("bank 7"), &Value::Null));
        transfer(&t, &invoice, 1).await.refused(409, "invoice_not_payable");
    }

    async fn replayed_transfer_is_recorded_once(t) {
        let customer = t.customer("c").await;
        let invoice = t.bill(&customer, 1_000).await;
        let body = json!({ "amount": 600, "reference": "R" });
        let again = || post(format!("/v1/invoices/{invoice}/payments"), &body)
            .key(&t.key).header("idempotency-key", "k");
        let twins = join_all((0..4).map(|_| t.call(again()))).await;
        let bodies: Vec<Value> = twins.into_iter().map(|twin| twin.expect(201).json()).collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
        assert_eq!(t.invoice(&invoice).await["amountPaid"], 600);
    }

    async fn customer_tax_rate_overrides_and_freezes_at_issue(t) {
        let customer = t.customer("c").await;
        let no = t.customer_no(&customer).await;
        put_branding(&t, json!({ "taxRate": { "name": "VAT", "basisPoints": 1900 } })).await;
        let invoice = t.bill(&customer, 333).await;
        let shown = t.invoice(&invoice).await;
        // 63.27 is rounded once.
        assert_eq!((&shown["subtotal"], &shown["taxAmount"], &shown["totalAmount"]),
            (&json!(333), &json!(63), &json!(396)));
        assert_eq!(shown["tax"], json!({ "name": "VAT", "basisPoints": 1900 }));
        let patch = async |body: Value| {
            let path = format!("/v1/customers/{customer}");
            t.call(crate::support::patch(path, &body).key(&t.key)).await.expect(200);
        };
        patch(json!({ "taxRate": { "name": "GST", "basisPoints": 500 } })).await;
        let priced = async || {
            let mut tx = t.app.db.read().await.unwrap();
            let totals = invoices::price(&mut tx, &t.tenant, no, &[line(1_000)]).await.unwrap();
            (totals.tax, totals.tax_amount)
        };
        let rate = TaxRate { name: "GST".into(), basis_points: 500 };
        assert_eq!(priced().await, (Some(rate), 50));
        for status in ["exempt", "reverse_charge"] {
            patch(json!({ "taxStatus": status })).await;
            assert_eq!(priced().await, (None, 0), "{status}");
        }
        assert_eq!(t.invoice(&invoice).await, shown);
    }

    async fn live_invoice_requires_seller_name_and_address(t) {
        let live = t.live(t.tenant.organization_id).await;
        let key = t.key_of(live, unitpay::testing::keys::KeyScopes::ALL).await;
        let body = json!({ "name": "A", "email": "a@example.com" });
        let customer = t.call(post("/v1/customers", &body).key(&key)).await.expect(201).text("id");
        let mut tx = t.app.db.read().await.unwrap();
        let found = unitpay::testing::customers::get(&mut tx, &live, &customer.parse().unwrap()).await;
        let no = found.unwrap().unwrap().no;
        drop(tx);
        let refused = t.issue(live, no, sent(1_000)).await;
        assert!(matches!(refused, Err(BillingError::SellerIncomplete)), "{refused:?}");
        assert_eq!(unitpay::testing::http::Problem::from(BillingError::SellerIncomplete).code.as_str(),
            "seller_incomplete");
        assert_eq!(t.count(&INVOICES).await, 0);
        let address = json!({ "line1": "Street 1", "city": "Bern", "country": "CH" });
        let branding = json!({ "legalName": "Acme AG", "address": address });
        t.call(crate::support::Request::new("PUT", "/v1/branding").json(&branding).key(&key))
            .await
            .expect(200);
        let issued = t.issue(live, no, sent(1_000)).await.unwrap().unwrap();
        let seller = issued.seller.read().unwrap();
        assert_eq!((issued.number, seller.legal_name.as_deref()), (Some(1), Some("Acme AG")));
        // The live environment has no processor, and the response says so.
        let pay = post(format!("/v1/invoices/{}/pay", issued.id), &json!({})).key(&key);
        t.call(pay).await.refused(409, "conflict");
    }

    async fn draft_keeps_the_tax_it_was_quoted_with(t) {
        put_branding(&t, json!({ "taxRate": { "name": "VAT", "basisPoints": 1900 } })).await;
        let plan = t.plan(crate::support::monthly("pro", crate::support::flat(1_000))).await;
        let customer = t.customer("c").await;
        let asked = t.try_to_subscribe("c", &plan).await.expect(200).json();
        let id = json!([{ "type": "eu_vat", "value": "DE123456789" }]);
        let body = json!({ "name": "Other", "taxStatus": "reverse_charge", "taxIds": id });
        t.call(crate::support::patch(format!("/v1/customers/{customer}"), &body).key(&t.key)).await.expect(200);
        t.fill_in(asked["client"]["clientSecret"].as_str().unwrap(), "succeed").await.expect(204);
        let invoice = t.invoices_of("c").await.pop().unwrap();
        assert_eq!((&invoice["taxAmount"], &invoice["totalAmount"]), (&json!(190), &json!(1_190)));
        let buyer = &invoice["customer"];
        assert_eq!((&buyer["name"], &buyer["taxStatus"], &buyer["taxIds"]), (&json!("Other"), &json!("taxable"), &json!([])));
    }

    async fn seller_and_buyer_are_frozen_at_issue(t) {
        let customer = t.customer("c").await;
        put_branding(&t, json!({ "name": "Acme", "legalName": "Acme AG" })).await;
        let invoice = t.bill(&customer, 1_000).await;
        let before = t.invoice(&invoice).await;
        assert_eq!(before["seller"]["legalName"], "Acme AG");
        put_branding(&t, json!({ "name": "Umbra", "legalName": "Umbra AG" })).await;
        let path = format!("/v1/customers/{customer}");
        t.call(crate::support::patch(path, &json!({ "name": "Other" })).key(&t.key)).await.expect(200);
        assert_eq!(t.invoice(&invoice).await, before);
    }

    async fn exemption_texts_and_declared_tax_are_frozen_with_the_invoice(t) {
        let exempt = json!({ "name": "E", "email": "e@example.com", "externalId": "e", "taxStatus": "exempt",
            "taxExemptReason": "501(c)(3)", "poNumber": "PO-1", "notes": "Cost centre 4410" });
        t.call(post("/v1/customers", &exempt).key(&t.key)).await.expect(201);
        t.customer("c").await;
        let rates = json!([{ "currency": "USD", "rate": "0.9213" }]);
        put_branding(&t, json!({ "taxRate": { "name": "VAT", "basisPoints": 1900 }, "taxCurrency": "EUR", "taxExchangeRates": rates })).await;
        let (first, second) = (t.bill("e", 1_000).await, t.bill("c", 91_947).await);
        put_branding(&t, json!({})).await;
        let change = json!({ "taxExemptReason": "none", "poNumber": null });
        t.call(crate::support::patch("/v1/customers/e", &change).key(&t.key)).await.expect(200);
        let invoice = t.invoice(&first).await;
        let buyer = &invoice["customer"];
        assert_eq!((&buyer["taxExemptReason"], &buyer["poNumber"], &buyer["notes"]), (&json!("501(c)(3)"), &json!("PO-1"), &json!("Cost centre 4410")));
        assert_eq!((&invoice["taxAmount"], &invoice["seller"]["declaredTax"]), (&json!(0), &Value::Null));
        let taxed = t.invoice(&second).await;
        assert_eq!((&taxed["taxAmount"], &taxed["customer"]["taxExemptReason"]), (&json!(17_470), &Value::Null));
        assert_eq!(taxed["seller"]["declaredTax"], json!({ "currency": "EUR", "rate": "0.9213", "amount": 16_095 }));
    }

    async fn usage_line_can_be_checked_from_the_invoice_alone(t) {
        let mut calls = t.calls().await;
        calls["includedUnits"] = json!("100");
        calls["tiers"] = json!([{ "upTo": 50, "unitPrice": "10" }, { "upTo": null, "unitPrice": "0.25" }]);
        let plan = t.plan(crate::support::monthly("metered", json!([calls]))).await;
        t.payer("c").await;
        t.buy("c", &plan, 1).await;
        t.call_for("c", "a", 350).await;
        t.clock_to("2030-02-01T00:00:00Z").await;
        let invoice = t.invoices_of("c").await.pop().unwrap();
        let item = &invoice["items"][0];
        let shown = json!([item["quantity"], item["includedUnits"], item["tiers"], item["amount"]]);
        let tiers = json!([{ "quantity": "50", "unitAmount": "10" }, { "quantity": "200", "unitAmount": "0.25" }]);
        assert_eq!(shown, json!(["350", "100", tiers, 550]));
        let page = invoice["payments"][0].clone();
        assert_eq!((&page["method"], &page["reference"]), (&json!("card"), &Value::Null));
    }

    async fn due_key_is_unique_and_zero_lines_make_no_invoice(t) {
        let no = t.customer_no(&t.customer("c").await).await;
        let keyed = NewInvoice { due_key: Some("sub 1 renewal".into()), ..new_invoice(&[1_000]) };
        assert!(t.issue(t.tenant, no, keyed.clone()).await.unwrap().is_some());
        assert!(t.issue(t.tenant, no, keyed).await.unwrap().is_none());
        assert!(t.issue(t.tenant, no, new_invoice(&[0, 0])).await.unwrap().is_none());
        assert!(t.issue(t.tenant, no, new_invoice(&[])).await.unwrap().is_none());
        for amounts in [[500, -501], [unitpay::testing::base::MAX_AMOUNT, 1]] {
            let refused = t.issue(t.tenant, no, new_invoice(&amounts)).await;
            assert!(matches!(refused, Err(BillingError::OutOfRange)), "{refused:?}");
        }
        assert_eq!(t.count(&INVOICES).await, 1);
        // Lines that cancel out make an invoice that is paid at issue.
        let even = t.issue(t.tenant, no, new_invoice(&[500, -500])).await.unwrap().unwrap();
        assert_eq!((even.status, even.number, even.totals.total), (InvoiceStatus::Paid, Some(2), 0));
    }

    async fn amount_below_minimum_waits_for_the_next_invoice(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_declined").await;
        let collect = async |new| t.collect(&customer, new, Effect::CollectInvoice).await.unwrap();
        assert!(matches!(collect(new_invoice(&[49])).await, Billed::Added));
        assert_eq!((t.count(&INVOICES).await, t.count(&WAITING).await), (0, 1));
        // A top-up costs exactly what was chosen.
        let top_up = NewInvoice { reason: InvoiceReason::TopUp, ..new_invoice(&[1_000]) };
        let Billed::Attempt(attempt) = collect(top_up).await else { panic!("nothing to charge") };
        assert_eq!((attempt.amount, t.count(&WAITING).await), (1_000, 1));
        let Billed::Attempt(attempt) = collect(new_invoice(&[30])).await else { panic!("still too small") };
        assert_eq!((attempt.amount, t.count(&WAITING).await), (79, 0));
        let invoice = t.invoice(&attempt.invoice_id.to_string()).await;
        let items = invoice["items"].as_array().unwrap();
        assert_eq!((&items[0]["type"], &items[1]["type"]), (&json!("recurring"), &json!("addition")));
    }

    async fn declined_draft_releases_its_waiting_lines(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_declined").await;
        t.collect(&customer, new_invoice(&[49]), Effect::CollectInvoice).await.unwrap();
        let subscription_id = t.app.ids.subscription();
        let effect = Effect::StartSubscription { subscription_id };
        let begun = t.collect(&customer, new_invoice(&[100]), effect).await.unwrap();
        let Billed::Attempt(attempt) = begun else { panic!("nothing to charge") };
        assert_eq!((attempt.amount, t.count(&WAITING).await), (149, 0));
        unitpay::testing::flows::run(&t.app, &t.tenant, attempt.id).await.unwrap();
        assert!(t.stored_invoice(attempt.invoice_id).await.is_none());
        assert_eq!(t.count(&WAITING).await, 1);
    }

    async fn lines_keep_periods_and_exact_prices(t) {
        let no = t.customer_no(&t.customer("c").await).await;
        let (start, end) = (Time::from_seconds(1_893_456_000), Time::from_seconds(1_896_134_400));
        let mut new = new_invoice(&[7]);
        new.period = Some(Period { start, end });
        new.lines[0].period = new.period;
        new.lines[0].quantity = "1234.5".parse::<Decimal>().unwrap();
        new.lines[0].unit_amount = Some("0.006".parse().unwrap());
        let issued = t.issue(t.tenant, no, new).await.unwrap().unwrap();
        let shown = t.invoice(&issued.id.to_string()).await;
        assert_eq!(shown["items"][0], json!({
            "description": "Pro", "type": "recurring", "quantity": "1234.5", "unitAmount": "0.006",
            "amount": 7, "periodStart": "2030-01-01T00:00:00.000Z", "periodEnd": "2030-02-01T00:00:00.000Z",
        }));
        assert_eq!(shown["dueDate"], shown["issuedAt"]);
        let sent = t.issue(t.tenant, no, sent(1_000)).await.unwrap().unwrap();
        assert_eq!(sent.due_date, sent.issued_at.map(|at| at.plus_days(30)));
    }

    async fn portal_token_lists_own_invoices_without_drafts(t) {
        let (customer, other) = (t.customer("c").await, t.customer("d").await);
        t.card(&customer, "pm_sandbox_requires_form").await;
        let (mine, theirs) = (t.bill(&customer, 1_000).await, t.bill(&other, 2_000).await);
        let subscription_id = t.app.ids.subscription();
        let effect = Effect::StartSubscription { subscription_id };
        let begun = t.collect(&customer, new_invoice(&[5_000]), effect).await.unwrap();
        let Billed::Attempt(attempt) = begun else { panic!("nothing to charge") };
        let draft = attempt.invoice_id.to_string();
        let token = t.token(&customer).await;
        let read = async |path: String| t.call(get(path).bearer(&token)).await;
        let ids = async |path: String| -> Vec<Value> {
            let page = read(path).await.expect(200).json();
            page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
        };
        assert_eq!(ids("/v1/invoices".into()).await, [json!(mine)]);
        assert_eq!(ids(format!("/v1/customers/{customer}/invoices")).await, [json!(mine)]);
        assert_eq!(ids("/v1/invoices?status=draft".into()).await, [] as [Value; 0]);
        for path in ["", "/pdf"] {
            read(format!("/v1/invoices/{theirs}{path}")).await.refused(404, "not_found");
            read(format!("/v1/invoices/{draft}{path}")).await.refused(404, "not_found");
        }
        read(format!("/v1/customers/{other}/invoices")).await.refused(404, "customer_not_found");
        read(format!("/v1/invoices?customerId={other}")).await.refused(404, "customer_not_found");
        read("/v1/invoices?customerId=nobody".into()).await.refused(404, "customer_not_found");
        let pay = post(format!("/v1/invoices/{theirs}/pay"), &json!({})).bearer(&token);
        t.call(pay).await.refused(404, "not_found");
        let shown = read(format!("/v1/invoices/{mine}")).await.expect(200).json();
        assert!(shown.get("metadata").is_none() && shown["items"].is_array());
        // The backend sees them all, by customer and by status.
        let list = async |query: &str| {
            let page = t.call(get(format!("/v1/invoices{query}")).key(&t.key)).await.expect(200);
            page.json()["data"].as_array().unwrap().len()
        };
        assert_eq!(list("").await, 3);
        assert_eq!(list("?status=draft").await, 1);
        assert_eq!(list("?customerId=c").await, 2);
        assert_eq!(list("?customerId=c&status=issued").await, 1);
        t.call(get("/v1/invoices?status=open").key(&t.key)).await.refused(422, "validation_failed");
    }

    async fn invoice_cursor_is_bound_to_its_list(t) {
        let customer = t.customer("c").await;
        for amount in 1..=5 {
            t.bill(&customer, amount * 100).await;
        }
        let page = async |query: String| t.call(get(format!("/v1/invoices?{query}")).key(&t.key)).await;
        let first = page("limit=2".into()).await.expect(200).json();
        let amounts = |page: &Value| -> Vec<i64> {
            let rows = page["data"].as_array().unwrap();
            rows.iter().map(|row| row["totalAmount"].as_i64().unwrap()).collect()
        };
        assert_eq!(amounts(&first), [500, 400]);
        assert!(first["data"][0].get("items").is_none());
        let cursor = first["nextCursor"].as_str().unwrap();
        let second = page(format!("limit=2&cursor={cursor}")).await.expect(200).json();
        assert_eq!(amounts(&second), [300, 200]);
        page(format!("limit=2&status=paid&cursor={cursor}")).await.refused(422, "validation_failed");
    }

    async fn invoices_are_found_by_number_and_day_of_issue(t) {
        let customer = t.customer("c").await;
        for amount in 1..=3 {
            t.bill(&customer, amount * 100).await;
        }
        let token = t.token(&customer).await;
        let page = async |query: String| {
            t.call(get(format!("/v1/invoices?{query}")).bearer(&token)).await
        };
        let amounts = async |query: String| -> Vec<i64> {
            let rows = page(query).await.expect(200).json()["data"].take();
            let rows = rows.as_array().unwrap().clone();
            rows.iter().map(|row| row["totalAmount"].as_i64().unwrap()).collect()
        };
        let all = page(String::new()).await.expect(200).json();
        let number = all["data"][1]["invoiceNumber"].as_str().unwrap().to_owned();
        let digits = number.trim_start_matches("INV-").trim_start_matches('0').to_owned();
        assert_eq!(amounts(format!("number={number}")).await, [200]);
        assert_eq!(amounts(format!("number={digits}&limit=1")).await, [200]);
        assert_eq!(amounts("number=999999".into()).await, [] as [i64; 0]);
        let day = |shift: i64| {
            let at = all["data"][1]["issuedAt"].as_str().unwrap();
            let day: jiff::civil::Date = at[..10].parse().unwrap();
            day.checked_add(jiff::Span::new().days(shift)).unwrap()
        };
        let (before, today, after) = (day(-1), day(0), day(1));
        let whole = format!("issuedFrom={today}&issuedTo={today}");
        assert_eq!(amounts(whole.clone()).await, [300, 200, 100]);
        assert_eq!(amounts(format!("issuedFrom={after}")).await, [] as [i64; 0]);
        assert_eq!(amounts(format!("issuedTo={before}")).await, [] as [i64; 0]);
        // A cursor belongs to the filters with which it was made.
        let first = page(format!("{whole}&limit=2")).await.expect(200).json();
        let cursor = first["nextCursor"].as_str().unwrap().to_owned();
        assert_eq!(amounts(format!("{whole}&limit=2&cursor={cursor}")).await, [100]);
        for query in [
            format!("issuedFrom={today}&limit=2&cursor={cursor}"),
            "number=INV-".into(),
            "number=0".into(),
            "number=99999999999999999999".into(),
            "issuedFrom=2026".into(),
        ] {
            page(query).await.refused(422, "validation_failed");
        }
        let listed = get(format!("/v1/customers/{customer}/invoices?number={digits}")).bearer(&token);
        let listed = t.call(listed).await.expect(200).json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
        let backend = t.call(get(format!("/v1/invoices?number={digits}")).key(&t.key)).await;
        assert_eq!(backend.expect(200).json()["data"][0]["totalAmount"], 200);
    }

    async fn pdf_exists_for_issued_invoices_only(t) {
        let customer = t.customer("c").await;
        t.card(&customer, "pm_sandbox_visa").await;
        let invoice = t.bill(&customer, 1_000).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let url = t.invoice(&invoice).await["pdfUrl"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(&t.app.issuer).unwrap().to_owned();
        let documents = join_all((0..6).map(|_| t.call(get(path.clone()).key(&t.key)))).await;
        for document in documents {
            let document = document.expect(200);
            assert_eq!(document.header("content-type"), Some("application/pdf"));
            let name = "inline; filename=\"INV-000001.pdf\"";
            assert_eq!(document.header("content-disposition"), Some(name));
            assert!(document.body.starts_with(b"%PDF-"));
        }
        let subscription_id = t.app.ids.subscription();
        let effect = Effect::StartSubscription { subscription_id };
        let begun = t.collect(&customer, new_invoice(&[5_000]), effect).await.unwrap();
        let Billed::Attempt(attempt) = begun else { panic!("nothing to charge") };
        let draft = attempt.invoice_id;
        assert_eq!(t.invoice(&draft.to_string()).await["pdfUrl"], Value::Null);
        t.call(get(format!("/v1/invoices/{draft}/pdf")).key(&t.key)).await.refused(404, "not_found");
        t.call(delete(path).key(&t.key)).await.refused(405, "method_not_allowed");
    }
}
