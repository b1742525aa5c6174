use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::hash::FastMap;
use super::path_terms::PathTerms;
use super::refresh;
use super::source::{Item, Source, Texts};
use super::store::{BlobState, Segment, StoreError};
use super::{IndexedFile, SkipReason, SkippedFile, Symbol, SymbolId};
use crate::lang::MAX_SOURCE_BYTES;
use crate::progress::Progress;
use crate::repo::Snapshot;
use crate::text::RepoPath;

/// The symbols, references and words of a repository's files.
///
/// What is asked for is read when it is asked for. Where a record on disk turns out to be damaged the answer leaves out
/// what it held, and [`Index::is_damaged`] says so from then on.
pub struct Index {
    pub(super) files: Vec<IndexedFile>,
    pub(super) skipped: Vec<SkippedFile>,
    pub(super) slots: Vec<Slot>,
    pub(super) segments: Vec<Segment>,
    /// The files of each blob of each segment.
    pub(super) live: Vec<Live>,
    /// The first unit of each file, of all units of all files; and their number.
    pub(super) bases: Vec<u32>,
    path_terms: OnceLock<PathTerms>,
    pub(super) texts: Texts,
    pub(super) max_file_bytes: u64,
    damaged: AtomicBool,
    not_kept: Option<String>,
    summary: IndexSummary,
}

/// Where the content of a file lies.
#[derive(Debug)]
pub(super) struct Slot {
    /// The place of the segment in [`Index::segments`].
    pub(super) segment: u32,
    pub(super) blob: u32,
    symbols: OnceLock<Box<[Symbol]>>,
}

/// Which files the blobs of a segment stand for.
#[derive(Debug)]
pub(super) struct Live {
    first: Vec<u32>,
    /// The other files of blobs that have several.
    others: FastMap<u32, Vec<u32>>,
}

/// What it took to make an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexSummary {
    /// How many blobs were analysed.
    pub new_blobs: usize,
    /// How many symbols there are.
    pub symbols: usize,
    /// How many bytes the database takes; none where the index is in memory only.
    pub database_bytes: Option<u64>,
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

/// Where an index is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLocation {
    /// The database of the repository.
    pub file: PathBuf,
    /// The name of the work tree in it; none for what is looked at once.
    pub view: Option<String>,
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The person at the terminal stopped it.
    #[error("interrupted")]
    Cancelled,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("files", &self.files.len())
            .field("symbols", &self.summary.symbols)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

impl Index {
    /// Indexes texts that are already read, in parallel. Of two texts with one path the later is taken.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] when `progress` says so.
    pub fn from_texts(texts: Vec<(RepoPath, String)>, progress: &dyn Progress) -> Result<Self, IndexError> {
        let texts: BTreeMap<RepoPath, String> = texts.into_iter().collect();
        let items: Vec<Item<'_>> = texts.iter().map(|(path, text)| Item::Memory(path, text)).collect();
        let config = IndexConfig {
            max_file_bytes: u64::MAX,
        };
        let mut index = refresh::in_memory(&items, &config, progress)?;
        index.texts = Texts::Memory(texts);
        Ok(index)
    }

    /// Indexes the text files of a work tree in memory, as they are on disk now, in parallel.
    ///
    /// A file that cannot be taken in is no error: [`Index::skipped`] names it, and how many are left out is said
    /// through `progress`.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] when `progress` says so.
    pub fn build(snapshot: &Snapshot, config: &IndexConfig, progress: &dyn Progress) -> Result<Self, IndexError> {
        refresh::without_store(Source::WorkTree(snapshot), config, progress)
    }

    /// Brings the index on disk up to date and opens it. Only what was never seen is analysed.
    ///
    /// The index is always right: where the database is of another version or damaged it is made anew, and where it
    /// cannot be written the index stays in memory; `progress` says so.
    ///
    /// # Errors
    /// As [`Index::build`].
    pub fn open(
        source: Source<'_>,
        location: &StoreLocation,
        config: &IndexConfig,
        progress: &dyn Progress,
    ) -> Result<Self, IndexError> {
        refresh::with_store(source, location, refresh::Trust::Kept, config, progress)
    }

    /// Makes the index on disk anew; for one that [is damaged](Index::is_damaged).
    ///
    /// # Errors
    /// As [`Index::build`].
    pub fn rebuild(
        source: Source<'_>,
        location: &StoreLocation,
        config: &IndexConfig,
        progress: &dyn Progress,
    ) -> Result<Self, IndexError> {
        refresh::with_store(source, location, refresh::Trust::Nothing, config, progress)
    }

    /// Tells whether a record could not be read, so that an answer may have been incomplete.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Reads all that is stored, for a use that cannot be repeated; tells whether it is sound.
    pub fn verify(&self) -> bool {
        for segment in &self.segments {
            self.sound(segment.verify());
        }
        !self.is_damaged()
    }

