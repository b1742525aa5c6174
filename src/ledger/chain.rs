use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::checkpoint::{self, CHECKPOINT_EVERY};
use super::event::LineSetAside;
use super::key::SigningKey;
use super::segment::{SEGMENT_BYTES, Segment, Tail};
use super::{Digest, Event, Fault, Head, LedgerError, PublicKey, Record};

/// The ledger of this machine's user: an append-only chain of records in a directory.
///
/// Each line names the SHA-384 of the line before it. A writer holds the lock of the directory, checks how the chain ends,
/// and makes what it adds durable before it returns. What is appended together is one write.
#[derive(Clone, Debug)]
pub struct Ledger {
    dir: PathBuf,
    key_file: PathBuf,
    segment_bytes: u64,
}

/// What the file beside the segments is called in messages.
pub(super) const HEAD_FILE: &str = "the file head.json";

/// What an append is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The first record begins a run.
    Begins,
    /// The records belong to the run with this number.
    Of(u64),
    /// They end it: a checkpoint follows them.
    Ends(u64),
}

/// Where the chain ends.
struct End {
    head: Option<Head>,
    segments: Vec<Segment>,
    tail: Tail,
}

impl Ledger {
    /// Names the ledger in a directory, and the file of the key that signs its checkpoints. Both are made when they are
    /// first needed.
    pub fn new(dir: &Path, key_file: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            key_file: key_file.to_path_buf(),
            segment_bytes: SEGMENT_BYTES,
        }
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the file of the signing key.
    pub(super) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// Returns the public key, by which others can check the checkpoints; makes the key pair where there is none.
    ///
    /// # Errors
    /// [`LedgerError::SigningKey`], and when the files cannot be used.
    pub fn public_key(&self) -> Result<PublicKey, LedgerError> {
        Ok(SigningKey::open(&self.key_file)?.public())
    }

    /// Returns the public key where there is one.
    ///
    /// # Errors
    /// As [`Ledger::public_key`].
    pub fn known_key(&self) -> Result<Option<PublicKey>, LedgerError> {
        Ok(SigningKey::read(&self.key_file)?.map(|key| key.public()))
    }

    /// Returns the last record's number and digest; none where nothing is recorded.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] when the chain does not end as it must, and when the files cannot be read.
    pub fn head(&self) -> Result<Option<Head>, LedgerError> {
        let _lock = self.lock_to_read()?;
        Ok(self.end()?.head)
    }

    /// Adds events with the times they happened at, and returns the first and the last of their records.
    ///
    /// When it returns, the records are durable. What a crash left of a line is put aside first, and that is recorded too.
    pub(super) fn append(&self, part: Part, events: Vec<(u64, Event)>) -> Result<(Head, Head), LedgerError> {
        let failed = |error| LedgerError::not_recorded(&self.dir)(error);
        let _lock = self.lock_to_write()?;
        let end = self.end()?;
        let time_unix_s = events.last().map_or(0, |(time, _)| *time);
        let aside = match end.tail.torn.as_slice() {
            [] => None,
            torn => Some(self.set_aside(torn, end.head)?),
        };
        let next_seq = end.head.map_or(0, |head| head.seq) + 1;
        let run = match part {
            Part::Begins => next_seq + u64::from(aside.is_some()),
            Part::Of(run) | Part::Ends(run) => run,
        };
        let mut lines = Lines {
            key_file: &self.key_file,
            run,
            head: end.head,
            text: String::new(),
            checkpoint: None,
        };
        if let Some(event) = aside {
            lines.add(time_unix_s, Event::LineSetAside(event))?;
        }
        let mut added = None;
        for (time_unix_s, event) in events {
            let head = lines.add(time_unix_s, event)?;
            added = Some((added.map_or(head, |(first, _)| first), head));
        }
        if matches!(part, Part::Ends(_)) {
            lines.sign(time_unix_s)?;
        }
        let Some(added) = added else {
            return Err(failed(io::Error::new(
                ErrorKind::InvalidInput,
                "there is nothing to record",
            )));
        };
        self.write(&end, next_seq, lines.text.as_bytes()).map_err(failed)?;
        if let Some(line) = lines.checkpoint {
            self.write_head_file(&line).map_err(failed)?;
        }
        Ok(added)
    }

