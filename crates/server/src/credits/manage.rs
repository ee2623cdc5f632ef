//! What the backend does to a wallet by hand: grants, takes back, freezes.

use super::{EntryKind, Grant, NewGrant, Source, Wallet, sql};
use crate::audit::Action;
use crate::base::{CreditAccountId, LedgerEntryId, Time};
use crate::customers::{self, Customer};
use crate::db::Tx;
use crate::organizations::Tenant;
use crate::subscriptions;
use crate::work::{BillingError, Work};
use serde_json::json;

/// Grants credits that nobody paid for.
pub async fn grant_by_hand(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
    amount: i64,
    expires_at: Option<Time>,
    description: Option<String>,
) -> Result<Grant, BillingError> {
    let (customer, mut wallet) = lock(work, id).await?;
    if expires_at.is_some_and(|end| end <= work.at) {
        return Err(BillingError::EndsBeforeNow);
    }
    let new = NewGrant {
        source: Source::Promotional,
        amount,
        expires_at,
        subscription_id: None,
        cadence: None,
        description,
    };
    let grant_id = wallet.grant(&new, work.at, &work.by.ids)?;
    let grant = wallet.grant_of(grant_id).cloned().ok_or(BillingError::NotFound)?;
    sql::save_all(work.tx, &[wallet], work.at).await?;
    let detail = json!({ "grantId": grant_id, "amount": amount });
    work.note(customer.id, Action::CreditsGranted, id, detail).await?;
    Ok(grant)
}

/// Takes an entry back, once: a deduction is given back, of a grant is taken what is left of it.
pub async fn undo(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
    entry: LedgerEntryId,
) -> Result<super::Entry, BillingError> {
    let (customer, mut wallet) = lock(work, id).await?;
    let no = wallet.account.no;
    let of = sql::entry(work.tx, no, entry).await?.ok_or(BillingError::NotFound)?;
    if sql::is_undone(work.tx, no, entry).await? {
        return Err(BillingError::NotUndoable);
    }
    match of.kind {
        EntryKind::Deduction => {
            let to = living(work.tx, work.tenant, &wallet, &of, work.at).await?;
            wallet.refund(&of, to, work.at, &work.by.ids)?;
        }
        EntryKind::Grant if wallet.grant_of(of.grant_id).is_some_and(|g| g.remaining > 0) => {
            wallet.reverse(&of, work.at, &work.by.ids)
        }
        EntryKind::Grant | EntryKind::Expiry | EntryKind::Refund | EntryKind::Reversal => {
            return Err(BillingError::NotUndoable);
        }
    }
    let undone = wallet.last_entry().ok_or(BillingError::NotUndoable)?;
    sql::save_all(work.tx, &[wallet], work.at).await?;
    let detail = json!({ "ledgerEntryId": entry, "amount": undone.amount });
    work.note(customer.id, Action::CreditsRefunded, id, detail).await?;
    Ok(undone)
}

/// The grant of a deduction, where it still could have been used.
async fn living(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    wallet: &Wallet,
    of: &super::Entry,
    at: Time,
) -> Result<Option<Grant>, BillingError> {
    let Some(grant) = sql::grant(tx, wallet.account.no, of.grant_id).await? else {
        return Ok(None);
    };
    if grant.expires_at.is_some_and(|end| end <= at) {
        return Ok(None);
    }
    let Some(subscription_id) = grant.subscription_id else { return Ok(Some(grant)) };
    let subscription = subscriptions::get(tx, tenant, subscription_id).await?;
    Ok(subscription.filter(|s| s.status.gives_access()).map(|_| grant))
}

/// Freezes a wallet or unfreezes it: nothing is debited from a frozen one, and nothing bought.
pub async fn set_frozen(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
    frozen: bool,
) -> Result<(), BillingError> {
    let (customer, wallet) = lock(work, id).await?;
    let before = wallet.account.frozen;
    sql::save_all(work.tx, &[wallet], work.at).await?;
    if before != frozen {
        sql::set_frozen(work.tx, work.tenant, id, frozen, work.at).await?;
        let action =
            if frozen { Action::CreditAccountFrozen } else { Action::CreditAccountUnfrozen };
        work.note(customer.id, action, id, json!({})).await?;
    }
    Ok(())
}

/// A wallet for change, up to date, behind its customer.
pub(super) async fn lock(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
) -> Result<(Customer, Wallet), BillingError> {
    let key = sql::key(work.tx, work.tenant, id).await?.ok_or(BillingError::NotFound)?;
    let customer =
        customers::lock_no(work.tx, work.tenant, key.0).await?.ok_or(BillingError::NotFound)?;
    let wallet = sql::lock_all(work.tx, work.tenant, &[key], work.at, &work.by.ids).await?.pop();
    Ok((customer, wallet.ok_or(BillingError::NotFound)?))
}
