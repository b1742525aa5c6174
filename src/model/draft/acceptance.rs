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
/// histories of six projects gave, rounded down.
const PRIOR: [[f32; CLASSES]; 3] = [
    [0.15, 0.30, 0.70, 0.85, 0.94, 0.99],
    [0.10, 0.15, 0.45, 0.60, 0.80, 0.97],
    [0.03, 0.05, 0.10, 0.25, 0.50, 0.70],
];

/// How often the next token was the foreseen one, by what spoke for it.
///
/// It learns from every token, drafted or not: a drafter that was wrong is not asked until it would have been right.
#[derive(Clone, Debug)]
pub(in crate::model) struct Acceptance {
    shares: [[Share; CLASSES]; 3],
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
    /// Tokens in the pass besides the draft, one at least.
    pub(in crate::model) other_rows: usize,
    /// Tokens that the pass gives without the draft.
    pub(in crate::model) other_tokens: f32,
    /// The most that may be drafted.
    pub(in crate::model) limit: usize,
}

impl Acceptance {
    /// Learns whether the next token was the foreseen one.
    pub(in crate::model) fn observe(&mut self, evidence: Evidence, foreseen: Foreseen) {
        let share = &mut self.shares[origin_row(evidence.origin)][class(evidence.informative_bytes)];
        let prior = PRIOR[origin_row(evidence.origin)][class(evidence.informative_bytes)];
        // What fades is replaced by the prior, so that an old failure does not count for ever.
        let faded = (1.0 - MEMORY) * PRIOR_WEIGHT;
        share.right = share.right * MEMORY + prior * faded;
        share.all = share.all * MEMORY + faded;
        share.all += 1.0;
        if foreseen == Foreseen::Yes {
            share.right += 1.0;
        }
    }

    /// Returns the number of tokens to draft: what gives the most tokens for the cost.
    pub(in crate::model) fn draft_tokens(&self, evidence: Evidence, plan: DraftPlan<'_>) -> usize {
        let mut expected = plan.other_tokens;
        let mut best = (expected / (plan.cost)(plan.other_rows), 0);
        let mut reached = 1.0;
        for tokens in 1..=plan.limit {
            let agreement = evidence.informative_bytes + (tokens - 1) * BYTES_PER_TOKEN;
            reached *= self.share(evidence.origin, agreement);
            expected += reached;
            let rate = expected / (plan.cost)(plan.other_rows + tokens);
            if rate > best.0 {
                best = (rate, tokens);
            }
        }
        best.1
    }

    fn share(&self, origin: Origin, informative_bytes: usize) -> f32 {
        let share = self.shares[origin_row(origin)][class(informative_bytes)];
        share.right / share.all
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

    fn near(informative_bytes: usize) -> Evidence {
        Evidence {
            origin: Origin::Near,
            informative_bytes,
        }
    }

    fn length(acceptance: &Acceptance, evidence: Evidence, cost: &dyn Fn(usize) -> f32) -> usize {
        acceptance.draft_tokens(
            evidence,
            DraftPlan {
                cost,
                other_rows: 1,
                other_tokens: 1.0,
                limit: 32,
            },
        )
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
