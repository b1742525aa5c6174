use std::fmt::Write;

use crate::cli::args::LogStatsArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::price::Prices;
use crate::cli::spending::Spending;
use crate::cli::stats_json::StatsView;
use crate::cli::{output, stamp};
use crate::ledger::{LedgerStats, RunList, RunStats};
use crate::review::escape_line;
use crate::text::head;

/// So much of a digest tells models of one name apart.
const DIGITS: usize = 12;

/// Adds the runs up. A ledger that is not sound has no sums.
pub(super) fn run(args: &LogStatsArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let mut list = RunList::default();
    let expected = super::expectation(context, &[], None)?;
    context.ledger().verify(&expected, &mut |record, _| list.see(record))?;
    let stats = LedgerStats::of(&list.last(usize::MAX), args.since.unwrap_or_default());
    let prices = &context.settings.prices;
    let marking = context.settings.marking.as_ref();
    if args.json {
        output::write_json(&StatsView::of(&stats, args.since, prices, marking))?;
    } else {
        output::write_styled(&format!("{}{}", stamp::line(marking), page(&stats, prices)))?;
    }
    Ok(ExitStatus::Done)
}

fn page(stats: &LedgerStats, prices: &Prices) -> String {
    let mut out = String::new();
    let mut part = |title: &str, stats: &RunStats| {
        let spending = Spending {
            cost: stats.cost,
            checks_ms: stats.checks_ms,
            energy_mj: stats.energy_mj,
            price: prices.of(&stats.cost),
        };
        let title = escape_line(title);
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{title}: {} runs ({} not ended), {} prompts, {} proposals ({} applied), {} checks",
            stats.runs, stats.unended, stats.prompts, stats.proposals, stats.applied, stats.checks
        );
        let _ = writeln!(out, "  {}", escape_line(&spending.to_string()));
    };
    part("all", &stats.total);
    for ((name, sha256), stats) in &stats.models {
        part(&format!("{name} ({})", head(sha256, DIGITS)), stats);
    }
    out
}
