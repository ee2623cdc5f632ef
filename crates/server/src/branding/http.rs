//! Branding over HTTP: all of it for the backend, what pages show for browsers.

use super::Branding;
use crate::app::App;
use crate::auth::{CatalogCaller, INVOICE_LINK, SecretKey};
use crate::base::{Address, Currency, Decimal, ExchangeRate, TaxDeclaration, TaxRate, Time};
use crate::db::{Lane, Tx};
use crate::http::leaves::{Email, Image, Integer, Item, List, Name, Origins, Text, string};
use crate::http::wire::{Description, Field, Presence, Request};
use crate::http::{Body, Fields, Json, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use unitpay_request::response;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

#[response]
#[schema(as = Branding)]
pub struct BrandingResponse {
    pub name: Option<String>,
    /// A `data:` URI.
    pub logo: Option<String>,
    /// `#rrggbb`.
    pub accent_color: Option<String>,
    /// The corner radius in pixels.
    pub radius: Option<i64>,
    pub support_email: Option<String>,
    #[serde(flatten)]
    pub seller: Option<SellerResponse>,
}

/// The part that only a secret key reads.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerResponse {
    /// The origins that portal sessions may return to.
    #[schema(required = false)]
    pub portal_origins: Vec<String>,
    pub legal_name: Option<String>,
    pub address: Option<Address>,
    pub tax_id: Option<String>,
    /// The rate of customers that have none of their own.
    pub tax_rate: Option<TaxRate>,
    pub invoice_footer: Option<String>,
    /// The currency that taxes are declared in. Invoices in another currency that `taxExchangeRates`
    /// has a rate for print their tax in it, too.
    #[schema(value_type = Option<String>)]
    pub tax_currency: Option<Currency>,
    #[schema(required = false)]
    pub tax_exchange_rates: Vec<ExchangeRate>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Time>,
}

impl BrandingResponse {
    fn to_backend(branding: Branding) -> Self {
        let declaration = branding.tax_declaration.clone();
        let seller = SellerResponse {
            tax_currency: declaration.as_ref().map(|known| known.currency),
            tax_exchange_rates: declaration.map(|known| known.rates).unwrap_or_default(),
            portal_origins: branding.portal_origins.clone(),
            legal_name: branding.legal_name.clone(),
            address: branding.address.clone(),
            tax_id: branding.tax_id.clone(),
            tax_rate: branding.tax_rate.clone(),
            invoice_footer: branding.invoice_footer.clone(),
            updated_at: branding.updated_at,
        };
        Self { seller: Some(seller), ..Self::to_browser(branding) }
    }

    pub fn to_browser(branding: Branding) -> Self {
        Self {
            name: branding.name,
            logo: branding.logo,
            accent_color: branding.accent_color,
            radius: branding.radius,
            support_email: branding.support_email,
            seller: None,
        }
    }
}

#[derive(Debug, Request)]
pub struct PutBrandingRequest {
    #[request(with = Name<100>, nullable)]
    name: Option<String>,
    /// A `data:` URI in base64.
    #[request(with = Image, nullable)]
    logo: Option<String>,
    /// `#rrggbb`.
    #[request(with = Color, nullable)]
    accent_color: Option<String>,
    #[request(with = Integer<0, 32>, nullable)]
    radius: Option<i64>,
    #[request(with = Email, nullable)]
    support_email: Option<String>,
    /// Exact origins.
    #[request(with = Origins, nullable)]
    portal_origins: Option<Vec<String>>,
    #[request(with = Name<200>, nullable)]
    legal_name: Option<String>,
    #[request(nullable)]
    address: Option<Address>,
    #[request(with = Text<1, 40>, nullable)]
    tax_id: Option<String>,
    #[request(nullable)]
    tax_rate: Option<TaxRate>,
    #[request(with = Text<1, 500>, nullable)]
    invoice_footer: Option<String>,
    #[request(flatten)]
    taxes: TaxDeclarationFields,
}

/// The currency for taxes and its rates, which belong together.
#[derive(Debug)]
pub struct TaxDeclarationFields(Option<TaxDeclaration>);

