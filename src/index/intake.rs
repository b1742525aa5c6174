use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::analysis::Analysis;
use super::counter::{Counter, KeyPosting};
use super::keeper::Keeper;
use super::refresh::{Known, Place, Refresh};
use super::source::Item;
use super::store::{Posting, SegmentBuilder};
use super::vocabulary::SharedVocabulary;
use super::{IndexConfig, IndexError, SkipReason, SkippedFile};
use crate::lang::Language;
use crate::progress::{Phase, Progress};
use crate::repo::RepoError;

/// How many bytes a segment takes in memory before it is written.
const SEGMENT_BYTES: usize = 160 << 20;
/// Files of so many bytes are begun first, so that none of them is what all others wait for in the end; as long as they
/// come to no more than so many bytes.
const LARGE_FILE_BYTES: u64 = 64 << 10;
const LARGE_FILES_BYTES: u64 = 16 << 20;
/// How many bytes of files may lie analysed behind one that is not ready.
const WAITING_BYTES: u64 = 24 << 20;
const WAIT: Duration = Duration::from_millis(1);
/// Fewer files are not worth the threads.
const FEWEST_FOR_THREADS: usize = 4;

/// What became of an item that was looked at.
enum Looked {
    Known(Place),
    New(Box<Analysis>),
    Skipped(SkipReason),
}

/// What is analysed and not taken in yet, with the bytes that it counts as.
struct Waiting {
    looked: Looked,
    bytes: u64,
}

impl Refresh<'_> {
    /// Reads and analyses items in parallel. They go into a segment in the order of `pending`, which makes its lists of
    /// postings short.
    pub(super) fn analyse(
        &mut self,
        pending: &[usize],
        known: &Known,
        keeper: Option<&mut Keeper<'_>>,
    ) -> Result<(), IndexError> {
        if pending.is_empty() {
            return Ok(());
        }
        let progress = self.progress;
        progress.begin(Phase::Index, pending.len() as u64);
        let keys = SharedVocabulary::default();
        let work = Work {
            items: self.items,
            pending,
            order: Order::of(self.items, pending),
            known,
            config: self.config,
            progress,
            day: self.day(),
            keys: &keys,
            begun: AtomicUsize::new(0),
            done: AtomicU64::new(0),
            waiting_bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            waiting: pending.iter().map(|_| Mutex::default()).collect(),
        };
        let intake = Mutex::new(Intake {
            refresh: self,
            builder: SegmentBuilder::default(),
            keeper,
            next: 0,
        });
        match pending.len() < FEWEST_FOR_THREADS {
            true => work.run(&intake),
            // Each thread runs it once. Were it spawned, a thread that waits while it packs a segment might begin it a
            // second time and then wait for itself.
            false => drop(rayon::broadcast(|_| work.run(&intake))),
        }
        progress.end(Phase::Index);
        let intake = intake.into_inner().unwrap_or_else(PoisonError::into_inner);
        if work.cancelled.load(Ordering::Relaxed) {
            return Err(IndexError::Cancelled);
        }
        intake.finish(&work);
        Ok(())
    }
}

/// The order in which files are begun.
struct Order {
    /// The places in `pending`.
    places: Vec<u32>,
    /// How many of them come before their turn.
    early: usize,
}

impl Order {
    fn of(items: &[Item<'_>], pending: &[usize]) -> Self {
        let size = |place: u32| items[pending[place as usize]].size_bytes().unwrap_or(0);
        let all = 0..pending.len() as u32;
        let mut places: Vec<u32> = all.clone().filter(|place| size(*place) >= LARGE_FILE_BYTES).collect();
        places.sort_by_key(|place| Reverse(size(*place)));
        let mut sum = 0;
        let fits = |place: &&u32| {
            sum += size(**place);
            sum <= LARGE_FILES_BYTES
        };
        let early = places.iter().take_while(fits).count();
        places.truncate(early);
        let mut is_early = vec![false; pending.len()];
        places.iter().for_each(|place| is_early[*place as usize] = true);
        places.extend(all.filter(|place| !is_early[*place as usize]));
        Self { places, early }
    }
}

/// Files that are to be analysed, and how far that is.
struct Work<'w> {
    items: &'w [Item<'w>],
    pending: &'w [usize],
    order: Order,
    known: &'w Known,
    config: &'w IndexConfig,
    progress: &'w dyn Progress,
    day: u16,
    keys: &'w SharedVocabulary,
    /// How many are begun, and how many done.
    begun: AtomicUsize,
    done: AtomicU64,
    /// The sizes of the files that are analysed and not taken in; without those that were begun before their turn.
    waiting_bytes: AtomicU64,
    cancelled: AtomicBool,
    /// What is not taken in yet, by the place in `pending`.
    waiting: Vec<Mutex<Option<Waiting>>>,
}

