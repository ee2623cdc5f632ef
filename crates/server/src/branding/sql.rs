//! The statements on brandings.

use super::Branding;
use crate::db::{Columns, DbError, JsonText, Sql, Tx, sql};
use crate::organizations::Tenant;

const GET: Sql = sql("SELECT name, logo, accent_color, radius, support_email, portal_origins, \
     legal_name, address, tax_id, tax_rate, invoice_footer, updated_at \
     FROM brandings WHERE tenant_no = $1");

pub async fn get(tx: &mut Tx<'_, '_>, tenant: &Tenant) -> Result<Branding, DbError> {
    Ok(tx.one(&GET, &[tenant.no.into()], read).await?.unwrap_or_default())
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
