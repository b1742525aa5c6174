use std::fmt::Write;

use regex::{Regex, RegexBuilder};

use crate::agent;
use crate::cli::args::FindArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::cli::store::{self, Subject};
use crate::cli::{engine, json, output};
use crate::index::Index;
use crate::lang::CodePattern;
use crate::progress::Progress;
use crate::review::escape_line;

/// How many definitions or files are printed where nothing else is asked for.
const HITS: u32 = 10;
/// How many places.
const PLACES: u32 = 1000;

/// What is looked for.
enum What {
    Symbols,
    Files,
    References,
    Pattern(Regex),
    Code,
}

/// Finds definitions, files or places.
pub(super) fn run(args: &FindArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let query = args.query.join(" ");
    let what = what(args, &query)?;
    let repository = context.repository()?;
    let subject = Subject::new(&repository, args.rev.as_deref())?;
    let hits = args.limit.unwrap_or(HITS) as usize;
    let places = args.limit.unwrap_or(PLACES) as usize;
    let mut embedder = match what {
        What::Symbols | What::Files => engine::embedder(context)?,
        What::References | What::Pattern(_) | What::Code => None,
    };
    // What is put in another order comes from further down than what is shown.
    let ranked = match embedder {
        Some(_) => hits.max(agent::RERANKED),
        None => hits,
    };
    let found = store::with_index(context, &repository, &subject, |index| {
        Ok(match &what {
            What::Symbols => {
                let mut found = index.search_names(&query, ranked);
                if let Some(embedder) = &mut embedder {
                    found = agent::rerank_symbols(&query, found, index, embedder, &context.progress)?;
                }
                found.truncate(hits);
                json::FindReport::symbols(&query, index, &found)
            }
            What::Files => {
                let mut found = index.search_files(&query, ranked);
                if let Some(embedder) = &mut embedder {
                    found = agent::rerank_files(&query, found, index, embedder, &context.progress)?;
                }
                found.truncate(hits);
                json::FindReport::files(&query, &found)
            }
            What::References => json::FindReport::places(&query, index.reference_lines(&query, places)),
            What::Pattern(pattern) => json::FindReport::places(&query, index.matches(pattern, places)),
            What::Code => json::FindReport::places(&query, index.code_matches(&code(&query, index)?, places)),
        })
    })?;
    if found.matches.len() == places {
        context
            .progress
            .note(&format!("stopped after {places} places; --limit raises that"));
    }
    if args.json {
        output::write_json(&found)?;
    } else {
        output::write_styled(&table(&found))?;
    }
    Ok(ExitStatus::Done)
}

fn what(args: &FindArgs, query: &str) -> Result<What, UsageError> {
    let pattern = match (args.files, args.references, args.text, args.regex, args.code) {
        (true, ..) => return Ok(What::Files),
        (_, true, ..) => return Ok(What::References),
        (_, _, true, ..) => regex::escape(query),
        (_, _, _, true, _) => query.to_owned(),
        (.., true) => return Ok(What::Code),
        _ => return Ok(What::Symbols),
    };
    let compiled = RegexBuilder::new(&pattern).multi_line(true).build();
    compiled
        .map(What::Pattern)
        .map_err(|error| UsageError(error.to_string()))
}

/// Returns the query as a pattern in every language of the repository that takes it.
fn code(query: &str, index: &Index) -> Result<Vec<CodePattern>, UsageError> {
    let languages = index.files().iter().filter_map(|file| file.language);
    CodePattern::in_any(languages, query).map_err(|error| UsageError(error.to_string()))
}

fn table(found: &json::FindReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for hit in &found.symbols {
        let place = format!("{}:{}", hit.path, hit.line);
        let what = format!("{} {}", hit.kind, hit.name);
        let _ = writeln!(out, "{}  {}", escape_line(&place), escape_line(&what));
    }
    for place in &found.matches {
        let at = format!("{}:{}", place.path, place.line);
        let _ = writeln!(out, "{}: {}", escape_line(&at), escape_line(&place.text));
    }
    for hit in &found.files {
        let _ = writeln!(out, "{}", escape_line(hit.path.as_str()));
    }
    out
}
