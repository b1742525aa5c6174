mod bench;

use std::fmt::Write;

use crate::cli::args::ModelCommand;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::{engine, json, output};
use crate::model::ModelEntry;
use crate::progress::Progress;
use crate::review::escape_line;

/// Adds, lists, verifies or removes registered models.
pub(super) fn run(command: &ModelCommand, context: &Context) -> anyhow::Result<ExitStatus> {
    let registry = engine::registry(context);
    let progress = &context.progress;
    match command {
        ModelCommand::Add(args) => {
            let entry = registry.add(&args.file, args.name.as_deref(), progress)?;
            progress.note(&format!("registered {}: SHA-256 {}", entry.name, entry.sha256));
        }
        ModelCommand::List(args) => {
            let entries = registry.list()?;
            if args.json {
                output::write_json(&json::ModelList::of(&entries))?;
            } else {
                output::write_styled(&table(&entries))?;
            }
        }
        ModelCommand::Verify(args) => {
            let entry = registry.verify(&args.name, progress)?;
            progress.note(&format!("{}: the file is the one that was registered", entry.name));
        }
        ModelCommand::Remove(args) => {
            let entry = registry.remove(&args.name)?;
            progress.note(&format!("removed {}", entry.name));
        }
        ModelCommand::Bench(args) => {
            let report = bench::measure(args, context)?;
            if args.json {
                output::write_json(&report)?;
            } else {
                output::write_styled(&report.page())?;
            }
        }
    }
    Ok(ExitStatus::Done)
}

fn table(entries: &[ModelEntry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for entry in entries {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:width$}  {:>8.1} MB  {}  {}",
            escape_line(&entry.name),
            entry.bytes as f64 / 1e6,
            entry.sha256,
            escape_line(&entry.architecture)
        );
    }
    out
}
