//! Composes an e-mail from what is stored when it is sent.

use super::deliver::Post;
use super::message::{Document, Fact, Letter};
use super::settings::EmailSettings;
use super::words::Words;
use super::{Email, EmailKind, Renewal, parsed, sql};
use crate::app::App;
use crate::base::{LoginId, Secret, SubscriptionId};
use crate::branding::{self, Branding};
use crate::customers::{self, CustomerRef, billing};
use crate::db::{DbError, Tx};
use crate::invoices::{self, Invoice, credit_notes, pdf};
use crate::logins::{self, CODE_LIVES_SECONDS};
use crate::organizations::Tenant;
use crate::portal::LINK_LIVES_SECONDS;
use crate::settlement::Attempt;
use crate::signing::InvoiceLink;
use crate::subscriptions::{self, SubscriptionStatus};
use crate::{catalog, credits, payments, settlement, webhooks};
use lettre::Address;
use unitpay_invoice_pdf::{self as document, Format};

/// The reason that an e-mail was not composed.
#[derive(Debug)]
pub enum ComposeError {
    Db(DbError),
    /// The address, a header or the object is not valid, as this word says.
    Invalid(&'static str),
    /// The invoice could not be rendered; may succeed later.
    Document,
}

/// A message with its envelope.
pub struct Composed {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

/// The parts of an e-mail that depend on its kind.
#[derive(Default)]
struct Content {
    /// The values of `{number}`, `{plan}` and `{credits}`.
    number: String,
    plan: String,
    credits: String,
    facts: Vec<Fact>,
    link: Option<(&'static str, Secret)>,
    document: Option<document::Invoice>,
}

/// The person or people that an e-mail is to.
struct Recipient {
    address: Address,
    /// `None` for the organization.
    name: Option<String>,
    locale: String,
}

/// Words and formats in the recipient's language.
#[derive(Clone, Copy)]
struct Language<'a> {
    words: &'static Words,
    locale: &'a str,
}

/// Composes an e-mail to the recipient's present address.
pub async fn compose(
    post: Post<'_>,
    tenant: &Tenant,
    email: &Email,
) -> Result<Composed, ComposeError> {
    let (app, mailer) = (post.app, post.mailer);
    let mut tx = app.db.read().await?;
    let branding = branding::get(&mut tx, tenant).await?;
    let settings = sql::settings(&mut tx, tenant).await?;
    let Recipient { address: to, name, locale } =
        recipient(&mut tx, tenant, email, &settings).await?;
    let words = Words::find(&locale);
    // A language without words gets English texts, and so English amounts.
    let locale = if words.is_for(&locale) { locale } else { words.language.to_owned() };
    let language = Language { words, locale: &locale };
    let content = content(post, &mut tx, tenant, (email, &branding), language).await?;
    drop(tx);
    let document = match content.document {
        None => None,
        Some(invoice) => {
            let name = format!("{}.pdf", content.number);
            let bytes = app.invoices.render(invoice).await.map_err(|_| ComposeError::Document)?;
            Some(Document { name, bytes })
        }
    };
    let sender = settings.sender.filter(|sender| app.config.email.allows_sender(sender));
    let from = sender.and_then(|sender| sender.parse().ok());
    let from = from.unwrap_or_else(|| mailer.sender().clone());
    let reply_to = settings.reply_to.as_deref().or(branding.support_email.as_deref());
    let letter = Letter {
        id: email.id,
        at: app.clock.now(),
        kind: email.kind,
        words,
        locale: &locale,
        sender: &from,
        reply_to: reply_to.and_then(|address| address.parse().ok()),
        to: &to,
        name: name.as_deref(),
        number: &content.number,
        plan: &content.plan,
        credits: &content.credits,
        facts: &content.facts,
        link: content.link.as_ref(),
        branding: &branding,
    };
    let bytes = letter.write(document).map_err(|_| ComposeError::Invalid("header_invalid"))?;
    Ok(Composed { from, to, bytes })
}

/// Finds whom an e-mail is to: the customer or, without one, the organization.
async fn recipient(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    email: &Email,
    settings: &EmailSettings,
) -> Result<Recipient, ComposeError> {
    let parsed = |address: &str| {
        address.parse::<Address>().map_err(|_| ComposeError::Invalid("address_invalid"))
    };
    let Some(id) = email.customer_id else {
        let address = settings.alerts_to.as_deref();
        let address = address.ok_or(ComposeError::Invalid("address_missing"))?;
        return Ok(Recipient { address: parsed(address)?, name: None, locale: String::new() });
    };
    let customer = customers::get(tx, tenant, &CustomerRef::Id(id)).await?;
    let customer = customer.ok_or(DbError::Broken("an e-mail without its customer"))?;
    if customer.erased_at.is_some() {
        return Err(ComposeError::Invalid("customer_erased"));
    }
    let address = parsed(&customer.email)?;
    let locale = billing::get(tx, tenant, customer.no).await?.locale.unwrap_or_default();
    Ok(Recipient { address, name: Some(customer.name), locale })
}

async fn content(
    post: Post<'_>,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    (email, branding): (&Email, &Branding),
    language: Language<'_>,
) -> Result<Content, ComposeError> {
    let (app, words) = (post.app, language.words);
    match email.kind {
        EmailKind::Invoice | EmailKind::Receipt => {
            let found = invoices::get(tx, tenant, parsed(&email.object_id)?).await?;
            let invoice = existing(found)?;
            let payments = invoices::payments(tx, tenant, invoice.id).await?;
            let document = pdf::document(&invoice, &payments, branding)?;
            let content = if email.kind == EmailKind::Receipt {
                language.receipt(&invoice)
            } else {
                language.invoice(&invoice)
            };
            let link = invoice_link(app, tx, tenant, &invoice, words).await?;
            Ok(Content { document: Some(document), link, ..content })
        }
        EmailKind::PaymentFailed => {
            let found = settlement::get(tx, tenant, parsed(&email.object_id)?).await?;
            failed_payment(app, tx, tenant, &existing(found)?, language).await
        }
        EmailKind::Refund => {
            let found = settlement::get(tx, tenant, parsed(&email.object_id)?).await?;
            refund(tx, tenant, &existing(found)?, language).await
        }
        EmailKind::SubscriptionCanceled => {
            let found = subscriptions::get(tx, tenant, parsed(&email.object_id)?).await?;
            let plan = catalog::plan(tx, tenant, existing(found)?.plan_id).await?;
            Ok(Content { plan: existing(plan)?.name, ..Content::default() })
        }
        EmailKind::CardExpiring => {
            let found = payments::get(tx, tenant, parsed(&email.object_id)?).await?;
            let card = existing(found)?.card;
            let expiry = format!("{:02}/{}", card.exp_month, card.exp_year);
            let name = format!("{} •••• {}", capitalized(&card.brand), card.last4);
            let facts = vec![(words.card, name), (words.expires, expiry)];
            Ok(Content { facts, ..Content::default() })
        }
        EmailKind::TrialEnding | EmailKind::RenewalUpcoming => {
            notice(post, tx, tenant, email, language).await
        }
        EmailKind::EndpointDisabled => endpoint_disabled(tx, tenant, email, words).await,
        EmailKind::LoginCode => {
            let id: LoginId = parsed(&email.object_id)?;
            if id.made_at().plus_seconds(CODE_LIVES_SECONDS) <= app.clock.now() {
                return Err(ComposeError::Invalid("code_expired"));
            }
            let facts = vec![(words.code, app.codes.login_code(id).reveal().to_owned())];
            Ok(Content { facts, ..Content::default() })
        }
        EmailKind::PortalLink => {
            if email.id.made_at().plus_seconds(LINK_LIVES_SECONDS) <= app.clock.now() {
                return Err(ComposeError::Invalid("link_expired"));
            }
            let link = Some((words.open, app.codes.link_url(&app.issuer, email.id)));
            Ok(Content { link, ..Content::default() })
        }
        EmailKind::InvoiceLink => {
            let found = invoices::get(tx, tenant, parsed(&email.object_id)?).await?;
            new_invoice_link(app, tx, tenant, &existing(found)?, words).await
        }
        EmailKind::CreditsLow => {
            let found = credits::view(tx, tenant, parsed(&email.object_id)?).await?;
            Ok(Content { credits: existing(found)?.currency.name, ..Content::default() })
        }
    }
}

/// Announces the end of a trial or a renewal, unless it does not happen any more.
async fn notice(
    post: Post<'_>,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    email: &Email,
    language: Language<'_>,
) -> Result<Content, ComposeError> {
    let id: SubscriptionId = parsed(&email.object_id)?;
    let subscription = existing(subscriptions::get(tx, tenant, id).await?)?;
    let in_trial = subscription.status == SubscriptionStatus::Trialing;
    let is_trial = email.kind == EmailKind::TrialEnding;
    if in_trial != is_trial || !subscriptions::is_noticed(tx, tenant, id).await? {
        return Err(ComposeError::Invalid("notice_outdated"));
    }
    let renewal = (post.price)(tx, tenant, &subscription).await?;
    let renewal = renewal.ok_or(ComposeError::Invalid("amount_out_of_range"))?;
    let page = logins::settings(tx, tenant).await?.enabled;
    let page = page.then(|| Secret::new(logins::page_url(&post.app.issuer, tenant)));
    let link = page.map(|url| (language.words.open, url));
    Ok(Content { link, ..language.renewal(&renewal, is_trial) })
}

/// Says which endpoint failed, since when and how, and the two requests that continue.
async fn endpoint_disabled(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    email: &Email,
    words: &Words,
) -> Result<Content, ComposeError> {
    let endpoint = existing(webhooks::get(tx, tenant, parsed(&email.object_id)?).await?)?;
    if endpoint.enabled {
        return Err(ComposeError::Invalid("notice_outdated"));
    }
    let failure = webhooks::last_failure(tx, endpoint.no).await?;
    let failure = failure.and_then(|failure| {
        failure.response_status.map(|status| status.to_string()).or(failure.error)
    });
    // A query may hold a secret.
    let url = endpoint.url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let since = endpoint.failing_since.unwrap_or(endpoint.updated_at);
    let path = format!("/v1/webhook-endpoints/{}", endpoint.id);
    let mut facts = vec![
        (words.endpoint, url),
        (words.environment, tenant.environment.as_str().to_owned()),
        (words.failing_since, since.to_string()),
    ];
    facts.extend(failure.map(|failure| (words.last_error, failure)));
    facts.push((words.enable_again, format!("PATCH {path} {{\"enabled\":true}}")));
    facts.push((words.send_missed, format!("POST {path}/recover {{\"since\":\"{since}\"}}")));
    Ok(Content { facts, ..Content::default() })
}

async fn new_invoice_link(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    words: &Words,
) -> Result<Content, ComposeError> {
    let link = invoice_link(app, tx, tenant, invoice, words).await?;
    let link = link.ok_or(ComposeError::Invalid("link_expired"))?;
    Ok(Content { link: Some(link), ..numbered(Some(invoice), words) })
}

/// Returns the link to an invoice that is owed, unless links are turned off.
async fn invoice_link(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    invoice: &Invoice,
    words: &Words,
) -> Result<Option<(&'static str, Secret)>, DbError> {
    let customer = customers::by_no(tx, tenant, invoice.customer_no).await?;
    let customer = customer.filter(|customer| customer.archived_at.is_none());
    let is_on = app.config.portal.invoice_link_days > 0 && invoice.status.is_payable();
    Ok(customer.filter(|_| is_on).map(|customer| {
        let link = InvoiceLink {
            invoice_id: invoice.id,
            tenant_no: tenant.no,
            generation: customer.generation,
            sent_at: app.clock.now(),
        };
        (words.open_invoice, app.codes.invoice_link_url(&app.issuer, &link))
    }))
}

async fn failed_payment(
    app: &App,
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
    Language { words, locale }: Language<'_>,
) -> Result<Content, ComposeError> {
    let format = Format::new(locale, attempt.currency.as_str());
    let invoice = invoices::get(tx, tenant, attempt.invoice_id).await?;
    let mut content = numbered(invoice.as_ref(), words);
    if let Some(invoice) = &invoice {
        content.link = invoice_link(app, tx, tenant, invoice, words).await?;
    }
    content.facts.push((words.amount, format.money(attempt.amount)));
    if let Some(id) = invoice.and_then(|invoice| invoice.subscription_id) {
        let subscription = subscriptions::get(tx, tenant, id).await?;
        let next = subscription.and_then(|subscription| subscription.dunning_next_at);
        if let Some(next) = next.filter(|next| *next > attempt.billed_at) {
            content.facts.push((words.next_attempt, format.date(next.seconds())));
        }
    }
    Ok(content)
}

async fn refund(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    attempt: &Attempt,
    Language { words, locale }: Language<'_>,
) -> Result<Content, ComposeError> {
    let format = Format::new(locale, attempt.currency.as_str());
    // The draft of a payment that was not wanted any more is deleted.
    let invoice = invoices::get(tx, tenant, attempt.invoice_id).await?;
    let mut content = numbered(invoice.as_ref(), words);
    let charges = credit_notes::refundable(tx, tenant, attempt.invoice_id).await?;
    let charge = charges.iter().find(|charge| charge.attempt_id == attempt.id);
    let refunded = charge.map_or(attempt.amount, |charge| charge.refunded);
    content.facts.push((words.charged, format.money(attempt.amount)));
    content.facts.push((words.refunded, format.money(refunded)));
    Ok(content)
}

/// Returns a content with the number of an issued invoice.
fn numbered(invoice: Option<&Invoice>, words: &Words) -> Content {
    let number = invoice.and_then(Invoice::number_text);
    let facts = number.iter().map(|number| (words.number, number.clone())).collect();
    Content { number: number.unwrap_or_default(), facts, ..Content::default() }
}

impl Language<'_> {
    fn invoice(self, invoice: &Invoice) -> Content {
        let format = Format::new(self.locale, invoice.currency.as_str());
        let mut content = numbered(Some(invoice), self.words);
        content.facts.push((self.words.amount_due, format.money(invoice.amount_due())));
        let due = invoice.due_date.map(|day| (self.words.due_on, format.date(day.seconds())));
        content.facts.extend(due);
        content
    }

    fn renewal(self, renewal: &Renewal, is_trial: bool) -> Content {
        let (words, format) = (self.words, Format::new(self.locale, renewal.currency.as_str()));
        let date = if is_trial { words.trial_ends } else { words.renews_on };
        let amount = if renewal.adds_usage { words.at_least } else { words.amount };
        let facts = vec![
            (date, format.date(renewal.date.seconds())),
            (amount, format.money(renewal.amount)),
        ];
        Content { plan: renewal.plan.clone(), facts, ..Content::default() }
    }

    fn receipt(self, invoice: &Invoice) -> Content {
        let format = Format::new(self.locale, invoice.currency.as_str());
        let mut content = numbered(Some(invoice), self.words);
        content.facts.push((self.words.amount, format.money(invoice.totals.total)));
        let paid = invoice.paid_at.map(|day| (self.words.paid_on, format.date(day.seconds())));
        content.facts.extend(paid);
        content
    }
}

/// Returns a processor's word for a brand, such as `visa`, as a name.
fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

fn existing<T>(found: Option<T>) -> Result<T, ComposeError> {
    found.ok_or(ComposeError::Invalid("object_missing"))
}

impl From<DbError> for ComposeError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}
