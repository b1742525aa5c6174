//! How like a name is to what was typed for it, as the symbol pickers of editors see it.

use super::terms::identifier_parts;

/// The longest query and the longest name that are compared, in characters; longer ones are no names.
const MOST_CHARS: usize = 64;
/// The shortest query that may hold a typing error: shorter ones are one letter away from too much.
const TYPO_CHARS: usize = 4;

/// How a name is like a query, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kinship {
    /// It is the query.
    Exact,
    /// It is the query but for case and underscores.
    Folded,
    /// The query is in capitals and made of first letters of its words, in order.
    Capitals,
    /// It begins with the query.
    Prefix,
    /// A word of it begins the query, and the rest follows at once.
    Part,
    /// The query is made of first letters of its words, in order.
    Initials,
    /// One letter of the query is too many, missing, another, or swapped with the next.
    Typo,
    /// The letters of the query stand in it, in order.
    Scattered,
}

/// A name compared with a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    pub(super) kinship: Kinship,
    /// How much of the name the query accounts for, or how well it lies on it; from 0 to 1.
    pub(super) closeness: f32,
}

/// A query for names, with room to work in.
#[derive(Debug)]
pub(super) struct NamePattern<'a> {
    written: &'a str,
    folded: Vec<char>,
    is_capitals: bool,
    /// The letters that it holds.
    letters: u64,
    name: Letters,
    scores: Vec<i32>,
}

/// A name without underscores, in lower case, with the places where its words begin.
#[derive(Debug, Default)]
struct Letters {
    folded: Vec<char>,
    starts: Vec<bool>,
}

impl<'a> NamePattern<'a> {
    /// Takes a query that is one word, as identifiers are; none for everything else.
    pub(super) fn new(query: &'a str) -> Option<Self> {
        let written = query.trim();
        let is_word = written.chars().all(|c| c.is_alphanumeric() || c == '_') && written.contains(char::is_alphabetic);
        let folded: Vec<char> = folded(written).collect();
        (is_word && (2..=MOST_CHARS).contains(&folded.len())).then(|| Self {
            written,
            is_capitals: written.chars().all(char::is_uppercase),
            letters: letters(&folded),
            folded,
            name: Letters::default(),
            scores: Vec::new(),
        })
    }

    /// Compares a name with the query; none where they have nothing in common.
    pub(super) fn likeness(&mut self, name: &str) -> Option<Likeness> {
        if name == self.written {
            return Some(Likeness::of(Kinship::Exact, 1.0));
        }
        // Nearly all names end here.
        let missing = (self.letters & !letters_of(name)).count_ones();
        let may_be_typo = self.may_be_typo_of(name);
        if missing > u32::from(may_be_typo) || name.len() > 4 * MOST_CHARS {
            return None;
        }
        self.name.read(name);
        let (query, own) = (&self.folded, &self.name.folded);
        if own.len() > MOST_CHARS {
            return None;
        }
        let covered = query.len() as f32 / own.len().max(1) as f32;
        if missing == 0 {
            if own == query {
                return Some(Likeness::of(Kinship::Folded, 1.0));
            }
            let initials = self.name.initials(query);
            if let Some(share) = initials.filter(|_| self.is_capitals) {
                return Some(Likeness::of(Kinship::Capitals, share));
            }
            if own.starts_with(query) {
                return Some(Likeness::of(Kinship::Prefix, covered));
            }
            if self.name.words().any(|word| word.starts_with(query)) {
                return Some(Likeness::of(Kinship::Part, covered));
            }
            if let Some(share) = initials {
                return Some(Likeness::of(Kinship::Initials, share));
            }
        }
        if may_be_typo && is_one_error_away(query, own) {
            return Some(Likeness::of(Kinship::Typo, 1.0));
        }
        if missing > 0 || !is_subsequence(query, own) {
            return None;
        }
        let closeness = self.alignment();
        (closeness >= LEAST_ALIGNMENT).then(|| Likeness::of(Kinship::Scattered, closeness))
    }

    /// Tells whether a name is as long as the query, or a letter longer or shorter; letters beyond ASCII may be several
    /// when they are folded.
    fn may_be_typo_of(&self, name: &str) -> bool {
        let len = name.bytes().filter(|byte| *byte != b'_').count();
        self.folded.len() >= TYPO_CHARS && (!name.is_ascii() || len.abs_diff(self.folded.len()) <= 1)
    }
}

