use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;

use super::BatchError;
use super::file_work::{Begun, FileWork, Ground, Pending};
use super::plan::Plan;
use super::record::{Outcome, SiteRecord, Tokens};
use super::site::SiteFile;
use crate::agent::{Checks, SiteAnswer, SiteRequest, SiteWriter, telling_line};
use crate::index::Index;
use crate::patch::{FilePatch, FileSide, Patch};
use crate::progress::{Phase, Progress};
use crate::repo::Snapshot;
use crate::text::RepoPath;

/// So many files are opened at a time.
const OPENED_AT_ONCE: usize = 16;
/// So many places that cost nothing are kept at a time.
const KEPT_AT_ONCE: usize = 512;

/// What a run works with.
pub struct Run<'r> {
    /// What is to be done.
    pub plan: &'r Plan,
    /// Where.
    pub snapshot: &'r Snapshot,
    /// What knows the languages of its files.
    pub index: &'r Index,
    /// Who asks the model; nobody where the plan asks nothing.
    pub writer: Option<SiteWriter<'r>>,
    /// What each place has to pass by itself.
    pub each: Option<&'r dyn Checks>,
    /// So many places are asked for at a time.
    pub parallel: usize,
    /// When it ends early.
    pub limits: Limits,
    /// Who is told.
    pub progress: &'r dyn Progress,
}

/// When a run ends before all is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// After so many failures.
    pub failures: Option<u64>,
    /// After so many tokens, read or written.
    pub tokens: Option<u64>,
    /// At this time.
    pub until: Option<Instant>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every place is settled.
    Finished,
    /// There were too many failures.
    TooManyFailures,
    /// It cost too many tokens.
    TooManyTokens,
    /// The time was over.
    TooLong,
    /// The user stopped it.
    Cancelled,
}

/// What keeps what is settled, before anything else is done.
pub trait Keeper {
    /// Keeps records; what it returned for is never lost.
    ///
    /// # Errors
    /// When they cannot be kept, which stops the run.
    fn keep(&mut self, records: &[SiteRecord]) -> Result<(), BatchError>;
}

