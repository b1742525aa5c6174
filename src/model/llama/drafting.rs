use llama_cpp_2::token::LlamaToken;

use super::{
    super::{
        ModelError,
        draft::{Acceptance, DraftPlan},
    },
    LlamaCpp,
    cache::KvCache,
    cost::{MAX_PASS_MS, VerifyCurve},
    draft_model::DraftEngine,
    sequence::Sequence,
};
use crate::progress::Progress;

/// Passes of this size are always allowed: on a device that slow a single token takes long as well.
const MIN_ROWS: usize = 8;

/// How far ahead sequences of a session draft: what the device's passes cost, and how often drafts were right.
pub(super) struct Drafting<'m> {
    owner: &'m LlamaCpp,
    acceptance: Acceptance,
    curve: Curve,
    /// The second drafter, where there is one.
    engine: Option<DraftEngine<'m>>,
}

/// Tokens that are expected next.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tokens: Vec<LlamaToken>,
    pub(super) by: Drafter,
}

/// Who expects tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drafter {
    /// They stand in text that is repeated.
    #[default]
    Copy,
    /// A draft model has chosen them.
    Model,
}

/// Where in a pass a draft goes.
#[derive(Clone, Copy)]
pub(super) struct DraftPlace {
    /// The sequence of the cache.
    pub(super) slot: usize,
    /// Rows of the pass without the draft.
    pub(super) rows: usize,
    /// How many of them are of other sequences that write.
    pub(super) others: usize,
    /// The most tokens.
    pub(super) limit: usize,
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
            engine: match curve {
                Curve::NotWanted => None,
                Curve::NotMeasured | Curve::Known(_) => owner.draft_model().map(DraftEngine::new),
            },
            curve,
        }
    }

    /// Tells whether a sequence would draft if it were known what passes cost.
    pub(super) fn wants_curve(&self, sequence: &Sequence<'_, '_>) -> bool {
        matches!(self.curve, Curve::NotMeasured)
            && (sequence.foresees() || self.engine.is_some() && DraftEngine::may_serve(sequence))
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

    /// Returns a draft for a sequence: of the text that it repeats, or of the draft model where that is expected to bring
    /// more; as many tokens as pay.
    pub(super) fn draft(&mut self, sequence: &Sequence<'_, '_>, place: DraftPlace, progress: &dyn Progress) -> Draft {
        let Curve::Known(curve) = &self.curve else {
            return Draft::default();
        };
        let rows = curve.rows_within(MAX_PASS_MS).max(MIN_ROWS).saturating_sub(place.rows);
        let plan = DraftPlan {
            cost: &|rows| curve.cost(rows),
            token_cost: 0.0,
            other_rows: place.rows,
            other_tokens: 1.0 + place.others as f32,
            limit: place.limit.min(rows).min(sequence.draft_limit()),
        };
        let copied = sequence.copy_gain(&self.acceptance, plan);
        if let Some(engine) = &mut self.engine {
            let tokens = engine.draft(sequence, place.slot, &self.acceptance, plan, copied, progress);
            if !tokens.is_empty() {
                let by = Drafter::Model;
                return Draft { tokens, by };
            }
        }
        Draft {
            tokens: sequence.copy_draft(copied.tokens),
            by: Drafter::Copy,
        }
    }

    /// Drafts no more: the model cannot take back what it has read.
    pub(super) fn give_up(&mut self) {
        self.curve = Curve::NotWanted;
        self.engine = None;
    }

    /// Returns how often drafts were right, to learn from.
    pub(super) fn acceptance(&mut self) -> &mut Acceptance {
        &mut self.acceptance
    }
}
