//! Prints each step of the demo as a command to paste.

use super::story::{ADA, GLOBEX, Story, id};
use crate::base::Clock;
use crate::config::SmtpServer;
use anyhow::Context;
use http::Method;
use serde_json::{Value, json};

const DAYS_OF_USAGE: i64 = 30;

/// A walk through the customers' data, by the ids in this store. Objects that no longer exist in a
/// reused store are left out.
pub async fn walk(story: &Story, address: &str, key: &str) -> anyhow::Result<String> {
    let body = json!({ "customerId": ADA.external_id });
    let session = story.ask(Method::POST, "/v1/portal-sessions", &body).await?;
    let url = session["url"].as_str().context("a session without a URL")?;
    let customer = session["customerId"].as_str().context("a session without a customer")?;
    let mut text = format!(
        r#"UnitPay is running at {address} (stop it with Ctrl-C).

The billing page of the customer {ada}; this link opens it once, within 15 minutes:
{url}

{mail}

Paste these into another terminal:

# The sandbox key and the API's address; the Node SDK reads them, too.
export UNITPAY_API_KEY={key}
export UNITPAY_BASE_URL={address}/v1

# Mint: a session for the customer {ada} (our id for it: {customer}).
TOKEN=$({mint} | {token}); echo $TOKEN

# Link: another one to the billing page.
{mint} | {link}
"#,
        ada = ADA.external_id,
        mail = mail(story),
        mint = mint(ADA.external_id),
        token = member("token"),
        link = member("url"),
    );
    for (title, commands) in steps(story).await? {
        text += &format!("\n# {title}\n");
        for command in commands {
            text += &format!("{command}\n");
        }
    }
    text += &format!(
        r#"
# Refresh: early, so it is the same token again.
{refresh}

# List: every session of the customer.
curl -s "$UNITPAY_BASE_URL/portal-sessions?customerId={ada}" -H "x-api-key: $UNITPAY_API_KEY"; echo

# Revoke: every session of the customer. Then read again: the token is dead.
curl -s -w '%{{http_code}}\n' $UNITPAY_BASE_URL/portal-sessions/revoke -H "x-api-key: $UNITPAY_API_KEY" -H 'content-type: application/json' -d '{{"customerId":"{ada}"}}'
{read}
"#,
        ada = ADA.external_id,
        refresh = read("portal-sessions/refresh").replace("curl -s", "curl -s -X POST"),
        read = read("portal-sessions/current"),
    );
    Ok(text)
}

/// Returns where the e-mail to the demo's customers is seen.
fn mail(story: &Story) -> String {
    match (&story.email().server.0, story.email().folder()) {
        (Some(SmtpServer { host, port, .. }), _) => {
            format!("The e-mail to its customers goes to the SMTP server at {host}:{port}.")
        }
        (None, Some(folder)) => {
            let folder = folder.display();
            format!("The e-mail to its customers is not sent. Each message is a file in\n{folder}")
        }
        (None, None) => String::new(),
    }
}