impl Run<'_> {
    /// Settles every place that is not settled yet.
    ///
    /// # Errors
    /// [`BatchError`] for what stops the run; what goes wrong at one place is its own outcome.
    pub fn settle(
        &mut self,
        files: &[SiteFile],
        settled: &[SiteRecord],
        keeper: &mut dyn Keeper,
    ) -> Result<Ending, BatchError> {
        let total = files.iter().map(|file| file.sites.len()).sum::<usize>();
        self.progress.begin(Phase::Batch, total as u64);
        let ending = self.settle_all(files, settled, keeper);
        self.progress.end(Phase::Batch);
        ending
    }

    fn settle_all(
        &mut self,
        files: &[SiteFile],
        settled: &[SiteRecord],
        keeper: &mut dyn Keeper,
    ) -> Result<Ending, BatchError> {
        let mut known: BTreeMap<_, Vec<&SiteRecord>> = BTreeMap::new();
        for record in settled {
            known.entry(&record.path).or_default().push(record);
        }
        let mut book = Book {
            progress: self.progress,
            done: settled.len() as u64,
            failures: 0,
            tokens: 0,
            buffer: Vec::new(),
        };
        settled.iter().for_each(|record| book.count(record));
        let mut waiting = files.iter();
        let mut open: Vec<FileWork<'_>> = Vec::new();
        loop {
            while open.iter().map(FileWork::ready).sum::<usize>() < self.parallel {
                let files: Vec<(&SiteFile, Vec<&SiteRecord>)> = waiting
                    .by_ref()
                    .map(|file| (file, known.remove(&file.path).unwrap_or_default()))
                    .filter(|(file, own)| own.len() < file.sites.len())
                    .take(OPENED_AT_ONCE)
                    .collect();
                if files.is_empty() {
                    break;
                }
                for begun in self.begin(files) {
                    let (work, records) = begun?;
                    book.add(records, keeper)?;
                    open.extend(work);
                }
                if let Some(ending) = self.ending(&book) {
                    book.flush(keeper)?;
                    return Ok(ending);
                }
            }
            book.flush(keeper)?;
            if let Some(ending) = self.ending(&book) {
                return Ok(ending);
            }
            let mut wave: Vec<(usize, Pending)> = Vec::new();
            for (at, work) in open.iter_mut().enumerate() {
                while wave.len() < self.parallel
                    && let Some(pending) = work.take()
                {
                    wave.push((at, pending));
                }
            }
            if wave.is_empty() {
                return Ok(Ending::Finished);
            }
            let answers = self.ask(&open, &wave)?;
            for ((at, pending), answer) in wave.into_iter().zip(answers) {
                let record = open[at].settle(&pending, answer, self)?;
                book.add(vec![record], keeper)?;
            }
            // They are on disk before the next ones are asked for.
            book.flush(keeper)?;
            let mut still_open = Vec::new();
            for mut work in open {
                book.add(work.advance(self.plan)?, keeper)?;
                if !work.is_finished() {
                    still_open.push(work);
                }
            }
            open = still_open;
        }
    }

    /// Carries the rewrites of some files out: side by side where no check is to be asked about each.
    fn begin<'f>(&self, files: Vec<(&'f SiteFile, Vec<&'f SiteRecord>)>) -> Vec<Result<Begun<'f>, BatchError>> {
        let ground = Ground {
            plan: self.plan,
            snapshot: self.snapshot,
            index: self.index,
            asks: self.plan.request.is_some() && self.writer.is_some(),
        };
        match self.each {
            None => files
                .into_par_iter()
                .map(|(file, known)| FileWork::begin(file, known, &ground, None))
                .collect(),
            Some(_) => files
                .into_iter()
                .map(|(file, known)| {
                    let check = |original: &FileSide, text: &str| self.refused(&file.path, original, text);
                    FileWork::begin(file, known, &ground, Some(&check))
                })
                .collect(),
        }
    }

    fn ask(&mut self, open: &[FileWork<'_>], wave: &[(usize, Pending)]) -> Result<Vec<SiteAnswer>, BatchError> {
        let requests: Vec<SiteRequest> = wave.iter().map(|(at, pending)| open[*at].request(pending)).collect();
        match &mut self.writer {
            Some(writer) => Ok(writer.write(&requests)?),
            None => Ok(Vec::new()),
        }
    }

    fn ending(&self, book: &Book<'_>) -> Option<Ending> {
        let Limits {
            failures,
            tokens,
            until,
        } = self.limits;
        if self.progress.cancelled() {
            return Some(Ending::Cancelled);
        }
        if failures.is_some_and(|most| book.failures > most) {
            return Some(Ending::TooManyFailures);
        }
        if tokens.is_some_and(|most| book.tokens >= most) {
            return Some(Ending::TooManyTokens);
        }
        until
            .is_some_and(|until| Instant::now() >= until)
            .then_some(Ending::TooLong)
    }

    /// Tells why the checks of each place refuse a file with this text; nothing where there are none, or they do not.
    pub(super) fn refused(
        &self,
        path: &RepoPath,
        original: &FileSide,
        text: &str,
    ) -> Result<Option<String>, BatchError> {
        let Some(checks) = self.each else {
            return Ok(None);
        };
        let patch = Patch {
            files: vec![FilePatch {
                path: path.clone(),
                old: Some(original.clone()),
                new: Some(FileSide::new(text.to_owned(), original.mode)),
            }],
        };
        failed_check(checks, &patch)
    }
}

/// Runs checks; says which one failed, and how.
pub(super) fn failed_check(checks: &dyn Checks, patch: &Patch) -> Result<Option<String>, BatchError> {
    let outcomes = checks.run(patch, None).map_err(BatchError::Check)?;
    let failed = outcomes.iter().find(|outcome| !outcome.passed());
    Ok(failed.map(|outcome| {
        let said = telling_line(&outcome.output).map_or(String::new(), |line| format!(": {line}"));
        format!("the check `{}` failed ({}){said}", outcome.command, outcome.end)
    }))
}

/// What was settled so far.
struct Book<'p> {
    progress: &'p dyn Progress,
    done: u64,
    failures: u64,
    tokens: u64,
    buffer: Vec<SiteRecord>,
}

impl Book<'_> {
    fn count(&mut self, record: &SiteRecord) {
        let Tokens { prompt, completion } = record.outcome.tokens();
        self.tokens += prompt + completion;
        self.failures += u64::from(matches!(record.outcome, Outcome::Failed { .. }));
    }

    fn add(&mut self, records: Vec<SiteRecord>, keeper: &mut dyn Keeper) -> Result<(), BatchError> {
        records.iter().for_each(|record| self.count(record));
        self.buffer.extend(records);
        match self.buffer.len() >= KEPT_AT_ONCE {
            true => self.flush(keeper),
            false => Ok(()),
        }
    }

    fn flush(&mut self, keeper: &mut dyn Keeper) -> Result<(), BatchError> {
        keeper.keep(&self.buffer)?;
        self.done += self.buffer.len() as u64;
        self.buffer.clear();
        self.progress.advance(Phase::Batch, self.done);
        Ok(())
    }
}
