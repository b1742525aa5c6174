use super::hash::FastMap;
use super::store::{BlobEntry, BlobState, Counts, FIELDS, StoredDefinition, Unit, UnitFlags, encode_definitions};
use super::terms::{each_term_of_word, words};
use crate::lang::{Definition, Language, NameUse, ParseOutcome, ParsedFile, SymbolKind, UseKind};
use crate::repo::BlobId;
use crate::text::{LineIndex, RepoPath, TextRange};

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

/// What the key of a list of postings is: terms are folded and stemmed, names are as written.
pub(super) fn term_key(term: &str) -> Vec<u8> {
    [b"t", term.as_bytes()].concat()
}

/// The key of an exact name.
pub(super) fn name_key(name: &str) -> Vec<u8> {
    [b"n", name.as_bytes()].concat()
}

/// What is read off one file, independent of every other file.
pub(super) struct Analysis {
    pub(super) entry: BlobEntry,
    pub(super) units: Vec<Unit>,
    /// The definitions, encoded.
    pub(super) record: Vec<u8>,
    pub(super) postings: Vec<KeyPostings>,
}

/// The postings of one key in one file; units are numbered from 0.
pub(super) struct KeyPostings {
    pub(super) key: Box<[u8]>,
    pub(super) units: Vec<(u32, Counts)>,
}

impl Analysis {
    /// Analyses the bytes of a blob; `detection` is [`Language::detection`] of its path.
    pub(super) fn of(path: &RepoPath, id: BlobId, bytes: &[u8], used_day: u16) -> Self {
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
            Ok(text) if !bytes.contains(&0) => Self::of_text(path, text, entry),
            _ => Self {
                entry,
                units: vec![Unit::default()],
                record: Vec::new(),
                postings: Vec::new(),
            },
        }
    }

    fn of_text(path: &RepoPath, text: &str, mut entry: BlobEntry) -> Self {
        entry.language = Language::detect(path, text);
        entry.state = BlobState::Whole;
        let mut counter = Counter::default();
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
                    counter.count_names(&facts.references, &definitions);
                }
                ParseOutcome::TooLarge | ParseOutcome::TooSlow => {
                    entry.state = BlobState::NotParsed;
                    counter.scan(prefix(text, MAX_COUNTED_BYTES), &[]);
                }
            }
        } else {
            counter.scan(prefix(text, MAX_COUNTED_BYTES), &[]);
        }
        let units = units(&definitions, &counter);
        for unit in &units[1..] {
            for (total, length) in entry.totals.iter_mut().zip(unit.lengths) {
                *total = total.saturating_add(length);
            }
        }
        entry.text_terms = counter.text_terms;
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
    text.len() > MAX_LINE_BYTES && text.split('\n').any(|line| line.len() > MAX_LINE_BYTES)
}

