//! Rules that the compiler does not know: which room imports which, file size, where prompts and grammars are read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The table of `docs/architecture.md`. Every room may import `progress`; `cli` may import all.
const IMPORTS: &[(&str, &[&str])] = &[
    ("progress", &[]),
    ("text", &[]),
    ("lang", &["text"]),
    ("repo", &["text"]),
    ("index", &["text", "lang", "repo"]),
    ("patch", &["text", "lang", "repo"]),
    ("model", &[]),
    ("prompt", &["text", "lang", "index", "model"]),
    (
        "agent",
        &["text", "lang", "index", "patch", "model", "prompt", "repo", "sandbox"],
    ),
    ("sandbox", &["text", "repo"]),
    ("review", &["text", "patch"]),
    ("ledger", &["text", "patch", "model", "agent"]),
    ("batch", &["text", "lang", "repo", "index", "patch", "agent"]),
    ("evidence", &["review"]),
    (
        "fuzz",
        &[
            "text", "lang", "repo", "index", "patch", "model", "review", "ledger", "batch", "cli",
        ],
    ),
];

/// What the agent may name of `repo`: what reads, nothing that writes.
const AGENT_OF_REPO: &[&str] = &[
    "Snapshot",
    "SnapshotFile",
    "SourceText",
    "BlobId",
    "FileMode",
    "RepoError",
];

