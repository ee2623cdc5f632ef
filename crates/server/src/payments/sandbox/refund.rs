//! Refunds of the sandbox processor.

use super::super::processor::{RefundKey, RefundOrder, RefundResult};
use super::intent::{Behaviour, Intent, IntentStatus};
use super::sql;
use crate::base::Time;
use crate::db::{DbError, FromRow, ToRow, Tx};
use crate::organizations::Tenant;

/// A refund as the sandbox stores it.
#[derive(Clone, Debug, FromRow, ToRow)]
pub struct SandboxRefund {
    pub key: String,
    /// The charge's.
    pub reference: String,
    pub amount: i64,
    pub status: State,
    pub created_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Succeeded,
    Failed,
}

/// Makes a refund, once for its key. A card whose refunds fail is asked twice: the refund is pending
/// first. Fails if less is left of the charge.
pub async fn make(
    tx: &mut Tx<'_, '_>,
    tenant: &Tenant,
    mut intent: Intent,
    order: &RefundOrder,
    now: Time,
) -> Result<RefundResult, DbError> {
    let key = order.key.to_string();
    let made = sql::refunds(tx, tenant, &order.reference).await?;
    let is_whole = matches!(order.key, RefundKey::Attempt(_));
    if let Some(mut known) = made.iter().find(|refund| refund.key == key).cloned() {
        if known.status == State::Pending {
            known.status = State::Failed;
            sql::set_refund_status(tx, tenant, &known).await?;
        }
        if is_whole {
            intent.status = IntentStatus::Refunded;
            sql::set_status(tx, &intent).await?;
        }
        return Ok(known.status.refund());
    }
    let kept = made.iter().filter(|refund| refund.status != State::Failed);
    let refunded: i64 = kept.map(|refund| refund.amount).sum();
    if refunded + order.amount > intent.amount.unwrap_or(0) {
        return Err(DbError::Broken("a refund of more than is left of its charge"));
    }
    let behaviour = intent.method.as_deref().and_then(Behaviour::of_reference);
    let fails = behaviour == Some(Behaviour::RefundFails);
    let refund = SandboxRefund {
        key,
        reference: order.reference.clone(),
        amount: order.amount,
        status: if fails { State::Pending } else { State::Succeeded },
        created_at: now,
    };
    sql::insert_refund(tx, tenant, &refund).await?;
    if is_whole {
        intent.status = IntentStatus::Refunded;
        sql::set_status(tx, &intent).await?;
    }
    Ok(refund.status.refund())
}

impl State {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Succeeded, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    const fn refund(self) -> RefundResult {
        match self {
            Self::Pending => RefundResult::Pending,
            Self::Succeeded => RefundResult::Done,
            Self::Failed => RefundResult::Failed,
        }
    }
}
