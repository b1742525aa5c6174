use serde::{Deserialize, Serialize};

use crate::lang::{Definition, Language, UseKind};
use crate::repo::BlobId;
use crate::text::{RepoPath, TextRange};

/// The number of a symbol in its index; in order by path, then by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SymbolId {
    /// The number of the file in [`super::Index::files`].
    pub file: u32,
    /// The number of the symbol in its file.
    pub number: u32,
}

/// A definition, with where it stands in the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symbol {
    /// The number in the index.
    pub id: SymbolId,
    /// The file.
    pub path: RepoPath,
    /// The file's language.
    pub language: Language,
    /// What is defined, and its ranges in the file; of the documentation, the first line.
    pub definition: Definition,
    /// The zero-based line of the name.
    pub line: usize,
    /// The zero-based first and last line of [`Definition::range`].
    pub first_line: usize,
    pub last_line: usize,
    /// Container and name as the language writes them: `Stack.push`, `Stack::push`.
    pub qualified: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedFile {
    /// Where it is.
    pub path: RepoPath,
    /// Its language; none for text without a grammar.
    pub language: Option<Language>,
    /// The id of the bytes that were read.
    pub blob: BlobId,
    /// Its length in bytes.
    pub size_bytes: usize,
    /// How many symbols it has.
    pub symbols: usize,
}

/// A file that is not in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Where it is.
    pub path: RepoPath,
    /// Why it is not in the index.
    pub reason: SkipReason,
}

/// Why a file is not in the index, or not wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It is longer than [`super::IndexConfig::max_file_bytes`].
    TooLarge,
    /// It is not UTF-8 text, or holds a NUL byte.
    NotText,
    /// It cannot be read.
    Unreadable,
    /// It is searchable as text, but has no symbols: it is over the parser's limits.
    NotParsed,
    /// Its beginning is searchable as text, but it has no symbols: a line is longer than people write.
    Generated,
}

/// A place where a name is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The file.
    pub path: RepoPath,
    /// Where the name stands.
    pub range: TextRange,
    /// The zero-based line.
    pub line: usize,
    /// How it is used.
    pub kind: UseKind,
    /// The innermost symbol around it.
    pub enclosing: Option<SymbolId>,
}

/// A symbol that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The symbol.
    pub symbol: SymbolId,
    /// Higher is better; comparable within one search only.
    pub score: f32,
}

/// A file that a search found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileHit {
    /// The file.
    pub path: RepoPath,
    /// Higher is better; comparable within one search only.
    pub score: f32,
}
