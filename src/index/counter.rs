use super::analysis::{Field, NAME_PREFIX, NameField, TERM_PREFIX, prefix};
use super::store::{Counts, FIELDS};
use super::terms::{each_term_of_word, words};
use super::vocabulary::{Entered, SharedVocabulary, Vocabulary};
use crate::lang::{Definition, UseKind};
use crate::text::TextRange;

/// How many bytes of words one thread remembers before it begins anew.
const REMEMBERED_BYTES: usize = 12 << 20;

/// Counts terms and names by unit and field, one file after the other. What it has learned of a word in one file it
/// knows in the next.
#[derive(Debug)]
pub(super) struct Counter<'k> {
    /// The keys of the postings of all files.
    keys: &'k SharedVocabulary,
    words: Tally,
    names: Tally,
    lengths: Vec<[u32; FIELDS]>,
    text_terms: u32,
    /// Working space.
    buffer: String,
    key: Vec<u8>,
    found: Vec<KeyPosting>,
}

/// How often a key stands in a unit of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPosting {
    /// The number of the key in the vocabulary of keys.
    pub(super) key: u32,
    pub(super) unit: u32,
    pub(super) counts: Counts,
}

/// Words with the keys that each stands for, and how often each was met in a file.
#[derive(Debug, Default)]
struct Tally {
    vocabulary: Vocabulary,
    /// By the number of the word.
    learned: Vec<Learned>,
    keys: Vec<u32>,
    entries: Vec<Entry>,
}

/// What is known of a word.
#[derive(Debug)]
struct Learned {
    /// Its keys among those of all.
    first: u32,
    count: u32,
    /// Its last entry.
    last: u32,
}

#[derive(Debug)]
struct Entry {
    word: u32,
    unit: u32,
    counts: Counts,
}

const NO_ENTRY: u32 = u32::MAX;

impl<'k> Counter<'k> {
    /// Returns a counter that enters the keys it meets into `keys`.
    pub(super) fn new(keys: &'k SharedVocabulary) -> Self {
        Self {
            keys,
            words: Tally::default(),
            names: Tally::default(),
            lengths: Vec::new(),
            text_terms: 0,
            buffer: String::new(),
            key: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Returns how many terms each field of each unit of the file at hand has.
    pub(super) fn lengths(&self) -> &[[u32; FIELDS]] {
        &self.lengths
    }

    /// Returns how many terms the text of the file at hand has.
    pub(super) fn text_terms(&self) -> u32 {
        self.text_terms
    }

    /// Begins a file: counts every word of its text once, for the innermost definition around it.
    pub(super) fn scan(&mut self, text: &str, definitions: &[Definition]) {
        self.text_terms = 0;
        self.lengths.clear();
        self.lengths.resize(definitions.len() + 1, [0; FIELDS]);
        if definitions.is_empty() {
            for (_, word) in words(text) {
                self.count_word(word, 0, Field::Body);
            }
            return;
        }
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

    fn count_word(&mut self, word: &str, unit: u32, field: Field) {
        let number = match self.words.vocabulary.enter(word.as_bytes()) {
            Entered::Before(number) => number,
            Entered::Now(number) => {
                self.learn_word(word);
                number
            }
        };
        let count = self.words.count(number, unit, field as usize);
        let length = &mut self.lengths[unit as usize][field as usize];
        *length = length.saturating_add(count);
        self.text_terms = self.text_terms.saturating_add(count);
    }

    fn learn_word(&mut self, word: &str) {
        let first = self.words.keys.len();
        let (keys, found, key) = (self.keys, &mut self.words.keys, &mut self.key);
        each_term_of_word(word, &mut self.buffer, &mut |term| {
            key.clear();
            key.push(TERM_PREFIX);
            key.extend_from_slice(term.as_bytes());
            found.push(number_of(keys, key));
        });
        self.words.learned(first);
    }

    /// Counts the names that are defined, by definition, and those that are called or stand for a type, by file. Other
    /// uses are found by their terms.
    pub(super) fn count_names(&mut self, text: &str, uses: &[(TextRange, UseKind)], definitions: &[Definition]) {
        let mut defined: Vec<usize> = Vec::with_capacity(definitions.len());
        for (at, definition) in definitions.iter().enumerate() {
            defined.push(definition.name_range.start);
            self.count_name(&definition.name, at as u32 + 1, NameField::Defined);
        }
        defined.sort_unstable();
        let mut defined = defined.into_iter().peekable();
        for (range, kind) in uses {
            let field = match kind {
                UseKind::Call => NameField::Call,
                UseKind::Type => NameField::Type,
                UseKind::Other => continue,
            };
            while defined.next_if(|start| *start < range.start).is_some() {}
            if defined.peek() != Some(&range.start)
                && let Some(name) = text.get(range.as_range())
            {
                self.count_name(name, 0, field);
            }
        }
    }

    fn count_name(&mut self, name: &str, unit: u32, field: NameField) {
        let number = match self.names.vocabulary.enter(name.as_bytes()) {
            Entered::Before(number) => number,
            Entered::Now(number) => {
                let first = self.names.keys.len();
                self.key.clear();
                self.key.push(NAME_PREFIX);
                self.key.extend_from_slice(name.as_bytes());
                self.names.keys.push(number_of(self.keys, &self.key));
                self.names.learned(first);
                number
            }
        };
        self.names.count(number, unit, field as usize);
    }

    /// Ends the file and returns what was counted, by key, then by unit.
    pub(super) fn finish(&mut self) -> Vec<KeyPosting> {
        self.found.clear();
        self.words.drain_into(&mut self.found);
        self.names.drain_into(&mut self.found);
        self.found
            .sort_unstable_by_key(|posting| u64::from(posting.key) << 32 | u64::from(posting.unit));
        self.found.dedup_by(|later, first| {
            let same = (later.key, later.unit) == (first.key, first.unit);
            if same {
                for (count, more) in first.counts.iter_mut().zip(later.counts) {
                    *count = count.saturating_add(more);
                }
            }
            same
        });
        self.found.as_slice().to_vec()
    }
}

impl Tally {
    /// Says that the keys from `first` on are those of the word that was entered last.
    fn learned(&mut self, first: usize) {
        self.learned.push(Learned {
            first: first as u32,
            count: (self.keys.len() - first) as u32,
            last: NO_ENTRY,
        });
    }

    /// Counts a word and returns for how many keys it stands.
    fn count(&mut self, word: u32, unit: u32, field: usize) -> u32 {
        let learned = &mut self.learned[word as usize];
        match self.entries.get_mut(learned.last as usize) {
            Some(entry) if entry.unit == unit => {
                entry.counts[field] = entry.counts[field].saturating_add(1);
            }
            _ => {
                let mut counts = [0; FIELDS];
                counts[field] = 1;
                learned.last = self.entries.len() as u32;
                self.entries.push(Entry { word, unit, counts });
            }
        }
        learned.count
    }

    fn drain_into(&mut self, found: &mut Vec<KeyPosting>) {
        for Entry { word, unit, counts } in self.entries.drain(..) {
            let learned = &mut self.learned[word as usize];
            learned.last = NO_ENTRY;
            let keys = &self.keys[learned.first as usize..(learned.first + learned.count) as usize];
            found.extend(keys.iter().map(|key| KeyPosting {
                key: *key,
                unit,
                counts,
            }));
        }
        if self.vocabulary.memory_bytes() > REMEMBERED_BYTES {
            *self = Self::default();
        }
    }
}

fn number_of(keys: &SharedVocabulary, key: &[u8]) -> u32 {
    keys.lock().enter(key).number()
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