fn prefix(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Returns the unit of the file and those of its definitions.
fn units(definitions: &[Definition], counter: &Counter<'_>) -> Vec<Unit> {
    let mut units: Vec<Unit> = std::iter::once(Unit::default())
        .chain(definitions.iter().map(|definition| Unit {
            flags: UnitFlags::of(definition.kind, definition.body.is_some(), is_in_tests(definition)),
            ..Unit::default()
        }))
        .collect();
    for (unit, lengths) in units.iter_mut().zip(&counter.lengths) {
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
            let more: u32 = counter
                .lengths
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

/// Counts terms and names of one file by unit and field.
#[derive(Default)]
struct Counter<'t> {
    keys: FastMap<Box<[u8]>, u32>,
    /// The terms of each word that was met.
    words: FastMap<&'t str, (u32, u32)>,
    word_terms: Vec<u32>,
    entries: Vec<Entry>,
    /// The last entry of each key.
    last: Vec<u32>,
    lengths: Vec<[u32; FIELDS]>,
    text_terms: u32,
    buffer: String,
    key: Vec<u8>,
}

struct Entry {
    key: u32,
    unit: u32,
    counts: Counts,
}

impl<'t> Counter<'t> {
    /// Counts every word of a text once, for the innermost definition around it.
    fn scan(&mut self, text: &'t str, definitions: &'t [Definition]) {
        self.lengths.resize(definitions.len() + 1, [0; FIELDS]);
        let docs: Vec<TextRange> = definitions
            .iter()
            .map(|definition| doc_range(text, definition))
            .collect();
        let mut names: Vec<usize> = definitions
            .iter()
            .map(|definition| definition.name_range.start)
            .collect();
        names.sort_unstable();
        for (at, definition) in definitions.iter().enumerate() {
            for (_, word) in words(&definition.name) {
                self.count_word(word, at as u32 + 1, Field::Name);
            }
        }
        // Definitions are in order of their ranges; with the comments above them they may not be.
        let mut by_start: Vec<u32> = (0..definitions.len() as u32).collect();
        by_start.sort_by_key(|at| definitions[*at as usize].full_range.start);
        let mut next = by_start.into_iter().peekable();
        let mut next_name = names.into_iter().peekable();
        let mut open: Vec<u32> = Vec::new();
        for (offset, word) in words(text) {
            while let Some(at) = next.next_if(|at| definitions[*at as usize].full_range.start <= offset) {
                open.push(at);
            }
            while open
                .last()
                .is_some_and(|at| definitions[*at as usize].range.end <= offset)
            {
                open.pop();
            }
            while next_name.next_if(|name| *name < offset).is_some() {}
            if next_name.peek() == Some(&offset) {
                continue;
            }
            match open.last() {
                None => self.count_word(word, 0, Field::Body),
                Some(at) => {
                    let field = field_at(offset, &definitions[*at as usize], docs[*at as usize]);
                    self.count_word(word, at + 1, field);
                }
            }
        }
    }

    fn count_word(&mut self, word: &'t str, unit: u32, field: Field) {
        let (first, count) = match self.words.get(word) {
            Some(terms) => *terms,
            None => {
                let terms = self.terms_of(word);
                self.words.insert(word, terms);
                terms
            }
        };
        for at in first..first + count {
            self.count(self.word_terms[at as usize], unit, field as usize);
        }
        let length = &mut self.lengths[unit as usize][field as usize];
        *length = length.saturating_add(count);
        self.text_terms = self.text_terms.saturating_add(count);
    }

    fn terms_of(&mut self, word: &str) -> (u32, u32) {
        let first = self.word_terms.len() as u32;
        let Self {
            keys,
            word_terms,
            last,
            buffer,
            key,
            ..
        } = self;
        each_term_of_word(word, buffer, &mut |term| {
            key.clear();
            key.push(b't');
            key.extend_from_slice(term.as_bytes());
            word_terms.push(number_of(keys, last, key));
        });
        (first, self.word_terms.len() as u32 - first)
    }

    /// Counts the names that are defined, by definition, and those that are called or stand for a type, by file. Other
    /// uses are found by their terms.
    fn count_names(&mut self, references: &[NameUse], definitions: &[Definition]) {
        let mut defined: Vec<usize> = Vec::with_capacity(definitions.len());
        for (at, definition) in definitions.iter().enumerate() {
            defined.push(definition.name_range.start);
            self.count_name(&definition.name, at as u32 + 1, NameField::Defined);
        }
        defined.sort_unstable();
        for found in references {
            let field = match found.kind {
                UseKind::Call => NameField::Call,
                UseKind::Type => NameField::Type,
                UseKind::Other => continue,
            };
            if defined.binary_search(&found.range.start).is_err() {
                self.count_name(&found.name, 0, field);
            }
        }
    }

    fn count_name(&mut self, name: &str, unit: u32, field: NameField) {
        self.key.clear();
        self.key.push(b'n');
        self.key.extend_from_slice(name.as_bytes());
        let key = number_of(&mut self.keys, &mut self.last, &self.key);
        self.count(key, unit, field as usize);
    }

    fn count(&mut self, key: u32, unit: u32, field: usize) {
        let last = &mut self.last[key as usize];
        match self.entries.get_mut(*last as usize) {
            Some(entry) if entry.key == key && entry.unit == unit => {
                entry.counts[field] = entry.counts[field].saturating_add(1);
            }
            _ => {
                let mut counts = [0; FIELDS];
                counts[field] = 1;
                *last = self.entries.len() as u32;
                self.entries.push(Entry { key, unit, counts });
            }
        }
    }

    fn finish(mut self) -> Vec<KeyPostings> {
        self.entries.sort_unstable_by_key(|entry| (entry.key, entry.unit));
        let mut postings: Vec<KeyPostings> = Vec::with_capacity(self.keys.len());
        let mut keys: Vec<(Box<[u8]>, u32)> = self.keys.into_iter().collect();
        keys.sort_unstable_by_key(|(_, number)| *number);
        let mut entries = self.entries.into_iter().peekable();
        for (key, number) in keys {
            let mut units: Vec<(u32, Counts)> = Vec::new();
            while let Some(entry) = entries.next_if(|entry| entry.key == number) {
                match units.last_mut() {
                    Some((unit, counts)) if *unit == entry.unit => {
                        for (count, more) in counts.iter_mut().zip(entry.counts) {
                            *count = count.saturating_add(more);
                        }
                    }
                    _ => units.push((entry.unit, entry.counts)),
                }
            }
            if !units.is_empty() {
                postings.push(KeyPostings { key, units });
            }
        }
        postings
    }
}

fn number_of(keys: &mut FastMap<Box<[u8]>, u32>, last: &mut Vec<u32>, key: &[u8]) -> u32 {
    if let Some(number) = keys.get(key) {
        return *number;
    }
    let number = last.len() as u32;
    keys.insert(key.into(), number);
    last.push(u32::MAX);
    number
}

fn field_at(offset: usize, definition: &Definition, doc: TextRange) -> Field {
    if offset < definition.range.start || doc.contains(TextRange::empty(offset)) {
        return Field::Doc;
    }
    let body = definition.body.map_or(definition.range.start, |body| body.start);
    match definition.body {
        Some(_) if offset < body => Field::Signature,
        Some(_) => Field::Body,
        None => Field::Signature,
    }
}

/// Returns where the documentation stands that is inside the body, as strings of Python are; else an empty range.
fn doc_range(text: &str, definition: &Definition) -> TextRange {
    const LOOKED_AT_BYTES: usize = 256;
    let nowhere = TextRange::empty(0);
    let (Some(doc), Some(body)) = (definition.doc.as_deref(), definition.body) else {
        return nowhere;
    };
    if definition.full_range.start < definition.range.start {
        return nowhere;
    }
    let mut lines = doc.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return nowhere;
    };
    let inside = text.get(body.as_range()).unwrap_or_default();
    let head = prefix(inside, LOOKED_AT_BYTES.max(first.len() + 16).min(inside.len()));
    let Some(start) = head.find(first) else {
        return nowhere;
    };
    let last = lines.next_back().unwrap_or(first);
    let rest = prefix(&inside[start..], doc.len() * 2 + LOOKED_AT_BYTES);
    let end = rest.rfind(last).map_or(first.len(), |at| at + last.len());
    TextRange::new(body.start + start, body.start + start + end)
}
