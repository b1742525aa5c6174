use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::build::StoreLocation;
use super::store::{Database, Loaded, Opened, Segment, StoreError, View};
use crate::progress::Progress;
use crate::repo::{FileLock, create_private_dir};

/// How long a second writer waits for the first.
const LOCK_WAIT: Duration = Duration::from_secs(20);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Keeps the index of one run on disk, as long as that goes well; says once why it does not.
pub(super) struct Keeper<'a> {
    location: &'a StoreLocation,
    progress: &'a dyn Progress,
    database: Option<Arc<Database>>,
    /// Whether what is there must be made anew.
    replace: bool,
    lock: Option<FileLock>,
    gave_up: bool,
    failure: Option<String>,
}

/// How long to wait for another writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not at all: what would be written is soon made again.
    None,
    /// A while: the other one may be doing just what this one needs.
    AWhile,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(location: &'a StoreLocation, progress: &'a dyn Progress) -> Self {
        Self {
            location,
            progress,
            database: None,
            replace: false,
            lock: None,
            gave_up: false,
            failure: None,
        }
    }

    /// Takes nothing of what is there.
    pub(super) fn distrust(&mut self) {
        self.replace = true;
    }

    /// Returns what is stored; an empty store where nothing can be used.
    pub(super) fn load(&mut self) -> Loaded {
        let nothing = || Loaded {
            generation: 0,
            segments: Vec::new(),
            view: None,
        };
        if self.gave_up || self.replace {
            return nothing();
        }
        match self.try_load() {
            Ok(Some(loaded)) => loaded,
            Ok(None) => nothing(),
            Err(error) => {
                self.failed(&error);
                nothing()
            }
        }
    }

    fn try_load(&mut self) -> Result<Option<Loaded>, StoreError> {
        if self.database.is_none() {
            self.database = match Database::open(&self.location.file)? {
                Opened::Ready(database) => Some(Arc::new(database)),
                Opened::Absent => None,
                Opened::Outdated => {
                    self.replace = true;
                    self.progress
                        .note("the index was made by another version of skiff; it is made anew");
                    None
                }
            };
        }
        let view = self.location.view.as_deref().unwrap_or_default();
        self.database.as_ref().map(|database| database.load(view)).transpose()
    }

    /// Takes the writer's lock; tells whether this process has it.
    pub(super) fn lock(&mut self, patience: Patience) -> bool {
        if self.gave_up {
            return false;
        }
        if self.lock.is_some() {
            return true;
        }
        match self.try_lock(patience) {
            Ok(lock) => self.lock = lock,
            Err(error) => self.failed(&error),
        }
        self.lock.is_some()
    }

    fn try_lock(&self, patience: Patience) -> Result<Option<FileLock>, StoreError> {
        let file = &self.location.file;
        let io = |path: PathBuf| move |source| StoreError::Io { path, source };
        if let Some(directory) = file.parent() {
            create_private_dir(directory).map_err(io(directory.to_path_buf()))?;
        }
        let path = file.with_extension("lock");
        let started = Instant::now();
        let mut said = false;
        loop {
            let lock = FileLock::try_exclusive(&path).map_err(io(path.clone()))?;
            if lock.is_some() || patience == Patience::None || self.progress.cancelled() {
                return Ok(lock);
            }
            if started.elapsed() > LOCK_WAIT {
                self.progress
                    .note("another skiff is still writing the index; this one works in memory");
                return Ok(None);
            }
            if !said {
                self.progress
                    .note("waiting for another skiff that is writing the index");
                said = true;
            }
            thread::sleep(LOCK_POLL);
        }
    }

    /// Tells whether this process has the writer's lock.
    pub(super) fn has_lock(&self) -> bool {
        self.lock.is_some()
    }

    /// Tells whether somebody has written segments since `generation`; then the store is to be loaded again. Only under
    /// the lock.
    pub(super) fn has_moved(&mut self, generation: u64) -> bool {
        if self.gave_up || self.replace {
            return false;
        }
        let moved = match &self.database {
            // Somebody may have made it, or made it anew under the same name.
            None => Database::open(&self.location.file).map(|opened| matches!(opened, Opened::Ready(_))),
            Some(database) => database
                .refresh()
                .and_then(|()| database.generation())
                .map(|now| now != generation),
        };
        moved.unwrap_or_else(|error| {
            self.failed(&error);
            true
        })
    }

    /// Writes; tells whether that went well. Only under the lock.
    pub(super) fn write(
        &mut self,
        added: &mut [Segment],
        removed: &[u32],
        views: &[(String, &View)],
        now_s: u64,
    ) -> bool {
        if self.gave_up || self.lock.is_none() {
            return false;
        }
        let written = self.try_write(added, removed, views, now_s);
        match written {
            Ok(database) => {
                added
                    .iter_mut()
                    .for_each(|segment| segment.shelve(Arc::clone(&database)));
                true
            }
            Err(error) => {
                // What is loaded stays readable; what is new stays in memory.
                self.say(&error);
                self.gave_up = true;
                false
            }
        }
    }

    fn try_write(
        &mut self,
        added: &[Segment],
        removed: &[u32],
        views: &[(String, &View)],
        now_s: u64,
    ) -> Result<Arc<Database>, StoreError> {
        let database = match &self.database {
            Some(database) if !self.replace => Arc::clone(database),
            _ => {
                let made = Arc::new(Database::create(&self.location.file)?);
                self.replace = false;
                self.database = Some(Arc::clone(&made));
                made
            }
        };
        let added: Vec<&Segment> = added.iter().collect();
        database.write(&added, removed, views, now_s)?;
        Ok(database)
    }

    /// Returns all views that are stored.
    pub(super) fn views(&self) -> Result<Vec<(String, View)>, StoreError> {
        self.database
            .as_ref()
            .map_or_else(|| Ok(Vec::new()), |database| database.views())
    }

    /// Empties the log beside the database; for after much was written.
    pub(super) fn checkpoint(&self) {
        if let Some(database) = self.database.as_ref().filter(|_| !self.gave_up) {
            // A log that is not emptied now is emptied another time.
            drop(database.checkpoint());
        }
    }

    /// Returns why the index could not be kept.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.clone().filter(|_| self.gave_up)
    }

    /// Returns how many bytes the database takes.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        let database = self.database.as_ref().filter(|_| !self.gave_up);
        database.map(|database| database.size_bytes())
    }

    fn failed(&mut self, error: &StoreError) {
        self.database = None;
        if error.is_damage() {
            if !self.replace {
                self.progress.note("the index is damaged; it is made anew");
            }
            self.replace = true;
        } else {
            self.say(error);
            self.gave_up = true;
        }
    }

    fn say(&mut self, error: &StoreError) {
        let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
        let failure = format!("{error}{cause}");
        self.progress.note(&format!("the index is not kept on disk: {failure}"));
        self.failure = Some(failure);
    }
}
