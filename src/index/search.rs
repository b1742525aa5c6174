use super::bm25::Scores;
use super::mention::Mentions;
use super::store::UnitFlags;
use super::{FileHit, Hit, Index, SymbolId};
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
        let mut scores = Scores::of(self, query).symbols;
        self.weigh_symbols(&mut scores, query, &Mentions::of(self, query));
        let hits = best(scores, limit).into_iter().map(|(unit, score)| Hit {
            symbol: self.symbol_at(unit as u32),
            score,
        });
        hits.collect()
    }

    /// Finds files for a request, those without a grammar included: BM25 over paths, names of symbols and text, and the
    /// score of the best symbol.
    ///
    /// Equal scores are in the order of the paths.
    pub fn search_files(&self, query: &str, limit: usize) -> Vec<FileHit> {
        let Scores { mut symbols, mut files } = Scores::of(self, query);
        if !speaks_of_tests(query) {
            for (score, file) in files.iter_mut().zip(&self.files) {
                if *score > 0.0 && is_test_path(&file.path) {
                    *score *= TEST_FACTOR;
                }
            }
        }
        let unit = unit(&files);
        let mentions = Mentions::of(self, query);
        for (file, _) in &mentions.files {
            files[*file] += unit * PATH_MENTION;
        }
        self.weigh_symbols(&mut symbols, query, &mentions);
        for (file, score) in files.iter_mut().enumerate() {
            let own = self.bases[file] as usize + 1..self.bases[file + 1] as usize;
            let top = symbols[own].iter().copied().fold(0.0, f32::max);
            *score += BEST_SYMBOL * top;
        }
        let hits = best(files, limit).into_iter().map(|(at, score)| FileHit {
            path: self.files[at].path.clone(),
            score,
        });
        hits.collect()
    }

    /// Turns the scores of words into those of symbols: by kind, by test, by what the query mentions.
    fn weigh_symbols(&self, scores: &mut [f32], query: &str, mentions: &Mentions) {
        let about_tests = speaks_of_tests(query);
        for file in 0..self.files.len() as u32 {
            let base = self.bases[file as usize] as usize;
            let own = &mut scores[base..self.bases[file as usize + 1] as usize];
            own[0] = 0.0;
            if own.iter().all(|score| *score == 0.0) {
                continue;
            }
            let in_tests = is_test_path(&self.files[file as usize].path);
            for (number, score) in (0u32..).zip(&mut own[1..]) {
                if *score == 0.0 {
                    continue;
                }
                let flags = self.flags(SymbolId { file, number });
                *score *= kind_factor(flags);
                if !about_tests && (in_tests || flags.in_tests()) {
                    *score *= TEST_FACTOR;
                }
            }
        }
        let unit = unit(scores);
        for (symbol, strength) in &mentions.symbols {
            scores[self.unit_of(*symbol)] += unit * strength;
        }
        for (file, line) in &mentions.files {
            let base = self.bases[*file] as usize;
            for score in &mut scores[base + 1..self.bases[file + 1] as usize] {
                *score += unit * FILE_MENTION;
            }
            let around = line.and_then(|line| {
                let symbols = self.symbols_of(*file as u32);
                let around = symbols.iter().rev();
                around
                    .clone()
                    .find(|symbol| (symbol.first_line..=symbol.last_line).contains(&line))
            });
            if let Some(symbol) = around {
                scores[self.unit_of(symbol.id)] += unit * LINE_MENTION;
            }
        }
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
    let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if limit < found.len() {
        found.select_nth_unstable_by(limit, order);
        found.truncate(limit);
    }
    found.sort_unstable_by(order);
    found
}

/// Returns how likely a kind of symbol is what a request is about, against a function with a body.
fn kind_factor(flags: UnitFlags) -> f32 {
    let Some(kind) = flags.kind() else {
        return 1.0;
    };
    match kind {
        SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor if !flags.has_body() => 0.85,
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
