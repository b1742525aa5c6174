//! The stored index as ranking reads it: postings of blobs put together with the paths of a view.

use std::ops::Range;

use super::analysis::{Field, term_key};
use super::rank::{Corpus, Document, FIELDS, FileField, Occurrence, SymbolFacts, SymbolField, Totals};
use super::store::{BlobEntry, Posting, Units};
use super::{Index, SymbolId};
use crate::lang::SymbolKind;

impl Corpus for Index {
    fn file_count(&self) -> usize {
        self.files.len()
    }

    fn path(&self, file: usize) -> &str {
        self.files[file].path.as_str()
    }

    fn symbols_of(&self, file: usize) -> Range<usize> {
        self.bases[file] as usize + 1..self.bases[file + 1] as usize
    }

    fn symbol_end(&self) -> usize {
        self.bases.last().map_or(0, |count| *count as usize)
    }

    fn symbol(&self, symbol: usize) -> SymbolFacts {
        let id = self.symbol_at(symbol as u32);
        let flags = self.flags(id);
        SymbolFacts {
            file: id.file as usize,
            kind: flags.kind(),
            has_body: flags.has_body(),
            in_tests: flags.in_tests(),
        }
    }

    fn each_named(&self, name: &str, mut each: impl FnMut(usize)) {
        for id in self.ids_named_exactly(name) {
            each(self.unit_of(id));
        }
    }

    fn container(&self, symbol: usize) -> Option<&str> {
        let found = self.find_symbol(self.symbol_at(symbol as u32))?;
        found.definition.container.as_deref()
    }

    fn files_with_container(&self, name: &str) -> Vec<usize> {
        // A container is written out where its members are defined, and is itself defined somewhere.
        if self.ids_named_exactly(name).is_empty() {
            return Vec::new();
        }
        let files = self.files_with(name).into_iter();
        files.map(|file| file as usize).collect()
    }

    fn innermost_at(&self, file: usize, line: usize) -> Option<usize> {
        let symbols = Index::symbols_of(self, file as u32).iter();
        let around = symbols
            .rev()
            .find(|symbol| (symbol.first_line..=symbol.last_line).contains(&line));
        around.map(|symbol| self.unit_of(symbol.id))
    }

    fn file_totals(&self) -> Totals {
        let paths = self.path_terms();
        let mut lengths = [0; FIELDS];
        for file in 0..self.files.len() {
            let blob = self.blob(file as u32);
            let path = paths.lengths(file);
            add(&mut lengths, file_lengths(blob, path.name, path.folder));
        }
        Totals {
            documents: self.files.len(),
            lengths,
        }
    }

    fn symbol_totals(&self) -> Totals {
        let paths = self.path_terms();
        let mut totals = Totals::default();
        for file in 0..self.files.len() {
            let blob = self.blob(file as u32);
            let symbols = blob.units.saturating_sub(1);
            totals.documents += symbols as usize;
            let [name, doc, signature, body] = blob.totals;
            let place = paths.lengths(file).whole().saturating_mul(symbols);
            let signature = signature.saturating_add(name);
            add(&mut totals.lengths, by_symbol_field(name, doc, signature, place, body));
        }
        totals
    }

    fn each_occurrence(&self, term: &str, mut each: impl FnMut(&Occurrence)) {
        let key = term_key(term);
        for (segment, live) in self.segments.iter().zip(&self.live) {
            let Some(units) = self.sound(segment.units()) else {
                continue;
            };
            let blobs = segment.blobs();
            let mut blob = 0;
            let read = segment.each_posting(&key, |posting| {
                while blob < blobs.len() && posting.unit >= blobs[blob].first_unit + blobs[blob].units {
                    blob += 1;
                }
                let Some(entry) = blobs.get(blob) else {
                    return;
                };
                live.each_file(blob as u32, |file| {
                    let hit = Hit {
                        index: self,
                        units,
                        entry,
                        file,
                    };
                    hit.in_file(&posting, &mut each);
                    if posting.unit > entry.first_unit {
                        hit.in_symbols(&posting, &mut each);
                    }
                });
            });
            self.sound(read);
        }
        self.each_path_with(term, &mut each);
    }
}

impl Index {
    /// Calls `each` with the files and symbols that have a term in their path.
    fn each_path_with(&self, term: &str, each: &mut impl FnMut(&Occurrence)) {
        let paths = self.path_terms();
        for posting in paths.with(term) {
            let file = posting.file as usize;
            let length = paths.lengths(file);
            let mut occurrence = Occurrence::none(Document::File(file));
            occurrence.set(FileField::Name as usize, posting.counts.name, length.name);
            occurrence.set(FileField::Folder as usize, posting.counts.folder, length.folder);
            each(&occurrence);
            let mut occurrence = Occurrence::none(Document::File(file));
            occurrence.set(SymbolField::Place as usize, posting.counts.whole(), length.whole());
            for symbol in Corpus::symbols_of(self, file) {
                occurrence.document = Document::Symbol(symbol);
                each(&occurrence);
            }
        }
    }

    /// Returns the symbol that has a number in [`Corpus`].
    pub(super) fn symbol_at(&self, unit: u32) -> SymbolId {
        let file = self.bases.partition_point(|base| *base <= unit).saturating_sub(1);
        SymbolId {
            file: file as u32,
            number: (unit - self.bases[file]).saturating_sub(1),
        }
    }

