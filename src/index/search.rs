use super::analysis::{NameField, name_key};
use super::likeness::{Kinship, Likeness, NamePattern};
use super::rank::{Corpus, WEIGHTS, file_scores, is_test_path, prior_of_symbol, symbol_scores};
use super::store::Posting;
use super::{FileHit, Hit, Index};
use crate::lang::SymbolKind;

/// What the name of a test counts against that of what it tests, as in ranking.
const TEST_NAME: f32 = 0.6;
/// What the words of a symbol count against its name, among symbols whose names are alike.
const WORDS_OF_ALIKE: f32 = 0.1;
/// How many ranks of likeness the name of a key or a heading is behind that of code.
const NOT_CODE: f32 = 2.0;

impl Index {
    /// Finds symbols for a request in plain language, or for a stack trace: BM25F over names, doc comments, signatures,
    /// paths and bodies; names, files and lines that the query mentions outright come first, tests later unless it
    /// speaks of them.
    ///
    /// Equal scores are in the order of path and position.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        self.hits(symbol_scores(self, query, &WEIGHTS), limit)
    }

    /// Finds symbols as [`Index::search`] does and, where the query is one word, by their names too, as the symbol
    /// pickers of editors do: first those of that name, then in any case, those that begin with it, that have it among
    /// their words, whose words begin with its letters (sooner for a query in capitals), and those that one typing error
    /// makes of it; then what [`Index::search`] finds; then those that have its letters in order.
    ///
    /// Equal scores are in the order of path and position.
    pub fn search_names(&self, query: &str, limit: usize) -> Vec<Hit> {
        let alike = || NamePattern::new(query).map_or_else(Vec::new, |pattern| self.alike(pattern));
        let (mut scores, alike) = rayon::join(|| symbol_scores(self, query, &WEIGHTS), alike);
        if !alike.is_empty() {
            self.add_alike(&alike, &mut scores);
        }
        self.hits(scores, limit)
    }

    /// Returns the symbols, by their numbers in [`Corpus`], whose names are like a pattern. Reads all names.
    fn alike(&self, mut pattern: NamePattern<'_>) -> Vec<(usize, Likeness)> {
        let mut found = Vec::new();
        for (segment, live) in self.segments.iter().zip(&self.live) {
            let blobs = segment.blobs();
            let read = segment.each_key(name_key("")[0], |key, postings| {
                let name = key.get(1..).and_then(|name| std::str::from_utf8(name).ok());
                let Some(likeness) = name.and_then(|name| pattern.likeness(name)) else {
                    return;
                };
                let is_definition = |posting: &&Posting| posting.counts[NameField::Defined as usize] > 0;
                for posting in postings.iter().filter(is_definition) {
                    let blob = blobs.partition_point(|blob| blob.first_unit + blob.units <= posting.unit);
                    // Unit 0 of a blob is the text outside of its definitions.
                    let Some(entry) = blobs.get(blob).filter(|entry| posting.unit > entry.first_unit) else {
                        continue;
                    };
                    let number = (posting.unit - entry.first_unit) as usize;
                    live.each_file(blob as u32, |file| {
                        found.push((self.bases[file as usize] as usize + number, likeness));
                    });
                }
            });
            self.sound(read);
        }
        found
    }

    /// Puts symbols by the likeness of their names before and behind those that have a score.
    fn add_alike(&self, alike: &[(usize, Likeness)], scores: &mut [f32]) {
        let top = scores.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        for score in scores.iter_mut().filter(|score| **score > 0.0) {
            *score = 1.0 + *score / top;
        }
        for (unit, likeness) in alike {
            let facts = Corpus::symbol(self, *unit);
            let in_tests = facts.in_tests || is_test_path(Corpus::path(self, facts.file));
            let closeness = likeness.closeness * prior_of_symbol(&facts) * if in_tests { TEST_NAME } else { 1.0 };
            let words = (scores[*unit] - 1.0).max(0.0);
            let among_alike = closeness * (1.0 - WORDS_OF_ALIKE) + words * WORDS_OF_ALIKE;
            let rank = match likeness.kinship {
                Kinship::Exact => 8.0,
                Kinship::Folded => 7.0,
                Kinship::Capitals => 6.0,
                Kinship::Prefix => 5.0,
                Kinship::Part => 4.0,
                Kinship::Initials => 3.0,
                Kinship::Typo => 2.0,
                Kinship::Scattered => {
                    scores[*unit] = scores[*unit].max(closeness);
                    continue;
                }
            };
            let lower = if facts.kind.is_some_and(SymbolKind::is_code) {
                0.0
            } else {
                NOT_CODE
            };
            scores[*unit] = scores[*unit].max(rank - lower + among_alike);
        }
    }

    fn hits(&self, scores: Vec<f32>, limit: usize) -> Vec<Hit> {
        let found = best(scores, limit).into_iter();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;
    use crate::text::RepoPath;

    fn index() -> Index {
        let texts = [
            (
                "src/interval.rs",
                "pub fn parse_interval() {}\npub struct ParseInterval;\nfn pars() {}\nfn interval_parser() {}\n",
            ),
            (
                "src/lines.rs",
                "fn reparse() {}\nfn read_lines() { parse_interval(); }\nfn partial() {}\n",
            ),
            (
                "src/words.rs",
                "/// Splits into words: parse and interval.\nfn split() {}\nfn PARSE() {}\nfn parse() {}\n",
            ),
            ("data/words.json", "{\"split\": 1, \"wanted\": 2, \"Mixed\": 3}\n"),
            ("src/mixed.rs", "struct MixED;\n"),
            ("tests/lines.rs", "fn read_line() {}\nfn parse_all() {}\n"),
        ];
        let texts = texts.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
        Index::from_texts(texts.to_vec(), &NoProgress).unwrap()
    }

    fn names(query: &str) -> Vec<String> {
        let index = index();
        let hits = index.search_names(query, 20);
        assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
        hits.into_iter()
            .map(|hit| index.symbol(hit.symbol).qualified.clone())
            .collect()
    }

    #[test]
    fn names_come_by_their_likeness_to_the_word() {
        assert_eq!(
            names("parse")[..4],
            ["parse", "PARSE", "parse_interval", "ParseInterval"]
        );
        assert_eq!(names("parse")[4..7], ["parse_all", "interval_parser", "pars"]);
        assert_eq!(names("ParseInterval")[..2], ["ParseInterval", "parse_interval"]);
        assert_eq!(names("prsintv"), ["parse_interval", "ParseInterval"]);
        assert_eq!(names("PI")[..2], ["parse_interval", "ParseInterval"]);
        for typed in ["parse_intervl", "parse_intreval", "prase_interval", "parse_interrval"] {
            assert_eq!(names(typed)[..2], ["parse_interval", "ParseInterval"], "{typed}");
        }
    }

    #[test]
    fn names_of_tests_come_after_their_like() {
        assert_eq!(names("readlin"), ["read_lines", "read_line"]);
        assert_eq!(names("rl")[..2], ["read_lines", "read_line"]);
    }

    #[test]
    fn names_in_data_come_after_their_like_in_code() {
        assert_eq!(names("Mixed")[..2], ["MixED", "Mixed"]);
        assert_eq!(names("MixED")[..2], ["MixED", "Mixed"]);
        assert_eq!(names("wanted").first().map(String::as_str), Some("wanted"));
    }

    #[test]
    fn words_in_texts_come_before_letters_in_order() {
        let found = names("words");
        assert_eq!(found.first().map(String::as_str), Some("split"), "{found:?}");
    }

    #[test]
    fn several_words_are_ranked_as_ever() {
        let index = index();
        for query in ["parse interval", "lines.rs", "a", "where are words split?"] {
            assert_eq!(index.search_names(query, 9), index.search(query, 9), "{query}");
        }
        assert!(names("zqxw").is_empty());
    }
}
