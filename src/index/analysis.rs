use super::counter::{Counter, KeyPosting};
use super::store::{BlobEntry, BlobState, FIELDS, StoredDefinition, Unit, UnitFlags, encode_definitions};
use crate::lang::{Definition, Language, ParseOutcome, ParsedFile, SymbolKind};
use crate::repo::BlobId;
use crate::text::{LineIndex, RepoPath};

/// The most bytes of a text without definitions whose words are counted.
const MAX_COUNTED_BYTES: usize = 256 << 10;
/// The most bytes that are counted of what no person wrote.
const MAX_GENERATED_BYTES: usize = 64 << 10;
/// The longest line that a person writes, in bytes; a file with a longer one is generated, minified or data.
const MAX_LINE_BYTES: usize = 32 << 10;

/// The fields of a unit, in the order of its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The name of a definition.
    Name,
    /// What is said of it: the comment above, or the string at the start of its body.
    Doc,
    /// What stands before its body.
    Signature,
    /// The body without the definitions inside; of a file, what is outside of all.
    Body,
}

/// The fields of a use of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameField {
    Type,
    Defined,
    Call = 3,
}

/// What the keys of terms, folded and stemmed, and those of names as written begin with.
pub(super) const TERM_PREFIX: u8 = b't';
pub(super) const NAME_PREFIX: u8 = b'n';

/// What the key of a list of postings is for a term.
pub(super) fn term_key(term: &str) -> Vec<u8> {
    [&[TERM_PREFIX], term.as_bytes()].concat()
}

/// The key of an exact name.
pub(super) fn name_key(name: &str) -> Vec<u8> {
    [&[NAME_PREFIX], name.as_bytes()].concat()
}

/// What is read off one file, independent of every other file.
pub(super) struct Analysis {
    pub(super) entry: BlobEntry,
    pub(super) units: Vec<Unit>,
    /// The definitions, encoded.
    pub(super) record: Vec<u8>,
    /// What stands in its units, which are numbered from 0; by key, then by unit.
    pub(super) postings: Vec<KeyPosting>,
}

impl Analysis {
    /// Analyses the bytes of a blob; `path` says of the language what [`Language::detection`] tells.
    pub(super) fn of(path: &RepoPath, id: BlobId, bytes: &[u8], used_day: u16, counter: &mut Counter<'_>) -> Self {
        let entry = BlobEntry {
            id,
            detection: Language::detection(path),
            state: BlobState::NotText,
            language: None,
            size_bytes: bytes.len() as u64,
            first_unit: 0,
            units: 1,
            totals: [0; FIELDS],
            text_terms: 0,
            used_day,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.contains(&0) => Self::of_text(path, text, entry, counter),
            _ => Self {
                entry,
                units: vec![Unit::default()],
                record: Vec::new(),
                postings: Vec::new(),
            },
        }
    }

    fn of_text(path: &RepoPath, text: &str, mut entry: BlobEntry, counter: &mut Counter<'_>) -> Self {
        entry.language = Language::detect(path, text);
        entry.state = BlobState::Whole;
        let mut definitions = Vec::new();
        if is_generated(text) {
            entry.state = BlobState::Generated;
            counter.scan(prefix(text, MAX_GENERATED_BYTES), &[]);
        } else if let Some(language) = entry.language {
            let parsed = ParsedFile::parse(language, text);
            match parsed.outcome() {
                ParseOutcome::Complete => {
                    let facts = parsed.facts(text);
                    definitions = facts.definitions;
                    counter.scan(text, &definitions);
                    counter.count_names(text, &facts.uses, &definitions);
                }
                ParseOutcome::TooLarge | ParseOutcome::TooSlow => {
                    entry.state = BlobState::NotParsed;
                    counter.scan(prefix(text, MAX_COUNTED_BYTES), &[]);
                }
            }
        } else {
            counter.scan(prefix(text, MAX_COUNTED_BYTES), &[]);
        }
        let units = units(&definitions, counter.lengths());
        for unit in &units[1..] {
            for (total, length) in entry.totals.iter_mut().zip(unit.lengths) {
                *total = total.saturating_add(length);
            }
        }
        entry.text_terms = counter.text_terms();
        let postings = counter.finish();
        let record = match entry.language {
            Some(language) => encode_definitions(&with_lines(text, definitions), language.spec().separator),
            None => Vec::new(),
        };
        Self {
            entry,
            units,
            record,
            postings,
        }
    }
}

/// Returns the definitions with their lines.
pub(super) fn with_lines(text: &str, definitions: Vec<Definition>) -> Vec<StoredDefinition> {
    let lines = LineIndex::new(text);
    let stored = definitions.into_iter().map(|definition| StoredDefinition {
        line: lines.line_of(definition.name_range.start),
        first_line: lines.line_of(definition.range.start),
        last_line: lines.line_of(definition.range.end.saturating_sub(1)),
        definition,
    });
    stored.collect()
}

/// Tells whether a text has a line that no person writes.
fn is_generated(text: &str) -> bool {
    // A line is too long where no end of one is among so many bytes and one more.
    let mut rest = text.as_bytes();
    while let Some(window) = rest.get(..=MAX_LINE_BYTES) {
        match window.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => rest = &rest[end + 1..],
            None => return true,
        }
    }
    false
}

pub(super) fn prefix(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Returns the unit of the file and those of its definitions.
fn units(definitions: &[Definition], lengths: &[[u32; FIELDS]]) -> Vec<Unit> {
    let mut units: Vec<Unit> = std::iter::once(Unit::default())
        .chain(definitions.iter().map(|definition| Unit {
            flags: UnitFlags::of(definition.kind, definition.body.is_some(), is_in_tests(definition)),
            ..Unit::default()
        }))
        .collect();
    for (unit, lengths) in units.iter_mut().zip(lengths) {
        unit.lengths = *lengths;
    }
    // From the end, so that what is inside is complete when it is added to what is around it.
    for at in (0..definitions.len()).rev() {
        let outer = &definitions[at];
        let inside = definitions[at + 1..]
            .iter()
            .take_while(|inner| outer.range.contains(inner.range) && outer.range != inner.range)
            .count();
        units[at + 1].descendants = inside as u32;
        if outer.kind.is_callable() {
            let body = Field::Body as usize;
            let more: u32 = lengths
                .iter()
                .skip(at + 2)
                .take(inside)
                .map(|own| own.iter().sum::<u32>())
                .sum();
            units[at + 1].lengths[body] = units[at + 1].lengths[body].saturating_add(more);
        }
    }
    units
}

fn is_in_tests(definition: &Definition) -> bool {
    let is_tests = |name: &str| matches!(name, "tests" | "test");
    let container = definition.container.as_deref().unwrap_or_default();
    container.split([':', '.']).any(is_tests) || (definition.kind == SymbolKind::Module && is_tests(&definition.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_too_long_by_one_byte() {
        let line = "a".repeat(MAX_LINE_BYTES);
        assert!(!is_generated(&line));
        assert!(!is_generated(&format!("{line}\n{line}\n")));
        assert!(is_generated(&format!("{line}a")));
        assert!(is_generated(&format!("x\n{line}a\ny\n")));
    }

    proptest! {
        #[test]
        fn long_lines_are_found_wherever_they_stand(lines in prop::collection::vec(0..2 * MAX_LINE_BYTES, 0..8)) {
            let text = lines.iter().map(|len| "a".repeat(*len)).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(is_generated(&text), lines.iter().any(|len| *len > MAX_LINE_BYTES));
        }
    }
}