    /// Returns the number of a symbol in [`Corpus`].
    fn unit_of(&self, id: SymbolId) -> usize {
        self.bases[id.file as usize] as usize + 1 + id.number as usize
    }
}

fn add(totals: &mut [u64; FIELDS], lengths: [u32; FIELDS]) {
    for (total, length) in totals.iter_mut().zip(lengths) {
        *total += u64::from(length);
    }
}

fn file_lengths(blob: &BlobEntry, name: u32, folder: u32) -> [u32; FIELDS] {
    let symbols = blob.totals[Field::Name as usize];
    let doc = blob.totals[Field::Doc as usize];
    by_file_field(name, folder, symbols, doc, blob.text_terms)
}

fn by_file_field(name: u32, folder: u32, symbols: u32, doc: u32, text: u32) -> [u32; FIELDS] {
    let mut fields = [0; FIELDS];
    fields[FileField::Name as usize] = name;
    fields[FileField::Folder as usize] = folder;
    fields[FileField::Symbols as usize] = symbols;
    fields[FileField::Doc as usize] = doc;
    fields[FileField::Text as usize] = text;
    fields
}

fn by_symbol_field(name: u32, doc: u32, signature: u32, place: u32, body: u32) -> [u32; FIELDS] {
    let mut fields = [0; FIELDS];
    fields[SymbolField::Name as usize] = name;
    fields[SymbolField::Doc as usize] = doc;
    fields[SymbolField::Signature as usize] = signature;
    fields[SymbolField::Place as usize] = place;
    fields[SymbolField::Body as usize] = body;
    fields
}

impl Occurrence {
    fn none(document: Document) -> Self {
        Self {
            document,
            counts: [0; FIELDS],
            lengths: [0; FIELDS],
        }
    }

    fn set(&mut self, field: usize, count: u32, length: u32) {
        self.counts[field] = count;
        self.lengths[field] = length;
    }
}

/// A term in a unit of a blob that stands for a file.
struct Hit<'i> {
    index: &'i Index,
    units: &'i Units,
    entry: &'i BlobEntry,
    file: u32,
}

impl Hit<'_> {
    fn in_file(&self, posting: &Posting, each: &mut impl FnMut(&Occurrence)) {
        let [name, doc, signature, body] = posting.counts.map(u32::from);
        let is_symbol = posting.unit > self.entry.first_unit;
        let (symbols, docs) = if is_symbol { (name, doc) } else { (0, 0) };
        each(&Occurrence {
            document: Document::File(self.file as usize),
            counts: by_file_field(0, 0, symbols, docs, name + doc + signature + body),
            lengths: file_lengths(self.entry, 0, 0),
        });
    }

    fn in_symbols(&self, posting: &Posting, each: &mut impl FnMut(&Occurrence)) {
        let unit = posting.unit;
        let [name, doc, signature, body] = posting.counts.map(u32::from);
        let length = |field: Field| self.units.length(unit, field as usize);
        // A signature is written with the name in it, and is all there is of what has no body.
        let flags = self.units.flags(unit);
        let signature = signature + name;
        let signature_length = length(Field::Signature) + length(Field::Name);
        let (body, body_length) = match flags.has_body() {
            true => (body, length(Field::Body)),
            false => (body + signature, length(Field::Body) + signature_length),
        };
        each(&Occurrence {
            document: self.symbol(unit),
            counts: by_symbol_field(name, doc, signature, 0, body),
            lengths: by_symbol_field(
                length(Field::Name),
                length(Field::Doc),
                signature_length,
                0,
                body_length,
            ),
        });
        self.in_outer(posting, each);
        let is_scope = |kind: SymbolKind| kind.has_methods() || kind == SymbolKind::Module;
        if name > 0 && flags.kind().is_some_and(is_scope) {
            self.in_members(unit, name, each);
        }
    }

    /// A function holds the text of the functions inside it.
    fn in_outer(&self, posting: &Posting, each: &mut impl FnMut(&Occurrence)) {
        let inside = posting.counts.iter().map(|count| u32::from(*count)).sum();
        let first = self.entry.first_unit;
        let mut around = self.units.parent(posting.unit).filter(|parent| *parent > first);
        while let Some(outer) = around {
            if self.units.flags(outer).kind().is_some_and(SymbolKind::is_callable) {
                let mut occurrence = Occurrence::none(self.symbol(outer));
                let length = self.units.length(outer, Field::Body as usize);
                occurrence.set(SymbolField::Body as usize, inside, length);
                each(&occurrence);
            }
            around = self.units.parent(outer).filter(|parent| *parent > first);
        }
    }

    /// The name of a class is a place for what is inside it.
    fn in_members(&self, unit: u32, count: u32, each: &mut impl FnMut(&Occurrence)) {
        let path = self.index.path_terms().lengths(self.file as usize).whole();
        let length = path + self.units.length(unit, Field::Name as usize);
        let end = self.entry.first_unit + self.entry.units;
        let after = unit.saturating_add(1).saturating_add(self.units.descendants(unit));
        for inner in unit + 1..after.min(end) {
            let mut occurrence = Occurrence::none(self.symbol(inner));
            occurrence.set(SymbolField::Place as usize, count, length);
            each(&occurrence);
        }
    }

    fn symbol(&self, unit: u32) -> Document {
        let base = self.index.bases[self.file as usize];
        Document::Symbol((base + unit - self.entry.first_unit) as usize)
    }
}
