use std::collections::BTreeMap;
use std::ops::Range;

use super::cursor::Cursor;
use super::diff::{DiffChange, FileDiff, UnifiedDiff};
use super::header::{self, Body};
use super::mail::{MessageKind, messages};
use super::{Hunk, HunkLine, LineKind};
use crate::text::{PathError, RepoPath};

/// The most bytes of a patch file.
pub const MAX_PATCH_BYTES: usize = 8 << 20;

/// The most files of a diff.
const MAX_FILES: usize = 4096;

/// The most hunks of a diff.
const MAX_HUNKS: usize = 16_384;

/// Why bytes are not a diff that skiff applies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There are more bytes than are read.
    #[error("the patch has more than {MAX_PATCH_BYTES} bytes")]
    TooLarge,
    /// No line begins a file.
    #[error("there is no unified diff in it")]
    NoDiff,
    /// Something is wrong, or not for skiff, in one line.
    #[error("line {line} of the patch: {fault}")]
    At {
        /// The one-based line.
        line: usize,
        #[source]
        fault: ParseFault,
    },
}

/// What is wrong with a line of a diff.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFault {
    #[error(
        "it renames a file, which skiff does not do from a patch (`git diff --no-renames` writes one that it takes)"
    )]
    Rename,
    #[error(
        "it copies a file, which skiff does not do from a patch (`git diff --no-renames` writes one that it takes)"
    )]
    Copy,
    #[error("it is about a binary file")]
    Binary,
    #[error("it is a combined diff of a merge")]
    Combined,
    #[error("it makes or changes a symbolic link")]
    Symlink,
    #[error("it makes or changes a submodule")]
    Gitlink,
    #[error("{0:?} is no mode that a file can have")]
    Mode(String),
    #[error("{0:?} are not the ids of two blobs")]
    Index(String),
    #[error("{0}")]
    Path(#[from] PathError),
    #[error("the name {0:?} is not UTF-8")]
    NameNotUtf8(String),
    #[error("the name {0:?} does not begin with `a/` or `b/`")]
    Prefix(String),
    #[error("a name is not quoted as git quotes names")]
    Quoting,
    #[error("{0:?} are not two names of one file")]
    NamesApart(String),
    #[error("it names {0} and {1}, where one file is meant")]
    NamesDiffer(RepoPath, RepoPath),
    #[error("`/dev/null` stands where a file must be named")]
    NullName,
    #[error("a file is named where `/dev/null` must stand, as it is new or goes")]
    NullMissing,
    #[error("there is no line `+++` below")]
    OneName,
    #[error("it is said twice")]
    Repeated,
    #[error("what is said of the file does not go together")]
    Contradiction,
    #[error("nothing changes")]
    NoChange,
    #[error("it ends with a carriage return: the patch has been converted to other line endings")]
    CarriageReturn,
    #[error("a hunk must begin here")]
    NoHunk,
    #[error("it is not the header of a hunk")]
    HunkHeader,
    #[error("a hunk without the names of its file")]
    StrayHunk,
    #[error("the hunk above ends before the lines that its header counts")]
    Truncated,
    #[error("the hunk above has more lines than its header counts")]
    TooManyLines,
    #[error("it begins with none of ' ', '+', '-'")]
    Sign,
    #[error("it follows a line without a line ending, which can only be the last one")]
    Unended,
    #[error("there is no line above that could be without a line ending")]
    StrayMarker,
    #[error("the hunk begins before the end of the one above")]
    Order,
    #[error("a file that is new or goes has one hunk, with all of its lines")]
    WholeFile,
    #[error("the text is not UTF-8")]
    NotUtf8,
    #[error("the text holds a NUL byte")]
    Nul,
    #[error("{0} is changed a second time")]
    Twice(RepoPath),
    #[error("{0} is a file and a folder in this patch")]
    FileAndFolder(RepoPath),
    #[error("the patch is about more than {MAX_FILES} files")]
    TooManyFiles,
    #[error("the patch has more than {MAX_HUNKS} hunks")]
    TooManyHunks,
    #[error("the mail is encoded as {0:?}; save its text by itself")]
    Encoding(String),
    #[error("it is not quoted-printable, as the mail says")]
    QuotedPrintable,
}

impl UnifiedDiff {
    /// Reads a diff in the form of `git diff`, or of `diff -u` with names below `a/` and `b/`; alone, with text around it,
    /// or in mails. Nothing is guessed: what git would not write, or what cannot be applied as it is, refuses the whole.
    ///
    /// # Errors
    /// [`ParseError`] names the first line that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_PATCH_BYTES {
            return Err(ParseError::TooLarge);
        }
        let mut reader = Reader::default();
        for message in messages(bytes)? {
            reader.message(&mut Cursor::new(&message), message.kind)?;
        }
        reader.finished()
    }
}

