use std::time::Instant;

use crate::cli::args::IndexArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::store::{self, Subject};
use crate::cli::{json, output};

/// Brings the index up to date.
pub(super) fn run(args: &IndexArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    let repository = context.repository()?;
    let subject = Subject::new(&repository, args.rev.as_deref())?;
    store::say_unreadable(context, &subject);
    let mut not_kept = false;
    let report = store::with_index(context, &repository, &subject, |index| {
        // What is asked for later is found out to be sound now.
        index.verify();
        store::say_skipped(context, index);
        not_kept = index.summary().not_kept;
        Ok(json::IndexReport::of(index, started.elapsed()))
    })?;
    if args.json {
        output::write_json(&report)?;
    } else {
        output::write_styled(&report.line())?;
    }
    // The questions are answered from memory all the same; but this command was asked to write.
    Ok(match not_kept {
        true => ExitStatus::Error,
        false => ExitStatus::Done,
    })
}