/// Words that only one room may say.
const OWNED: &[(&str, &[&str])] = &[
    ("git2", &["repo"]),
    ("ignore", &["repo"]),
    ("rusqlite", &["index"]),
    ("llama_cpp_2", &["model"]),
    ("llama_cpp_sys_2", &["model"]),
    ("seccompiler", &["sandbox"]),
    ("landlock", &["sandbox"]),
    ("object", &["evidence"]),
    ("indicatif", &["cli"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli"]),
];

const MAX_LINES: usize = 800;

#[test]
fn rooms_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some((_, allowed)) = IMPORTS.iter().find(|(room, _)| *room == file.room) else {
            assert!(
                ["cli", "lib", "main"].contains(&file.room.as_str()),
                "{}: the room {} is not in the table",
                file.path.display(),
                file.room
            );
            continue;
        };
        for (room, item) in imports(&file.code) {
            let free = room == file.room || room == "progress" || allowed.contains(&room.as_str());
            if !free {
                wrong.push(format!("{}: {} must not import {room}", file.path.display(), file.room));
            }
            if file.room == "agent" && room == "repo" && !AGENT_OF_REPO.contains(&item.as_str()) {
                wrong.push(format!("{}: agent must not use repo::{item}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn crates_are_named_only_by_the_rooms_that_own_them() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (owned, rooms) in OWNED {
            if !rooms.contains(&file.room.as_str()) && names_crate(&file.code, owned) {
                wrong.push(format!("{}: {owned} belongs to {rooms:?}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn prompts_and_grammars_are_read_where_they_belong() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (folder, rooms) in [
            ("prompts/", &["prompt"][..]),
            ("grammars/decode/", &["prompt"]),
            ("grammars/", &["lang", "prompt"]),
            ("/evidence/", &["evidence"]),
        ] {
            let includes = file
                .code
                .lines()
                .any(|line| (line.contains("include_str!") || line.contains("include_dir!")) && line.contains(folder));
            if includes && !rooms.contains(&file.room.as_str()) {
                wrong.push(format!("{}: only {rooms:?} may include {folder}", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_small_and_do_not_panic() {
    let mut wrong = Vec::new();
    for file in sources() {
        let lines = file.code.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines without tests", file.path.display()));
        }
        for (number, line) in file.code.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if [".unwrap()", ".expect(\"", "panic!(", "unreachable!("]
                .iter()
                .any(|word| code.contains(word))
            {
                wrong.push(format!("{}:{}: {}", file.path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_prompt_has_a_version() {
    for path in tracked().iter().filter(|path| path.starts_with("prompts/")) {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let version = first
            .strip_prefix("<!-- version: ")
            .and_then(|rest| rest.strip_suffix(" -->"));
        assert!(
            version.is_some_and(|version| version.parse::<u32>().is_ok()),
            "{}: the first line must be `<!-- version: N -->`",
            path.display()
        );
    }
}

#[test]
fn tracked_files_name_no_home_directory() {
    // Spelled in two parts, so that this file does not name one itself.
    let homes = [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];
    let mut wrong = Vec::new();
    for path in tracked() {
        let Ok(text) = fs::read_to_string(root().join(&path)) else {
            continue; // Not text, or removed in the work tree.
        };
        for (number, line) in text.lines().enumerate() {
            let absolute = |home: &str| {
                line.match_indices(home).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-/})".contains(c))
                })
            };
            if homes.iter().any(|home| absolute(home)) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_rules_catch_what_they_are_for() {
    let code = "use crate::repo::{Snapshot, WorkTree as Tree};\nfn f() { crate::text::RepoPath::new(\"\"); }\n\
                use crate::{index::Index, model};\n// use crate::cli;\n";
    let found: Vec<String> = imports(code)
        .into_iter()
        .map(|(room, item)| format!("{room}:{item}"))
        .collect();
    assert_eq!(
        found,
        [
            "repo:Snapshot",
            "repo:WorkTree",
            "text:RepoPath",
            "index:Index",
            "model:"
        ]
    );
    assert!(names_crate("use git2::Repository;", "git2"));
    assert!(names_crate("fn f(e: git2::Error) {}", "git2"));
    assert!(!names_crate("// git2::Error", "git2") && !names_crate("let legit2 = 1;", "git2"));
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n  x\n}\nb\n"), "a\nb\n");
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod fault;\nb\n"), "a\nb\n");
}

/// One source file, without its tests.
struct Source {
    path: PathBuf,
    room: String,
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(root().join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        Source {
            room: first.trim_end_matches(".rs").to_owned(),
            code: without_tests(&fs::read_to_string(&path).unwrap()),
            path: inside.to_owned(),
        }
    };
    let is_test = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        stem == "tests" || stem.ends_with("_tests") || path.iter().any(|part| part == "tests")
    };
    files.into_iter().filter(|path| !is_test(path)).map(read).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Removes every item under `#[cfg(test)]`: up to the `;`, or the `}` in the same column, that ends it.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(test)]") && !line.trim_start().starts_with("#[cfg(all(test,") {
            kept.push_str(line);
            kept.push('\n');
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        for line in lines.by_ref() {
            let ends = line.strip_prefix(indent).is_some_and(|rest| !rest.starts_with(' '));
            let text = line.trim_end();
            if ends && (text.ends_with(';') || text.ends_with(',') || text.trim_start().starts_with('}')) {
                break;
            }
        }
    }
    kept
}

/// Finds `crate::ROOM::ITEM` in every form, as room and first item; comments do not count.
fn imports(code: &str) -> Vec<(String, String)> {
    let code: String = code
        .lines()
        .map(|line| format!("{}\n", line.split("//").next().unwrap_or("")))
        .collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        for path in alternatives(rest) {
            let (room, tail) = path.split_once("::").unwrap_or((path.as_str(), ""));
            for item in alternatives(tail) {
                let item = item.split("::").next().unwrap_or_default().to_owned();
                found.push((room.to_owned(), item));
            }
        }
    }
    found
}

/// Splits the top level of a `{a, b::{c, d}}` group; a plain path is its own only alternative.
fn alternatives(text: &str) -> Vec<String> {
    let Some(group) = text.strip_prefix('{') else {
        return vec![plain_path(text)];
    };
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let parts = parts
        .iter()
        .map(|part| part.split(" as ").next().unwrap_or("").trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// Takes the longest prefix that is a path, a final group included.
fn plain_path(text: &str) -> String {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .unwrap_or(text.len());
    match text[end..].strip_prefix('{') {
        Some(group) if text[..end].ends_with("::") => {
            let close = group.find(['}', ';']).unwrap_or(group.len());
            format!("{}{{{}}}", &text[..end], &group[..close])
        }
        _ => text[..end].trim_end_matches(':').to_owned(),
    }
}

/// Tells whether code uses a crate: `name::`, or `use name`.
fn names_crate(code: &str, name: &str) -> bool {
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .any(|line| {
            line.match_indices(&format!("{name}::")).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            })
        })
}

/// The files that git tracks, by their path in the project.
fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(["ls-files", "-z"])
        .output()
        .unwrap();
    assert!(output.status.success(), "git ls-files failed");
    let names = String::from_utf8(output.stdout).unwrap();
    names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect()
}

#[test]
fn every_query_compiles() {
    for &language in skiff::lang::Language::ALL {
        if let Err(error) = skiff::lang::compile_queries(language) {
            panic!("{}: {error}", language.name());
        }
    }
}