/// What stands before a line outside of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Above {
    /// No diff yet.
    Text,
    /// A hunk.
    Hunk,
    /// A diff, and something else after it.
    Diff,
}

#[derive(Default)]
struct Reader {
    diff: UnifiedDiff,
    /// Where each file begins.
    lines: BTreeMap<RepoPath, usize>,
    hunks: usize,
}

impl Reader {
    fn message(&mut self, cursor: &mut Cursor<'_>, kind: MessageKind) -> Result<(), ParseError> {
        let mut above = Above::Text;
        while let Some(line) = cursor.peek() {
            if header::begins(cursor) {
                above = self.file(cursor)?;
                continue;
            }
            if let Some(fault) = outside(line, above, kind) {
                return Err(cursor.fault(fault));
            }
            above = match above {
                Above::Text => Above::Text,
                Above::Hunk | Above::Diff => Above::Diff,
            };
            cursor.advance();
        }
        Ok(())
    }

    fn file(&mut self, cursor: &mut Cursor<'_>) -> Result<Above, ParseError> {
        let line = cursor.number();
        let header = header::read(cursor)?;
        let at = |fault| ParseError::At { line, fault };
        if self.lines.insert(header.path.clone(), line).is_some() {
            return Err(at(ParseFault::Twice(header.path)));
        }
        if self.lines.len() > MAX_FILES {
            return Err(at(ParseFault::TooManyFiles));
        }
        let first = cursor.number();
        let hunks = match header.body {
            Body::Hunks => self.hunks(cursor)?,
            Body::Nothing => Vec::new(),
        };
        if !hunks.is_empty() && !covers(&hunks, header.change) {
            let fault = ParseFault::WholeFile;
            return Err(ParseError::At { line: first, fault });
        }
        self.diff.files.push(FileDiff {
            path: header.path,
            change: header.change,
            hunks,
        });
        Ok(match header.body {
            Body::Hunks => Above::Hunk,
            Body::Nothing => Above::Diff,
        })
    }

    fn hunks(&mut self, cursor: &mut Cursor<'_>) -> Result<Vec<Hunk>, ParseError> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut ends = Ends::default();
        while cursor.peek().is_some_and(|line| line.starts_with(b"@@ -")) {
            let line = cursor.number();
            let hunk = hunk(cursor, &mut ends)?;
            let ordered = |last: &Hunk| last.old.end <= hunk.old.start && last.old.start < hunk.old.start;
            if !hunks.last().is_none_or(ordered) {
                let fault = ParseFault::Order;
                return Err(ParseError::At { line, fault });
            }
            hunks.push(hunk);
            self.hunks += 1;
            if self.hunks > MAX_HUNKS {
                let fault = ParseFault::TooManyHunks;
                return Err(ParseError::At { line, fault });
            }
        }
        match hunks.is_empty() {
            true => Err(cursor.fault(ParseFault::NoHunk)),
            false => Ok(hunks),
        }
    }

    fn finished(self) -> Result<UnifiedDiff, ParseError> {
        for (path, line) in &self.lines {
            let text = path.as_str();
            let above = text
                .match_indices('/')
                .filter_map(|(at, _)| RepoPath::new(&text[..at]).ok());
            if let Some(file) = above.into_iter().find(|above| self.lines.contains_key(above)) {
                let fault = ParseFault::FileAndFolder(file);
                return Err(ParseError::At { line: *line, fault });
            }
        }
        match self.diff.files.is_empty() {
            true => Err(ParseError::NoDiff),
            false => Ok(self.diff),
        }
    }
}

/// Says what is wrong with a line that belongs to no file.
fn outside(line: &[u8], above: Above, kind: MessageKind) -> Option<ParseFault> {
    // `-- ` begins the signature of a mail.
    let signature = line.strip_suffix(b"\n").unwrap_or(line) == b"-- ";
    if above == Above::Hunk && line.starts_with(b"\\") {
        return Some(ParseFault::StrayMarker);
    }
    if above == Above::Hunk && !signature && matches!(line.first(), Some(b' ' | b'+' | b'-')) {
        return Some(ParseFault::TooManyLines);
    }
    if above == Above::Text && kind == MessageKind::Mail {
        return None;
    }
    if above != Above::Text && line.starts_with(b"@@ -") {
        return Some(ParseFault::StrayHunk);
    }
    let binary = line.starts_with(b"Binary files ") && line.trim_ascii_end().ends_with(b" differ");
    if binary || line.starts_with(b"GIT binary patch") {
        return Some(ParseFault::Binary);
    }
    let combined = [&b"diff --cc "[..], b"diff --combined "];
    combined
        .iter()
        .any(|start| line.starts_with(start))
        .then_some(ParseFault::Combined)
}

