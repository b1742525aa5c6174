use std::fmt::Write;

use crate::cli::args::FindArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::store::{self, Subject};
use crate::cli::{json, output};
use crate::review::escape_line;

/// Finds symbols or files.
pub(super) fn run(args: &FindArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let subject = Subject::new(&repository, args.rev.as_deref())?;
    let query = args.query.join(" ");
    let limit = args.limit as usize;
    let found = store::with_index(context, &repository, &subject, |index| {
        Ok(match args.files {
            true => json::FindReport::files(&query, &index.search_files(&query, limit)),
            false => json::FindReport::symbols(&query, index, &index.search(&query, limit)),
        })
    })?;
    if args.json {
        output::write_json(&found)?;
    } else {
        output::write_styled(&table(&found))?;
    }
    Ok(ExitStatus::Done)
}

fn table(found: &json::FindReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for hit in &found.symbols {
        let place = format!("{}:{}", hit.path, hit.line);
        let what = format!("{} {}", hit.kind, hit.name);
        let _ = writeln!(out, "{}  {}", escape_line(&place), escape_line(&what));
    }
    for hit in &found.files {
        let _ = writeln!(out, "{}", escape_line(hit.path.as_str()));
    }
    out
}
