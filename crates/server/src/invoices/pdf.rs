//! Invoices as PDF: rendered on demand from the frozen invoice, and not stored.
//!
//! Layout takes milliseconds of a core, so it runs on blocking threads, a few at a time. Logo and accent
//! are today's; seller, buyer and lines are frozen.

use super::{
    Buyer, Invoice, InvoiceStatus, InvoiceTier, LineCode, LineLabel, Payment, Seller, Tax,
    UsageParts,
};
use crate::base::{Address, CollectionMethod, Period, TaxRate, Time};
use crate::branding::Branding;
use crate::db::DbError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;
use unitpay_invoice_pdf as pdf;

/// The number of concurrent renderings.
const AT_ONCE: usize = 2;

/// Renders invoices. It reads its fonts at the first call.
pub struct Renderer {
    fonts_dir: PathBuf,
    fonts: OnceLock<Option<Arc<pdf::Fonts>>>,
    permits: Arc<Semaphore>,
}

impl Renderer {
    /// `fonts_dir` holds faces beside the built-in ones; empty means none.
    pub fn new(fonts_dir: PathBuf) -> Self {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Self { fonts_dir, fonts: OnceLock::new(), permits }
    }

    /// Renders a document. A caller beyond the limit waits.
    pub async fn render(
        self: &Arc<Self>,
        document: pdf::Invoice,
    ) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let renderer = Arc::clone(self);
        let laid_out = tokio::task::spawn_blocking(move || {
            // Held until the work ends, even if the caller is gone.
            let _permit = permit;
            let fonts = renderer.fonts().ok_or("the built-in fonts are unreadable")?;
            pdf::render(&document, &fonts).map_err(Into::into)
        });
        laid_out.await?
    }

    /// Returns the characters of a text that no face shows, each once. Latin text does not load the
    /// fonts.
    pub fn missing(&self, text: &str) -> Vec<char> {
        let foreign: String = text.chars().filter(|character| *character > '\u{24f}').collect();
        match foreign.is_empty() {
            true => Vec::new(),
            false => self.fonts().map(|fonts| fonts.missing(&foreign)).unwrap_or_default(),
        }
    }

    fn fonts(&self) -> Option<Arc<pdf::Fonts>> {
        self.fonts.get_or_init(|| self.read_fonts()).clone()
    }

    fn read_fonts(&self) -> Option<Arc<pdf::Fonts>> {
        let mut fonts = pdf::Fonts::built_in().ok()?;
        if self.fonts_dir.as_os_str().is_empty() {
            return Some(Arc::new(fonts));
        }
        let entries = std::fs::read_dir(&self.fonts_dir).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        for file in files {
            let added = std::fs::read(&file).map_err(|error| error.to_string());
            let added = added.and_then(|face| fonts.add(face).map_err(|error| error.to_string()));
            if let Err(error) = added {
                tracing::warn!(file = %file.display(), error, "not a font that can be used");
            }
        }
        Some(Arc::new(fonts))
    }
}

/// Returns the content of the document of an issued invoice.
pub fn document(
    invoice: &Invoice,
    payments: &[Payment],
    branding: &Branding,
) -> Result<pdf::Invoice, DbError> {
    let totals = &invoice.totals;
    let (from, to) = (invoice.seller.read()?, invoice.buyer.read()?);
    let locale = to.locale.clone().unwrap_or_default();
    let exempt = to.is_exempt().then(|| to.tax_exempt_reason.clone().unwrap_or_default());
    let declared = from.declared_tax.clone().map(|declared| pdf::DeclaredTax {
        currency: declared.currency.to_string(),
        rate: declared.rate.to_string(),
        amount: declared.amount,
    });
    let lines = invoice.lines.read()?;
    let taxes = super::taxes(&lines, totals.tax.as_ref());
    let taxes = taxes.map_err(|_| DbError::Broken("an issued invoice's tax is out of range"))?;
    Ok(pdf::Invoice {
        number: invoice.number_text().unwrap_or_default(),
        status: status(invoice.status),
        issued_at: invoice.issued_at.map(Time::seconds),
        // An invoice that is charged as it is issued has no day to pay by.
        due_at: invoice
            .due_date
            .filter(|_| invoice.collection_method == CollectionMethod::SendInvoice)
            .map(Time::seconds),
        paid_at: invoice.paid_at.map(Time::seconds),
        period: invoice.period.map(period),
        currency: invoice.currency.to_string(),
        seller: seller(from, branding, &locale),
        reverse_charge: to.is_reverse_charge(),
        tax_exempt: exempt,
        po_number: to.po_number.clone(),
        notes: to.notes.clone(),
        customer: buyer(to, &locale),
        items: lines
            .into_iter()
            .map(|line| pdf::Item {
                wording: line.label.as_ref().and_then(wording),
                description: line.label.map_or(line.description, |label| label.name),
                rate: line
                    .tax
                    .flatten()
                    .map(|rate| pdf::Rate { basis_points: points(&rate), name: rate.name }),
                quantity: line.quantity.to_string(),
                unit_amount: line.unit_amount.map(|amount| amount.to_string()),
                included: line.usage.as_ref().map(|usage| usage.included.to_string()),
                tiers: line.usage.map(|usage| tiers(&usage)).unwrap_or_default(),
                amount: line.amount,
                discount: line
                    .discount
                    .map(|discount| pdf::Discount { name: discount.name, amount: discount.amount }),
                period: line.period.map(period),
            })
            .collect(),
        subtotal: totals.subtotal,
        taxes: taxes.into_iter().map(tax).collect(),
        declared_tax: declared,
        total: totals.total,
        balance_applied: invoice.balance_applied,
        amount_paid: invoice.amount_paid,
        amount_moved: invoice.amount_moved,
        amount_due: invoice.amount_due(),
        // A payment that was taken back in full is none.
        payments: payments
            .iter()
            .filter(|payment| payment.amount > payment.reversed)
            .map(|payment| pdf::Payment {
                amount: payment.amount - payment.reversed,
                paid_at: payment.paid_at.seconds(),
                brand: payment.brand.clone(),
                last4: payment.last4.clone(),
                reference: payment.reference.clone(),
            })
            .collect(),
        credit_note: None,
        locale,
    })
}