    /// Returns the segments, how many bytes of the last one are settled, and the checkpoint that the head file names.
    pub(super) fn settled(&self) -> Result<(Vec<Segment>, u64, HeadFile), LedgerError> {
        let _lock = self.lock_to_read()?;
        let segments = Segment::list(&self.dir)?;
        let bytes = match segments.last() {
            None => 0,
            Some(last) => fs::metadata(&last.path).map_err(LedgerError::io(&last.path))?.len(),
        };
        Ok((segments, bytes, self.head_file()?))
    }

    /// Looks at how the chain ends, and checks it against itself and the last checkpoint.
    fn end(&self) -> Result<End, LedgerError> {
        let mut segments = Segment::list(&self.dir)?;
        let mut tails = Vec::new();
        // A crash may have left a new segment without a whole line, and one line alone does not show its link.
        for segment in segments.iter().rev() {
            let file = File::open(&segment.path).map_err(LedgerError::io(&segment.path))?;
            let tail = Tail::read(&file).map_err(LedgerError::io(&segment.path))?;
            let lines = tail.lines.len();
            tails.push(tail);
            if lines > 1 || tails.iter().map(|tail| tail.lines.len()).sum::<usize>() > 1 {
                break;
            }
        }
        let lines: Vec<&[u8]> = tails
            .iter()
            .rev()
            .flat_map(|tail| &tail.lines)
            .map(Vec::as_slice)
            .collect();
        let alone = lines.len() == 1;
        let broken = |fault| self.broken(&segments, fault);
        let mut head: Option<Head> = None;
        for line in lines {
            let record = Record::parse(line).map_err(broken)?;
            match head {
                Some(before) if record.seq != before.seq + 1 => {
                    let (expected, found) = (before.seq + 1, record.seq);
                    return Err(broken(Fault::Sequence { expected, found }));
                }
                Some(before) if record.prev != before.hash => return Err(broken(Fault::Link)),
                None if alone && (record.seq, record.prev) != (1, Digest::NONE) => {
                    let (expected, found) = (1, record.seq);
                    return Err(broken(Fault::Sequence { expected, found }));
                }
                _ => {}
            }
            head = Some(Head {
                seq: record.seq,
                hash: Digest::of(line),
            });
        }
        let head_file = self.head_file()?;
        if head_file == HeadFile::Damaged {
            return Err(broken(Fault::NoHeadFile));
        }
        // A missing one may be what a crash left of the first checkpoint.
        if let HeadFile::Names(known) = head_file {
            let found = head.filter(|head| head.seq <= known.seq);
            if head.is_none() || found.is_some_and(|found| found != known) {
                let found = found.filter(|found| found.seq == known.seq);
                return Err(broken(Fault::head(HEAD_FILE, known, found)));
            }
        }
        let tail = tails.into_iter().next().unwrap_or_default();
        if segments.is_empty() {
            segments.push(Segment::new(&self.dir, 1));
        }
        Ok(End { head, segments, tail })
    }

    fn broken(&self, segments: &[Segment], fault: Fault) -> LedgerError {
        let file = segments
            .last()
            .map_or_else(|| self.dir.clone(), |last| last.path.clone());
        let bytes = fs::read(&file).unwrap_or_default();
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        LedgerError::Broken {
            file,
            line: lines.max(1),
            fault: Box::new(fault),
        }
    }

    /// Writes behind the last whole line with one call, and makes it durable. What was written in part is taken back.
    fn write(&self, end: &End, next_seq: u64, bytes: &[u8]) -> io::Result<()> {
        let Some(last) = end.segments.last() else {
            return Err(ErrorKind::NotFound.into());
        };
        let full = end.tail.end_bytes >= self.segment_bytes && end.tail.torn.is_empty();
        let (segment, start) = match full {
            true => (Segment::new(&self.dir, next_seq), 0),
            false => (last.clone(), end.tail.end_bytes),
        };
        let is_new = !segment.path.exists();
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&segment.path)?;
        let written = file
            .write_at(bytes, start)
            .and_then(|count| match count == bytes.len() {
                true => Ok(()),
                false => Err(io::Error::new(ErrorKind::StorageFull, "only a part could be written")),
            });
        let written = written.and_then(|()| {
            // What was torn may have been longer than what now stands in its place.
            file.set_len(start + bytes.len() as u64)?;
            file.sync_data()
        });
        if let Err(error) = written {
            // What cannot be taken back is found torn by the next writer.
            if end.tail.torn.is_empty() {
                let _ = file.set_len(start).and_then(|()| file.sync_data());
            }
            return Err(error);
        }
        if is_new {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }

    /// Puts the bytes of a torn line into a file of their own.
    fn set_aside(&self, torn: &[u8], head: Option<Head>) -> Result<LineSetAside, LedgerError> {
        let digest = Digest::of(torn);
        let seq = head.map_or(0, |head| head.seq) + 1;
        let name = format!("torn-{seq:012}-{}", &digest.to_string()[..16]);
        let path = self.dir.join(&name);
        let write = || -> io::Result<()> {
            let mut file = NamedTempFile::new_in(&self.dir)?;
            file.write_all(torn)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(LedgerError::not_recorded(&path))?;
        Ok(LineSetAside {
            file: name,
            bytes: torn.len() as u64,
            digest,
        })
    }

    fn head_path(&self) -> PathBuf {
        self.dir.join("head.json")
    }

    /// Writes the last checkpoint beside the segments, so that a shortened ledger shows.
    fn write_head_file(&self, line: &str) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.dir)?;
        writeln!(file, "{line}")?;
        file.as_file().sync_data()?;
        file.persist(self.head_path())?;
        Ok(())
    }

    fn head_file(&self) -> Result<HeadFile, LedgerError> {
        let path = self.head_path();
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(1 << 20)
                    .read_to_end(&mut bytes)
                    .map_err(LedgerError::io(&path))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HeadFile::Missing),
            Err(error) => return Err(LedgerError::io(&path)(error)),
        }
        let Some(line) = bytes.strip_suffix(b"\n") else {
            return Ok(HeadFile::Damaged);
        };
        let record = Record::parse(line).ok();
        let sound = record.filter(|record| match &record.event {
            Event::Checkpoint(checkpoint) => checkpoint::check(record, checkpoint).is_ok(),
            _ => false,
        });
        Ok(sound.map_or(HeadFile::Damaged, |record| {
            HeadFile::Names(Head {
                seq: record.seq,
                hash: Digest::of(line),
            })
        }))
    }

    fn lock_path(&self) -> PathBuf {
        self.dir.join("lock")
    }

    fn lock_to_write(&self) -> Result<File, LedgerError> {
        let path = self.lock_path();
        let lock = || -> io::Result<File> {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            uninterrupted(|| file.lock())?;
            Ok(file)
        };
        lock().map_err(LedgerError::not_recorded(&path))
    }

    /// Waits for a writer; none where nothing was ever written.
    fn lock_to_read(&self) -> Result<Option<File>, LedgerError> {
        let path = self.lock_path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LedgerError::io(&path)(error)),
        };
        uninterrupted(|| file.lock_shared()).map_err(LedgerError::io(&path))?;
        Ok(Some(file))
    }

    #[cfg(test)]
    pub(super) fn with_segments_of(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }
}

/// What the file beside the segments says of the last checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadFile {
    Missing,
    Damaged,
    Names(Head),
}

/// The lines of one append.
struct Lines<'a> {
    key_file: &'a Path,
    run: u64,
    head: Option<Head>,
    text: String,
    /// The last checkpoint among them.
    checkpoint: Option<String>,
}

impl Lines<'_> {
    fn add(&mut self, time_unix_s: u64, event: Event) -> Result<Head, LedgerError> {
        let head = self.push(&Record::new(self.head, self.run, time_unix_s, event))?;
        if (head.seq + 1).is_multiple_of(CHECKPOINT_EVERY) {
            self.sign(time_unix_s)?;
        }
        Ok(head)
    }

    fn sign(&mut self, time_unix_s: u64) -> Result<(), LedgerError> {
        let Some(head) = self.head else {
            return Ok(());
        };
        let key = SigningKey::open(self.key_file)?;
        let record = checkpoint::sign(&key, head, self.run, time_unix_s).map_err(LedgerError::Unwritable)?;
        self.push(&record)?;
        self.checkpoint = self.text.lines().next_back().map(str::to_owned);
        Ok(())
    }

    fn push(&mut self, record: &Record) -> Result<Head, LedgerError> {
        let line = record.line().map_err(LedgerError::Unwritable)?;
        let head = Head {
            seq: record.seq,
            hash: Digest::of(line.as_bytes()),
        };
        self.text.push_str(&line);
        self.text.push('\n');
        self.head = Some(head);
        Ok(head)
    }
}

fn uninterrupted(lock: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