/// Tells whether hunks are all of a file that is new or goes.
fn covers(hunks: &[Hunk], change: DiffChange) -> bool {
    let [hunk] = hunks else {
        return matches!(change, DiffChange::Modify | DiffChange::ChangeMode { .. });
    };
    match change {
        DiffChange::Modify | DiffChange::ChangeMode { .. } => true,
        DiffChange::Create(_) => hunk.old == (0..0) && hunk.new.start == 0,
        DiffChange::Delete => hunk.new == (0..0) && hunk.old.start == 0,
    }
}

/// Which sides of a file have had a line without a line ending.
#[derive(Default)]
struct Ends {
    old: bool,
    new: bool,
}

impl Ends {
    fn reached(&self, kind: LineKind) -> bool {
        match kind {
            LineKind::Context => self.old || self.new,
            LineKind::Removed => self.old,
            LineKind::Added => self.new,
        }
    }

    fn reach(&mut self, kind: LineKind) {
        self.old |= kind != LineKind::Added;
        self.new |= kind != LineKind::Removed;
    }
}

/// Reads one hunk, exactly the lines that its header counts.
fn hunk(cursor: &mut Cursor<'_>, ends: &mut Ends) -> Result<Hunk, ParseError> {
    let first = cursor.number();
    let ranges = cursor.peek().and_then(ranges);
    let (old, new) = ranges.ok_or_else(|| cursor.fault(ParseFault::HunkHeader))?;
    cursor.advance();
    let (mut old_left, mut new_left) = (old.len(), new.len());
    let mut lines: Vec<HunkLine> = Vec::new();
    loop {
        let line = cursor.peek();
        if let Some(line) = line
            && line.starts_with(b"\\ ")
        {
            let last = lines.last_mut().filter(|last| last.text.ends_with('\n'));
            let last = last.ok_or_else(|| cursor.fault(ParseFault::StrayMarker))?;
            last.text.pop();
            ends.reach(last.kind);
            cursor.advance();
            continue;
        }
        if old_left == 0 && new_left == 0 {
            break;
        }
        let line = line.filter(|line| line.ends_with(b"\n"));
        let line = line.ok_or_else(|| cursor.fault(ParseFault::Truncated))?;
        let (kind, bytes) = signed(line).ok_or_else(|| cursor.fault(ParseFault::Sign))?;
        let (from_old, from_new) = (
            usize::from(kind != LineKind::Added),
            usize::from(kind != LineKind::Removed),
        );
        let left = old_left.checked_sub(from_old).zip(new_left.checked_sub(from_new));
        (old_left, new_left) = left.ok_or_else(|| cursor.fault(ParseFault::TooManyLines))?;
        if ends.reached(kind) {
            return Err(cursor.fault(ParseFault::Unended));
        }
        if bytes.contains(&0) {
            return Err(cursor.fault(ParseFault::Nul));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| cursor.fault(ParseFault::NotUtf8))?;
        let text = text.to_owned();
        lines.push(HunkLine { kind, text });
        cursor.advance();
    }
    if lines.iter().all(|line| line.kind == LineKind::Context) {
        return Err(ParseError::At {
            line: first,
            fault: ParseFault::NoChange,
        });
    }
    Ok(Hunk {
        old,
        new,
        section: String::new(),
        lines,
    })
}

/// Splits a line of a hunk at its sign. An empty one is an empty line of both sides (`diff.suppressBlankEmpty`).
fn signed(line: &[u8]) -> Option<(LineKind, &[u8])> {
    match line.split_first()? {
        (b' ', text) => Some((LineKind::Context, text)),
        (b'-', text) => Some((LineKind::Removed, text)),
        (b'+', text) => Some((LineKind::Added, text)),
        (b'\n', _) => Some((LineKind::Context, line)),
        _ => None,
    }
}

/// Reads `@@ -START,COUNT +START,COUNT @@` as zero-based ranges; a count of 1 may be left out.
fn ranges(line: &[u8]) -> Option<(Range<usize>, Range<usize>)> {
    let rest = line.strip_prefix(b"@@ -")?;
    let (old, rest) = range(rest)?;
    let (new, rest) = range(rest.strip_prefix(b" +")?)?;
    let rest = rest.strip_prefix(b" @@")?;
    matches!(rest.first(), Some(b'\n' | b' ')).then_some((old, new))
}

fn range(text: &[u8]) -> Option<(Range<usize>, &[u8])> {
    let (start, rest) = number(text)?;
    let (count, rest) = match rest.strip_prefix(b",") {
        Some(rest) => number(rest)?,
        None => (1, rest),
    };
    // An empty range names the line before it.
    let start = if count == 0 { start } else { start.checked_sub(1)? };
    Some((start..start + count, rest))
}

fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    const MOST_DIGITS: usize = 9;
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=MOST_DIGITS).contains(&digits) {
        return None;
    }
    let value = text[..digits]
        .iter()
        .fold(0, |value, byte| 10 * value + usize::from(byte - b'0'));
    Some((value, &text[digits..]))
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
