//! Lists the names that files use and nothing in them binds, the calls that do not fit functions of the same file, and the
//! attributes of `self` that fail, to count false alarms.
//!
//! `cargo run --example names -- DIRECTORY` prints `path:line: name` for each, and sums at the end. With `--forget` after
//! it, each file is read once more for its first `import m` and its first `from m import a`, without that line, and what
//! would be imported instead is counted.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use skiff::lang::{Arity, Call, ImportLine, Language, MemberFault, MemberFaultKind, ParsedFile, Scopes};
use skiff::text::{LineIndex, RepoPath, TextRange};

fn main() -> ExitCode {
    let Some(root) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: names DIRECTORY");
        return ExitCode::FAILURE;
    };
    let forgets = std::env::args_os().nth(2).is_some_and(|flag| flag == "--forget");
    let mut forgotten = Forgotten::default();
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let (mut told, mut found, mut calls, mut misfits) = (0, 0, 0, 0);
    let mut members = [0; 3];
    for path in &files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let language = name.and_then(|name| Language::of_path(&RepoPath::new(&name).ok()?));
        let (Some(language), Ok(text)) = (language, std::fs::read_to_string(path)) else {
            continue;
        };
        let parsed = ParsedFile::parse(language, &text);
        let Some(scopes) = Scopes::of(&parsed, &text) else {
            continue;
        };
        told += 1;
        if forgets {
            forgotten.count(&text, language, |line| {
                line.starts_with("import ") && !line.contains([',', '.'])
            });
            forgotten.count(&text, language, |line| {
                line.starts_with("from ") && !line.contains([',', '('])
            });
        }
        let lines = LineIndex::new(&text);
        for fault in MemberFault::all_in(&parsed, &text) {
            members[match fault.kind {
                MemberFaultKind::HidesMethod => 0,
                MemberFaultKind::AssignsProperty => 1,
                MemberFaultKind::NeverAssigned => 2,
            }] += 1;
            let line = lines.line_of(fault.range.start) + 1;
            println!(
                "{}:{line}: {}.{} {:?}",
                path.display(),
                fault.class,
                fault.name,
                fault.kind
            );
        }
        for unbound in scopes.unbound() {
            found += 1;
            let line = lines.line_of(unbound.range.start) + 1;
            println!("{}:{line}: {}", path.display(), unbound.name);
        }
        for call in Call::all_in(&parsed, &text, TextRange::new(0, text.len())) {
            let [binding] = scopes.bindings(call.name_range) else {
                continue;
            };
            if let Some(arity) = Arity::of(&parsed, &text, binding.range) {
                calls += 1;
                if let Some(mismatch) = arity.mismatch(&call) {
                    misfits += 1;
                    let line = lines.line_of(call.name_range.start) + 1;
                    println!("{}:{line}: `{}` {mismatch}", path.display(), call.name);
                }
            }
        }
    }
    println!("{} files, {told} told, {found} uses of unbound names", files.len());
    if forgets {
        println!("forgotten imports: {forgotten:?}");
    }
    let [hides, property, never] = members;
    println!("attributes of self: {hides} hide a method, {property} are properties, {never} are never assigned");
    println!("{calls} calls of functions of the same file, {misfits} do not fit");
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

/// What came of lines that were taken out.
#[derive(Debug, Default)]
struct Forgotten {
    /// The same line was found.
    same: usize,
    /// Another one was found.
    other: usize,
    /// The name was missed, and left to the model.
    left: usize,
    /// The name was not missed: it is not used, or bound once more.
    not_missed: usize,
}

impl Forgotten {
    /// Takes the first line out that is `wanted`.
    fn count(&mut self, text: &str, language: Language, wanted: impl Fn(&str) -> bool) {
        let found = text.lines().find(|line| wanted(line) && !line.contains('#'));
        let Some(line) = found.filter(|line| !line.contains(" as ") && !line.contains('*')) else {
            return;
        };
        let name = line.rsplit(' ').next().unwrap_or_default();
        let without = text.replacen(&format!("{line}\n"), "\n", 1);
        let Some(scopes) = Scopes::of(&ParsedFile::parse(language, &without), &without) else {
            return;
        };
        let uses: Vec<_> = scopes
            .unbound()
            .into_iter()
            .filter(|unbound| unbound.name == name)
            .collect();
        let imports = uses
            .iter()
            .find_map(|unbound| ImportLine::of(language, name, unbound.member.as_deref()));
        match imports {
            _ if uses.is_empty() => self.not_missed += 1,
            Some(import) if import.line == line => self.same += 1,
            Some(import) => {
                self.other += 1;
                println!("{line} -> {}", import.line);
            }
            None => self.left += 1,
        }
    }
}
