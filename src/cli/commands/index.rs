use std::time::Instant;

use crate::agent::{self, Preparation};
use crate::cli::args::IndexArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::store::{self, Subject};
use crate::cli::{engine, json, output};
use crate::index::Index;
use crate::progress::Progress;

/// The index is complete, and gone with this process.
#[derive(Debug, thiserror::Error)]
#[error("the index could not be kept on disk: {0}")]
struct NotKept(String);

/// Prepares the outline for the model, and says what came of it.
fn outline(context: &Context, index: &Index, map_tokens: u32) -> anyhow::Result<Preparation> {
    let model = engine::load(context)?;
    let prepared = agent::prepare(index, model.as_ref(), map_tokens as usize, &context.progress)?;
    context.progress.note(&match prepared {
        Preparation::Kept { tokens, read_tokens } => format!(
            "{tokens} tokens kept for `skiff edit --map-tokens {map_tokens}`, {read_tokens} of them read now, by {}",
            model.name()
        ),
        Preparation::TooShort { tokens, least_tokens } => {
            format!("nothing to prepare: the outline has {tokens} tokens, and prompts are kept from {least_tokens} on")
        }
        Preparation::NotKept => {
            "nothing to prepare: prompts of this model are not kept (prefix_cache_mib is 0, or it keeps a running state)"
                .to_owned()
        }
    });
    Ok(prepared)
}

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
        let report = json::IndexReport::of(index, started.elapsed());
        Ok(match args.map_tokens {
            0 => report,
            tokens => report.with_outline(outline(context, index, tokens)?),
        })
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
