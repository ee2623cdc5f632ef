//! Every kind of e-mail in every language as it is sent, kept in `testdata/emails.jsonl`. The browser
//! test of the hosted pages opens them.

use crate::support::{
    Engine, Mail, Manner, Receiver, Request, SmtpServer, Test, deliver_here, flat, get, mail_to,
    monthly, new_invoice, patch, post, with, yearly,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use unitpay::testing::base::CollectionMethod;
use unitpay::testing::invoices::NewInvoice;
use unitpay::testing::jobs;

const DAY: u64 = 86_400;
const ISSUER: &str = "https://billing.example.com";
const LETTERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/emails.jsonl");
const ADDRESS: &str = "ada@example.com";

/// A language with the name of a customer, of a shop and of a plan, and an accent.
const LANGUAGES: [(&str, &str, &str, &str, &str); 12] = [
    ("en", "Ada Lovelace", "Nimbus & Sons", "Professional for Teams", "#ffe066"),
    (
        "de",
        "Donaudampfschifffahrtsgesellschaft mbH",
        "Söhne & Co. Großhandel",
        "Professionell",
        "#0b7285",
    ),
    ("ar", "آدا لوفلايس", "متجر السحاب", "المحترف", "#111827"),
    ("fr", "Établissements Lefèvre & Fils", "Nuages d’Été", "Professionnel", "#862e9c"),
    ("es", "Muñoz y Asociados, S. L.", "Nube Ibérica", "Profesional", "#c92a2a"),
    ("it", "Società Agricola Città del Sole", "Nuvola & C.", "Professionale", "#2b8a3e"),
    ("pt-BR", "Comércio de Pães São João Ltda.", "Nuvem do Sul", "Profissional", "#1864ab"),
    ("nl", "Vereniging van Huiseigenaren", "De Wolkenwinkel", "Professioneel", "#d9480f"),
    ("pl", "Przedsiębiorstwo Handlowo-Usługowe", "Sklep Chmurka", "Profesjonalny", "#364fc7"),
    ("tr", "Şükrü Işık Ticaret Limited Şirketi", "Bulut Mağazası", "Profesyonel", "#087f5b"),
    ("ja", "株式会社東京クラウドサービス", "雲の店", "プロフェッショナル", "#a61e4d"),
    ("zh-Hans", "上海云服务有限公司", "云商店", "专业版", "#5f3dc4"),
];

/// The e-mails of a server, each with what SMTP received.
struct Letters {
    t: Test,
    smtp: SmtpServer,
    of_kind: BTreeMap<String, Mail>,
}

fn from_page(path: &str, body: &Value) -> Request {
    post(path, body).header("origin", ISSUER).header("sec-fetch-site", "same-origin")
}

impl Letters {
    async fn put(&self, path: &str, body: Value) {
        let request = Request::new("PUT", format!("/v1/{path}")).json(&body).key(&self.t.key);
        self.t.call(request).await.expect(200);
    }

    /// Sends what is due, and keeps the first message of each kind.
    async fn collect(&mut self) {
        self.t.send_email().await;
        let list = self.t.call(get("/v1/emails?limit=100").key(&self.t.key)).await.expect(200);
        let list = list.json();
        for mail in self.smtp.take() {
            let id = mail.header("message-id").unwrap();
            let id = id.trim_start_matches('<').split('@').next().unwrap();
            let found = list["data"].as_array().unwrap().iter().find(|email| email["id"] == id);
            let kind = found.unwrap()["kind"].as_str().unwrap().to_owned();
            self.of_kind.entry(kind).or_insert(mail);
        }
    }

    async fn about_money(&mut self) {
        let t = &self.t;
        t.card("one", "pm_sandbox_visa").await;
        let invoice = t.bill("one", 123_456_789).await;
        t.pay(&invoice, json!({})).await.expect(200);
        let note = json!({ "amount": 400, "reason": "other", "refundAmount": 400 });
        t.note(&invoice, note).await.expect(201);
        t.bill_what_is_due().await;
        let method = CollectionMethod::SendInvoice;
        let sent = NewInvoice { collection_method: method, ..new_invoice(&[700]) };
        t.issue(t.tenant, t.customer_no("one").await, sent).await.unwrap().unwrap();
        t.cards_expire(1, 2030).await;
        t.advance(DAY);
        jobs::announce(&t.app).await.unwrap();
        t.cards_expire(12, 2040).await;
        self.collect().await;
    }

    async fn about_subscriptions(&mut self, plan: &str) {
        let t = &self.t;
        let calls = t.calls().await;
        let mut charges = flat(1_000_000);
        charges.as_array_mut().unwrap().push(calls);
        let named = json!({ "name": plan });
        let trial =
            with(monthly("trial", flat(2_000)), with(named.clone(), json!({ "trialDays": 14 })));
        let trial = t.plan(trial).await;
        let year = t.plan(with(yearly("year", charges), named)).await;
        let subscription = t.buy("one", &trial, 1).await;
        t.advance(7 * DAY);
        jobs::announce(&t.app).await.unwrap();
        self.collect().await;
        let t = &self.t;
        // The card is declined when the trial ends.
        let card = t.card("one", "pm_sandbox_declined").await;
        let default = post(format!("/v1/payment-methods/{card}/default"), &json!({}));
        t.call(default.key(&t.key)).await.expect(200);
        t.clock_to("2030-01-16T00:00:00Z").await;
        self.collect().await;
        let t = &self.t;
        t.of_subscription(&subscription, "cancel", json!({ "mode": "now" })).await.expect(200);
        let two = json!({ "name": "Two", "email": "two@example.com", "externalId": "two" });
        t.call(post("/v1/customers", &two).key(&t.key)).await.expect(201);
        self.same_language("two").await;
        let t = &self.t;
        t.card("two", "pm_sandbox_visa").await;
        t.buy("two", &year, 1).await;
        t.clock_to("2030-12-20T00:00:00Z").await;
        self.collect().await;
    }

    async fn same_language(&self, customer: &str) {
        let t = &self.t;
        let one = t.call(get("/v1/customers/one").key(&t.key)).await.expect(200).json();
        let same = json!({ "name": one["name"], "locale": one["locale"] });
        t.call(patch(format!("/v1/customers/{customer}"), &same).key(&t.key)).await.expect(200);
    }

    async fn about_access(&mut self) {
        let t = &self.t;
        let organization = t.tenant.organization_id.to_string();
        let body =
            json!({ "organization": organization, "environment": "sandbox", "email": ADDRESS });
        t.call(from_page("/v1/logins", &body)).await.expect(201);
        let minted = t.mint(json!({ "customerId": "one" })).await.expect(201).text("url");
        let code = json!({ "code": minted.split_once('#').unwrap().1 });
        t.call(from_page("/v1/portal-sessions/exchange", &code)).await.expect(200);
        t.call(from_page("/v1/portal-sessions/exchange/link", &code)).await.expect(201);
        self.collect().await;
    }

    /// Asks for another link to an invoice, whose own has expired.
    async fn about_links(&mut self) {
        let text = String::from_utf8(self.of_kind["invoice"].part("text/plain")).unwrap();
        let start = format!("{ISSUER}/portal#");
        let code = text.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        self.t.advance(400 * DAY);
        let send = from_page("/v1/portal-sessions/exchange/link", &json!({ "code": code }));
        self.t.call(send).await.expect(201);
        self.collect().await;
    }

    async fn about_endpoints(&mut self) -> String {
        let receiver = Receiver::start(Manner::Status(503)).await;
        self.t.endpoint(&receiver).await;
        for name in ["three", "four"] {
            self.t.customer(name).await;
            self.t.deliver().await;
            self.t.advance(5 * DAY);
        }
        self.collect().await;
        receiver.url.split('?').next().unwrap().to_owned()
    }
}

/// Replaces what differs between runs.
fn normalized(mail: &Mail, url: &str) -> String {
    let mut html = String::from_utf8(mail.part("text/html")).unwrap();
    html = html.replace(url, "https://app.example.com/webhooks/unitpay");
    for (start, end, with) in [
        ("/we_", ' ', "/we_01jd0000000000000000000000"),
        ("/we_", '/', "/we_01jd0000000000000000000000"),
        ("/portal#", '"', "/portal#code"),
        ("/portal/login/org_", '?', "/portal/login/org_01jd0000000000000000000000"),
    ] {
        let mut rest = html.as_str();
        let mut replaced = String::new();
        while let Some((before, after)) = rest.split_once(start) {
            let length = after.find(end).unwrap_or(after.len());
            let is_one = after[..length].chars().all(|c| c.is_alphanumeric() || "._-~".contains(c));
            replaced.push_str(before);
            replaced.push_str(if is_one { with } else { start });
            rest = if is_one { &after[length..] } else { after };
        }
        replaced.push_str(rest);
        html = replaced;
    }
    let text = String::from_utf8(mail.part("text/plain")).unwrap();
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_whitespace().find(is_code) {
        Some(code) => html.replace(code, "123456"),
        None => html,
    }
}

async fn letters_in(language: (&str, &str, &str, &str, &str)) -> Vec<String> {
    let (locale, name, seller, plan, accent) = language;
    let smtp = SmtpServer::start().await;
    let t = Test::start_with(Engine::Sqlite, |config| {
        mail_to(config, smtp.port);
        deliver_here(config);
    })
    .await;
    let shop = t.shop().await;
    t.subscriber(&shop, "one").await;
    let customer = json!({ "name": name, "email": ADDRESS, "locale": locale });
    t.call(patch("/v1/customers/one", &customer).key(&t.key)).await.expect(200);
    t.promote(&shop, 100).await;
    t.use_up("generate", "a", 61).await;
    let mut letters = Letters { t, smtp, of_kind: BTreeMap::new() };
    let branding =
        json!({ "name": seller, "supportEmail": "help@nimbus.example", "accentColor": accent });
    letters.put("branding", branding).await;
    letters.put("email-settings", json!({ "alertsTo": "ops@nimbus.example" })).await;
    letters.put("login-settings", json!({ "enabled": true })).await;
    letters.collect().await;
    letters.about_money().await;
    letters.about_access().await;
    letters.about_subscriptions(plan).await;
    let url = letters.about_endpoints().await;
    letters.about_links().await;
    let described = letters.t.call(get("/openapi.json")).await.expect(200).json();
    let kinds = &described["components"]["schemas"]["EmailKind"]["enum"];
    let kinds: BTreeSet<&str> =
        kinds.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    assert_eq!(letters.of_kind.keys().map(String::as_str).collect::<BTreeSet<_>>(), kinds);
    let line = |(kind, mail): (&String, &Mail)| {
        json!({ "kind": kind, "locale": locale, "accent": accent, "html": normalized(mail, &url) })
            .to_string()
    };
    // An organization has no language: what goes to it is in English.
    let is_in = |kind: &str| locale == "en" || kind != "endpoint_disabled";
    letters.of_kind.iter().filter(|(kind, _)| is_in(kind)).map(line).collect()
}

#[tokio::test]
async fn letters_are_the_recorded_ones() {
    let mut lines = Vec::new();
    for language in LANGUAGES {
        lines.extend(letters_in(language).await);
    }
    let made = lines.join("\n") + "\n";
    if std::env::var_os("UNITPAY_RECORD").is_some() {
        std::fs::write(LETTERS, &made).unwrap();
    }
    let known = std::fs::read_to_string(LETTERS).unwrap();
    for (made, known) in made.lines().zip(known.lines()) {
        assert_eq!(made, known, "record it again, read the diff, and run the portal's tests");
    }
    assert_eq!(made.lines().count(), known.lines().count());
}
