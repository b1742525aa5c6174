//! What a fuzzer calls: everything that reads bytes which nobody vouches for. The targets in `fuzz/` and the bounded run
//! in `tests/fuzz_sources.rs` call the same functions.
//!
//! A function takes any bytes, returns in seconds, and panics only where skiff is wrong.

use std::path::{Component, Path};
use std::{fs, io};

use regex::Regex;

use crate::index::{Index, MapFocus};
use crate::lang::{Engine, Facts, Language, ParsedFile};
use crate::ledger::Bundle;
use crate::model::{Header, render_template};
use crate::patch::UnifiedDiff;
use crate::progress::NoProgress;
use crate::repo::{Exclusions, LetterCase, Repository, WorkTree};
use crate::review::{escape, escape_line};
use crate::text::{RepoPath, TextRange};

/// The most bytes of a text that are also asked for.
const MAX_REQUEST_BYTES: usize = 512;

/// Reads a source file: the first byte chooses the language, the others are the text.
pub fn source(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else {
        return;
    };
    let language = Language::ALL[usize::from(first) % Language::ALL.len()];
    let text = String::from_utf8_lossy(rest);
    let parsed = ParsedFile::parse(language, &text);
    for error in parsed.syntax_errors() {
        check_range(language, &text, error.range);
    }
    for engine in [Engine::Walk, Engine::Query] {
        check_facts(language, &text, &parsed.facts_by(engine, &text));
    }
}

/// Indexes a source file and asks for what it says; the bytes are those of [`source`].
pub fn index(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else {
        return;
    };
    let language = Language::ALL[usize::from(first) % Language::ALL.len()];
    let extension = language.spec().extensions.first().unwrap_or(&"txt");
    let Ok(path) = RepoPath::new(&format!("file.{extension}")) else {
        return;
    };
    let text = String::from_utf8_lossy(rest).into_owned();
    let request = text[..text.floor_char_boundary(MAX_REQUEST_BYTES)].to_owned();
    let Ok(index) = Index::from_texts(vec![(path, text)], &NoProgress) else {
        return;
    };
    let hits = index.search(&request, 10);
    index.search_files(&request, 10);
    index.spelled_in(&request);
    index.map(&MapFocus {
        request: Some(&request),
        ..MapFocus::default()
    });
    for hit in hits {
        index.reference_lines(&index.symbol(hit.symbol).definition.name, 10);
    }
    if let Ok(pattern) = Regex::new(&regex::escape(&request)) {
        index.matches(&pattern, 10);
    }
    assert!(index.verify(), "what was written a moment ago cannot be read");
}

/// Reads the records of an index on disk. The first byte says how many bytes of them are damaged; two bytes for each
/// say where and how, and the others are the source file that is indexed.
pub fn store(bytes: &[u8]) {
    crate::index::read_damaged(bytes);
}

/// Reads the header of a model file, as if its tensors followed.
pub fn gguf(bytes: &[u8]) {
    if let Ok(header) = Header::read(bytes, 1 << 40) {
        header.kv_bytes_per_token();
    }
}

/// Renders a conversation by a chat template.
pub fn template(bytes: &[u8]) {
    render_template(&String::from_utf8_lossy(bytes));
}

/// Reads a `.skiffignore`, and asks it for its own lines as paths.
pub fn exclusions(bytes: &[u8]) {
    let lines = String::from_utf8_lossy(bytes);
    let mut exclusions = Exclusions::new(LetterCase::Ignored);
    exclusions.add("", &lines);
    exclusions.add("a/b", &lines);
    for line in lines.lines().take(16) {
        for path in [line.to_owned(), format!("a/b/{line}"), format!("{line}/c")] {
            if let Ok(path) = RepoPath::new(&path) {
                exclusions.cover(&path);
            }
        }
    }
}

/// Reads the lines of a ledger, and a bundle.
pub fn ledger(bytes: &[u8]) {
    crate::ledger::read_foreign(bytes);
    if let Ok(bundle) = Bundle::parse(&String::from_utf8_lossy(bytes)) {
        assert!(bundle.verify(&[]).is_err(), "nobody signed it");
    }
}

