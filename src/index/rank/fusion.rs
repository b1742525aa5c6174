//! One score a file and one a symbol from all that speaks for it.

use std::collections::HashMap;

use super::bm25f::Bm25f;
use super::corpus::{Corpus, Document};
use super::mention::{Mentions, decaying_sum};
use super::prior;
use super::query::{Asks, Query};
use super::weights::Weights;

/// How many symbols of a file count for it.
const SYMBOLS_OF_A_FILE: usize = 8;

/// What a hit in a test counts for symbols, unless the query is about tests.
const TEST_SYMBOL: f32 = 0.6;
/// What the mention of its file adds to a symbol, as a part of the best score.
const FILE_OF_SYMBOL: f32 = 0.4;
/// What the mention of a line adds to the innermost symbol around it.
const LINE_OF_SYMBOL: f32 = 1.0;

/// Returns the score of every file for a request.
pub(in crate::index) fn file_scores(corpus: &impl Corpus, text: &str, weights: &Weights) -> Vec<f32> {
    let query = Query::parse(text, weights);
    let mentions = Mentions::of(corpus, &query, weights);
    let Words { mut files, symbols } = Words::of(corpus, &query, weights);
    let symbol_unit = top(&symbols);
    let unit = top(&files);
    for (file, score) in files.iter_mut().enumerate() {
        *score /= unit;
        let mut own: Vec<f32> = symbols[corpus.symbols_of(file)]
            .iter()
            .map(|score| score / symbol_unit)
            .collect();
        own.sort_unstable_by(|a, b| b.total_cmp(a));
        own.truncate(SYMBOLS_OF_A_FILE);
        *score += weights.fuse_symbols * (1.0 - weights.fuse_decay) * decaying_sum(own, weights.fuse_decay);
    }
    for (file, strength) in &mentions.defining {
        files[*file] += weights.mention * strength;
    }
    for (file, strength) in &mentions.files {
        files[*file] += strength;
    }
    for (file, strength) in &mentions.frames {
        files[*file] += weights.frame * strength;
    }
    add_folders(|file| corpus.path(file), &mut files, weights.folder);
    for (score, prior) in files.iter_mut().zip(prior::of_files(corpus, &query, weights)) {
        *score *= prior;
    }
    files
}

/// Adds to every file that has a score what the best other file of its folder has.
fn add_folders<'p>(path: impl Fn(usize) -> &'p str, files: &mut [f32], weight: f32) {
    let folder = |file| path(file).rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut best: HashMap<&str, [f32; 2]> = HashMap::new();
    for (file, score) in files.iter().enumerate() {
        let [first, second] = best.entry(folder(file)).or_default();
        *second = second.max(score.min(*first));
        *first = first.max(*score);
    }
    for (file, score) in files.iter_mut().enumerate().filter(|(_, score)| **score > 0.0) {
        let [first, second] = best[folder(file)];
        // Of equal files either is the other.
        *score += weight * if *score < first { first } else { second };
    }
}

/// Returns the score of every symbol for a request.
pub(in crate::index) fn symbol_scores(corpus: &impl Corpus, text: &str, weights: &Weights) -> Vec<f32> {
    let query = Query::parse(text, weights);
    let mentions = Mentions::of(corpus, &query, weights);
    let mut scores = Words::of(corpus, &query, weights).symbols;
    if query.asks != Asks::Tests {
        for file in 0..corpus.file_count() {
            let in_test_file = prior::is_test_path(corpus.path(file));
            for symbol in corpus.symbols_of(file) {
                if scores[symbol] == 0.0 {
                    continue;
                }
                if in_test_file || corpus.symbol(symbol).in_tests {
                    scores[symbol] *= TEST_SYMBOL;
                }
            }
        }
    }
    let unit = top(&scores);
    for (symbol, strength) in &mentions.symbols {
        scores[*symbol] += unit * strength;
    }
    for file in mentions.files.keys() {
        for score in &mut scores[corpus.symbols_of(*file)] {
            *score += unit * FILE_OF_SYMBOL;
        }
    }
    for (file, line, strength) in &mentions.lines {
        if let Some(symbol) = corpus.innermost_at(*file, *line) {
            scores[symbol] += unit * LINE_OF_SYMBOL * strength;
        }
    }
    scores
}

/// The scores by words alone.
struct Words {
    files: Vec<f32>,
    symbols: Vec<f32>,
}

impl Words {
    fn of(corpus: &impl Corpus, query: &Query<'_>, weights: &Weights) -> Self {
        let (count, end) = (corpus.file_count(), corpus.symbol_end());
        let mut files = Bm25f::new(&corpus.file_totals(), count, weights.file_fields(), weights.file_k1);
        let mut symbols = Bm25f::new(&corpus.symbol_totals(), end, weights.symbol_fields(), weights.symbol_k1);
        for (term, weight) in &query.terms {
            corpus.each_occurrence(term, |occurrence| match occurrence.document {
                Document::File(file) => files.add(file, occurrence),
                Document::Symbol(symbol) => symbols.add(symbol, occurrence),
            });
            files.end_term(*weight);
            symbols.end_term(*weight);
        }
        let mut symbols = symbols.finish();
        for (symbol, score) in symbols.iter_mut().enumerate().filter(|(_, score)| **score > 0.0) {
            *score *= prior::of_symbol(&corpus.symbol(symbol));
        }
        Self {
            files: files.finish(),
            symbols,
        }
    }
}

/// Returns the best score, or 1 where nothing matched.
fn top(scores: &[f32]) -> f32 {
    let top = scores.iter().copied().fold(0.0, f32::max);
    if top > 0.0 { top } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_gain_by_the_best_other_file_of_their_folder() {
        let paths = [
            "a/one.rs",
            "a/two.rs",
            "a/b/three.rs",
            "a/four.rs",
            "five.rs",
            "six.rs",
            "seven.rs",
        ];
        let mut files = [4.0, 2.0, 3.0, 0.0, 1.0, 1.0, 0.5];
        add_folders(|file| paths[file], &mut files, 0.5);
        assert_eq!(files, [5.0, 4.0, 3.0, 0.0, 1.5, 1.5, 1.0]);
    }
}