    /// Returns why the index could not be kept on disk where it should have been.
    pub fn not_kept(&self) -> Option<&str> {
        self.not_kept.as_deref()
    }

    /// Returns what it took to make this index.
    pub fn summary(&self) -> &IndexSummary {
        &self.summary
    }

    /// Puts an index together; `found` are the files with the place of their segment and their blob.
    pub(super) fn assemble(
        found: Vec<(RepoPath, u32, u32)>,
        skipped: Vec<SkippedFile>,
        segments: Vec<Segment>,
        texts: Texts,
        config: &IndexConfig,
    ) -> Self {
        let live = segments.iter().map(|segment| Live {
            first: vec![u32::MAX; segment.blobs().len()],
            others: FastMap::default(),
        });
        let mut index = Self {
            files: Vec::with_capacity(found.len()),
            skipped,
            slots: Vec::with_capacity(found.len()),
            live: live.collect(),
            segments,
            bases: Vec::with_capacity(found.len() + 1),
            path_terms: OnceLock::new(),
            texts,
            max_file_bytes: config.max_file_bytes,
            damaged: AtomicBool::new(false),
            not_kept: None,
            summary: IndexSummary::default(),
        };
        let mut units = 0u32;
        for (path, segment, blob) in found {
            let entry = &index.segments[segment as usize].blobs()[blob as usize];
            let skip = |reason| SkippedFile {
                path: path.clone(),
                reason,
            };
            match entry.state {
                BlobState::Whole => {}
                BlobState::NotText => {
                    index.skipped.push(skip(SkipReason::NotText));
                    continue;
                }
                BlobState::NotParsed => index.skipped.push(skip(SkipReason::NotParsed)),
                BlobState::Generated => index.skipped.push(skip(SkipReason::Generated)),
            }
            let slot = index.files.len() as u32;
            let live = &mut index.live[segment as usize];
            match &mut live.first[blob as usize] {
                first if *first == u32::MAX => *first = slot,
                _ => live.others.entry(blob).or_default().push(slot),
            }
            let symbols = entry.units as usize - 1;
            index.files.push(IndexedFile {
                path,
                language: entry.language,
                blob: entry.id,
                size_bytes: entry.size_bytes as usize,
                symbols,
            });
            index.slots.push(Slot {
                segment,
                blob,
                symbols: OnceLock::new(),
            });
            index.bases.push(units);
            units = units.saturating_add(entry.units);
            index.summary.symbols += symbols;
        }
        index.bases.push(units);
        index.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        index
    }

    pub(super) fn with_summary(mut self, new_blobs: usize, database_bytes: Option<u64>) -> Self {
        self.summary.new_blobs = new_blobs;
        self.summary.database_bytes = database_bytes;
        self
    }

    pub(super) fn with_failure(mut self, not_kept: Option<String>) -> Self {
        self.not_kept = not_kept;
        self
    }

    /// Returns the symbols of a file by its number.
    pub(super) fn symbols_of(&self, file: u32) -> &[Symbol] {
        let slot = &self.slots[file as usize];
        slot.symbols.get_or_init(|| {
            let stored = self.segments[slot.segment as usize].definitions(slot.blob);
            let Some(definitions) = self.sound(stored) else {
                return Box::default();
            };
            let indexed = &self.files[file as usize];
            let Some(language) = indexed.language else {
                return Box::default();
            };
            let separator = language.spec().separator;
            let numbered = (0u32..).zip(definitions);
            let symbols = numbered.map(|(number, stored)| Symbol {
                id: SymbolId { file, number },
                path: indexed.path.clone(),
                language,
                line: stored.line,
                first_line: stored.first_line,
                last_line: stored.last_line,
                qualified: match &stored.definition.container {
                    Some(container) => format!("{container}{separator}{}", stored.definition.name),
                    None => stored.definition.name.clone(),
                },
                definition: stored.definition,
            });
            symbols.collect()
        })
    }

    /// Returns the terms of all paths.
    pub(super) fn path_terms(&self) -> &PathTerms {
        self.path_terms
            .get_or_init(|| PathTerms::of(self.files.iter().map(|file| &file.path)))
    }

    /// Returns the value, or notes the damage.
    pub(super) fn sound<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        // Of an error that is no damage (a disk that fails) the same is true: the answer lacks something.
        if result.is_err() {
            self.damaged.store(true, Ordering::Relaxed);
        }
        result.ok()
    }
}

impl Live {
    /// Calls `each` with every file of a blob.
    pub(super) fn each_file(&self, blob: u32, mut each: impl FnMut(u32)) {
        let first = self.first[blob as usize];
        if first == u32::MAX {
            return;
        }
        each(first);
        if !self.others.is_empty() {
            self.others
                .get(&blob)
                .into_iter()
                .flatten()
                .for_each(|file| each(*file));
        }
    }
}
