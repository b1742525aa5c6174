//! What ranking reads of an index, whatever stores it.

use std::ops::Range;

use crate::lang::SymbolKind;

/// The files and symbols of a repository, by number, with the terms of both.
pub(in crate::index) trait Corpus {
    /// Returns how many files there are.
    fn file_count(&self) -> usize;
    /// Returns the path of a file.
    fn path(&self, file: usize) -> &str;
    /// Returns the symbols of a file; together these ranges cover all symbols in order.
    fn symbols_of(&self, file: usize) -> Range<usize>;

    /// Returns what ranking reads of a symbol.
    fn symbol(&self, symbol: usize) -> SymbolFacts<'_>;
    /// Calls `each` with the symbols of a name.
    fn each_named(&self, name: &str, each: &mut dyn FnMut(usize));
    /// Returns the terms of the files, in the fields of [`super::FileField`].
    fn file_terms(&self) -> &impl Postings<5>;
    /// Returns the terms of the symbols, in the fields of [`super::SymbolField`].
    fn symbol_terms(&self) -> &impl Postings<5>;
}

/// What ranking reads of a symbol.
#[derive(Clone, Copy, Debug)]
pub(in crate::index) struct SymbolFacts<'a> {
    pub(in crate::index) name: &'a str,
    pub(in crate::index) container: Option<&'a str>,
    pub(in crate::index) kind: SymbolKind,
    pub(in crate::index) file: usize,
    /// Zero-based, the last one inclusive.
    pub(in crate::index) first_line: usize,
    pub(in crate::index) last_line: usize,
    pub(in crate::index) has_body: bool,
}

/// An inverted index of documents with fields.
pub(in crate::index) trait Postings<const F: usize> {
    /// Returns how many documents there are.
    fn document_count(&self) -> usize;
    /// Returns how many terms the fields of a document have.
    fn lengths(&self, document: usize) -> [u32; F];
    /// Returns how many terms the fields of all documents have.
    fn totals(&self) -> [u64; F];
    /// Returns how many documents hold a term.
    fn document_frequency(&self, term: &str) -> usize;
    /// Calls `each` with every document that holds a term, and how often each field does.
    fn each_posting(&self, term: &str, each: &mut dyn FnMut(usize, [u16; F]));
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
