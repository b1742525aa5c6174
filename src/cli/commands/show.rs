use std::fmt::Write;

use super::list;
use crate::agent::Tool;
use crate::cli::args::{PatchFormat, ShowArgs};
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::output::{self, Audience};
use crate::cli::spending::Spending;
use crate::cli::stamp::Stamp;
use crate::cli::{json, mail};
use crate::ledger::{Entry, ProposalState};
use crate::review::{Renderer, escape, escape_line};

/// What is shown of the output of a check that failed.
const LAST_LINES: usize = 20;

/// Shows one proposal.
pub(super) fn run(args: &ShowArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let entry = context.proposals(&repository)?.get(super::proposal_id(args.id)?)?;
    let stamp = Stamp::of(context);
    if args.json {
        output::write_json(&json::ProposalView::of(&entry, &stamp))?;
    } else {
        match (args.format, output::audience()) {
            (PatchFormat::Diff, Audience::Person) => output::write_styled(&page(&entry, &stamp))?,
            (PatchFormat::Diff, Audience::Program) => output::write_raw(stamp.diff(&entry.proposal.patch).as_bytes())?,
            (PatchFormat::Mbox, Audience::Person) => output::write_styled(&escape(&mail::message(&entry, &stamp)))?,
            (PatchFormat::Mbox, Audience::Program) => output::write_raw(mail::message(&entry, &stamp).as_bytes())?,
        }
    }
    Ok(ExitStatus::Done)
}

/// Renders a proposal for a person: what was asked, what came of each place, and the coloured diff.
pub(crate) fn page(entry: &Entry, stamp: &Stamp) -> String {
    let proposal = &entry.proposal;
    let mut out = stamp.line();
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "proposal {} ({}), {}, by {}",
        entry.id,
        list::state(entry.state),
        json::rfc3339(entry.created_unix_s),
        escape_line(&proposal.model.name)
    );
    for line in proposal.request.lines() {
        let _ = writeln!(out, "    {}", escape(line));
    }
    for region in proposal.regions.iter().filter(|region| region.failure.is_some()) {
        let place = match &region.symbol {
            Some(symbol) => format!("{}: {symbol}", region.path),
            None => region.path.to_string(),
        };
        let failure = region.failure.as_deref().unwrap_or_default();
        let _ = writeln!(out, "not done: {}: {}", escape_line(&place), escape_line(failure));
    }
    for step in &proposal.steps {
        let action = step.action.map_or("no action", Tool::as_str);
        let about = step.target.as_ref().or(step.words.as_ref()).map_or("", String::as_str);
        let line = format!("step {}: {action} {about}", step.number);
        let _ = writeln!(out, "{}: {}", escape_line(line.trim_end()), step.outcome.as_str());
    }
    for check in &proposal.checks {
        let _ = writeln!(out, "check: {}: {}", escape_line(&check.command), check.end);
        if !check.passed() {
            let lines: Vec<&str> = check.output.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(LAST_LINES)) {
                let _ = writeln!(out, "    {}", escape_line(line));
            }
        }
    }
    let spending = Spending::of(proposal, stamp.prices.of(&proposal.usage.into()));
    let _ = writeln!(out, "{}", escape_line(&spending.to_string()));
    if entry.state == ProposalState::PartlyApplied {
        let rest = entry.rest().stat();
        let _ = writeln!(out, "applied in part; +{} -{} wait", rest.added, rest.removed);
    }
    out.push_str(&Renderer::Colored.flags(&proposal.patch.flags()));
    out.push('\n');
    out.push_str(&Renderer::Colored.render(&proposal.patch));
    out
}