/// Returns the words around the name of a line; `None` for a line that is only its name.
fn wording(label: &LineLabel) -> Option<pdf::Wording> {
    match label.code {
        LineCode::Plan | LineCode::Usage | LineCode::TopUp => None,
        LineCode::OneOff => Some(pdf::Wording::Once),
        LineCode::UnusedTime => Some(pdf::Wording::UnusedTime),
        LineCode::RemainingTime => Some(pdf::Wording::RemainingTime),
    }
}

pub(super) fn tax(tax: Tax) -> pdf::Tax {
    let basis_points = points(&tax.rate);
    pdf::Tax { name: tax.rate.name, basis_points, net: tax.net, amount: tax.amount }
}

fn points(rate: &TaxRate) -> u32 {
    u32::try_from(rate.basis_points).unwrap_or(0)
}

fn tiers(usage: &UsageParts) -> Vec<pdf::Tier> {
    let tier = |tier: &InvoiceTier| pdf::Tier {
        quantity: tier.quantity.to_string(),
        unit_amount: tier.unit_amount.to_string(),
    };
    usage.tiers.iter().map(tier).collect()
}

pub(super) fn buyer(buyer: Buyer, locale: &str) -> pdf::Customer {
    pdf::Customer {
        name: buyer.name,
        email: Some(buyer.email),
        address: buyer.address.map(|address| lines_of(&address, locale)).unwrap_or_default(),
        tax_ids: buyer.tax_ids.into_iter().map(|id| id.value).collect(),
    }
}

pub(super) fn seller(seller: Seller, branding: &Branding, locale: &str) -> pdf::Seller {
    pdf::Seller {
        name: seller.name,
        legal_name: seller.legal_name.unwrap_or_default(),
        address: seller.address.map(|address| lines_of(&address, locale)).unwrap_or_default(),
        tax_id: seller.tax_id,
        email: seller.support_email,
        footer: seller.footer.unwrap_or_default(),
        accent: branding.accent_color.as_deref().and_then(accent),
        logo: branding.logo.as_deref().and_then(image),
    }
}

const fn status(status: InvoiceStatus) -> pdf::Status {
    match status {
        InvoiceStatus::Draft => pdf::Status::Draft,
        InvoiceStatus::Issued => pdf::Status::Issued,
        InvoiceStatus::PartiallyPaid => pdf::Status::PartiallyPaid,
        InvoiceStatus::Paid => pdf::Status::Paid,
        InvoiceStatus::Overdue => pdf::Status::Overdue,
        InvoiceStatus::Void => pdf::Status::Void,
        InvoiceStatus::Uncollectible => pdf::Status::Uncollectible,
    }
}

const fn period(period: Period) -> pdf::Period {
    pdf::Period { start: period.start.seconds(), end: period.end.seconds() }
}

/// Returns an address in the order of its country, with the country's name in this language.
fn lines_of(address: &Address, locale: &str) -> Vec<String> {
    let address = pdf::Address {
        line1: &address.line1,
        line2: address.line2.as_deref(),
        city: &address.city,
        state: address.state.as_deref(),
        postal_code: address.postal_code.as_deref(),
        country: &address.country,
    };
    address.lines(locale)
}

/// `#rrggbb`.
fn accent(text: &str) -> Option<[u8; 3]> {
    let number = u32::from_str_radix(text.strip_prefix('#')?, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}

/// The bytes of a `data:` URI in base64.
fn image(uri: &str) -> Option<Vec<u8>> {
    STANDARD.decode(uri.split_once(";base64,")?.1).ok()
}
