use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;

use super::build::StoreLocation;
use super::hash::FastMap;
use super::keeper::{Keeper, Patience};
use super::source::{Item, Source, Texts};
use super::store::{Segment, StoreError, View, ViewEntry};
use super::{Index, IndexConfig, IndexError, SkipReason, SkippedFile};
use crate::lang::Language;
use crate::progress::Progress;
use crate::repo::{BlobId, SnapshotFile};

/// With fewer new files than this nobody waits for another writer.
const FEW_FILES: usize = 64;
/// How close to the look at a file a change may be hidden in the same tick of the clock.
const FINE_TICK_NS: u64 = 20_000_000;
const COARSE_TICK_NS: u64 = 2_000_000_000;
const DAY_S: u64 = 24 * 3600;

/// Whether what is on disk may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Kept,
    Nothing,
}

/// Where the content of an item is: the place of the segment and the blob there.
pub(super) type Place = (u32, u32);

/// The places of all blobs, by id and by what the path says of the language.
pub(super) type Known = FastMap<(BlobId, u32), Place>;

/// Indexes items that are in memory.
pub(super) fn in_memory(
    items: &[Item<'_>],
    config: &IndexConfig,
    progress: &dyn Progress,
) -> Result<Index, IndexError> {
    Refresh::new(items, config, progress).run(None, None, Texts::Memory(Default::default()))
}

/// Indexes a source and keeps nothing.
pub(super) fn without_store(
    source: Source<'_>,
    config: &IndexConfig,
    progress: &dyn Progress,
) -> Result<Index, IndexError> {
    let items = items(&source);
    Refresh::new(&items, config, progress).run(None, None, source.texts())
}

/// Indexes a source with what is kept on disk.
pub(super) fn with_store(
    source: Source<'_>,
    location: &StoreLocation,
    trust: Trust,
    config: &IndexConfig,
    progress: &dyn Progress,
) -> Result<Index, IndexError> {
    let items = items(&source);
    let mut keeper = Keeper::new(location, progress);
    if trust == Trust::Nothing {
        keeper.distrust();
    }
    let taken_ns = match source {
        Source::WorkTree(snapshot) => snapshot.taken_ns(),
        Source::Revision(_) => 0,
    };
    let view = location.view.as_deref().map(|name| (name, taken_ns));
    Refresh::new(&items, config, progress).run(Some(&mut keeper), view, source.texts())
}

fn items<'a>(source: &Source<'a>) -> Vec<Item<'a>> {
    match *source {
        Source::WorkTree(snapshot) => snapshot
            .files()
            .iter()
            .map(|file| Item::WorkTree(snapshot, file))
            .collect(),
        Source::Revision(revision) => revision
            .files()
            .iter()
            .map(|file| Item::Revision(revision, file))
            .collect(),
    }
}

/// One pass that brings an index up to date.
pub(super) struct Refresh<'a> {
    pub(super) items: &'a [Item<'a>],
    pub(super) config: &'a IndexConfig,
    pub(super) progress: &'a dyn Progress,
    pub(super) now_s: u64,
    pub(super) segments: Vec<Segment>,
    pub(super) places: Vec<Option<Place>>,
    pub(super) skipped: Vec<SkippedFile>,
    pub(super) new_blobs: usize,
}

