use std::collections::{BTreeMap, BTreeSet};

use super::{Cost, Decision, RunSummary};

/// What runs came to together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// How many there were.
    pub runs: u64,
    /// Those among them that were cut short, or are not at their end yet.
    pub unended: u64,
    /// How often a model was asked.
    pub prompts: u64,
    /// Proposals that were kept.
    pub proposals: u64,
    /// Proposals that were written to a work tree, whole or in part; those that were taken back again too.
    pub applied: u64,
    /// Tokens and milliseconds of all answers.
    pub cost: Cost,
    /// Check commands that were run.
    pub checks: u64,
    /// How long these took, in milliseconds.
    pub checks_ms: u64,
    /// What the processor packages took during the runs of which it is known, in millijoules; none where it is known of
    /// none.
    pub energy_mj: Option<u64>,
}

/// What the runs of a ledger came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerStats {
    /// All of them.
    pub total: RunStats,
    /// Those with a model, by its name and its SHA-256. A proposal that is applied counts for the model that wrote it.
    pub models: BTreeMap<(String, String), RunStats>,
}

impl LedgerStats {
    /// Adds up the runs that began at `since_unix_s` or later. The others are only asked who wrote what was applied.
    pub fn of(runs: &[&RunSummary], since_unix_s: u64) -> Self {
        let mut stats = Self::default();
        let mut writers = BTreeMap::new();
        let mut applied = BTreeSet::new();
        for run in runs {
            let known = |id: u64| Some((run.work_tree.as_deref()?, id));
            if let Some(model) = &run.model {
                writers.extend(run.proposals.iter().filter_map(|id| Some((known(*id)?, model))));
            }
            if run.time_unix_s < since_unix_s {
                continue;
            }
            stats.total.add(run);
            if let Some(model) = &run.model {
                stats.models.entry(model.clone()).or_default().add(run);
            }
            let written = run.decisions.iter().filter(|decided| decided.written);
            let written = written.filter(|decided| decided.decision == Decision::Apply);
            for proposal in written.filter_map(|decided| known(decided.proposal?)) {
                if !applied.insert(proposal) {
                    continue;
                }
                stats.total.applied += 1;
                if let Some(model) = writers.get(&proposal) {
                    stats.models.entry((*model).clone()).or_default().applied += 1;
                }
            }
        }
        stats
    }
}

impl RunStats {
    fn add(&mut self, run: &RunSummary) {
        self.runs += 1;
        self.unended += u64::from(run.end.is_none());
        self.prompts += run.prompts;
        self.proposals += run.proposals.len() as u64;
        self.cost += run.cost;
        for end in run.checks.iter().filter_map(|check| check.end) {
            self.checks += 1;
            self.checks_ms = self.checks_ms.saturating_add(end.ms);
        }
        if let Some(energy_mj) = run.end.and_then(|end| end.energy_mj) {
            self.energy_mj = Some(self.energy_mj.unwrap_or_default().saturating_add(energy_mj));
        }
    }
}
