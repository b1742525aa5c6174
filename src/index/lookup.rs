use rayon::prelude::*;

use super::analysis::{Field, NameField, name_key, term_key};
use super::store::{BlobEntry, BlobState, Posting, UnitFlags};
use super::terms::distinct_terms;
use super::{Index, IndexedFile, Reference, SkippedFile, Symbol, SymbolId};
use crate::lang::ParsedFile;
use crate::text::{LineIndex, RepoPath, TextRange};

impl Index {
    /// Returns the files, sorted by path.
    pub fn files(&self) -> &[IndexedFile] {
        &self.files
    }

    /// Returns the file at a path.
    pub fn file(&self, path: &RepoPath) -> Option<&IndexedFile> {
        self.file_number(path).map(|at| &self.files[at as usize])
    }

    /// Returns what is missing from the index, or not wholly in it, sorted by path.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.skipped
    }

    /// Returns all symbols, in order of path and position, outer before inner. Reads what was not read yet, file by
    /// file: of a large repository ask for less.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        (0..self.files.len() as u32).flat_map(|file| self.symbols_of(file))
    }

    /// Returns the symbol of a number that this index gave.
    ///
    /// # Panics
    /// When the number is from another index and there is no such symbol in this one.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols_of(id.file)[id.number as usize]
    }

    /// Returns the symbol of a number; none where its record cannot be read ([`Index::is_damaged`]).
    pub fn find_symbol(&self, id: SymbolId) -> Option<&Symbol> {
        self.symbols_of(id.file).get(id.number as usize)
    }

    /// Returns the symbols of a name, or of a name qualified with `.`, `::` or `#`; of the qualifiers, the inner ones
    /// must be containers, and what is left over must name the file or its folders (`utils.parse`).
    pub fn named(&self, name: &str) -> Vec<&Symbol> {
        self.ids_named(name)
            .into_iter()
            .filter_map(|id| self.symbols_of(id.file).get(id.number as usize))
            .collect()
    }

    /// Returns the symbols whose names are words of a text in a row: `late charge` for `lateCharge`.
    pub fn spelled_in(&self, text: &str) -> Vec<&Symbol> {
        const MOST_WORDS: usize = 8;
        let words: Vec<String> = super::terms::words(text)
            .map(|(_, word)| word.to_lowercase().replace('_', ""))
            .collect();
        let mut terms: Vec<String> = Vec::new();
        for first in 0..words.len() {
            for last in first + 1..words.len().min(first + MOST_WORDS) {
                terms.push(words[first..=last].concat());
            }
        }
        // A name that a request writes as one word is several words for the index all the same.
        terms.extend(words);
        terms.sort_unstable();
        terms.dedup();
        let mut found = Vec::new();
        for term in terms {
            let names = |posting: &Posting| posting.counts[Field::Name as usize] > 0;
            self.collect_symbols(&term_key(&term), names, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        let found = found.into_iter();
        found
            .filter_map(|id| self.symbols_of(id.file).get(id.number as usize))
            .collect()
    }

    /// Returns the symbols that only declare what `symbol` defines, as prototypes in a header do.
    pub fn declarations_of(&self, symbol: &Symbol) -> Vec<&Symbol> {
        let mut declarations = self.named(&symbol.definition.name);
        declarations.retain(|other| {
            other.id != symbol.id && other.qualified == symbol.qualified && other.definition.body.is_none()
        });
        declarations
    }

    /// Returns the symbols of a file in the order of the text.
    pub fn in_file(&self, path: &RepoPath) -> &[Symbol] {
        self.file_number(path).map_or(&[], |file| self.symbols_of(file))
    }

    /// Returns the innermost symbol whose range holds `range`.
    pub fn enclosing(&self, path: &RepoPath, range: TextRange) -> Option<&Symbol> {
        enclosing_in(self.in_file(path), range)
    }

    /// Returns every use of a name, definitions excluded, sorted by path and position. Of a qualified name the last
    /// part is looked up: syntax alone does not tell of which type a method is called.
    ///
    /// Positions are not kept: the files that hold the words of the name are read and parsed, in parallel. A file that
    /// has changed since is left out.
    pub fn references_to(&self, name: &str) -> Vec<Reference> {
        let found = self.references_to_exactly(name);
        match segments(name).last() {
            Some(last) if found.is_empty() && *last != name => self.references_to_exactly(last),
            _ => found,
        }
    }

    fn references_to_exactly(&self, name: &str) -> Vec<Reference> {
        if name.is_empty() {
            return Vec::new();
        }
        let files = self.files_with(name);
        let found: Vec<Vec<Reference>> = files.par_iter().map(|file| self.references_in(*file, name)).collect();
        found.into_iter().flatten().collect()
    }

    fn references_in(&self, file: u32, name: &str) -> Vec<Reference> {
        let indexed = &self.files[file as usize];
        let whole = self.blob(file).state == BlobState::Whole;
        let Some(language) = indexed.language.filter(|_| whole) else {
            return Vec::new();
        };
        let Some(text) = self.texts.read(&indexed.path, indexed.blob, self.max_file_bytes) else {
            return Vec::new();
        };
        if !text.contains(name) {
            return Vec::new();
        }
        let symbols = self.symbols_of(file);
        let mut defined: Vec<TextRange> = symbols.iter().map(|symbol| symbol.definition.name_range).collect();
        defined.sort_unstable();
        let mut uses = ParsedFile::parse(language, &text).references(&text);
        uses.retain(|found| found.name == name && defined.binary_search(&found.range).is_err());
        if uses.is_empty() {
            return Vec::new();
        }
        let lines = LineIndex::new(&text);
        let references = uses.into_iter().map(|found| Reference {
            path: indexed.path.clone(),
            range: found.range,
            line: lines.line_of(found.range.start),
            kind: found.kind,
            enclosing: enclosing_in(symbols, found.range).map(|symbol| symbol.id),
        });
        references.collect()
    }

    /// Returns the files that may use a name, in order: those with all of its terms.
    pub(super) fn files_with(&self, name: &str) -> Vec<u32> {
        let terms = distinct_terms(name);
        if terms.is_empty() {
            return (0..self.files.len() as u32).collect();
        }
        let mut files: Option<Vec<u32>> = None;
        for term in terms {
            let mut own = Vec::new();
            self.each_posting(&term_key(&term), |file, _, _| own.push(file));
            own.sort_unstable();
            own.dedup();
            files = Some(match files {
                None => own,
                Some(before) => before
                    .into_iter()
                    .filter(|file| own.binary_search(file).is_ok())
                    .collect(),
            });
        }
        files.unwrap_or_default()
    }

    /// Returns the numbers of the symbols of a name, in order; see [`Index::named`].
    pub(super) fn ids_named(&self, name: &str) -> Vec<SymbolId> {
        let exact = self.ids_named_exactly(name);
        if !exact.is_empty() {
            return exact;
        }
        let segments = segments(name);
        match segments.split_last() {
            Some((last, [])) if *last == name => Vec::new(),
            Some((last, qualifiers)) => {
                let mut candidates = self.ids_named_exactly(last);
                candidates.retain(|id| {
                    let symbol = self.symbols_of(id.file).get(id.number as usize);
                    symbol.is_some_and(|symbol| is_qualified_by(symbol, qualifiers))
                });
                candidates
            }
            None => Vec::new(),
        }
    }

    pub(super) fn ids_named_exactly(&self, name: &str) -> Vec<SymbolId> {
        let mut ids = Vec::new();
        let defined = |posting: &Posting| posting.counts[NameField::Defined as usize] > 0;
        self.collect_symbols(&name_key(name), defined, &mut ids);
        ids.sort_unstable();
        ids
    }

    fn collect_symbols(&self, key: &[u8], wanted: impl Fn(&Posting) -> bool, ids: &mut Vec<SymbolId>) {
        self.each_posting(key, |file, unit, posting| {
            if let Some(number) = unit.checked_sub(1).filter(|_| wanted(posting)) {
                ids.push(SymbolId { file, number });
            }
        });
    }

    /// Calls `each` with every posting of a key: its file, and its unit there.
    fn each_posting(&self, key: &[u8], mut each: impl FnMut(u32, u32, &Posting)) {
        for (segment, live) in self.segments.iter().zip(&self.live) {
            let blobs = segment.blobs();
            let mut blob = 0;
            let read = segment.each_posting(key, |posting| {
                while blob < blobs.len() && posting.unit >= blobs[blob].first_unit + blobs[blob].units {
                    blob += 1;
                }
                if let Some(entry) = blobs.get(blob) {
                    live.each_file(blob as u32, |file| {
                        each(file, posting.unit - entry.first_unit, &posting)
                    });
                }
            });
            self.sound(read);
        }
    }

    /// Returns the blob of a file.
    pub(super) fn blob(&self, file: u32) -> &BlobEntry {
        let slot = &self.slots[file as usize];
        &self.segments[slot.segment as usize].blobs()[slot.blob as usize]
    }

    /// Returns what ranking has to know of a symbol.
    pub(super) fn flags(&self, id: SymbolId) -> UnitFlags {
        let slot = &self.slots[id.file as usize];
        let units = self.sound(self.segments[slot.segment as usize].units());
        units.map_or_else(UnitFlags::default, |units| {
            units.flags(self.blob(id.file).first_unit + 1 + id.number)
        })
    }

    pub(super) fn file_number(&self, path: &RepoPath) -> Option<u32> {
        let found = self.files.binary_search_by(|file| file.path.cmp(path));
        found.ok().map(|at| at as u32)
    }
}

fn enclosing_in(symbols: &[Symbol], range: TextRange) -> Option<&Symbol> {
    let after = symbols.partition_point(|symbol| symbol.definition.range.start <= range.start);
    symbols[..after]
        .iter()
        .rev()
        .find(|symbol| symbol.definition.range.contains(range))
}

/// Splits a qualified name, without `()` at its end; empty for what is no name.
pub(super) fn segments(name: &str) -> Vec<&str> {
    let name = name.trim().trim_end_matches("()");
    // `operator==` and the like are names as a whole.
    if name.contains("operator") {
        return name.split("::").collect();
    }
    let mut parts = Vec::new();
    for part in name.split(['.', ':']).filter(|part| !part.is_empty()) {
        // `Type#method`, but the `#` of a private name of JavaScript is a part of it.
        match part.split_once('#').filter(|(container, _)| !container.is_empty()) {
            Some((container, member)) => parts.extend([container, member]),
            None => parts.push(part),
        }
    }
    let plain = |part: &&str| {
        part.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '~' | '#'))
    };
    if parts.iter().all(plain) { parts } else { vec![name] }
}

fn is_qualified_by(symbol: &Symbol, qualifiers: &[&str]) -> bool {
    let containers: Vec<&str> = symbol
        .definition
        .container
        .as_deref()
        .map_or_else(Vec::new, |container| {
            container
                .split("::")
                .flat_map(|part| part.split('.'))
                .map(|part| part.split('<').next().unwrap_or(part))
                .collect()
        });
    let shared = qualifiers
        .iter()
        .rev()
        .zip(containers.iter().rev())
        .take_while(|(qualifier, container)| qualifier == container)
        .count();
    let left = &qualifiers[..qualifiers.len() - shared];
    if left.is_empty() {
        return true;
    }
    // What is left over names modules, which are files and folders.
    let path = symbol.path.as_str();
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let folders: Vec<&str> = stem
        .split('/')
        .filter(|part| !matches!(*part, "mod" | "lib" | "__init__" | "index"))
        .collect();
    let left = match left {
        ["crate" | "self" | "super", rest @ ..] => rest,
        left => left,
    };
    folders.ends_with(left)
}
