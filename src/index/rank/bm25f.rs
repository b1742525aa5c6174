//! Scores by words.

use super::corpus::Postings;

/// What a field of a document counts for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldWeight {
    /// How much one occurrence counts.
    pub(super) weight: f32,
    /// How much a long field is held against it, in 0..=1.
    pub(super) b: f32,
}

/// Scores every document for weighted terms with BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13", 2004): term
/// frequencies are weighted and normalised by field before they saturate together. `k1` says how soon they do.
pub(super) fn bm25f<const F: usize>(
    postings: &impl Postings<F>,
    terms: &[(Box<str>, f32)],
    fields: &[FieldWeight; F],
    k1: f32,
) -> Vec<f32> {
    let count = postings.document_count();
    let documents = count as f32;
    let averages = postings
        .totals()
        .map(|total| (total as f32 / documents.max(1.0)).max(1.0));
    let mut scores = vec![0.0; count];
    for (term, weight) in terms {
        let found = postings.document_frequency(term) as f32;
        let idf = (1.0 + (documents - found + 0.5) / (found + 0.5)).ln();
        postings.each_posting(term, &mut |document, counts| {
            let lengths = postings.lengths(document);
            let frequency: f32 = (0..F)
                .filter(|field| counts[*field] > 0)
                .map(|field| {
                    let FieldWeight { weight, b } = fields[field];
                    let norm = 1.0 - b + b * lengths[field] as f32 / averages[field];
                    weight * f32::from(counts[field]) / norm
                })
                .sum();
            scores[document] += weight * idf * frequency * (k1 + 1.0) / (k1 + frequency);
        });
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::term_index::{TermCounter, TermIndex};

    static FIELDS: [FieldWeight; 2] = [
        FieldWeight { weight: 3.0, b: 0.5 },
        FieldWeight { weight: 1.0, b: 0.75 },
    ];

    fn scores(documents: &[(&str, &str)], terms: &[(&str, f32)]) -> Vec<f32> {
        let mut index = TermIndex::new();
        for (title, body) in documents {
            let mut counter = TermCounter::new();
            counter.add(0, title);
            counter.add(1, body);
            index.push(counter.finish());
        }
        let terms: Vec<(Box<str>, f32)> = terms.iter().map(|(term, weight)| ((*term).into(), *weight)).collect();
        bm25f(&index, &terms, &FIELDS, 1.2)
    }

    #[test]
    fn rare_terms_and_heavy_fields_count_more() {
        let documents = [
            ("needle", "common words here"),
            ("other", "needle common words here"),
            ("other", "common words"),
        ];
        let found = scores(&documents, &[("needl", 1.0)]);
        assert!(found[0] > found[1] && found[1] > 0.0 && found[2] == 0.0, "{found:?}");
        let found = scores(&documents, &[("common", 1.0), ("needl", 1.0)]);
        assert!(found[1] > found[2], "{found:?}");
    }

    #[test]
    fn the_weight_of_a_term_multiplies_its_score() {
        let documents = [("", "needle"), ("", "straw")];
        let once = scores(&documents, &[("needl", 1.0)]);
        let twice = scores(&documents, &[("needl", 2.0)]);
        assert_eq!(twice[0], 2.0 * once[0]);
    }

    #[test]
    fn shorter_documents_win_and_an_empty_index_answers() {
        let documents = [("", "needle"), ("", "needle in a big heap of hay and straw and dust")];
        let found = scores(&documents, &[("needl", 1.0)]);
        assert!(found[0] > found[1]);
        assert!(scores(&[], &[("needl", 1.0)]).is_empty());
    }
}
