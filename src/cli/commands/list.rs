use std::fmt::Write;

use crate::cli::args::ListArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::{json, output, stamp};
use crate::ledger::{Entry, ProposalState};
use crate::review::escape_line;
use crate::text::head;

/// The most characters of a request on one line.
const REQUEST_CHARS: usize = 60;

/// Lists the proposals of the work tree.
pub(super) fn run(args: &ListArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let mut entries = context.proposals(&repository)?.list()?;
    if !args.all {
        entries.retain(|entry| matches!(entry.state, ProposalState::Open | ProposalState::PartlyApplied));
    }
    if args.json {
        output::write_json(&json::ProposalList::of(&entries, context.settings.marking.as_ref()))?;
        return Ok(ExitStatus::Done);
    }
    let marking = stamp::line(context.settings.marking.as_ref());
    output::write_styled(&format!("{marking}{}", table(&entries)))?;
    Ok(ExitStatus::Done)
}

fn table(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        let stat = entry.proposal.patch.stat();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:>4}  {}  {:<14}  {:>2} files +{} -{}  {}{}",
            entry.id,
            json::rfc3339(entry.created_unix_s),
            state(entry.state),
            stat.files.len(),
            stat.added,
            stat.removed,
            shortened(&entry.proposal.request),
            if entry.proposal.passed() {
                ""
            } else {
                "  (did not pass)"
            },
        );
    }
    out
}

/// Returns the word for a state.
pub(super) fn state(state: ProposalState) -> &'static str {
    match state {
        ProposalState::Open => "open",
        ProposalState::PartlyApplied => "partly applied",
        ProposalState::Applied => "applied",
        ProposalState::Discarded => "discarded",
    }
}

fn shortened(request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    let short = head(line, REQUEST_CHARS);
    let cut = if short.len() < request.trim_end().len() {
        "…"
    } else {
        ""
    };
    format!("{}{cut}", escape_line(short))
}
