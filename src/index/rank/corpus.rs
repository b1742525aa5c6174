//! What ranking reads of an index, whatever stores it.

use std::ops::Range;

use crate::lang::SymbolKind;

/// How many fields a file has as a document, and a symbol.
pub(in crate::index) const FIELDS: usize = 5;

/// The files and symbols of a repository, by number, with the terms of both.
pub(in crate::index) trait Corpus {
    /// Returns how many files there are.
    fn file_count(&self) -> usize;
    /// Returns the path of a file.
    fn path(&self, file: usize) -> &str;
    /// Returns the symbols of a file. Numbers ascend by file and position; some may stand for no symbol.
    fn symbols_of(&self, file: usize) -> Range<usize>;
    /// Returns a number above those of all symbols.
    fn symbol_end(&self) -> usize;

    /// Returns what ranking reads of a symbol.
    fn symbol(&self, symbol: usize) -> SymbolFacts;
    /// Calls `each` with the symbols of a name, in ascending order.
    fn each_named(&self, name: &str, each: impl FnMut(usize));
    /// Returns what encloses a symbol by name, as its language writes it. May have to read the symbols of a file.
    fn container(&self, symbol: usize) -> Option<&str>;
    /// Returns the files that may have symbols in a container of a name, in ascending order; reads no symbols.
    fn files_with_container(&self, name: &str) -> Vec<usize>;
    /// Returns the innermost symbol of a file around a zero-based line. May have to read the symbols of the file.
    fn innermost_at(&self, file: usize, line: usize) -> Option<usize>;

    /// Returns how long all files are, in the fields of [`FileField`].
    fn file_totals(&self) -> Totals;
    /// Returns how long all symbols are, in the fields of [`SymbolField`].
    fn symbol_totals(&self) -> Totals;
    /// Calls `each` with the places of a term. A document comes several times when several of its parts hold the term.
    fn each_occurrence(&self, term: &str, each: impl FnMut(&Occurrence));
}

/// What ranking reads of a symbol.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) struct SymbolFacts {
    pub(in crate::index) file: usize,
    pub(in crate::index) kind: Option<SymbolKind>,
    pub(in crate::index) has_body: bool,
    /// Whether it is a module of tests or in one.
    pub(in crate::index) in_tests: bool,
}

/// How many documents there are, and how many terms the fields of all have together.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::index) struct Totals {
    pub(in crate::index) documents: usize,
    pub(in crate::index) lengths: [u64; FIELDS],
}

/// A term in a part of a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) struct Occurrence {
    pub(in crate::index) document: Document,
    /// How often it stands in each field.
    pub(in crate::index) counts: [u32; FIELDS],
    /// How many terms those fields of the document have that count it.
    pub(in crate::index) lengths: [u32; FIELDS],
}

/// What terms stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) enum Document {
    File(usize),
    Symbol(usize),
}

/// The fields of a file as a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) enum FileField {
    /// The name of the file.
    Name,
    /// The folders it is in.
    Folder,
    /// The names of its symbols.
    Symbols,
    /// The doc comments of its symbols, which are a part of the text as well.
    Doc,
    Text,
}

/// The fields of a symbol as a document.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) enum SymbolField {
    Name,
    Doc,
    Signature,
    /// Path and container.
    Place,
    /// The body without the symbols inside that are documents of their own.
    Body,
}
