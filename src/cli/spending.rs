//! Tokens, time, energy and money, in words.

use std::fmt;

use super::price::Amount;
use crate::agent::Proposal;
use crate::ledger::Cost;

/// What was spent on one proposal or on many.
#[derive(Debug)]
pub(crate) struct Spending {
    pub(crate) cost: Cost,
    pub(crate) checks_ms: u64,
    /// Of the processor packages; none where the machine does not tell.
    pub(crate) energy_mj: Option<u64>,
    /// What the tokens would have cost; none where no prices are set.
    pub(crate) price: Option<Amount>,
}

impl Spending {
    /// Returns what was spent on a proposal.
    pub(crate) fn of(proposal: &Proposal, price: Option<Amount>) -> Self {
        Self {
            cost: proposal.usage.into(),
            checks_ms: proposal.checks.iter().map(|check| check.elapsed_ms).sum(),
            energy_mj: proposal.energy_mj,
            price,
        }
    }
}

/// Returns millijoules in joules.
pub(crate) fn joules(energy_mj: u64) -> f64 {
    energy_mj as f64 / 1000.0
}

impl fmt::Display for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1000.0;
        let cost = &self.cost;
        write!(
            f,
            "{} tokens read in {:.1} s ({} from the cache), {} written in {:.1} s ({} of {} drafted accepted)",
            cost.prompt_tokens,
            seconds(cost.prefill_ms),
            cost.cached_tokens,
            cost.completion_tokens,
            seconds(cost.decode_ms),
            cost.accepted_tokens,
            cost.drafted_tokens
        )?;
        if self.checks_ms > 0 {
            write!(f, ", checks {:.1} s", seconds(self.checks_ms))?;
        }
        if let Some(energy_mj) = self.energy_mj {
            write!(f, ", {:.1} J", joules(energy_mj))?;
        }
        match &self.price {
            Some(price) => write!(f, ", {price} at your prices"),
            None => Ok(()),
        }
    }
}
