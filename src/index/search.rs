use super::mention::Mentions;
use super::{FileHit, Hit, Index, Symbol, SymbolId};
use crate::lang::SymbolKind;
use crate::text::RepoPath;

/// What a hit in a test counts, unless the query is about tests.
const TEST_FACTOR: f32 = 0.6;
/// What the mention of its file adds to a symbol, as a part of the best score.
const FILE_MENTION: f32 = 0.4;
/// What the mention of a line adds to the innermost symbol around it.
const LINE_MENTION: f32 = 1.0;
/// What the mention of a file adds to the file.
const PATH_MENTION: f32 = 2.0;
/// What the best symbol of a file counts for the file, beside the file's own words: a long file holds many words of
/// any request, but seldom all in one place.
const BEST_SYMBOL: f32 = 0.7;

impl Index {
    /// Finds symbols for a request in plain language: BM25 over names, doc comments, signatures, paths and bodies;
    /// names and files that the query mentions outright come first, tests later unless it speaks of them.
    ///
    /// Equal scores are in the order of path and position.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let scores = self.symbol_scores(query, &Mentions::of(self, query));
        best(scores, limit)
            .into_iter()
            .map(|(at, score)| Hit {
                symbol: SymbolId(at as u32),
                score,
            })
            .collect()
    }

    /// Finds files for a request, those without a grammar included: BM25 over paths, names of symbols and text, and the
    /// score of the best symbol.
    ///
    /// Equal scores are in the order of the paths.
    pub fn search_files(&self, query: &str, limit: usize) -> Vec<FileHit> {
        let mut scores = self.file_terms.scores(query);
        if !speaks_of_tests(query) {
            for (score, file) in scores.iter_mut().zip(&self.files) {
                if *score > 0.0 && is_test_path(&file.path) {
                    *score *= TEST_FACTOR;
                }
            }
        }
        let unit = unit(&scores);
        let mentions = Mentions::of(self, query);
        for (file, _) in &mentions.files {
            scores[*file] += unit * PATH_MENTION;
        }
        let symbols = self.symbol_scores(query, &mentions);
        for (score, file) in scores.iter_mut().zip(&self.files) {
            let top = symbols[file.symbols.clone()].iter().copied().fold(0.0, f32::max);
            *score += BEST_SYMBOL * top;
        }
        best(scores, limit)
            .into_iter()
            .map(|(at, score)| FileHit {
                path: self.files[at].path.clone(),
                score,
            })
            .collect()
    }

    /// Returns the score of every symbol.
    fn symbol_scores(&self, query: &str, mentions: &Mentions) -> Vec<f32> {
        let mut scores = self.symbol_terms.scores(query);
        let about_tests = speaks_of_tests(query);
        for (score, symbol) in scores.iter_mut().zip(&self.symbols) {
            if *score == 0.0 {
                continue;
            }
            *score *= kind_factor(symbol);
            if !about_tests && is_test(symbol) {
                *score *= TEST_FACTOR;
            }
        }
        let unit = unit(&scores);
        for (symbol, strength) in &mentions.symbols {
            scores[symbol.0 as usize] += unit * strength;
        }
        for (file, line) in &mentions.files {
            let file = &self.files[*file];
            for score in &mut scores[file.symbols.clone()] {
                *score += unit * FILE_MENTION;
            }
            let symbols = &self.symbols[file.symbols.clone()];
            let around = line.and_then(|line| {
                let holds = |symbol: &&Symbol| (symbol.first_line..=symbol.last_line).contains(&line);
                symbols.iter().rev().find(holds)
            });
            if let Some(symbol) = around {
                scores[symbol.id.0 as usize] += unit * LINE_MENTION;
            }
        }
        scores
    }
}

/// Returns what a mention is measured in: the best score, or 1 where nothing matched.
fn unit(scores: &[f32]) -> f32 {
    let top = scores.iter().copied().fold(0.0, f32::max);
    if top > 0.0 { top } else { 1.0 }
}

fn best(scores: Vec<f32>, limit: usize) -> Vec<(usize, f32)> {
    let mut found: Vec<(usize, f32)> = scores
        .into_iter()
        .enumerate()
        .filter(|(_, score)| *score > 0.0)
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(limit);
    found
}

/// Returns how likely a kind of symbol is what a request is about, against a function with a body.
fn kind_factor(symbol: &Symbol) -> f32 {
    match symbol.definition.kind {
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor if symbol.definition.body.is_none() => 0.85,
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor => 1.0,
        SymbolKind::Class | SymbolKind::Struct | SymbolKind::Enum | SymbolKind::Interface | SymbolKind::Trait => 0.95,
        SymbolKind::Constant | SymbolKind::Variable | SymbolKind::Type | SymbolKind::Macro => 0.9,
        SymbolKind::Impl => 0.8,
        SymbolKind::Field | SymbolKind::Module | SymbolKind::Table | SymbolKind::Target => 0.7,
        SymbolKind::Section | SymbolKind::Key | SymbolKind::Selector => 0.5,
    }
}

fn speaks_of_tests(query: &str) -> bool {
    query.split(|c: char| !c.is_alphanumeric()).any(|word| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "test" | "tests" | "testing" | "tested" | "spec" | "specs"
        )
    })
}

fn is_test(symbol: &Symbol) -> bool {
    let in_test_module = |container: &str| container.split([':', '.']).any(|part| matches!(part, "tests" | "test"));
    is_test_path(&symbol.path)
        || symbol.definition.container.as_deref().is_some_and(in_test_module)
        || (symbol.definition.kind == SymbolKind::Module && matches!(symbol.definition.name.as_str(), "tests" | "test"))
}

/// Tells whether a path is that of a test by the habits of the common test runners.
pub(super) fn is_test_path(path: &RepoPath) -> bool {
    let folder = path
        .parent()
        .split('/')
        .any(|part| matches!(part, "test" | "tests" | "__tests__" | "spec" | "specs" | "testdata"));
    let name = path.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folder
        || stem.starts_with("test_")
        || stem == "conftest"
        || ["_test", "_tests", ".test", ".spec", "_spec", "Test", "Tests"]
            .iter()
            .any(|end| stem.ends_with(end))
}