type Step = (&'static str, Vec<String>);

/// The routes that a browser may call with the token.
async fn steps(story: &Story) -> anyhow::Result<Vec<Step>> {
    let (ada, globex) = (ADA.external_id, GLOBEX.external_id);
    let first = async |path: String| -> anyhow::Result<Option<String>> {
        let list = story.ask(Method::GET, &path, &Value::Null).await?;
        list["data"].get(0).map(id).transpose()
    };
    let mut steps = vec![
        (
            "Read: the session and its customer, as the browser gets them.",
            vec![read("portal-sessions/current")],
        ),
        ("Subscription: the current plan.", vec![read("subscriptions")]),
    ];
    if let Some(product) = first("/v1/products".to_owned()).await? {
        let plans = vec![read(&format!("public/pricing/{product}"))];
        steps.push(("Plans: the available plans and their prices.", plans));
    }
    if let Some(invoice) = first(format!("/v1/invoices?customerId={ada}")).await? {
        let pdf = read(&format!("invoices/{invoice}/pdf")).replace("; echo", " -o invoice.pdf");
        let title = "Invoices: the past months, and the latest one as a PDF.";
        steps.push((title, vec![read("invoices"), pdf]));
    }
    if let Some(wallet) = first(format!("/v1/customers/{ada}/credit-accounts")).await? {
        let ledger = read(&format!("credit-accounts/{wallet}/ledger?limit=5"));
        let title = "Credits: the wallet and its latest entries.";
        steps.push((title, vec![read("credit-accounts"), ledger]));
    }
    let today = Clock::system().now();
    let day = |days: i64| today.plus_days(days).to_string()[..10].to_owned();
    let usage = format!("usage/aggregate?from={}&to={}", day(-DAYS_OF_USAGE), day(0));
    steps.push(("Usage: day by day.", vec![read(&usage)]));
    let live = first(format!("/v1/subscriptions?customerId={ada}&status=active")).await?;
    if let Some(subscription) = live {
        let change = format!(r#"{{"planId":"{}"}}"#, story.plan("scale-monthly").await?);
        let path = |verb: &str| format!("subscriptions/{subscription}/{verb}");
        let ask = |verb: &str, body: &str| write(&path(verb), body);
        let title = "Upgrade: preview the price, then change the plan.";
        steps.push((title, vec![ask("preview-change", &change), ask("change-plan", &change)]));
        let title = "Cancel: at the period's end, then undo it.";
        steps.push((title, vec![ask("cancel", "{}"), ask("uncancel", "{}")]));
    }
    let packages = story.ask(Method::GET, "/v1/credit-packages", &Value::Null).await?;
    if let Some(package) = packages["data"].get(0) {
        let currency = &package["creditCurrencyId"];
        let body = json!({ "creditCurrencyId": currency, "packageId": package["id"] }).to_string();
        let top_up = vec![write(&format!("customers/{ada}/top-ups"), &body)];
        steps.push(("Top up: buy credits.", top_up));
    }
    let unpaid = first(format!("/v1/invoices?customerId={globex}&status=overdue")).await?;
    if let Some(invoice) = unpaid {
        let pay = vec![
            format!("OTHER=$({} | {})", mint(globex), member("token")),
            format!(
                "CARD=$({} | sed -n 's/.*\"id\":\"\\(pm_[^\"]*\\)\".*/\\1/p')",
                write(
                    &format!("customers/{globex}/payment-methods"),
                    r#"{"processorToken":"pm_sandbox_visa"}"#
                )
                .replace("$TOKEN", "$OTHER")
                .replace("; echo", ""),
            ),
            write(&format!("invoices/{invoice}/pay"), "{}")
                .replace("$TOKEN", "$OTHER")
                .replace("'{}'", r#""{\"paymentMethodId\":\"$CARD\"}""#),
        ];
        steps.push(("Pay: another customer's failed invoice, with a working card.", pay));
    }
    Ok(steps)
}

fn mint(customer: &str) -> String {
    format!(
        r#"curl -s $UNITPAY_BASE_URL/portal-sessions -H "x-api-key: $UNITPAY_API_KEY" -H 'content-type: application/json' -d '{{"customerId":"{customer}","ttlSeconds":3600}}'"#
    )
}

fn read(path: &str) -> String {
    format!(r#"curl -s "$UNITPAY_BASE_URL/{path}" -H "Authorization: Bearer $TOKEN"; echo"#)
}

fn write(path: &str, body: &str) -> String {
    format!(
        r#"curl -s "$UNITPAY_BASE_URL/{path}" -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{body}'; echo"#
    )
}

/// Returns a string from an object.
fn member(name: &str) -> String {
    format!(r#"sed -n 's/.*"{name}":"\([^"]*\)".*/\1/p'"#)
}
