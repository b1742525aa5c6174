use std::collections::HashMap;

/// How soon more occurrences of a term stop to count.
const K1: f32 = 1.2;

/// What a field of a document counts for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldWeight {
    /// How much one occurrence counts.
    pub(super) weight: f32,
    /// How much a long field is held against it, in 0..=1.
    pub(super) b: f32,
}

/// The terms of one document: how often each stands in each field, sorted by term.
pub(super) type TermCounts<const F: usize> = Vec<(Box<str>, [u16; F])>;

/// Counts the terms of one document.
#[derive(Default)]
pub(super) struct TermCounter<const F: usize> {
    counts: HashMap<Box<str>, [u16; F]>,
}

impl<const F: usize> TermCounter<F> {
    pub(super) fn new() -> Self {
        Self { counts: HashMap::new() }
    }

    pub(super) fn add(&mut self, field: usize, text: &str) {
        super::terms::each_term(text, |term| {
            let counts = match self.counts.get_mut(term) {
                Some(counts) => counts,
                None => self.counts.entry(term.into()).or_insert([0; F]),
            };
            counts[field] = counts[field].saturating_add(1);
        });
    }

    pub(super) fn finish(self) -> TermCounts<F> {
        let mut counts: TermCounts<F> = self.counts.into_iter().collect();
        counts.sort_unstable();
        counts
    }
}

/// An inverted index scored with BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13", 2004): term frequencies are
/// weighted and normalised by field before they saturate together.
pub(super) struct Bm25<const F: usize> {
    fields: &'static [FieldWeight; F],
    terms: HashMap<Box<str>, u32>,
    postings: Vec<Vec<Posting<F>>>,
    lengths: Vec<[u32; F]>,
    totals: [u64; F],
}

struct Posting<const F: usize> {
    document: u32,
    counts: [u16; F],
}

impl<const F: usize> Bm25<F> {
    pub(super) fn new(fields: &'static [FieldWeight; F]) -> Self {
        Self {
            fields,
            terms: HashMap::new(),
            postings: Vec::new(),
            lengths: Vec::new(),
            totals: [0; F],
        }
    }

    /// Adds the next document; documents are numbered from 0.
    pub(super) fn push(&mut self, counts: TermCounts<F>) {
        let document = self.lengths.len() as u32;
        let mut lengths = [0u32; F];
        for (term, counts) in counts {
            for (length, count) in lengths.iter_mut().zip(counts) {
                *length += u32::from(count);
            }
            let next = self.postings.len() as u32;
            let term = *self.terms.entry(term).or_insert(next);
            if term == next {
                self.postings.push(Vec::new());
            }
            self.postings[term as usize].push(Posting { document, counts });
        }
        for (total, length) in self.totals.iter_mut().zip(lengths) {
            *total += u64::from(length);
        }
        self.lengths.push(lengths);
    }

    /// Returns the score of every document for a query's terms.
    pub(super) fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.lengths.len()];
        let documents = self.lengths.len() as f32;
        let averages = self.totals.map(|total| (total as f32 / documents.max(1.0)).max(1.0));
        for (term, _) in query_terms(query) {
            let Some(postings) = self.terms.get(&term).map(|term| &self.postings[*term as usize]) else {
                continue;
            };
            let found = postings.len() as f32;
            let idf = (1.0 + (documents - found + 0.5) / (found + 0.5)).ln();
            for posting in postings {
                let lengths = &self.lengths[posting.document as usize];
                let frequency: f32 = (0..F)
                    .map(|field| {
                        let FieldWeight { weight, b } = self.fields[field];
                        let norm = 1.0 - b + b * lengths[field] as f32 / averages[field];
                        weight * f32::from(posting.counts[field]) / norm
                    })
                    .sum();
                scores[posting.document as usize] += idf * frequency * (K1 + 1.0) / (K1 + frequency);
            }
        }
        scores
    }
}

/// Returns the terms of a query, each once, in a fixed order.
fn query_terms(query: &str) -> TermCounts<1> {
    let mut counter = TermCounter::<1>::new();
    counter.add(0, query);
    counter.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIELDS: [FieldWeight; 2] = [
        FieldWeight { weight: 3.0, b: 0.5 },
        FieldWeight { weight: 1.0, b: 0.75 },
    ];

    fn index(documents: &[(&str, &str)]) -> Bm25<2> {
        let mut index = Bm25::new(&FIELDS);
        for (title, body) in documents {
            let mut counter = TermCounter::new();
            counter.add(0, title);
            counter.add(1, body);
            index.push(counter.finish());
        }
        index
    }

    #[test]
    fn rare_terms_and_heavy_fields_count_more() {
        let index = index(&[
            ("parse", "common words here"),
            ("other", "parse common words here"),
            ("other", "common words"),
        ]);
        let scores = index.scores("parse");
        assert!(
            scores[0] > scores[1] && scores[1] > 0.0 && scores[2] == 0.0,
            "{scores:?}"
        );
        let scores = index.scores("parse common");
        assert!(scores[1] > scores[2], "{scores:?}");
    }

    #[test]
    fn shorter_documents_win_and_an_empty_index_answers() {
        let index = index(&[("", "needle"), ("", "needle in a big heap of hay and straw and dust")]);
        let scores = index.scores("needle");
        assert!(scores[0] > scores[1]);
        assert!(Bm25::new(&FIELDS).scores("needle").is_empty());
    }
}
