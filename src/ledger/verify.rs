use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::chain::{HEAD_FILE, HeadFile};
use super::segment::MAX_LINE_BYTES;
use super::{Digest, Event, Fault, Head, Ledger, LedgerError, PublicKey, Record, checkpoint};

/// So many bytes are read before their lines are parsed on all processors.
const BATCH_BYTES: usize = 8 << 20;

/// What a ledger is checked against besides itself.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The keys whose checkpoints count; every key counts where there is none.
    pub keys: Vec<PublicKey>,
    /// A head that is known from elsewhere: a printout, the trailer of a patch.
    pub head: Option<Head>,
}

/// What a sound ledger has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The last record; none where nothing is recorded.
    pub head: Option<Head>,
    /// The number of the last checkpoint.
    pub checkpoint: Option<u64>,
    /// How many checkpoints there are.
    pub checkpoints: u64,
    /// The keys that signed them.
    pub keys: Vec<PublicKey>,
    /// Lines that a crash had cut off, put aside and recorded.
    pub set_aside: u64,
}

impl Verified {
    /// Returns the number of records.
    pub fn records(&self) -> u64 {
        self.head.map_or(0, |head| head.seq)
    }

    /// Returns how many records at the end no checkpoint signs for.
    pub fn unsigned(&self) -> u64 {
        self.records() - self.checkpoint.unwrap_or(0)
    }
}

impl Ledger {
    /// Reads all records in their order and checks each: its form, its number, the digest of the line before, the
    /// signatures, and what is expected from elsewhere. `visit` sees every sound record with its head.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] names the first wrong line. Records before it were visited.
    pub fn verify(
        &self,
        expected: &Expectation,
        visit: &mut dyn FnMut(&Record, Head),
    ) -> Result<Verified, LedgerError> {
        let (segments, settled_bytes, head_file) = self.settled()?;
        let mut walk = Walk::new(expected, visit);
        walk.file = self.dir().to_path_buf();
        if let HeadFile::Names(known) = head_file {
            walk.known.push((HEAD_FILE, known));
        }
        let last = segments.len().saturating_sub(1);
        for (at, segment) in segments.iter().enumerate() {
            let limit_bytes = if at == last { settled_bytes } else { u64::MAX };
            walk.segment(&segment.path, limit_bytes)?;
        }
        let is_lost = walk.verified.checkpoint.is_some() && !matches!(head_file, HeadFile::Names(_));
        if is_lost || head_file == HeadFile::Damaged {
            return Err(walk.broken_at_end(Fault::NoHeadFile));
        }
        walk.finish()
    }
}

/// Checks a file of records that begins with the first, as [`Ledger::verify`] does.
///
/// # Errors
/// As [`Ledger::verify`].
pub fn verify_file(
    file: &Path,
    expected: &Expectation,
    visit: &mut dyn FnMut(&Record, Head),
) -> Result<Verified, LedgerError> {
    let mut walk = Walk::new(expected, visit);
    walk.segment(file, u64::MAX)?;
    walk.finish()
}

/// The check, on its way through the lines.
struct Walk<'a> {
    keys: &'a [PublicKey],
    /// Heads that the ledger must have, and who says so.
    known: Vec<(&'static str, Head)>,
    visit: &'a mut dyn FnMut(&Record, Head),
    verified: Verified,
    file: PathBuf,
    /// Lines of the file so far.
    line: u64,
}

impl<'a> Walk<'a> {
    fn new(expected: &'a Expectation, visit: &'a mut dyn FnMut(&Record, Head)) -> Self {
        Self {
            keys: &expected.keys,
            known: expected.head.map(|head| ("--head", head)).into_iter().collect(),
            visit,
            verified: Verified::default(),
            file: PathBuf::new(),
            line: 0,
        }
    }

    fn segment(&mut self, path: &Path, limit_bytes: u64) -> Result<(), LedgerError> {
        let file = File::open(path).map_err(LedgerError::io(path))?;
        let mut reader = BufReader::with_capacity(1 << 20, file.take(limit_bytes));
        self.file = path.to_path_buf();
        self.line = 0;
        let mut batch: Vec<u8> = Vec::new();
        loop {
            batch.clear();
            let read = (&mut reader).take(BATCH_BYTES as u64).read_to_end(&mut batch);
            read.map_err(LedgerError::io(path))?;
            if batch.is_empty() {
                return Ok(());
            }
            if batch.last() != Some(&b'\n') {
                let rest = (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut batch);
                rest.map_err(LedgerError::io(path))?;
            }
            self.batch(&batch)?;
        }
    }

