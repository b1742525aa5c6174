//! How likely a file, or a symbol, is what a request is about, before the request is read.

use super::corpus::{Corpus, SymbolFacts};
use super::module::file_name;
use super::query::{Asks, Length, Query};
use super::weights::Weights;
use crate::lang::SymbolKind;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileRole {
    Source,
    Test,
    /// Examples, benchmarks, tutorials.
    Example,
    /// Prose: documentation, change logs, notices.
    Document,
    /// Data and settings.
    Data,
    /// Written by a program, or another project's.
    Foreign,
}

/// Suffixes of prose.
const DOCUMENT_SUFFIXES: [&str; 9] = ["md", "rst", "txt", "adoc", "tex", "html", "htm", "org", "po"];
/// Suffixes of data, settings and lists.
const DATA_SUFFIXES: [&str; 18] = [
    "json", "toml", "yaml", "yml", "ini", "cfg", "conf", "lock", "csv", "tsv", "xml", "svg", "ipynb", "css", "dat",
    "pot", "hdr", "map",
];

pub(super) fn role(path: &str) -> FileRole {
    let folder = |names: &[&str]| {
        path.split('/')
            .rev()
            .skip(1)
            .any(|part| names.iter().any(|name| part.eq_ignore_ascii_case(name)))
    };
    let name = file_name(path);
    let suffix = suffix(path);
    if is_test_path(path) {
        FileRole::Test
    } else if folder(&[
        "vendor",
        "vendored",
        "third_party",
        "node_modules",
        "extern",
        "external",
        "_vendor",
    ]) || [".min.js", ".pb.go", "_pb2.py", ".generated.rs"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        FileRole::Foreign
    } else if DOCUMENT_SUFFIXES.iter().any(|own| suffix.eq_ignore_ascii_case(own)) || is_notice(name) {
        FileRole::Document
    } else if DATA_SUFFIXES.iter().any(|own| suffix.eq_ignore_ascii_case(own)) || name.starts_with('.') {
        FileRole::Data
    } else if folder(&[
        "example",
        "examples",
        "demo",
        "demos",
        "tutorial",
        "tutorials",
        "bench",
        "benches",
        "benchmark",
        "benchmarks",
        "asv_bench",
        "doc",
        "docs",
        "sample",
        "samples",
    ]) {
        FileRole::Example
    } else {
        FileRole::Source
    }
}

fn is_notice(name: &str) -> bool {
    [
        "AUTHORS",
        "CHANGES",
        "CHANGELOG",
        "COPYING",
        "LICENSE",
        "NEWS",
        "NOTICE",
        "README",
        "CONTRIBUTORS",
        "HISTORY",
    ]
    .iter()
    .any(|notice| name.eq_ignore_ascii_case(notice))
}

/// Returns what the score of every file is multiplied with.
pub(super) fn of_files(corpus: &impl Corpus, query: &Query<'_>, weights: &Weights) -> Vec<f32> {
    let roles: Vec<FileRole> = (0..corpus.file_count()).map(|file| role(corpus.path(file))).collect();
    roles
        .iter()
        .map(|role| match role {
            FileRole::Source => 1.0,
            FileRole::Test if query.asks == Asks::Tests => 1.0,
            FileRole::Test => match query.length {
                Length::Line => weights.test_short,
                Length::Report => weights.test,
            },
            FileRole::Document | FileRole::Example if query.asks == Asks::Documents => 1.0,
            FileRole::Example => weights.example,
            FileRole::Document => weights.document,
            FileRole::Data => weights.data,
            FileRole::Foreign => weights.foreign,
        })
        .collect()
}

fn suffix(path: &str) -> &str {
    file_name(path).rsplit_once('.').map_or("", |(_, suffix)| suffix)
}

/// Returns what a symbol's score is multiplied with, without what its file is.
pub(in crate::index) fn of_symbol(symbol: &SymbolFacts) -> f32 {
    let Some(kind) = symbol.kind else {
        return 1.0;
    };
    match kind {
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor if !symbol.has_body => 0.85,
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor => 1.0,
        SymbolKind::Class | SymbolKind::Struct | SymbolKind::Enum | SymbolKind::Interface | SymbolKind::Trait => 0.95,
        SymbolKind::Constant | SymbolKind::Variable | SymbolKind::Type | SymbolKind::Macro => 0.9,
        SymbolKind::Impl => 0.8,
        SymbolKind::Field | SymbolKind::Module | SymbolKind::Table | SymbolKind::Target => 0.7,
        SymbolKind::Section | SymbolKind::Key | SymbolKind::Selector => 0.5,
    }
}

/// Tells whether a path is that of a test by the habits of the common test runners.
pub(crate) fn is_test_path(path: &str) -> bool {
    let name = file_name(path);
    let folder = path.split('/').rev().skip(1).any(|part| {
        matches!(
            part,
            "test" | "tests" | "testing" | "__tests__" | "spec" | "specs" | "testdata" | "test_data" | "fixtures"
        )
    });
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folder
        || stem.starts_with("test_")
        || stem == "conftest"
        || ["_test", "_tests", ".test", ".spec", "_spec", "Test", "Tests"]
            .iter()
            .any(|end| stem.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_what_a_file_is_for() {
        for (path, expected) in [
            ("src/a.rs", FileRole::Source),
            ("lib/core/mod.py", FileRole::Source),
            ("lib/core/__init__.py", FileRole::Source),
            ("tests/a.rs", FileRole::Test),
            ("pkg/a_test.go", FileRole::Test),
            ("src/test/java/ATest.java", FileRole::Test),
            ("web/a.spec.ts", FileRole::Test),
            ("examples/a.py", FileRole::Example),
            ("docs/conf.py", FileRole::Example),
            ("docs/guide.rst", FileRole::Document),
            ("LICENSE", FileRole::Document),
            ("Cargo.toml", FileRole::Data),
            (".gitignore", FileRole::Data),
            ("web/a.min.js", FileRole::Foreign),
            ("vendor/lib/a.go", FileRole::Foreign),
            ("src/attest.py", FileRole::Source),
        ] {
            assert_eq!(role(path), expected, "{path}");
        }
    }
}
