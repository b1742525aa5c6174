//! Measures what it costs to read definitions, references and comments off syntax trees:
//! `extract FOLDER [--language NAME] [--rounds N] [--files N] [--check]`.
//!
//! Every file of a known language below the folder is parsed on one thread. Prints one JSON object a language: the
//! medians over the rounds of the seconds spent on parsing alone, on the query engine of tree-sitter and on the walk,
//! and both as a share of parsing. `--check` compares what the two engines find instead.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use skiff::lang::{Engine, Language, MAX_SOURCE_BYTES, ParsedFile};
use skiff::text::RepoPath;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("the folder is missing")?);
    let (mut only, mut rounds, mut most, mut check) = (None, 5, usize::MAX, false);
    while let Some(flag) = arguments.next() {
        if flag == "--check" {
            check = true;
            continue;
        }
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--language" => only = Some(value),
            "--rounds" => rounds = value.parse()?,
            "--files" => most = value.parse()?,
            _ => bail!("unknown flag {flag}"),
        }
    }
    for (language, texts) in sources(&folder, most)? {
        if only.as_deref().is_some_and(|name| name != language.name()) {
            continue;
        }
        if check {
            compare(language, &texts);
        } else {
            measure(language, &texts, rounds);
        }
    }
    Ok(())
}

struct Source {
    path: PathBuf,
    text: String,
}

/// Returns the texts of each language, at most `most` of one.
fn sources(folder: &Path, most: usize) -> Result<BTreeMap<Language, Vec<Source>>> {
    let mut found: BTreeMap<Language, Vec<Source>> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
        for path in paths.into_iter().filter(|path| !path.is_symlink()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(|name| RepoPath::new(name).ok()) else {
                continue;
            };
            if Language::of_path(&name).is_none() {
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else {
                continue; // Not UTF-8, so never parsed.
            };
            let language = Language::detect(&name, &text).filter(|_| text.len() <= MAX_SOURCE_BYTES);
            let Some(language) = language else {
                continue;
            };
            let texts = found.entry(language).or_default();
            if texts.len() < most {
                texts.push(Source { path, text });
            }
        }
    }
    Ok(found)
}

/// What one round spent.
#[derive(Clone, Copy, Default)]
struct Spent {
    parse: Duration,
    query: Duration,
    walk: Duration,
}

fn measure(language: Language, texts: &[Source], rounds: usize) {
    let mut spent = vec![Spent::default(); rounds];
    for (round, spent) in spent.iter_mut().enumerate() {
        for Source { text, .. } in texts {
            let started = Instant::now();
            let parsed = ParsedFile::parse(language, text);
            spent.parse += started.elapsed();
            let by = |engine| {
                let started = Instant::now();
                black_box(parsed.facts_by(engine, text));
                started.elapsed()
            };
            // Neither always comes first to a cold tree.
            if round % 2 == 0 {
                spent.walk += by(Engine::Walk);
                spent.query += by(Engine::Query);
            } else {
                spent.query += by(Engine::Query);
                spent.walk += by(Engine::Walk);
            }
        }
    }
    let seconds = |of: fn(&Spent) -> Duration| median(spent.iter().map(|spent| of(spent).as_secs_f64()));
    let share = |of: fn(&Spent) -> Duration| {
        median(
            spent
                .iter()
                .map(|spent| of(spent).as_secs_f64() / spent.parse.as_secs_f64()),
        )
    };
    println!(
        "{}",
        serde_json::json!({
            "language": language.name(),
            "files": texts.len(),
            "bytes": texts.iter().map(|source| source.text.len()).sum::<usize>(),
            "rounds": rounds,
            "parse_s": rounded(seconds(|spent| spent.parse)),
            "parse_and_query_s": rounded(seconds(|spent| spent.parse + spent.query)),
            "parse_and_walk_s": rounded(seconds(|spent| spent.parse + spent.walk)),
            "query_to_parse": rounded(share(|spent| spent.query)),
            "walk_to_parse": rounded(share(|spent| spent.walk)),
        })
    );
}

fn compare(language: Language, texts: &[Source]) {
    let differing = texts
        .iter()
        .filter(|Source { text, .. }| {
            let parsed = ParsedFile::parse(language, text);
            parsed.facts_by(Engine::Walk, text) != parsed.facts_by(Engine::Query, text)
        })
        .map(|source| &source.path)
        .collect::<Vec<_>>();
    println!(
        "{}",
        serde_json::json!({ "language": language.name(), "files": texts.len(), "differing": differing })
    );
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
