use std::time::Instant;

use crate::cli::args::IndexArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::store::{self, Subject};
use crate::cli::{json, output};

/// The index is complete, and gone with this process.
#[derive(Debug, thiserror::Error)]
#[error("the index could not be kept on disk: {0}")]
struct NotKept(String);

/// Brings the index up to date.
pub(super) fn run(args: &IndexArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    let repository = context.repository()?;
    let subject = Subject::new(&repository, args.rev.as_deref())?;
    store::say_unreadable(context, &subject);
    let mut not_kept = None;
    let report = store::with_index(context, &repository, &subject, |index| {
        // What is asked for later is found out to be sound now.
        index.verify();
        store::say_skipped(context, index);
        not_kept = index.not_kept().map(str::to_owned);
        Ok(json::IndexReport::of(index, started.elapsed()))
    })?;
    if args.json {
        output::write_json(&report)?;
    } else {
        output::write_styled(&report.line())?;
    }
    // Questions are answered from memory all the same; but this command was asked to write.
    match not_kept {
        Some(why) => Err(NotKept(why).into()),
        None => Ok(ExitStatus::Done),
    }
}
