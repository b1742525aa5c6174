use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::text::{LineIndex, RepoPath};

/// Every file under `fixtures/lang/` is parsed without an error, and what is read off it is what its snapshot says.
#[test]
fn fixtures_give_the_expected_symbols() {
    for (language, path, text) in fixtures() {
        let name = path.replace('/', "_");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, table(&text, language));
        });
    }
}

#[test]
fn every_language_has_a_fixture() {
    let seen: BTreeSet<Language> = fixtures().into_iter().map(|(language, ..)| language).collect();
    let missing: Vec<&Language> = Language::ALL
        .iter()
        .filter(|language| !seen.contains(language))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Language, path below the folder, and text of every fixture; those of a language that is not built in are left out.
pub(super) fn fixtures() -> Vec<(Language, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lang");
    let mut files: Vec<PathBuf> = fs::read_dir(&root)
        .unwrap()
        .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&file).unwrap();
            let language = Language::detect(&RepoPath::new(&path).unwrap(), &text)?;
            Some((language, path, text))
        })
        .collect()
}

/// One line a definition: lines from one (of the range, and where a comment above starts), kind, container, name,
/// signature, the first line of the documentation. Then the names that are called and those that stand for types.
fn table(text: &str, language: Language) -> String {
    let lines = LineIndex::new(text);
    let parsed = ParsedFile::parse(language, text);
    assert_eq!(
        parsed.syntax_errors(),
        [],
        "{language:?}: the fixture is not accepted by the grammar"
    );
    let mut table = String::new();
    for definition in parsed.definitions(text) {
        row(&mut table, &lines, definition);
    }
    let uses = parsed.references(text);
    for kind in [UseKind::Call, UseKind::Type] {
        let names: BTreeSet<&str> = uses
            .iter()
            .filter(|found| found.kind == kind)
            .map(|found| found.name.as_str())
            .collect();
        let names: Vec<&str> = names.into_iter().collect();
        let _ = writeln!(table, "{kind:?}: {}", names.join(" "));
    }
    table
}

fn row(table: &mut String, lines: &LineIndex, d: Definition) {
    let first = lines.line_of(d.range.start) + 1;
    let last = lines.line_of(d.range.end - 1) + 1;
    let full = lines.line_of(d.full_range.start) + 1;
    let _ = write!(table, "{first}-{last}");
    if full < first {
        let _ = write!(table, " (from {full})");
    }
    let _ = write!(table, " {} ", d.kind);
    if let Some(container) = d.container {
        let _ = write!(table, "[{container}] ");
    }
    let _ = write!(table, "{}: {}", d.name, d.signature);
    if let Some(line) = d.doc.as_deref().and_then(|doc| doc.lines().next()) {
        let _ = write!(table, " — {line}");
    }
    table.push('\n');
}
