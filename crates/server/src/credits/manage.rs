//! The operations of the backend on a wallet: granting, undoing an entry, freezing.

use super::wallet::RefundTo;
use super::{EntryKind, Grant, GrantSource, NewGrant, Wallet, save, sql};
use crate::audit::Action;
use crate::base::{CreditAccountId, LedgerEntryId, Time};
use crate::catalog::Cadence;
use crate::customers::{self, Customer};
use crate::db::DbError;
use crate::subscriptions;
use crate::work::{BillingError, Work};
use serde_json::json;

/// Grants promotional credits.
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
        source: GrantSource::Promotional,
        amount,
        starts_at: None,
        expires_at,
        subscription_id: None,
        cadence: None,
        description,
    };
    let grant_id = wallet.grant(&new, work.stamp())?;
    let grant = wallet.grant_of(grant_id).cloned().ok_or(BillingError::NotFound)?;
    save(work, &[wallet]).await?;
    let detail = json!({ "grantId": grant_id, "amount": amount });
    work.note(customer.id, Action::CreditsGranted, id, detail).await?;
    Ok(grant)
}

/// Undoes a ledger entry, once. A deduction is refunded: to the grant that it came from, with which it
/// ends, or to a new one that ends at `expires_at`. Of a grant, what is left is taken back.
pub async fn undo(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
    entry: LedgerEntryId,
    expires_at: Option<Time>,
) -> Result<super::LedgerEntry, BillingError> {
    let (customer, mut wallet) = lock(work, id).await?;
    let no = wallet.account.no;
    let undone_entry = sql::entry(work.tx, no, entry).await?.ok_or(BillingError::NotFound)?;
    if sql::is_undone(work.tx, no, entry).await? {
        return Err(BillingError::NotUndoable);
    }
    if expires_at.is_some_and(|end| end <= work.at) {
        return Err(BillingError::EndsBeforeNow);
    }
    let undone = match undone_entry.kind {
        EntryKind::Deduction => {
            let to = match expires_at {
                Some(expires_at) => RefundTo::New { expires_at },
                None => origin(work, &wallet, &undone_entry).await?,
            };
            wallet.refund(&undone_entry, to, work.stamp())?
        }
        EntryKind::Grant
            if wallet.grant_of(undone_entry.grant_id).is_some_and(|g| g.remaining > 0) =>
        {
            wallet.reverse(&undone_entry, work.stamp())
        }
        EntryKind::Grant | EntryKind::Expiry | EntryKind::Refund | EntryKind::Reversal => {
            return Err(BillingError::NotUndoable);
        }
    };
    save(work, &[wallet]).await?;
    let detail = json!({ "ledgerEntryId": entry, "amount": undone.amount });
    work.note(customer.id, Action::CreditsRefunded, id, detail).await?;
    Ok(undone)
}

/// Returns the grant that a deduction came from. It is over at its end, with its subscription, and
/// when a new period has replaced its window.
async fn origin(
    work: &mut Work<'_, '_, '_>,
    wallet: &Wallet,
    undone_entry: &super::LedgerEntry,
) -> Result<RefundTo, BillingError> {
    let grant = sql::grant(work.tx, wallet.account.no, undone_entry.grant_id).await?;
    let grant = grant.ok_or(DbError::Broken("a deduction's grant is missing"))?;
    let ended = grant.expires_at.is_some_and(|end| end <= work.at);
    let Some(subscription_id) = grant.subscription_id.filter(|_| !ended) else {
        return Ok(if ended { RefundTo::Over(grant) } else { RefundTo::Open(grant) });
    };
    let subscription = subscriptions::get(work.tx, work.tenant, subscription_id).await?;
    let open = subscription.filter(|known| known.status.gives_access()).is_some_and(|known| {
        let window = match grant.cadence {
            Some(Cadence::Period) => known.current_period,
            Some(Cadence::Month) => known.usage_period,
            Some(Cadence::Day) | None => None,
        };
        grant.source != GrantSource::Plan
            || window.is_none_or(|window| grant.starts_at >= window.start)
    });
    Ok(if open { RefundTo::Open(grant) } else { RefundTo::Over(grant) })
}

/// Freezes or unfreezes a wallet. A frozen wallet accepts no debits and no top-ups.
pub async fn set_frozen(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
    frozen: bool,
) -> Result<(), BillingError> {
    let (customer, wallet) = lock(work, id).await?;
    let before = wallet.account.frozen;
    save(work, &[wallet]).await?;
    if before != frozen {
        sql::set_frozen(work.tx, work.tenant, id, frozen, work.at).await?;
        let action =
            if frozen { Action::CreditAccountFrozen } else { Action::CreditAccountUnfrozen };
        work.note(customer.id, action, id, json!({})).await?;
    }
    Ok(())
}

/// Locks a wallet, after its customer, and brings it up to date.
pub(super) async fn lock(
    work: &mut Work<'_, '_, '_>,
    id: CreditAccountId,
) -> Result<(Customer, Wallet), BillingError> {
    let key = sql::key(work.tx, work.tenant, id).await?.ok_or(BillingError::NotFound)?;
    let customer =
        customers::lock_no(work.tx, work.tenant, key.0).await?.ok_or(BillingError::NotFound)?;
    let wallet = sql::lock_all(work, &[key]).await?.pop();
    Ok((customer, wallet.ok_or(BillingError::NotFound)?))
}