    /// Parses and hashes the lines side by side, then follows the chain.
    fn batch(&mut self, batch: &[u8]) -> Result<(), LedgerError> {
        let lines: Vec<&[u8]> = batch.split_inclusive(|byte| *byte == b'\n').collect();
        let parsed: Vec<Result<(Record, Digest), Fault>> = match lines.len() {
            // Waking other threads would take longer.
            ..64 => lines.into_iter().map(parse).collect(),
            _ => lines.into_par_iter().map(parse).collect(),
        };
        for outcome in parsed {
            self.line += 1;
            let followed = outcome.and_then(|(record, hash)| self.follow(&record, hash));
            followed.map_err(|fault| self.broken(fault))?;
        }
        Ok(())
    }

    fn follow(&mut self, record: &Record, hash: Digest) -> Result<(), Fault> {
        let before = self.verified.head;
        let expected = before.map_or(0, |head| head.seq) + 1;
        if record.seq != expected {
            let found = record.seq;
            return Err(Fault::Sequence { expected, found });
        }
        if record.prev != before.map_or(Digest::NONE, |head| head.hash) {
            return Err(Fault::Link);
        }
        match &record.event {
            Event::Checkpoint(checkpoint) => {
                let key = checkpoint::check(record, checkpoint)?;
                if !self.keys.is_empty() && !self.keys.contains(&key) {
                    return Err(Fault::ForeignKey(key));
                }
                if !self.verified.keys.contains(&key) {
                    self.verified.keys.push(key);
                }
                self.verified.checkpoint = Some(record.seq);
                self.verified.checkpoints += 1;
            }
            Event::LineSetAside(_) => self.verified.set_aside += 1,
            _ => {}
        }
        let head = Head { seq: record.seq, hash };
        for (origin, known) in self.known.iter().filter(|(_, known)| known.seq == head.seq) {
            if known.hash != head.hash {
                return Err(Fault::head(origin, *known, Some(head)));
            }
        }
        self.verified.head = Some(head);
        (self.visit)(record, head);
        Ok(())
    }

    fn finish(self) -> Result<Verified, LedgerError> {
        let last = self.verified.records();
        if let Some((origin, known)) = self.known.iter().find(|(_, known)| known.seq > last || known.seq == 0) {
            return Err(self.broken_at_end(Fault::head(origin, *known, None)));
        }
        Ok(self.verified)
    }

    fn broken(&self, fault: Fault) -> LedgerError {
        LedgerError::Broken {
            file: self.file.clone(),
            line: self.line,
            fault: Box::new(fault),
        }
    }

    /// Blames the line that would follow.
    fn broken_at_end(&self, fault: Fault) -> LedgerError {
        LedgerError::Broken {
            file: self.file.clone(),
            line: self.line + 1,
            fault: Box::new(fault),
        }
    }
}

fn parse(line: &[u8]) -> Result<(Record, Digest), Fault> {
    let bytes = line.len() as u64;
    if bytes > MAX_LINE_BYTES {
        return Err(Fault::TooLong {
            limit_bytes: MAX_LINE_BYTES,
        });
    }
    let Some(line) = line.strip_suffix(b"\n") else {
        return Err(Fault::Torn { bytes });
    };
    Ok((Record::parse(line)?, Digest::of(line)))
}

/// Reads any bytes as a ledger, for the fuzzer: what is taken for a record has its one spelling.
pub(crate) fn read_foreign(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(record) = Record::parse(line) {
            let again = record.line().unwrap_or_default();
            assert_eq!(again.as_bytes(), line, "a record has two spellings");
        }
    }
    let expected = Expectation::default();
    let mut seen = 0;
    let mut visit = |_: &Record, _: Head| seen += 1;
    let mut walk = Walk::new(&expected, &mut visit);
    if walk.batch(bytes).and_then(|()| walk.finish()).is_ok() {
        assert!(
            bytes.is_empty() || seen > 0,
            "bytes without a record are taken for a ledger"
        );
    }
}
