//! What stands above the hunks of a file: names, modes, and what else git says.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::diff::DiffChange;
use super::parse::{ParseError, ParseFault};
use super::quote::unquoted;
use crate::repo::FileMode;
use crate::text::RepoPath;

/// How a section of `git diff` begins.
pub(super) const GIT_START: &[u8] = b"diff --git ";

/// What is said of a file.
pub(super) struct Header {
    pub(super) path: RepoPath,
    pub(super) change: DiffChange,
    pub(super) body: Body,
}

/// What follows a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Hunks, as there were names for them.
    Hunks,
    /// No hunks.
    Nothing,
}

/// Tells whether a file's part of a diff begins here.
pub(super) fn begins(cursor: &Cursor<'_>) -> bool {
    let line = cursor.peek().unwrap_or_default();
    line.starts_with(GIT_START) || line.starts_with(b"--- ") && has_second_name(cursor)
}

fn has_second_name(cursor: &Cursor<'_>) -> bool {
    cursor.peek_second().is_some_and(|line| line.starts_with(b"+++ "))
}

/// Reads the header of a file, where one [`begins`].
///
/// # Errors
/// [`ParseFault`] for what git would not write, and for what skiff does not apply.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Header, ParseError> {
    let line = cursor.header_line()?.unwrap_or_default();
    match line.strip_prefix(GIT_START) {
        Some(names) => git(cursor, names),
        None => traditional(cursor),
    }
}

/// The header of a diff that knows nothing of git: two names.
fn traditional(cursor: &mut Cursor<'_>) -> Result<Header, ParseError> {
    let number = cursor.number();
    let body = Body::Hunks;
    let (path, change) = match sides(cursor)? {
        (Name::Null, Name::Null) => return Err(at(number, ParseFault::NullName)),
        (Name::Null, Name::Path(path)) => (path, DiffChange::Create(FileMode::Regular)),
        (Name::Path(path), Name::Null) => (path, DiffChange::Delete),
        (Name::Path(old), Name::Path(new)) if old == new => (old, DiffChange::Modify),
        (Name::Path(old), Name::Path(new)) => return Err(at(number, ParseFault::NamesDiffer(old, new))),
    };
    Ok(Header { path, change, body })
}

fn git(cursor: &mut Cursor<'_>, names: &[u8]) -> Result<Header, ParseError> {
    let number = cursor.number();
    cursor.advance();
    let mut modes = Modes::default();
    let mut seen: Vec<Field> = Vec::new();
    let mut sides_named = None;
    while let Some((field, value)) = cursor.peek().and_then(Field::of) {
        if seen.contains(&field) {
            return Err(cursor.fault(ParseFault::Repeated));
        }
        seen.push(field);
        if field == Field::Names {
            if !has_second_name(cursor) {
                return Err(cursor.fault(ParseFault::OneName));
            }
            sides_named = Some((cursor.number(), sides(cursor)?));
            break;
        }
        cursor.header_line()?;
        field.read(value, &mut modes).map_err(|fault| cursor.fault(fault))?;
        cursor.advance();
    }
    let path = both_names(names).map_err(|fault| at(number, fault))?;
    let change = modes.change().ok_or_else(|| at(number, ParseFault::Contradiction))?;
    let body = match sides_named {
        Some((line, (old, new))) => {
            agree(&path, change, old, new).map_err(|fault| at(line, fault))?;
            Body::Hunks
        }
        None if change == DiffChange::Modify => return Err(at(number, ParseFault::NoChange)),
        None => Body::Nothing,
    };
    Ok(Header { path, change, body })
}

/// A line of git's that may stand between the names and the hunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    OldMode,
    NewMode,
    Created,
    Deleted,
    Index,
    Similarity,
    Dissimilarity,
    Rename,
    Copy,
    Binary,
    Names,
}

#[derive(Default)]
struct Modes {
    old: Option<FileMode>,
    new: Option<FileMode>,
    created: Option<FileMode>,
    deleted: Option<FileMode>,
}

