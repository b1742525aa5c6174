use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::analysis::Analysis;
use super::term_index::TermIndex;
use super::{IndexedFile, SkippedFile, Symbol, SymbolId};
use crate::lang::{MAX_SOURCE_BYTES, UseKind};
use crate::progress::{Phase, Progress};
use crate::text::{RepoPath, TextRange};

/// The symbols, references and words of a repository's files.
pub struct Index {
    pub(super) files: Vec<IndexedFile>,
    pub(super) by_path: BTreeMap<RepoPath, usize>,
    pub(super) symbols: Vec<Symbol>,
    pub(super) by_name: HashMap<String, Vec<SymbolId>>,
    pub(super) uses: HashMap<Box<str>, Vec<StoredUse>>,
    pub(super) symbol_terms: TermIndex<5>,
    pub(super) file_terms: TermIndex<5>,
    pub(super) skipped: Vec<SkippedFile>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("files", &self.files.len())
            .field("symbols", &self.symbols.len())
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// What the index takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexConfig {
    /// Files longer than this are left out and counted in [`Index::skipped`].
    pub max_file_bytes: u64,
}

impl Default for IndexConfig {
    /// The largest file that can be parsed.
    fn default() -> Self {
        Self {
            max_file_bytes: MAX_SOURCE_BYTES as u64,
        }
    }
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The person at the terminal stopped it.
    #[error("interrupted")]
    Cancelled,
}

/// A use of a name, as stored under the name.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredUse {
    pub(super) file: u32,
    pub(super) range: TextRange,
    pub(super) line: u32,
    pub(super) kind: UseKind,
}

impl Index {
    /// Indexes texts that are already read, in parallel. Of two texts with one path the later is taken.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] when `progress` says so.
    pub fn from_texts(texts: Vec<(RepoPath, String)>, progress: &dyn Progress) -> Result<Self, IndexError> {
        let texts: BTreeMap<RepoPath, String> = texts.into_iter().collect();
        Self::collect(texts.into_iter().collect(), Ok, progress)
    }

    /// Reads and analyses files in parallel; `items` are sorted by path.
    pub(super) fn collect<T: Send>(
        items: Vec<T>,
        read: impl Fn(T) -> Result<(RepoPath, String), SkippedFile> + Sync,
        progress: &dyn Progress,
    ) -> Result<Self, IndexError> {
        progress.begin(Phase::Index, items.len() as u64);
        let done = AtomicU64::new(0);
        let analyzed: Option<Vec<Result<(RepoPath, Analysis), SkippedFile>>> = items
            .into_par_iter()
            .map(|item| {
                if progress.cancelled() {
                    return None;
                }
                let analyzed = read(item).map(|(path, text)| {
                    let analysis = Analysis::of(&path, &text);
                    (path, analysis)
                });
                progress.advance(Phase::Index, done.fetch_add(1, Ordering::Relaxed) + 1);
                Some(analyzed)
            })
            .collect();
        progress.end(Phase::Index);
        let mut index = Self::empty();
        for analyzed in analyzed.ok_or(IndexError::Cancelled)? {
            match analyzed {
                Ok((path, analysis)) => index.push(path, analysis),
                Err(skipped) => index.skipped.push(skipped),
            }
        }
        Ok(index)
    }

    fn empty() -> Self {
        Self {
            files: Vec::new(),
            by_path: BTreeMap::new(),
            symbols: Vec::new(),
            by_name: HashMap::new(),
            uses: HashMap::new(),
            symbol_terms: TermIndex::new(),
            file_terms: TermIndex::new(),
            skipped: Vec::new(),
        }
    }

    fn push(&mut self, path: RepoPath, analysis: Analysis) {
        let file = self.files.len();
        let first = self.symbols.len();
        if let Some(language) = analysis.language {
            for symbol in analysis.symbols {
                let id = SymbolId(self.symbols.len() as u32);
                let definition = symbol.definition;
                self.by_name.entry(definition.name.clone()).or_default().push(id);
                self.symbol_terms.push(symbol.terms);
                self.symbols.push(Symbol {
                    id,
                    path: path.clone(),
                    language,
                    line: symbol.line,
                    first_line: symbol.first_line,
                    last_line: symbol.last_line,
                    qualified: match &definition.container {
                        Some(container) => format!("{container}{}{}", language.spec().separator, definition.name),
                        None => definition.name.clone(),
                    },
                    definition,
                });
            }
        }
        for (found, line) in analysis.uses {
            let stored = StoredUse {
                file: file as u32,
                range: found.range,
                line: line as u32,
                kind: found.kind,
            };
            self.uses.entry(found.name.into_boxed_str()).or_default().push(stored);
        }
        if let Some(reason) = analysis.skipped {
            self.skipped.push(SkippedFile {
                path: path.clone(),
                reason,
            });
        }
        self.file_terms.push(analysis.terms);
        self.by_path.insert(path.clone(), file);
        self.files.push(IndexedFile {
            path,
            language: analysis.language,
            blob: analysis.blob,
            size_bytes: analysis.size_bytes,
            symbols: first..self.symbols.len(),
        });
    }
}
