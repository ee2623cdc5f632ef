//! Disputes: a bank takes a payment back from the seller, at least until it has decided.

use super::Time;
use super::words::words;
use serde::{Deserialize, Serialize};

words! {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    DisputeStatus {
        /// The bank asks for information. No money has moved.
        Inquiry = "inquiry",
        /// The bank waits for the seller's evidence.
        NeedsResponse = "needs_response",
        UnderReview = "under_review",
        Won = "won",
        Lost = "lost",
        /// It ended without a decision, and the seller keeps the money.
        Closed = "closed",
    }
}

words! {
    /// The consequence of a lost dispute for the subscription that its invoice was for.
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    AfterLostDispute {
        /// It goes on, and the invoice is uncollectible.
        Keep = "keep",
        /// It is past due, and the invoice is charged again.
        PastDue = "past_due",
        /// It ends, and the invoice is uncollectible.
        Cancel = "cancel",
    }
}

/// A dispute as a processor reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedDispute {
    /// The processor's id of the dispute. A charge may have several.
    pub reference: String,
    /// In minor units of the charge's currency; `None` if it is not in that currency.
    pub amount: Option<i64>,
    /// The cardholder's reason, in the processor's words.
    pub reason: String,
    pub status: DisputeStatus,
    /// The end of the time for evidence.
    pub due_by: Option<Time>,
}

impl DisputeStatus {
    /// Returns the status after a report. Reports come in any order, so a decision is changed by
    /// another decision only.
    #[must_use]
    pub const fn then(self, reported: Self) -> Self {
        match (self, reported) {
            (Self::Won | Self::Lost, Self::Won | Self::Lost) => reported,
            (Self::Won | Self::Lost, _) | (Self::Closed, Self::Inquiry) => self,
            (
                Self::Closed,
                Self::NeedsResponse | Self::UnderReview | Self::Won | Self::Lost | Self::Closed,
            )
            | (Self::Inquiry | Self::NeedsResponse | Self::UnderReview, _) => reported,
        }
    }

    /// Whether the bank holds the money, so that none of it can be refunded.
    pub const fn holds_money(self) -> bool {
        match self {
            Self::NeedsResponse | Self::UnderReview | Self::Lost => true,
            Self::Inquiry | Self::Won | Self::Closed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DisputeStatus::{self, Closed, Inquiry, Lost, NeedsResponse, UnderReview, Won};

    #[test]
    fn decision_is_changed_by_a_decision_only() {
        for (before, reported, after) in [
            (Inquiry, NeedsResponse, NeedsResponse),
            (NeedsResponse, UnderReview, UnderReview),
            (UnderReview, NeedsResponse, NeedsResponse),
            (UnderReview, Lost, Lost),
            (Lost, NeedsResponse, Lost),
            (Lost, UnderReview, Lost),
            (Lost, Closed, Lost),
            (Lost, Won, Won),
            (Won, Lost, Lost),
            (Won, Inquiry, Won),
            (Closed, Inquiry, Closed),
            (Closed, NeedsResponse, NeedsResponse),
        ] {
            assert_eq!(before.then(reported), after, "{before:?} {reported:?}");
        }
        for status in DisputeStatus::ALL {
            assert_eq!(status.then(status), status);
        }
    }
}
