use std::collections::HashMap;

use super::rank::Postings;

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

/// An inverted index of documents with fields, in memory.
pub(super) struct TermIndex<const F: usize> {
    terms: HashMap<Box<str>, u32>,
    postings: Vec<Vec<Posting<F>>>,
    lengths: Vec<[u32; F]>,
    totals: [u64; F],
}

struct Posting<const F: usize> {
    document: u32,
    counts: [u16; F],
}

impl<const F: usize> TermIndex<F> {
    pub(super) fn new() -> Self {
        Self {
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

    fn postings_of(&self, term: &str) -> &[Posting<F>] {
        self.terms.get(term).map_or(&[], |term| &self.postings[*term as usize])
    }
}

impl<const F: usize> Postings<F> for TermIndex<F> {
    fn document_count(&self) -> usize {
        self.lengths.len()
    }

    fn lengths(&self, document: usize) -> [u32; F] {
        self.lengths[document]
    }

    fn totals(&self) -> [u64; F] {
        self.totals
    }

    fn document_frequency(&self, term: &str) -> usize {
        self.postings_of(term).len()
    }

    fn each_posting(&self, term: &str, each: &mut dyn FnMut(usize, [u16; F])) {
        for posting in self.postings_of(term) {
            each(posting.document as usize, posting.counts);
        }
    }
}
