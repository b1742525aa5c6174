use llama_cpp_2::token::LlamaToken;

use super::{
    super::draft::{Acceptance, DraftPlan},
    cost::{MAX_PASS_MS, VerifyCurve},
    sequence::Sequence,
};

/// Passes of this size are always allowed: on a device that slow a single token takes long as well.
const MIN_ROWS: usize = 8;

/// How far ahead sequences of a session draft: what the device's passes cost, and how often drafts were right.
pub(super) struct Drafting {
    acceptance: Acceptance,
    /// What passes cost; without it nothing is drafted.
    curve: Option<VerifyCurve>,
}

impl Drafting {
    pub(super) fn new(curve: Option<VerifyCurve>) -> Self {
        Self {
            acceptance: Acceptance::default(),
            curve,
        }
    }

    /// Returns a draft for a sequence whose pass has `rows` rows without it, `others` of them of other sequences that
    /// write; at most `limit` tokens.
    pub(super) fn draft(
        &self,
        sequence: &Sequence<'_, '_>,
        rows: usize,
        others: usize,
        limit: usize,
    ) -> Vec<LlamaToken> {
        let Some(curve) = &self.curve else {
            return Vec::new();
        };
        let plan = DraftPlan {
            cost: &|rows| curve.cost(rows),
            other_rows: rows,
            other_tokens: 1.0 + others as f32,
            limit: limit.min(curve.rows_within(MAX_PASS_MS).max(MIN_ROWS).saturating_sub(rows)),
        };
        sequence.draft(&self.acceptance, plan)
    }

    /// Drafts no more: the model cannot take back what it has read.
    pub(super) fn give_up(&mut self) {
        self.curve = None;
    }

    /// Returns how often drafts were right, to learn from.
    pub(super) fn acceptance(&mut self) -> &mut Acceptance {
        &mut self.acceptance
    }
}