impl Field {
    fn of(line: &[u8]) -> Option<(Self, &[u8])> {
        const STARTS: [(&[u8], Field); 13] = [
            (b"old mode ", Field::OldMode),
            (b"new mode ", Field::NewMode),
            (b"new file mode ", Field::Created),
            (b"deleted file mode ", Field::Deleted),
            (b"index ", Field::Index),
            (b"similarity index ", Field::Similarity),
            (b"dissimilarity index ", Field::Dissimilarity),
            (b"rename ", Field::Rename),
            (b"copy from ", Field::Copy),
            (b"copy to ", Field::Copy),
            (b"GIT binary patch", Field::Binary),
            (b"Binary files ", Field::Binary),
            (b"--- ", Field::Names),
        ];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let named = STARTS.iter().find(|(start, _)| line.starts_with(start))?;
        Some((named.1, &line[named.0.len()..]))
    }

    fn read(self, value: &[u8], modes: &mut Modes) -> Result<(), ParseFault> {
        match self {
            Self::OldMode => modes.old = Some(mode(value)?),
            Self::NewMode => modes.new = Some(mode(value)?),
            Self::Created => modes.created = Some(mode(value)?),
            Self::Deleted => modes.deleted = Some(mode(value)?),
            Self::Index => index(value)?,
            // How much of a file is new changes nothing; only renames and copies need it.
            Self::Similarity | Self::Dissimilarity => {}
            Self::Rename => return Err(ParseFault::Rename),
            Self::Copy => return Err(ParseFault::Copy),
            Self::Binary => return Err(ParseFault::Binary),
            Self::Names => {}
        }
        Ok(())
    }
}

impl Modes {
    fn change(&self) -> Option<DiffChange> {
        match (self.old, self.new, self.created, self.deleted) {
            (None, None, None, None) => Some(DiffChange::Modify),
            (None, None, Some(mode), None) => Some(DiffChange::Create(mode)),
            (None, None, None, Some(_)) => Some(DiffChange::Delete),
            (Some(old), Some(new), None, None) if old != new => Some(DiffChange::ChangeMode { old, new }),
            _ => None,
        }
    }
}

fn mode(value: &[u8]) -> Result<FileMode, ParseFault> {
    match value {
        b"100644" => Ok(FileMode::Regular),
        b"100755" => Ok(FileMode::Executable),
        b"120000" => Err(ParseFault::Symlink),
        b"160000" => Err(ParseFault::Gitlink),
        other => Err(ParseFault::Mode(lossy(other))),
    }
}

/// Reads `OLD..NEW` or `OLD..NEW MODE`. The ids are not compared: what fits is told by the lines.
fn index(value: &[u8]) -> Result<(), ParseFault> {
    let wrong = || ParseFault::Index(lossy(value));
    let mut parts = value.split(|byte| *byte == b' ');
    let ids = parts.next().unwrap_or_default();
    let middle = ids.windows(2).position(|two| two == b"..").ok_or_else(wrong)?;
    let is_id = |id: &[u8]| (4..=64).contains(&id.len()) && id.iter().all(u8::is_ascii_hexdigit);
    if !is_id(&ids[..middle]) || !is_id(&ids[middle + 2..]) {
        return Err(wrong());
    }
    parts.next().map(mode).transpose()?;
    parts.next().map_or(Ok(()), |_| Err(wrong()))
}

/// The name of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// `/dev/null`: on this side there is no file.
    Null,
    Path(RepoPath),
}

/// Reads the lines `---` and `+++`.
fn sides(cursor: &mut Cursor<'_>) -> Result<(Name, Name), ParseError> {
    let mut side = |start: &[u8]| -> Result<Name, ParseError> {
        let line = cursor.header_line()?.unwrap_or_default();
        let text = line.strip_prefix(start).unwrap_or_default();
        let name = name(text).map_err(|fault| cursor.fault(fault))?;
        cursor.advance();
        Ok(name)
    };
    Ok((side(b"--- ")?, side(b"+++ ")?))
}