impl Likeness {
    fn of(kinship: Kinship, closeness: f32) -> Self {
        Self { kinship, closeness }
    }
}

// The rewards and penalties of fzf's second algorithm, which is that of Smith and Waterman with affine gaps.
const MATCH: i32 = 16;
const AT_START: i32 = 8;
const IN_A_ROW: i32 = 4;
const GAP: i32 = -3;
const LONGER_GAP: i32 = -1;
/// The least part of the best score there could be that makes letters in order more than chance.
const LEAST_ALIGNMENT: f32 = 0.6;

impl NamePattern<'_> {
    /// Returns how well the query lies on the name at best, as a part of the score of an exact match.
    ///
    /// Of every letter of the query in turn, `ends[j]` is the best score of the letters so far with the last of them on
    /// letter `j` of the name.
    fn alignment(&mut self) -> f32 {
        const NONE: i32 = i32::MIN / 2;
        let Letters { folded, starts } = &self.name;
        let count = folded.len();
        self.scores.clear();
        self.scores.resize(2 * count, NONE);
        let (mut before, mut ends) = self.scores.split_at_mut(count);
        for (at, wanted) in self.folded.iter().enumerate() {
            // The best score of all places before the one in a row, less the gap since.
            let mut with_gap = NONE;
            for j in 0..count {
                if j >= 2 {
                    with_gap = (with_gap + LONGER_GAP).max(before[j - 2] + GAP);
                }
                let bonus = if starts[j] { AT_START } else { 0 };
                ends[j] = match (folded[j] == *wanted, at) {
                    (false, _) => NONE,
                    // The first letter tells most.
                    (true, 0) => MATCH + 2 * bonus,
                    (true, _) => {
                        let in_a_row = match j {
                            0 => NONE,
                            _ => before[j - 1] + bonus.max(IN_A_ROW),
                        };
                        MATCH + in_a_row.max(with_gap + bonus)
                    }
                };
            }
            std::mem::swap(&mut before, &mut ends);
        }
        let best = before.iter().copied().max().unwrap_or(NONE).max(0);
        let most = self.folded.len() as i32 * (MATCH + IN_A_ROW) + 2 * AT_START - IN_A_ROW;
        (best as f32 / most as f32).min(1.0)
    }
}

impl Letters {
    fn read(&mut self, name: &str) {
        self.folded.clear();
        self.starts.clear();
        for part in identifier_parts(name) {
            let first = self.folded.len();
            self.folded.extend(folded(part));
            self.starts.resize(self.folded.len(), false);
            if let Some(start) = self.starts.get_mut(first) {
                *start = true;
            }
        }
    }

    /// Returns the name from the start of each of its words on.
    fn words(&self) -> impl Iterator<Item = &[char]> {
        let starts = (0..).zip(&self.starts).filter(|(_, start)| **start);
        starts.map(|(at, _): (usize, _)| &self.folded[at..])
    }

    /// Returns the part of all words whose first letters are the query, if they are.
    fn initials(&self, query: &[char]) -> Option<f32> {
        let mut wanted = query.iter().peekable();
        let mut words = 0;
        for word in self.words() {
            words += 1;
            wanted.next_if(|letter| word.first() == Some(letter));
        }
        wanted.peek().is_none().then(|| query.len() as f32 / words as f32)
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| *c != '_').flat_map(char::to_lowercase)
}

/// Returns a bit for every letter, several letters to a bit.
fn letters(folded: &[char]) -> u64 {
    folded.iter().fold(0, |bits, c| bits | letter(*c))
}

fn letters_of(name: &str) -> u64 {
    if name.is_ascii() {
        let lower = name.bytes().map(|byte| char::from(byte.to_ascii_lowercase()));
        return lower.fold(0, |bits, c| bits | letter(c));
    }
    folded(name).fold(0, |bits, c| bits | letter(c))
}

fn letter(c: char) -> u64 {
    1 << (u32::from(c) % 64)
}

fn is_subsequence(query: &[char], name: &[char]) -> bool {
    let mut left = name.iter();
    query.iter().all(|wanted| left.any(|own| own == wanted))
}

