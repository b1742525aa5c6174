//! Lists the names that files use and nothing in them binds, to count false alarms.
//!
//! `cargo run --example names -- DIRECTORY` prints `path:line: name` for each, and sums at the end.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use skiff::lang::{Language, ParsedFile, Scopes};
use skiff::text::{LineIndex, RepoPath};

fn main() -> ExitCode {
    let Some(root) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: names DIRECTORY");
        return ExitCode::FAILURE;
    };
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let (mut told, mut found) = (0, 0);
    for path in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let language = name.and_then(|name| Language::of_path(&RepoPath::new(&name).ok()?));
        let (Some(language), Ok(text)) = (language, std::fs::read_to_string(path)) else {
            continue;
        };
        let Some(scopes) = Scopes::of(&ParsedFile::parse(language, &text), &text) else {
            continue;
        };
        told += 1;
        let lines = LineIndex::new(&text);
        for unbound in scopes.unbound() {
            found += 1;
            let line = lines.line_of(unbound.range.start) + 1;
            println!("{}:{line}: {}", path.display(), unbound.name);
        }
    }
    println!("{} files, {told} told, {found} uses of unbound names", files.len());
    ExitCode::SUCCESS
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}