fn agree(path: &RepoPath, change: DiffChange, old: Name, new: Name) -> Result<(), ParseFault> {
    let (has_old, has_new) = match change {
        DiffChange::Create(_) => (false, true),
        DiffChange::Delete => (true, false),
        DiffChange::Modify | DiffChange::ChangeMode { .. } => (true, true),
    };
    for (name, expected) in [(old, has_old), (new, has_new)] {
        match name {
            Name::Null if expected => return Err(ParseFault::NullName),
            Name::Path(_) if !expected => return Err(ParseFault::NullMissing),
            Name::Path(found) if found != *path => return Err(ParseFault::NamesDiffer(path.clone(), found)),
            Name::Null | Name::Path(_) => {}
        }
    }
    Ok(())
}

/// Reads the two names behind `diff --git`, which are of one file. Where they are not quoted, both are of one length, so
/// that the space between them is known whatever they hold.
fn both_names(text: &[u8]) -> Result<RepoPath, ParseFault> {
    let apart = || ParseFault::NamesApart(lossy(text));
    let (first, second) = if text.starts_with(b"\"") {
        let (first, rest) = unquoted(text).ok_or(ParseFault::Quoting)?;
        let rest = rest.strip_prefix(b" ").ok_or_else(apart)?;
        let (second, rest) = unquoted(rest).ok_or_else(apart)?;
        if !rest.is_empty() {
            return Err(ParseFault::Quoting);
        }
        (Cow::Owned(first), Cow::Owned(second))
    } else {
        let middle = text.len() / 2;
        if text.len().is_multiple_of(2) || text.get(middle) != Some(&b' ') {
            return Err(apart());
        }
        (unquotable(&text[..middle])?, unquotable(&text[middle + 1..])?)
    };
    let (first, second) = (path(&first)?, path(&second)?);
    match first == second {
        true => Ok(first),
        false => Err(ParseFault::NamesDiffer(first, second)),
    }
}

/// Reads one name: up to a tab, behind which diff writes a date.
fn name(text: &[u8]) -> Result<Name, ParseFault> {
    if text.starts_with(b"\"") {
        let (bytes, rest) = unquoted(text).ok_or(ParseFault::Quoting)?;
        return match rest.first() {
            None | Some(b'\t') => Ok(Name::Path(path(&bytes)?)),
            Some(_) => Err(ParseFault::Quoting),
        };
    }
    let text = text.split(|byte| *byte == b'\t').next().unwrap_or_default();
    match text {
        b"/dev/null" => Ok(Name::Null),
        _ => Ok(Name::Path(path(&unquotable(text)?)?)),
    }
}

/// Takes a name as it is, where git would not have quoted it.
fn unquotable(text: &[u8]) -> Result<Cow<'_, [u8]>, ParseFault> {
    let quoted = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'"' | b'\\');
    match text.iter().any(quoted) {
        true => Err(ParseFault::Quoting),
        false => Ok(Cow::Borrowed(text)),
    }
}

/// Takes the prefix off that git puts before a name: `a/` and `b/`, or a letter that says where a side comes from
/// (`diff.mnemonicPrefix`). Without one the first folder would be taken for it.
fn path(name: &[u8]) -> Result<RepoPath, ParseFault> {
    let text = std::str::from_utf8(name).map_err(|_| ParseFault::NameNotUtf8(lossy(name)))?;
    let is_prefix = |prefix: &str| matches!(prefix, "a" | "b" | "c" | "i" | "o" | "w" | "1" | "2");
    let split = text.split_once('/').filter(|(prefix, _)| is_prefix(prefix));
    let (_, path) = split.ok_or_else(|| ParseFault::Prefix(text.to_owned()))?;
    Ok(RepoPath::new(path)?)
}

fn at(line: usize, fault: ParseFault) -> ParseError {
    ParseError::At { line, fault }
}

fn lossy(bytes: &[u8]) -> String {
    crate::text::shortened(&String::from_utf8_lossy(bytes), 200)
}
