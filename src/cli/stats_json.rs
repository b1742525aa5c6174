//! What `log stats --json` prints.

use serde::Serialize;

use super::json::{SCHEMA_VERSION, rfc3339};
use super::price::{Amount, Prices};
use super::spending::joules;
use crate::ledger::{Cost, LedgerStats, Marking, RunStats};

/// Sums over runs: `log stats`.
#[derive(Debug, Serialize)]
pub(crate) struct StatsView<'a> {
    schema_version: u32,
    marking: Option<&'a str>,
    since: Option<String>,
    total: SumView,
    models: Vec<ModelSumView<'a>>,
}

#[derive(Debug, Serialize)]
struct ModelSumView<'a> {
    name: &'a str,
    sha256: &'a str,
    #[serde(flatten)]
    sum: SumView,
}

#[derive(Debug, Serialize)]
struct SumView {
    runs: u64,
    unended: u64,
    prompts: u64,
    proposals: u64,
    applied: u64,
    cost: Cost,
    checks: u64,
    checks_ms: u64,
    package_joules: Option<f64>,
    price: Option<Amount>,
}

impl<'a> StatsView<'a> {
    /// Returns the view of sums over the runs since a second of 1970.
    pub(crate) fn of(
        stats: &'a LedgerStats,
        since_unix_s: Option<u64>,
        prices: &Prices,
        marking: Option<&'a Marking>,
    ) -> Self {
        let models = stats.models.iter().map(|((name, sha256), sum)| ModelSumView {
            name,
            sha256,
            sum: SumView::of(sum, prices),
        });
        Self {
            schema_version: SCHEMA_VERSION,
            marking: marking.map(Marking::as_str),
            since: since_unix_s.map(rfc3339),
            total: SumView::of(&stats.total, prices),
            models: models.collect(),
        }
    }
}

impl SumView {
    fn of(stats: &RunStats, prices: &Prices) -> Self {
        Self {
            runs: stats.runs,
            unended: stats.unended,
            prompts: stats.prompts,
            proposals: stats.proposals,
            applied: stats.applied,
            cost: stats.cost,
            checks: stats.checks,
            checks_ms: stats.checks_ms,
            package_joules: stats.energy_mj.map(joules),
            price: prices.of(&stats.cost),
        }
    }
}
