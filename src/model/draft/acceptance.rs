use super::follow::{Evidence, Origin};

/// Upper ends of the classes of agreement, in informative bytes; the last class has none.
const CLASS_ENDS: [usize; 5] = [1, 3, 6, 12, 24];
const CLASSES: usize = CLASS_ENDS.len() + 1;
/// A token is taken to bring this many informative bytes of agreement when it comes as foreseen.
const BYTES_PER_TOKEN: usize = 3;
/// How many observations the start values weigh.
const PRIOR_WEIGHT: f32 = 6.0;
/// How much of what was seen is still counted after one more observation.
const MEMORY: f32 = 0.97;
/// The share of drafted tokens that come as foreseen before anything was seen: what 200 edits of functions from the
/// histories of six projects gave, rounded down. The last row is a draft model's.
const PRIOR: [[f32; CLASSES]; ROWS] = [
    [0.15, 0.30, 0.70, 0.85, 0.94, 0.99],
    [0.10, 0.15, 0.45, 0.60, 0.80, 0.97],
    [0.03, 0.05, 0.10, 0.25, 0.50, 0.70],
    [0.60, 0.60, 0.60, 0.60, 0.60, 0.60],
];
const ROWS: usize = 4;

/// How often the next token was the foreseen one, by what spoke for it.
///
/// It learns from every token, drafted or not: a drafter that was wrong is not asked until it would have been right.
#[derive(Clone, Debug)]
pub(in crate::model) struct Acceptance {
    shares: [[Share; CLASSES]; ROWS],
}

/// What speaks for a drafted token.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) enum Grounds {
    /// Text that agreed before.
    Copied(Evidence),
    /// A draft model, which has chosen so many tokens before this one in the same draft.
    Chosen { after_tokens: usize },
}

/// What a draft is expected to bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::model) struct Gain {
    /// Tokens to draft; 0 where none pays.
    pub(in crate::model) tokens: usize,
    /// Tokens that the pass is expected to give for each unit of its cost.
    pub(in crate::model) rate: f32,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    right: f32,
    all: f32,
}

/// How the cost of one pass grows with its tokens, and what else is in it.
#[derive(Clone, Copy)]
pub(in crate::model) struct DraftPlan<'c> {
    /// Returns the cost of a pass over so many tokens.
    pub(in crate::model) cost: &'c dyn Fn(usize) -> f32,
    /// What drafting one token costs, in the same unit.
    pub(in crate::model) token_cost: f32,
    /// Tokens in the pass besides the draft, one at least.
    pub(in crate::model) other_rows: usize,
    /// Tokens that the pass gives without the draft.
    pub(in crate::model) other_tokens: f32,
    /// The most that may be drafted.
    pub(in crate::model) limit: usize,
}

impl Acceptance {
    /// Learns whether the next token was the foreseen one.
    pub(in crate::model) fn observe(&mut self, grounds: Grounds, foreseen: Foreseen) {
        let (row, class) = grounds.place(0);
        let share = &mut self.shares[row][class];
        let prior = PRIOR[row][class];
        let faded = match grounds {
            // What fades is replaced by the prior, so that an old failure does not count for ever.
            Grounds::Copied(_) => (1.0 - MEMORY) * PRIOR_WEIGHT,
            // Each try of a draft model costs something: one that keeps failing is not asked any more.
            Grounds::Chosen { .. } => 0.0,
        };
        share.right = share.right * MEMORY + prior * faded;
        share.all = share.all * MEMORY + faded;
        share.all += 1.0;
        if foreseen == Foreseen::Yes {
            share.right += 1.0;
        }
    }

    /// Returns how many tokens to draft, which gives the most tokens for the cost, and what that brings.
    pub(in crate::model) fn gain(&self, grounds: Grounds, plan: DraftPlan<'_>) -> Gain {
        let mut expected = plan.other_tokens;
        let mut best = plan.without_draft();
        let mut reached = 1.0;
        for tokens in 1..=plan.limit {
            let (row, class) = grounds.place(tokens - 1);
            let share = self.shares[row][class];
            reached *= share.right / share.all;
            expected += reached;
            let rate = expected / ((plan.cost)(plan.other_rows + tokens) + plan.token_cost * tokens as f32);
            if rate > best.rate {
                best = Gain { tokens, rate };
            }
        }
        best
    }
}

