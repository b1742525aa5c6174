use llama_cpp_2::token::LlamaToken;

use super::{
    super::{
        ModelError,
        draft::{Acceptance, DraftPlan},
    },
    LlamaCpp,
    cache::KvCache,
    cost::VerifyCurve,
    sequence::Sequence,
};
use crate::progress::Progress;

/// The longest pass, so that a cancel is heeded within half a second. Longer ones check a token for hardly less.
const MAX_PASS_MS: f32 = 400.0;
/// Passes of this size are always allowed: on a device that slow a single token takes long as well.
const MIN_ROWS: usize = 8;

/// How far ahead sequences of a session draft: what the device's passes cost, and how often drafts were right.
pub(super) struct Drafting<'m> {
    owner: &'m LlamaCpp,
    acceptance: Acceptance,
    curve: Curve,
}

/// What is known of the cost of passes; without it nothing is drafted.
enum Curve {
    /// It will be measured when a sequence has something to draft.
    NotMeasured,
    Known(VerifyCurve),
    /// The model cannot take back what it has read, or nobody wants drafts.
    NotWanted,
}

impl<'m> Drafting<'m> {
    pub(super) fn new(owner: &'m LlamaCpp) -> Self {
        let curve = match (owner.can_draft(), owner.known_curve()) {
            (false, _) => Curve::NotWanted,
            (true, Some(curve)) => Curve::Known(curve.clone()),
            (true, None) => Curve::NotMeasured,
        };
        Self {
            owner,
            acceptance: Acceptance::default(),
            curve,
        }
    }

    /// Tells whether a sequence would draft if it were known what passes cost.
    pub(super) fn wants_curve(&self, sequence: &Sequence<'_, '_>) -> bool {
        matches!(self.curve, Curve::NotMeasured) && sequence.foresees()
    }

    /// Measures what passes cost, behind what a sequence of the cache holds: [`VerifyCurve::CELLS`] must be free. It holds
    /// the same afterwards.
    ///
    /// # Errors
    /// Those of [`VerifyCurve::measure`].
    pub(super) fn measure(
        &mut self,
        cache: &mut KvCache<'_>,
        sequence: usize,
        progress: &dyn Progress,
    ) -> Result<(), ModelError> {
        self.curve = match VerifyCurve::measure(cache, sequence, progress)? {
            Some(curve) => {
                self.owner.keep_curve(&curve);
                Curve::Known(curve)
            }
            None => Curve::NotWanted,
        };
        Ok(())
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
        let Curve::Known(curve) = &self.curve else {
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
        self.curve = Curve::NotWanted;
    }

    /// Returns how often drafts were right, to learn from.
    pub(super) fn acceptance(&mut self) -> &mut Acceptance {
        &mut self.acceptance
    }
}