impl Work<'_> {
    /// Analyses one file after the other until all are begun, and takes in what is ready.
    fn run(&self, intake: &Mutex<Intake<'_, '_, '_>>) {
        let mut counter = Counter::new(self.keys);
        loop {
            if self.progress.cancelled() {
                self.cancelled.store(true, Ordering::Relaxed);
            }
            if self.cancelled.load(Ordering::Relaxed) {
                return;
            }
            let begun = self.begun.fetch_add(1, Ordering::Relaxed);
            let Some(&place) = self.order.places.get(begun) else {
                return;
            };
            let item = &self.items[self.pending[place as usize]];
            let looked = look_at(item, self.known, self.config, self.day, &mut counter);
            let in_turn = begun >= self.order.early;
            let bytes = if in_turn { looked.size_bytes() } else { 0 };
            self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
            *self.slot(place) = Some(Waiting { looked, bytes });
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            self.progress.advance(Phase::Index, done);
            self.try_take_in(intake);
            // Of the files in turn, one that comes before those that wait is in the hands of a thread that does not.
            while in_turn && self.waiting_bytes.load(Ordering::Relaxed) > WAITING_BYTES && !self.progress.cancelled() {
                thread::sleep(WAIT);
                self.try_take_in(intake);
            }
        }
    }

    /// Takes in what is ready, unless another thread does.
    fn try_take_in(&self, intake: &Mutex<Intake<'_, '_, '_>>) {
        if let Ok(mut intake) = intake.try_lock() {
            intake.take_ready(self);
        }
    }

    fn slot(&self, place: u32) -> MutexGuard<'_, Option<Waiting>> {
        // What is in a slot is there as a whole.
        self.waiting[place as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was analysed goes in here, in order.
struct Intake<'i, 'r, 'k> {
    refresh: &'i mut Refresh<'r>,
    builder: SegmentBuilder,
    keeper: Option<&'i mut Keeper<'k>>,
    /// The place of the next one.
    next: u32,
}

impl Intake<'_, '_, '_> {
    /// Takes in what is ready, up to the first that is not.
    fn take_ready(&mut self, work: &Work<'_>) {
        while let Some(&at) = work.pending.get(self.next as usize) {
            let Some(Waiting { looked, bytes }) = work.slot(self.next).take() else {
                return;
            };
            self.next += 1;
            work.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.take(at, looked);
            // One that has grown large is written, so that it need not stay in memory. Without the lock it stays there.
            if self.builder.memory_bytes() > SEGMENT_BYTES {
                self.close(work);
                let segments = &mut self.refresh.segments;
                if let (Some(keeper), Some(last)) = (&mut self.keeper, segments.len().checked_sub(1)) {
                    keeper.write(&mut segments[last..], &[], &[], self.refresh.now_s);
                }
            }
        }
    }

    /// Takes in one item; a new blob goes to the segment that is closed next.
    fn take(&mut self, at: usize, looked: Looked) {
        let segment = self.refresh.segments.len() as u32;
        match looked {
            Looked::Known(place) => self.refresh.places[at] = Some(place),
            Looked::Skipped(reason) => self.refresh.skipped.push(SkippedFile {
                path: self.refresh.items[at].path().clone(),
                reason,
            }),
            Looked::New(analysis) => {
                let Analysis {
                    entry,
                    units,
                    record,
                    postings,
                } = *analysis;
                let there = self.builder.number_of(entry.id, entry.detection);
                let number = there.unwrap_or_else(|| {
                    self.refresh.new_blobs += 1;
                    let number = self.builder.blob(entry, &units, &record);
                    let first = self.builder.first_unit();
                    for KeyPosting { key, unit, counts } in postings {
                        let unit = first + unit;
                        self.builder.posting(key, Posting { unit, counts });
                    }
                    number
                });
                self.refresh.places[at] = Some((segment, number));
            }
        }
    }

    fn close(&mut self, work: &Work<'_>) {
        let builder = std::mem::take(&mut self.builder);
        let segment = builder.finish(self.refresh.next_id(), &work.keys.lock());
        self.refresh.add(segment);
    }

    /// Takes in what is left, and closes the last segment.
    fn finish(mut self, work: &Work<'_>) {
        self.take_ready(work);
        if !self.builder.is_empty() {
            self.close(work);
        }
    }
}

impl Looked {
    fn size_bytes(&self) -> u64 {
        match self {
            Self::New(analysis) => analysis.entry.size_bytes,
            Self::Known(_) | Self::Skipped(_) => 0,
        }
    }
}

fn look_at(item: &Item<'_>, known: &Known, config: &IndexConfig, day: u16, counter: &mut Counter<'_>) -> Looked {
    match item.read(config.max_file_bytes) {
        Ok((id, bytes)) => match known.get(&(id, Language::detection(item.path()))) {
            Some(place) => Looked::Known(*place),
            None => Looked::New(Box::new(Analysis::of(item.path(), id, &bytes, day, counter))),
        },
        Err(RepoError::TooLarge { .. }) => Looked::Skipped(SkipReason::TooLarge),
        Err(_) => Looked::Skipped(SkipReason::Unreadable),
    }
}