/// Reads a plan and the report of a tool, and carries the rewrites out on the bytes themselves: what comes of them is a text
/// that every step of them leads to.
pub fn plan(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    crate::batch::read_foreign(&text);
}

/// Takes every line for a path: what is accepted stays inside when it is joined to a root, and names no `.git`.
pub fn path(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines().take(64) {
        if let Ok(path) = RepoPath::new(line) {
            let joined = path.to_path(Path::new("/root"));
            let mut parts = joined.components().skip(2).map(Component::as_os_str);
            assert!(joined.starts_with("/root") && path.as_str() == line, "{line:?}");
            assert!(
                parts.all(|part| part != ".." && !part.eq_ignore_ascii_case(".git")),
                "{line:?}"
            );
            assert_eq!(RepoPath::normalize(Path::new(line)), Ok(path), "{line:?}");
        }
        if let Ok(path) = RepoPath::normalize(Path::new(line)) {
            assert_eq!(RepoPath::new(path.as_str()), Ok(path.clone()), "{line:?}");
        }
    }
}

/// Recovers a work tree by a journal that says what the bytes say; nothing beside the work tree may change.
pub fn journal(bytes: &[u8]) {
    let recover = || -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let git = place.path().join("repo/.git");
        for folder in ["objects", "refs"] {
            fs::create_dir_all(git.join(folder))?;
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n")?;
        fs::write(place.path().join("repo/a"), "new")?;
        let state = place.path().join("state");
        let Ok(repository) = Repository::discover(&place.path().join("repo")) else {
            return Ok(());
        };
        let record = state.join("worktrees").join(repository.key()).join("applies/1");
        fs::create_dir_all(&record)?;
        fs::write(record.join("journal.json"), bytes)?;
        fs::write(record.join("0.old"), "old")?;
        // An error is an answer.
        let _ = WorkTree::open(&repository, &state);
        assert_eq!(fs::read_dir(place.path())?.count(), 2);
        assert_eq!(fs::read(git.join("HEAD"))?, b"ref: refs/heads/main\n");
        assert_eq!(fs::read_dir(&git)?.count(), 3);
        Ok(())
    };
    // Where there is no room for such a place, nothing was tried.
    let _ = recover();
}

/// Reads a patch file; what it says and is written anew says the same.
pub fn patch(bytes: &[u8]) {
    if let Ok(diff) = UnifiedDiff::parse(bytes) {
        let written = diff.to_string();
        assert_eq!(UnifiedDiff::parse(written.as_bytes()), Ok(diff), "{written}");
    }
}

/// Reads the user's configuration and a policy, each from all of the bytes, and puts them together.
pub fn config(bytes: &[u8]) {
    crate::cli::read_foreign_config(bytes);
}

/// Escapes a text for a terminal.
pub fn terminal(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let harmless = |c: char| c == '\n' || c == '\t' || !c.is_control();
    assert!(escape(&text).chars().all(harmless));
    assert!(!escape_line(&text).contains(char::is_control));
}

fn check_facts(language: Language, text: &str, facts: &Facts) {
    for definition in &facts.definitions {
        check_range(language, text, definition.name_range);
        check_range(language, text, definition.range);
        check_range(language, text, definition.full_range);
        definition
            .body
            .into_iter()
            .for_each(|body| check_range(language, text, body));
        assert!(
            definition.full_range.contains(definition.range) && !definition.name.is_empty(),
            "{language:?}: {definition:?}"
        );
    }
    let starts = facts.definitions.iter().map(|definition| definition.range.start);
    assert!(starts.is_sorted(), "{language:?}: the definitions are not in order");
    for (range, _) in &facts.uses {
        check_range(language, text, *range);
    }
    assert!(facts.uses.is_sorted_by_key(|(range, _)| *range), "{language:?}");
    for comment in &facts.comments {
        check_range(language, text, *comment);
    }
}

fn check_range(language: Language, text: &str, range: TextRange) {
    assert!(
        text.get(range.as_range()).is_some(),
        "{language:?}: {range:?} of {} bytes",
        text.len()
    );
}