impl DraftPlan<'_> {
    /// Returns what the pass brings where nothing is drafted.
    pub(in crate::model) fn without_draft(&self) -> Gain {
        Gain {
            tokens: 0,
            rate: self.other_tokens / (self.cost)(self.other_rows),
        }
    }
}

impl Grounds {
    /// Returns row and class of the token that comes `ahead` tokens later, if those come as foreseen.
    fn place(self, ahead: usize) -> (usize, usize) {
        match self {
            Self::Copied(evidence) => (
                origin_row(evidence.origin),
                class(evidence.informative_bytes + ahead * BYTES_PER_TOKEN),
            ),
            Self::Chosen { after_tokens } => (ROWS - 1, (after_tokens + ahead).min(CLASSES - 1)),
        }
    }
}

impl Default for Acceptance {
    fn default() -> Self {
        Self {
            shares: PRIOR.map(|row| {
                row.map(|prior| Share {
                    right: prior * PRIOR_WEIGHT,
                    all: PRIOR_WEIGHT,
                })
            }),
        }
    }
}

/// Whether a token was the foreseen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Foreseen {
    Yes,
    No,
}

fn origin_row(origin: Origin) -> usize {
    match origin {
        Origin::Near => 0,
        Origin::Far => 1,
        Origin::Context => 2,
    }
}

fn class(informative_bytes: usize) -> usize {
    CLASS_ENDS.partition_point(|end| *end <= informative_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(informative_bytes: usize) -> Grounds {
        Grounds::Copied(Evidence {
            origin: Origin::Near,
            informative_bytes,
        })
    }

    fn plan(cost: &dyn Fn(usize) -> f32, token_cost: f32) -> DraftPlan<'_> {
        DraftPlan {
            cost,
            token_cost,
            other_rows: 1,
            other_tokens: 1.0,
            limit: 32,
        }
    }

    fn length(acceptance: &Acceptance, grounds: Grounds, cost: &dyn Fn(usize) -> f32) -> usize {
        acceptance.gain(grounds, plan(cost, 0.0)).tokens
    }

    #[test]
    fn a_draft_model_is_asked_as_long_as_its_tokens_cost_less_than_they_bring() {
        const FIRST: Grounds = Grounds::Chosen { after_tokens: 0 };
        let cost = |rows: usize| 1.0 + 0.05 * (rows as f32 - 1.0);
        let mut acceptance = Acceptance::default();
        let cheap = acceptance.gain(FIRST, plan(&cost, 0.05));
        assert!(cheap.tokens > 1 && cheap.rate > 1.0, "{cheap:?}");
        // A token costs more than half of what it saves six times in ten.
        assert_eq!(acceptance.gain(FIRST, plan(&cost, 0.7)).tokens, 0);
        for _ in 0..40 {
            acceptance.observe(FIRST, Foreseen::No);
        }
        let after_failures = acceptance.gain(FIRST, plan(&cost, 0.1));
        assert_eq!(after_failures, plan(&cost, 0.1).without_draft());
        // What was learned of it says nothing of copies.
        assert_eq!(length(&acceptance, near(30), &|_| 1.0), 32);
    }

    #[test]
    fn a_pass_that_costs_the_same_is_filled_and_one_that_costs_by_the_token_is_not() {
        let acceptance = Acceptance::default();
        assert_eq!(length(&acceptance, near(30), &|_| 1.0), 32);
        assert_eq!(length(&acceptance, near(30), &|rows| rows as f32), 0);
    }

    #[test]
    fn failures_shorten_drafts_and_success_brings_them_back() {
        let cost = |rows: usize| 1.0 + 0.15 * (rows as f32 - 1.0);
        let mut acceptance = Acceptance::default();
        let at_first = length(&acceptance, near(30), &cost);
        for _ in 0..30 {
            acceptance.observe(near(30), Foreseen::No);
        }
        let after_failures = length(&acceptance, near(30), &cost);
        for _ in 0..300 {
            acceptance.observe(near(30), Foreseen::Yes);
        }
        let after_success = length(&acceptance, near(30), &cost);
        assert!(after_failures < at_first && after_success >= at_first);
        assert!(at_first > 4 && after_failures <= 1, "{at_first} {after_failures}");
    }
}