/// Tells whether one letter too many, missing, another, or swapped with the next is all that differs (the distance of
/// Damerau and Levenshtein is 1).
fn is_one_error_away(one: &[char], other: &[char]) -> bool {
    let (short, long) = if one.len() <= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], [_]) => true,
        ([a, rest @ ..], [b, others @ ..]) if short.len() == long.len() => {
            let swapped =
                matches!((rest, others), ([c, rest @ ..], [d, others @ ..]) if a == d && b == c && rest == others);
            rest == others || swapped
        }
        (short, [_, others @ ..]) => short == others,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinship(query: &str, name: &str) -> Option<Kinship> {
        NamePattern::new(query)?.likeness(name).map(|found| found.kinship)
    }

    #[test]
    fn names_are_like_what_was_typed() {
        for (query, name, expected) in [
            ("parse_interval", "parse_interval", Some(Kinship::Exact)),
            ("parse_interval", "ParseInterval", Some(Kinship::Folded)),
            ("parseinterval", "__parse_interval", Some(Kinship::Folded)),
            ("parse", "parse_interval", Some(Kinship::Prefix)),
            ("Parse", "parseInterval", Some(Kinship::Prefix)),
            ("interval", "parse_interval", Some(Kinship::Part)),
            ("intervalSet", "parse_interval_set", Some(Kinship::Part)),
            ("PI", "ParseInterval", Some(Kinship::Capitals)),
            ("PI", "pipe", Some(Kinship::Prefix)),
            ("pi", "ParseInterval", Some(Kinship::Initials)),
            ("hh", "parseHTTPHeader", Some(Kinship::Initials)),
            ("parse_intervl", "parse_interval", Some(Kinship::Typo)),
            ("parse_intreval", "parse_interval", Some(Kinship::Typo)),
            ("parse_intervall", "parse_interval", Some(Kinship::Typo)),
            ("parze_interval", "parse_interval", Some(Kinship::Typo)),
            ("prsintv", "parse_interval", Some(Kinship::Scattered)),
            ("psint", "parse_interval", Some(Kinship::Scattered)),
            ("Übem", "über_menge", Some(Kinship::Scattered)),
            ("über", "ÜberMenge", Some(Kinship::Prefix)),
            ("pars", "sparse", Some(Kinship::Scattered)),
            ("abc", "abd", None),
            ("retni", "parse_interval", None),
        ] {
            assert_eq!(kinship(query, name), expected, "{query} {name}");
        }
    }

    #[test]
    fn only_single_words_are_names() {
        for query in ["", "a", "__", "12", "parse it", "a.b", "a::b", "x-y", &"a".repeat(65)] {
            assert!(NamePattern::new(query).is_none(), "{query}");
        }
        assert!(NamePattern::new(" ab ").is_some());
    }

    #[test]
    fn letters_at_the_start_of_words_tell_more() {
        let closeness = |query: &str, name: &str| {
            let found = NamePattern::new(query).and_then(|mut pattern| pattern.likeness(name));
            found.map_or(0.0, |found| found.closeness)
        };
        for (query, better, worse) in [
            ("prsintv", "parse_interval", "paris_winter_olive"),
            ("prsint", "parse_interval", "parse_all_kinds_of_interval"),
            ("rdfil", "read_file", "rounded_profile"),
            ("int", "interval", "interval_of_something"),
        ] {
            assert!(closeness(query, better) > closeness(query, worse), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_names_are_compared(query in "\\PC{0,70}", name in "\\PC{0,90}") {
            if let Some(found) = NamePattern::new(&query).and_then(|mut pattern| pattern.likeness(&name)) {
                prop_assert!((0.0..=1.0).contains(&found.closeness));
            }
        }

        #[test]
        fn one_error_is_found_wherever_it_is(name in "[a-e]{5,12}", at in 0usize..5, letter in "[a-z]") {
            let letter = letter.chars().next().unwrap();
            let own: Vec<char> = name.chars().collect();
            let mut others = vec![own.clone(), own.clone(), own.clone(), own.clone()];
            others[0].remove(at);
            others[1].insert(at, letter);
            others[2][at] = letter;
            others[3].swap(at.min(own.len() - 2), at.min(own.len() - 2) + 1);
            for other in others {
                prop_assert!(other == own || is_one_error_away(&own, &other) && is_one_error_away(&other, &own));
            }
        }
    }
}