impl From<PutBrandingRequest> for Branding {
    fn from(new: PutBrandingRequest) -> Self {
        Self {
            name: new.name,
            logo: new.logo,
            accent_color: new.accent_color,
            radius: new.radius,
            support_email: new.support_email,
            portal_origins: new.portal_origins.unwrap_or_default(),
            legal_name: new.legal_name,
            address: new.address,
            tax_id: new.tax_id,
            tax_rate: new.tax_rate,
            invoice_footer: new.invoice_footer,
            tax_declaration: new.taxes.0,
            updated_at: None,
        }
    }
}

type Rates = List<ExchangeRate, 50>;

impl Request for TaxDeclarationFields {
    const NAME: &'static str = "TaxDeclaration";
    const DESCRIPTION: &'static str = "";

    fn read(fields: &mut Fields) -> Option<Self> {
        const RATES: &str = "taxExchangeRates";
        let is_there = fields.has("taxCurrency");
        let currency = fields.optional(true, "taxCurrency", <Currency as Field>::read);
        let is_wrong = is_there && currency.is_none();
        let currency = currency.flatten();
        let rates = fields.optional(true, RATES, Rates::read).flatten().unwrap_or_default();
        if currency.is_none() && !rates.is_empty() && !is_wrong {
            fields.wrong(RATES, "must come with taxCurrency");
        }
        let mut named: Vec<_> = rates.iter().map(|rate| rate.currency.to_string()).collect();
        named.sort_unstable();
        named.dedup();
        if named.len() < rates.len() {
            fields.wrong(RATES, "must name each currency once");
        }
        Some(Self(currency.map(|currency| TaxDeclaration { currency, rates })))
    }

    fn describe(description: &mut Description) {
        let text = "The currency that taxes are declared in.";
        description.field::<Currency>("taxCurrency", text, Presence::Nullable, false);
        let text = "With `taxCurrency` only; one rate for each currency.";
        description.field::<Rates>("taxExchangeRates", text, Presence::Nullable, false);
    }
}

impl Item for ExchangeRate {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required(&["currency", "rate"]);
        let (currency, rate) = (fields.currency("currency"), fields.decimal("rate", 8));
        if rate.is_some_and(|rate| rate <= Decimal::ZERO) {
            fields.wrong("rate", "must be more than 0");
        }
        Some(Self { currency: currency?, rate: rate? })
    }
}

/// A color as `#rrggbb`.
pub struct Color;

impl Field for Color {
    type Value = String;

    fn read(fields: &mut Fields, name: &str) -> Option<String> {
        let color = fields.text(name, 7..=7)?;
        let digits = color.strip_prefix('#').unwrap_or_default();
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != 6 || !digits.bytes().all(hex) {
            fields.wrong(name, "must be a color, such as #1a2b3c");
        }
        Some(color)
    }

    fn schema() -> RefOr<Schema> {
        string().pattern(Some("^#[0-9a-f]{6}$")).into()
    }
}

/// Reads the branding; a page reads only what it shows.
#[utoipa::path(get, path = "/v1/branding", tag = "branding", operation_id = "getBranding",
    responses((status = 200, body = BrandingResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller<INVOICE_LINK>,
) -> Result<Json<BrandingResponse>, Problem> {
    let branding = super::get(&mut app.db.read().await?, &caller.tenant()).await?;
    let body = match caller {
        CatalogCaller::Key(_) => BrandingResponse::to_backend(branding),
        CatalogCaller::Portal(_) | CatalogCaller::Publishable(_) => {
            BrandingResponse::to_browser(branding)
        }
    };
    Ok(Json(StatusCode::OK, body))
}

/// Replaces the whole branding: a field that is absent or null is cleared.
#[utoipa::path(put, path = "/v1/branding", tag = "branding", operation_id = "putBranding",
    responses((status = 200, body = BrandingResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CATALOG_WRITE }>,
    body: Body<PutBrandingRequest>,
) -> Result<Json<BrandingResponse>, Problem> {
    let new = Branding::from(body.read()?.0);
    let (tenant, author) = (caller.tenant(), app.author(caller.actor()));
    let stored = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            super::put(tx, &tenant, &new, &author).await
        })
        .await?;
    Ok(Json(StatusCode::OK, BrandingResponse::to_backend(stored)))
}
