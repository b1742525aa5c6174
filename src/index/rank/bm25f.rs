//! Scores by words.

use super::corpus::{FIELDS, Occurrence, Totals};

/// What a field of a document counts for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldWeight {
    /// How much one occurrence counts.
    pub(super) weight: f32,
    /// How much a long field is held against it, in 0..=1.
    pub(super) b: f32,
}

/// Scores documents for weighted terms with BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13", 2004): term
/// frequencies are weighted and normalised by field before they saturate together.
///
/// Terms come one after the other, each with its occurrences in any order.
pub(super) struct Bm25f {
    fields: [FieldWeight; FIELDS],
    /// How soon frequencies saturate.
    k1: f32,
    documents: f32,
    averages: [f32; FIELDS],
    /// The weighted frequencies of the term that is being read, by document, and which are not zero.
    frequencies: Vec<f32>,
    touched: Vec<usize>,
    scores: Vec<f32>,
}

impl Bm25f {
    /// Makes scores for documents whose numbers are below `end`.
    pub(super) fn new(totals: &Totals, end: usize, fields: [FieldWeight; FIELDS], k1: f32) -> Self {
        let documents = totals.documents as f32;
        Self {
            fields,
            k1,
            documents,
            averages: totals.lengths.map(|total| (total as f32 / documents.max(1.0)).max(1.0)),
            frequencies: vec![0.0; end],
            touched: Vec::new(),
            scores: vec![0.0; end],
        }
    }

    /// Adds an occurrence of the present term in a document.
    pub(super) fn add(&mut self, document: usize, occurrence: &Occurrence) {
        let mut frequency = 0.0;
        for (field, FieldWeight { weight, b }) in self.fields.iter().enumerate() {
            if occurrence.counts[field] > 0 {
                let norm = 1.0 - b + b * occurrence.lengths[field] as f32 / self.averages[field];
                frequency += weight * occurrence.counts[field] as f32 / norm;
            }
        }
        let Some(own) = self.frequencies.get_mut(document).filter(|_| frequency > 0.0) else {
            return;
        };
        if *own == 0.0 {
            self.touched.push(document);
        }
        *own += frequency;
    }

    /// Adds the scores of the present term, which counts `weight`, and goes on to the next.
    pub(super) fn end_term(&mut self, weight: f32) {
        let found = self.touched.len() as f32;
        let idf = (1.0 + (self.documents - found + 0.5).max(0.5) / (found + 0.5)).ln();
        for document in self.touched.drain(..) {
            let frequency = std::mem::take(&mut self.frequencies[document]);
            self.scores[document] += weight * idf * frequency * (self.k1 + 1.0) / (self.k1 + frequency);
        }
    }

    /// Returns the score of every document.
    pub(super) fn finish(self) -> Vec<f32> {
        self.scores
    }
}

#[cfg(test)]
mod tests {
    use super::super::corpus::Document;
    use super::*;

    const TITLE: FieldWeight = FieldWeight { weight: 3.0, b: 0.5 };
    const BODY: FieldWeight = FieldWeight { weight: 1.0, b: 0.75 };

    /// Scores documents of title and body for words.
    fn scores(documents: &[(&str, &str)], terms: &[(&str, f32)]) -> Vec<f32> {
        let count = |text: &str, term: &str| text.split(' ').filter(|word| *word == term).count() as u32;
        let length = |text: &str| text.split(' ').count() as u32;
        let lengths = |(title, body): &(&str, &str)| [length(title), 0, 0, 0, length(body)];
        let mut totals = Totals {
            documents: documents.len(),
            ..Totals::default()
        };
        for document in documents {
            for (total, own) in totals.lengths.iter_mut().zip(lengths(document)) {
                *total += u64::from(own);
            }
        }
        let mut bm25f = Bm25f::new(&totals, documents.len(), [TITLE, BODY, BODY, BODY, BODY], 1.2);
        for (term, weight) in terms {
            for (at, (title, body)) in documents.iter().enumerate() {
                // Part by part, as a stored index gives them.
                for counts in [[count(title, term), 0, 0, 0, 0], [0, 0, 0, 0, count(body, term)]] {
                    let occurrence = Occurrence {
                        document: Document::File(at),
                        counts,
                        lengths: lengths(&documents[at]),
                    };
                    bm25f.add(at, &occurrence);
                }
            }
            bm25f.end_term(*weight);
        }
        bm25f.finish()
    }

    #[test]
    fn rare_terms_and_heavy_fields_count_more() {
        let documents = [
            ("needle", "common words here"),
            ("other", "needle common words here"),
            ("other", "common words"),
        ];
        let found = scores(&documents, &[("needle", 1.0)]);
        assert!(found[0] > found[1] && found[1] > 0.0 && found[2] == 0.0, "{found:?}");
        let found = scores(&documents, &[("common", 1.0), ("needle", 1.0)]);
        assert!(found[1] > found[2], "{found:?}");
    }

    #[test]
    fn the_weight_of_a_term_multiplies_its_score() {
        let documents = [("", "needle"), ("", "straw")];
        let once = scores(&documents, &[("needle", 1.0)]);
        let twice = scores(&documents, &[("needle", 2.0)]);
        assert!(once[0] > 0.0);
        assert_eq!(twice[0], 2.0 * once[0]);
    }

    #[test]
    fn parts_of_a_document_saturate_together() {
        let documents = [("needle", "needle"), ("", "straw")];
        let both = scores(&documents, &[("needle", 1.0)]);
        let title = scores(&[("needle", "straw"), ("", "straw")], &[("needle", 1.0)]);
        let body = scores(&[("straw", "needle"), ("", "straw")], &[("needle", 1.0)]);
        assert!(both[0] > title[0] && both[0] < title[0] + body[0], "{both:?}");
    }

    #[test]
    fn shorter_documents_win_and_an_empty_index_answers() {
        let documents = [("", "needle"), ("", "needle in a big heap of hay and straw and dust")];
        let found = scores(&documents, &[("needle", 1.0)]);
        assert!(found[0] > found[1]);
        assert!(scores(&[], &[("needle", 1.0)]).is_empty());
    }
}