impl<'a> Refresh<'a> {
    fn new(items: &'a [Item<'a>], config: &'a IndexConfig, progress: &'a dyn Progress) -> Self {
        let now_s = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| age.as_secs());
        Self {
            items,
            config,
            progress,
            now_s,
            segments: Vec::new(),
            places: Vec::new(),
            skipped: Vec::new(),
            new_blobs: 0,
        }
    }

    fn run(
        mut self,
        mut keeper: Option<&mut Keeper<'_>>,
        view: Option<(&str, u64)>,
        texts: Texts,
    ) -> Result<Index, IndexError> {
        let mut view_is_current;
        loop {
            self.places = vec![None; self.items.len()];
            self.skipped.clear();
            let mut generation = 0;
            view_is_current = false;
            if let Some(keeper) = keeper.as_deref_mut() {
                let loaded = keeper.load();
                generation = loaded.generation;
                self.segments = loaded.segments;
                if let Some(stored) = loaded.view {
                    view_is_current = self.take_from_view(&stored);
                }
            }
            let pending = self.pending();
            let known = match pending.is_empty() {
                true => Known::default(),
                false => self.known(),
            };
            let pending = self.take_known(pending, &known);
            let many = pending.len() > FEW_FILES;
            if let Some(keeper) = keeper.as_deref_mut()
                && many
                && keeper.lock(Patience::AWhile)
                && keeper.has_moved(generation)
            {
                continue;
            }
            let first_new = self.segments.len();
            self.analyse(&pending, &known, keeper.as_deref_mut())?;
            if let Some(keeper) = keeper.as_deref_mut() {
                self.keep(keeper, first_new, view, view_is_current, generation);
            }
            break;
        }
        self.say_what_is_missing();
        let found = self.items.iter().zip(&self.places).filter_map(|(item, place)| {
            let (segment, blob) = (*place)?;
            Some((item.path().clone(), segment, blob))
        });
        let found = found.collect();
        let database_bytes = keeper.as_ref().and_then(|keeper| keeper.size_bytes());
        let not_kept = keeper.and_then(|keeper| keeper.failure());
        let index = Index::assemble(found, self.skipped, self.segments, texts, self.config);
        Ok(index
            .with_summary(self.new_blobs, database_bytes)
            .with_failure(not_kept))
    }

    /// Takes the places of the files that did not change since the view; tells whether the view is as good as new.
    fn take_from_view(&mut self, view: &View) -> bool {
        let by_id: FastMap<u32, u32> = (0u32..)
            .zip(&self.segments)
            .map(|(at, segment)| (segment.id(), at))
            .collect();
        let mut entries = view.entries.iter().peekable();
        let mut current = true;
        for (item, place) in self.items.iter().zip(&mut self.places) {
            while entries.next_if(|entry| entry.path < *item.path()).is_some() {
                current = false;
            }
            let Some(entry) = entries.next_if(|entry| entry.path == *item.path()) else {
                // What is too large or cannot be read is in no view.
                current = current && self.config.max_file_bytes < item.size_bytes().unwrap_or(0);
                continue;
            };
            let segment = by_id.get(&entry.segment).copied();
            let there = segment.filter(|at| (entry.blob as usize) < self.segments[*at as usize].blobs().len());
            let settled = match item {
                Item::WorkTree(_, file) => is_settled(file, view.taken_ns),
                Item::Revision(..) | Item::Memory(..) => false,
            };
            match there {
                Some(at) if settled && entry.stamp == item.stamp() => *place = Some((at, entry.blob)),
                _ => current = false,
            }
        }
        current && entries.next().is_none()
    }

    /// Returns the items without a place that are not too large.
    fn pending(&mut self) -> Vec<usize> {
        let mut pending = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            if self.places[at].is_some() {
                continue;
            }
            if item.size_bytes().is_some_and(|size| size > self.config.max_file_bytes) {
                self.skipped.push(SkippedFile {
                    path: item.path().clone(),
                    reason: SkipReason::TooLarge,
                });
                continue;
            }
            pending.push(at);
        }
        pending
    }

    fn known(&self) -> Known {
        let mut known = Known::default();
        for (at, segment) in (0u32..).zip(&self.segments) {
            for (number, blob) in (0u32..).zip(segment.blobs()) {
                known.insert((blob.id, blob.detection), (at, number));
            }
        }
        known
    }

    /// Takes the places of those items whose blob is known already, and returns the others.
    fn take_known(&mut self, pending: Vec<usize>, known: &Known) -> Vec<usize> {
        if known.is_empty() || pending.is_empty() {
            return pending;
        }
        let (items, config, progress) = (self.items, self.config, self.progress);
        let id_of = |at: &usize| match progress.cancelled() {
            true => None,
            false => items[*at].id(config.max_file_bytes),
        };
        let ids: Vec<Option<BlobId>> = pending.par_iter().map(id_of).collect();
        let mut left = Vec::new();
        for (at, id) in pending.into_iter().zip(ids) {
            let key = id.map(|id| (id, Language::detection(self.items[at].path())));
            match key.and_then(|key| known.get(&key)) {
                Some(place) => self.places[at] = Some(*place),
                None => left.push(at),
            }
        }
        left
    }

    pub(super) fn add(&mut self, segment: Result<Segment, StoreError>) {
        // What was packed a moment ago can be unpacked, or memory is broken.
        match segment {
            Ok(segment) => self.segments.push(segment),
            Err(error) => self.progress.note(&format!("the index is incomplete: {error}")),
        }
    }

    /// Returns today, in days since 1970.
    pub(super) fn day(&self) -> u16 {
        u16::try_from(self.now_s / DAY_S).unwrap_or(u16::MAX)
    }

    pub(super) fn next_id(&self) -> u32 {
        self.segments.iter().map(|segment| segment.id() + 1).max().unwrap_or(1)
    }

    /// Writes what is new, and merges segments when there are many.
    fn keep(
        &mut self,
        keeper: &mut Keeper<'_>,
        first_new: usize,
        view: Option<(&str, u64)>,
        view_is_current: bool,
        generation: u64,
    ) {
        let in_memory = self.segments[first_new..].iter().any(Segment::is_in_memory);
        let had_lock = keeper.has_lock();
        if !in_memory && (view_is_current || view.is_none()) {
            return;
        }
        if !had_lock && (!keeper.lock(Patience::None) || keeper.has_moved(generation)) {
            return;
        }
        let stored = view.map(|(name, taken_ns)| (name.to_owned(), self.view(taken_ns)));
        let views: Vec<(String, &View)> = stored.iter().map(|(name, view)| (name.clone(), view)).collect();
        let mut new = self.segments.split_off(first_new);
        let (mut unwritten, written): (Vec<Segment>, Vec<Segment>) = {
            let at = new.iter().position(Segment::is_in_memory).unwrap_or(new.len());
            let tail = new.split_off(at);
            (tail, new)
        };
        let went_well = keeper.write(&mut unwritten, &[], &views, self.now_s);
        self.segments.extend(written);
        self.segments.extend(unwritten);
        if !went_well {
            return;
        }
        if let Err(error) = self.merge_overdue(keeper, &stored) {
            self.progress.note(&format!("the index is not tidied up: {error}"));
        }
        if self.new_blobs > FEW_FILES {
            keeper.checkpoint();
        }
    }

    fn view(&self, taken_ns: u64) -> View {
        let entries = self.items.iter().zip(&self.places).filter_map(|(item, place)| {
            let (segment, blob) = (*place)?;
            Some(ViewEntry {
                path: item.path().clone(),
                stamp: item.stamp(),
                segment: self.segments[segment as usize].id(),
                blob,
            })
        });
        View {
            taken_ns,
            entries: entries.collect(),
        }
    }

    /// Says what is left out for its size, when there was something to index: not with every question.
    fn say_what_is_missing(&self) {
        let large = self
            .skipped
            .iter()
            .filter(|file| file.reason == SkipReason::TooLarge)
            .count();
        if large > 0 && self.new_blobs > 0 {
            let limit_bytes = self.config.max_file_bytes;
            self.progress.note(&format!(
                "{large} file(s) larger than {limit_bytes} bytes are not indexed"
            ));
        }
    }
}

/// Tells whether a file was last changed so long before it was looked at that no later change can hide in the same tick.
fn is_settled(file: &SnapshotFile, taken_ns: u64) -> bool {
    let tick = if file.stamp.fine { FINE_TICK_NS } else { COARSE_TICK_NS };
    file.stamp.changed_ns.saturating_add(tick) < taken_ns
}
