use super::rank::{WEIGHTS, file_scores, symbol_scores};
use super::{FileHit, Hit, Index};

impl Index {
    /// Finds symbols for a request in plain language, or for a stack trace: BM25F over names, doc comments, signatures,
    /// paths and bodies; names, files and lines that the query mentions outright come first, tests later unless it
    /// speaks of them.
    ///
    /// Equal scores are in the order of path and position.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let found = best(symbol_scores(self, query, &WEIGHTS), limit).into_iter();
        let hits = found.map(|(at, score)| Hit {
            symbol: self.symbol_at(at as u32),
            score,
        });
        hits.collect()
    }

    /// Finds files for a request, those without a grammar included: BM25F over paths, names of symbols, doc comments
    /// and text, the scores of the symbols inside, and what the query mentions outright.
    ///
    /// Equal scores are in the order of the paths.
    pub fn search_files(&self, query: &str, limit: usize) -> Vec<FileHit> {
        let found = best(file_scores(self, query, &WEIGHTS), limit).into_iter();
        let hits = found.map(|(at, score)| FileHit {
            path: self.files[at].path.clone(),
            score,
        });
        hits.collect()
    }
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
