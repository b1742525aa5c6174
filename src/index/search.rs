use std::ops::Range;

use super::rank::{Corpus, Postings, SymbolFacts, WEIGHTS, file_scores, symbol_scores};
use super::{FileHit, Hit, Index, SymbolId};

impl Index {
    /// Finds symbols for a request in plain language, or for a stack trace: BM25F over names, doc comments, signatures,
    /// paths and bodies; names, files and lines that the query mentions outright come first, tests later unless it
    /// speaks of them.
    ///
    /// Equal scores are in the order of path and position.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        best(symbol_scores(self, query, &WEIGHTS), limit)
            .into_iter()
            .map(|(at, score)| Hit {
                symbol: SymbolId(at as u32),
                score,
            })
            .collect()
    }

    /// Finds files for a request, those without a grammar included: BM25F over paths, names of symbols, doc comments
    /// and text, the scores of the symbols inside, and what the query mentions outright.
    ///
    /// Equal scores are in the order of the paths.
    pub fn search_files(&self, query: &str, limit: usize) -> Vec<FileHit> {
        best(file_scores(self, query, &WEIGHTS), limit)
            .into_iter()
            .map(|(at, score)| FileHit {
                path: self.files[at].path.clone(),
                score,
            })
            .collect()
    }
}

impl Corpus for Index {
    fn file_count(&self) -> usize {
        self.files.len()
    }

    fn path(&self, file: usize) -> &str {
        self.files[file].path.as_str()
    }

    fn symbols_of(&self, file: usize) -> Range<usize> {
        self.files[file].symbols.clone()
    }

    fn symbol(&self, symbol: usize) -> SymbolFacts<'_> {
        let file = self.files.partition_point(|file| file.symbols.end <= symbol);
        let symbol = &self.symbols[symbol];
        SymbolFacts {
            name: &symbol.definition.name,
            container: symbol.definition.container.as_deref(),
            kind: symbol.definition.kind,
            file,
            first_line: symbol.first_line,
            last_line: symbol.last_line,
            has_body: symbol.definition.body.is_some(),
        }
    }

    fn each_named(&self, name: &str, each: &mut dyn FnMut(usize)) {
        for symbol in self.by_name.get(name).into_iter().flatten() {
            each(symbol.0 as usize);
        }
    }

    fn file_terms(&self) -> &impl Postings<5> {
        &self.file_terms
    }

    fn symbol_terms(&self) -> &impl Postings<5> {
        &self.symbol_terms
    }
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
