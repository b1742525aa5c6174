//! The files of the ledger: `ledger-<number of the first record>.jsonl`, of which only the last one grows.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::LedgerError;

/// A segment that has as many bytes is followed by another.
pub(super) const SEGMENT_BYTES: u64 = 64 << 20;

/// No line is longer; what is recorded with full text stays far below.
pub(super) const MAX_LINE_BYTES: u64 = 32 << 20;

/// One file of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    /// The number of its first record.
    pub(super) first_seq: u64,
}

/// How a segment ends.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last lines, without line feeds, the newest last: at most two.
    pub(super) lines: Vec<Vec<u8>>,
    /// Where the last whole line ends, in bytes.
    pub(super) end_bytes: u64,
    /// What stands after it: what a crash left of a line.
    pub(super) torn: Vec<u8>,
}

impl Segment {
    pub(super) fn new(dir: &Path, first_seq: u64) -> Self {
        Self {
            path: dir.join(format!("ledger-{first_seq:012}.jsonl")),
            first_seq,
        }
    }

    /// Returns the segments of a directory, oldest first; names of another form are passed over.
    pub(super) fn list(dir: &Path) -> Result<Vec<Self>, LedgerError> {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LedgerError::io(dir)(error)),
        };
        let mut segments = Vec::new();
        for entry in entries {
            let name = entry.map_err(LedgerError::io(dir))?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix("ledger-")?.strip_suffix(".jsonl")?.parse().ok());
            let segment = number.map(|first_seq| Self::new(dir, first_seq));
            segments.extend(segment.filter(|segment| segment.path.file_name() == Some(&name)));
        }
        segments.sort_by_key(|segment| segment.first_seq);
        Ok(segments)
    }
}

impl Tail {
    /// Reads the end of a file: two lines, and what is torn.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut window = 16 << 10;
        loop {
            let start = size.saturating_sub(window);
            let mut bytes = vec![0; usize::try_from(size - start).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut bytes, start)?;
            if let Some(tail) = Self::of(&bytes, start) {
                return Ok(tail);
            }
            if window > 4 * MAX_LINE_BYTES {
                return Err(io::Error::new(ErrorKind::InvalidData, "the last lines are too long"));
            }
            window *= 4;
        }
    }

    /// Takes the tail out of the last bytes of a file, from `start` on; none where they do not reach far enough back.
    fn of(bytes: &[u8], start: u64) -> Option<Self> {
        let mut end = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(feed) => feed + 1,
            None if start == 0 => 0,
            None => return None,
        };
        let line_before = |end: usize| -> Option<&[u8]> {
            let line = &bytes[..end.checked_sub(1)?];
            match line.iter().rposition(|byte| *byte == b'\n') {
                Some(feed) => Some(&line[feed + 1..]),
                None if start == 0 => Some(line),
                None => None,
            }
        };
        // Where a file system wrote the length before the bytes, a crash leaves zeros; JSON has none.
        while end > 0 {
            let line = line_before(end)?;
            if !line.contains(&0) {
                break;
            }
            end -= line.len() + 1;
        }
        let mut lines = Vec::new();
        let mut at = end;
        while at > 0 && lines.len() < 2 {
            let line = line_before(at)?;
            at -= line.len() + 1;
            lines.insert(0, line.to_vec());
        }
        Some(Self {
            lines,
            end_bytes: start + end as u64,
            torn: bytes[end..].to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tail(bytes: &[u8]) -> Tail {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Tail::read(&file).unwrap()
    }

    #[test]
    fn the_last_two_lines_and_what_is_torn() {
        let empty = tail(b"");
        assert!(empty.lines.is_empty() && empty.torn.is_empty() && empty.end_bytes == 0);
        let torn = tail(b"abc");
        assert_eq!(
            (torn.lines.len(), torn.torn.as_slice(), torn.end_bytes),
            (0, &b"abc"[..], 0)
        );
        let one = tail(b"a\nbc");
        assert_eq!(
            (one.lines, one.torn, one.end_bytes),
            (vec![b"a".to_vec()], b"bc".to_vec(), 2)
        );
        let long = [
            vec![b'x'; 40_000],
            b"\n".to_vec(),
            vec![b'y'; 70_000],
            b"\nz\n".to_vec(),
        ]
        .concat();
        let long = tail(&long);
        assert_eq!(long.lines, [vec![b'y'; 70_000], b"z".to_vec()]);
        assert!(long.torn.is_empty());
        let zeros = tail(b"a\nb\n\0\0\0\n\0\0");
        assert_eq!(zeros.lines, [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!((zeros.torn.as_slice(), zeros.end_bytes), (&b"\0\0\0\n\0\0"[..], 4));
    }
}
