//! Parses every file of a work tree and does nothing else: the least that an index of it can cost.
//!
//! `parse FOLDER [--rounds N]` prints one JSON object: files, bytes, threads, and for each round the seconds that
//! tree-sitter took on all threads, with the texts already in memory.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use skiff::lang::{Language, MAX_SOURCE_BYTES, ParsedFile};
use skiff::repo::Repository;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("the folder is missing")?);
    let mut rounds = 1;
    while let Some(flag) = arguments.next() {
        match (flag.as_str(), arguments.next()) {
            ("--rounds", Some(value)) => rounds = value.parse()?,
            _ => bail!("unknown flag, or no value: {flag}"),
        }
    }
    let snapshot = Repository::discover(&folder)?.snapshot()?;
    let sources: Vec<(Language, String)> = snapshot
        .files()
        .iter()
        .filter_map(|file| {
            let bytes = snapshot.read_bytes(&file.path, MAX_SOURCE_BYTES as u64).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            Some((Language::detect(&file.path, &text)?, text))
        })
        .collect();
    let seconds: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            sources.par_iter().for_each(|(language, text)| {
                black_box(ParsedFile::parse(*language, text));
            });
            started.elapsed().as_secs_f64()
        })
        .collect();
    let bytes: usize = sources.iter().map(|(_, text)| text.len()).sum();
    println!(
        "{}",
        serde_json::json!({
            "files": sources.len(),
            "bytes": bytes,
            "threads": rayon::current_num_threads(),
            "seconds": seconds,
        })
    );
    Ok(())
}
