//! Branding over HTTP: the backend's whole, the part that pages show.

use super::Branding;
use crate::app::App;
use crate::auth::{CatalogCaller, SecretKey};
use crate::base::{Address, TaxRate, Time};
use crate::db::{Lane, Tx};
use crate::http::{Fields, Json, JsonBody, Problem};
use crate::keys::KeyScopes;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Branding)]
pub struct BrandingResponse {
    #[schema(required = true)]
    pub name: Option<String>,
    /// A `data:` URI.
    #[schema(required = true)]
    pub logo: Option<String>,
    /// `#rrggbb`.
    #[schema(required = true)]
    pub accent_color: Option<String>,
    /// The radius of corners in pixels.
    #[schema(required = true)]
    pub radius: Option<i64>,
    #[schema(required = true)]
    pub support_email: Option<String>,
    #[serde(flatten)]
    pub seller: Option<SellerResponse>,
}

/// What a secret key alone sees.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SellerResponse {
    /// The origins that portal sessions may return to.
    #[schema(required = false)]
    pub portal_origins: Vec<String>,
    pub legal_name: Option<String>,
    pub address: Option<Address>,
    pub tax_id: Option<String>,
    /// What a customer without a rate of its own pays.
    pub tax_rate: Option<TaxRate>,
    pub invoice_footer: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Time>,
}

#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // Describes what `put` reads.
pub struct PutBrandingRequest {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// A `data:` URI in base64.
    #[schema(max_length = 32768)]
    logo: Option<String>,
    /// `#rrggbb`.
    #[schema(pattern = "^#[0-9a-f]{6}$")]
    accent_color: Option<String>,
    #[schema(minimum = 0, maximum = 32)]
    radius: Option<i64>,
    #[schema(min_length = 3, max_length = 254)]
    support_email: Option<String>,
    /// Exact origins.
    #[schema(max_items = 10)]
    portal_origins: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 200)]
    legal_name: Option<String>,
    address: Option<Address>,
    #[schema(min_length = 1, max_length = 40)]
    tax_id: Option<String>,
    tax_rate: Option<TaxRate>,
    #[schema(min_length = 1, max_length = 500)]
    invoice_footer: Option<String>,
}

impl BrandingResponse {
    fn to_backend(branding: Branding) -> Self {
        let seller = SellerResponse {
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

impl Fields {
    /// A whole branding: what is absent or null is nothing.
    fn branding(&mut self) -> Branding {
        let text = |fields: &mut Self, name: &str, most| {
            fields.optional(true, name, |fields, name| fields.text(name, 1..=most)).flatten()
        };
        Branding {
            name: text(self, "name", 100),
            logo: self.optional(true, "logo", |fields, name| fields.image(name)).flatten(),
            accent_color: self
                .optional(true, "accentColor", |fields, name| fields.color(name))
                .flatten(),
            radius: self
                .optional(true, "radius", |fields, name| fields.integer(name, 0..=32))
                .flatten(),
            support_email: self
                .optional(true, "supportEmail", |fields, name| fields.email(name))
                .flatten(),
            portal_origins: self
                .optional(true, "portalOrigins", |fields, name| fields.origins(name))
                .flatten()
                .unwrap_or_default(),
            legal_name: text(self, "legalName", 200),
            address: self.optional(true, "address", |fields, name| fields.address(name)).flatten(),
            tax_id: text(self, "taxId", 40),
            tax_rate: self
                .optional(true, "taxRate", |fields, name| fields.tax_rate(name))
                .flatten(),
            invoice_footer: text(self, "invoiceFooter", 500),
            updated_at: None,
        }
    }

    fn color(&mut self, name: &str) -> Option<String> {
        let color = self.text(name, 7..=7)?;
        let digits = color.strip_prefix('#').unwrap_or_default();
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() != 6 || !digits.bytes().all(hex) {
            self.wrong(name, "must be a color, as #1a2b3c");
        }
        Some(color)
    }
}

/// Reads the branding; a page sees what it shows.
#[utoipa::path(get, path = "/v1/branding", tag = "branding", operation_id = "getBranding",
    security(("secretKey" = ["catalog:read"]), ("portalToken" = []), ("publishableKey" = [])),
    responses((status = 200, body = BrandingResponse)))]
pub async fn get(
    State(app): State<Arc<App>>,
    caller: CatalogCaller,
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

/// Replaces the whole branding: what is absent or null is nothing.
#[utoipa::path(put, path = "/v1/branding", tag = "branding", operation_id = "putBranding",
    security(("secretKey" = ["catalog:write"])),
    request_body = PutBrandingRequest,
    responses((status = 200, body = BrandingResponse)))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: SecretKey<{ KeyScopes::CATALOG_WRITE }>,
    JsonBody { mut fields, .. }: JsonBody,
) -> Result<Json<BrandingResponse>, Problem> {
    let new = fields.branding();
    fields.finish()?;
    let (tenant, actor, ids, now) =
        (caller.tenant(), caller.actor(), app.ids.clone(), app.clock.now());
    let stored = app
        .db
        .write(Lane::Usual, async move |tx: &mut Tx<'_, '_>| {
            super::put(tx, &tenant, &new, actor, &ids, now).await
        })
        .await?;
    Ok(Json(StatusCode::OK, BrandingResponse::to_backend(stored)))
}
