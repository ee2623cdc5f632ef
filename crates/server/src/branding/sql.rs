//! The statements on brandings.

use super::Branding;
use crate::db::{Columns, DbError, JsonText, Sql, Tx, json, sql};
use crate::organizations::Tenant;

const GET: Sql = sql("SELECT name, logo, accent_color, radius, support_email, portal_origins, \
     legal_name, address, tax_id, tax_rate, invoice_footer, updated_at \
     FROM brandings WHERE tenant_no = $1");
const PUT: Sql = sql("INSERT INTO brandings (tenant_no, name, logo, accent_color, radius, \
     support_email, portal_origins, legal_name, address, tax_id, tax_rate, invoice_footer, \
     updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
     ON CONFLICT (tenant_no) DO UPDATE SET name = excluded.name, logo = excluded.logo, \
     accent_color = excluded.accent_color, radius = excluded.radius, \
     support_email = excluded.support_email, portal_origins = excluded.portal_origins, \
     legal_name = excluded.legal_name, address = excluded.address, tax_id = excluded.tax_id, \
     tax_rate = excluded.tax_rate, invoice_footer = excluded.invoice_footer, \
     updated_at = excluded.updated_at");

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<Branding, DbError> {
    Ok(tx.one(&GET, &[tenant.no.into()], read).await?.unwrap_or_default())
}

pub async fn put(tx: &mut Tx<'_, '_>, tenant: &Tenant, branding: &Branding) -> Result<(), DbError> {
    let values = [
        tenant.no.into(),
        branding.name.as_ref().into(),
        branding.logo.as_ref().into(),
        branding.accent_color.as_ref().into(),
        branding.radius.into(),
        branding.support_email.as_ref().into(),
        json(&branding.portal_origins).into(),
        branding.legal_name.as_ref().into(),
        branding.address.as_ref().map(json).into(),
        branding.tax_id.as_ref().into(),
        branding.tax_rate.as_ref().map(json).into(),
        branding.invoice_footer.as_ref().into(),
        branding.updated_at.into(),
    ];
    tx.execute(&PUT, &values).await.map(|_| ())
}

fn read(row: &mut Columns<'_>) -> Result<Branding, DbError> {
    Ok(Branding {
        name: row.take()?,
        logo: row.take()?,
        accent_color: row.take()?,
        radius: row.take()?,
        support_email: row.take()?,
        portal_origins: row.take::<JsonText<_>>()?.0,
        legal_name: row.take()?,
        address: row.take::<Option<JsonText<_>>>()?.map(|json| json.0),
        tax_id: row.take()?,
        tax_rate: row.take::<Option<JsonText<_>>>()?.map(|json| json.0),
        invoice_footer: row.take()?,
        updated_at: row.take()?,
    })
}
