//! A hunk as a person edits it: parsed back into the hunk that was meant.

use super::escape::escape_line;
use crate::patch::{Hunk, HunkLine, LineKind};
use crate::text::head;

/// What an edited hunk says first.
const HELP: &str = "\
# Edit the lines below, save, and go back to skiff.
#   to keep a line that would go, make its '-' a space
#   to leave out a line that would come, delete it
#   to add a line, write it with '+' in front
# Leave the other lines as they are. Lines that begin with '#' are not read.
# Without any line the hunk stays as it was.
";

/// Why an edited text is not a hunk for the same lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HunkTextError {
    /// Nothing is left.
    #[error("the file holds no lines of a hunk")]
    Empty,
    /// A line begins with something else than a space, `+`, `-`, `#`, `@@` or `\`.
    #[error("line {line} begins with none of ' ', '+', '-': {text}")]
    Sign {
        /// The one-based line of the edited text.
        line: usize,
        /// The beginning of the line, escaped.
        text: String,
    },
    /// The lines with a space or `-` are not those of the file.
    #[error("line {line} is not the next line of the file, which must stay with ' ' or '-' in front")]
    OldLine {
        /// The one-based line of the edited text; that after the last where one is missing.
        line: usize,
    },
    /// All lines have a space in front.
    #[error("the hunk changes nothing now; answer n to leave it out")]
    Unchanged,
    /// A line has a NUL byte.
    #[error("line {line} holds a NUL byte")]
    Nul {
        /// The one-based line of the edited text.
        line: usize,
    },
}

/// Writes a hunk for an editor, byte-exact.
pub(super) fn write(hunk: &Hunk) -> String {
    format!("{HELP}{hunk}")
}

/// Reads what became of `hunk` in the editor: other changes to the same lines of the old text.
pub(super) fn read(hunk: &Hunk, text: &str) -> Result<Hunk, HunkTextError> {
    let mut lines: Vec<HunkLine> = Vec::new();
    let mut old = hunk.lines.iter().filter(|line| line.kind != LineKind::Added);
    let mut count = 0;
    for (nth, raw) in text.split_inclusive('\n').enumerate() {
        let line = nth + 1;
        count = line;
        let (kind, body) = match raw.chars().next() {
            Some('#') => continue,
            Some('@') if raw.starts_with("@@ ") => continue,
            Some('\\') => {
                // "No newline at end of file", about the line above.
                if let Some(last) = lines.last_mut() {
                    last.text.truncate(last.text.trim_end_matches('\n').len());
                }
                continue;
            }
            Some('+') => (LineKind::Added, &raw[1..]),
            Some('-') => (LineKind::Removed, &raw[1..]),
            Some(' ') => (LineKind::Context, &raw[1..]),
            // Editors take blanks off at the end of lines.
            Some('\n') => (LineKind::Context, raw),
            Some('\r') if raw == "\r\n" => (LineKind::Context, raw),
            _ => {
                let text = escape_line(head(raw.trim_end(), 40));
                return Err(HunkTextError::Sign { line, text });
            }
        };
        if body.contains('\0') {
            return Err(HunkTextError::Nul { line });
        }
        let mut text = body.to_owned();
        if !text.ends_with('\n') {
            // The editor's last line, not the file's.
            text.push('\n');
        }
        lines.push(HunkLine { kind, text });
    }
    if lines.is_empty() {
        return Err(HunkTextError::Empty);
    }
    for (nth, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.kind != LineKind::Added)
    {
        let expected = old.next().map(|line| line.text.as_str());
        if expected != Some(line.text.as_str()) {
            return Err(HunkTextError::OldLine { line: place(text, nth) });
        }
    }
    if old.next().is_some() {
        return Err(HunkTextError::OldLine { line: count + 1 });
    }
    if lines.iter().all(|line| line.kind == LineKind::Context) {
        return Err(HunkTextError::Unchanged);
    }
    Ok(Hunk::of_lines(hunk.old.start, hunk.new.start, &hunk.section, lines))
}

/// Returns the one-based line of the edited text on which the `nth` line of the hunk stands.
fn place(text: &str, nth: usize) -> usize {
    let read = |raw: &&str| !raw.starts_with(['#', '\\']) && !raw.starts_with("@@ ");
    let numbered = text.split_inclusive('\n').enumerate().filter(|(_, raw)| read(raw));
    numbered.map(|(at, _)| at + 1).nth(nth).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::{FilePatch, FileSide, Patch, PieceChange};
    use crate::repo::FileMode;
    use crate::text::RepoPath;

    fn hunk(old: &str, new: &str) -> Hunk {
        let side = |text: &str| Some(FileSide::new(text.to_owned(), FileMode::Regular));
        let file = FilePatch {
            path: RepoPath::new("f").unwrap(),
            old: side(old),
            new: side(new),
        };
        let patch = Patch { files: vec![file] };
        match patch.pieces().remove(0).change {
            PieceChange::Lines(hunk) => hunk,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (old, new) in [
            ("a\n\nb\n", "a\n\nc\n"),
            ("a\r\nb", "a\r\nb\r\nc"),
            ("\u{feff}x\u{1b}\n", "\u{feff}y\u{202e}\n"),
            ("x", "x\n"),
        ] {
            let hunk = hunk(old, new);
            assert_eq!(read(&hunk, &write(&hunk)), Ok(hunk), "{old:?}");
        }
        // Blanks at the end of lines are gone, and the last line ending.
        let hunk = hunk("a\n\nb\n", "a\n\nc\n");
        assert_eq!(read(&hunk, " a\n\n-b\n+c"), Ok(hunk));
    }

    #[test]
    fn edited_lines_are_taken_and_others_must_stay() {
        let hunk = hunk("a\nb\nc\n", "a\nB\nc\n");
        let edited = read(&hunk, "# x\n@@ -1 +1 @@\n a\n-b\n+BB\n+more\n-c\n").unwrap();
        assert_eq!(edited.to_string(), "@@ -1,3 +1,3 @@\n a\n-b\n+BB\n+more\n-c\n");
        let wrong = |text| read(&hunk, text).unwrap_err();
        assert_eq!(wrong("# only\n"), HunkTextError::Empty);
        assert_eq!(wrong("# x\n a\n-x\n+B\n c\n"), HunkTextError::OldLine { line: 3 });
        assert_eq!(wrong(" a\n-b\n+B\n"), HunkTextError::OldLine { line: 4 });
        assert_eq!(wrong(" a\n b\n c\n"), HunkTextError::Unchanged);
        assert_eq!(wrong(" a\n-b\n+\0\n c\n"), HunkTextError::Nul { line: 3 });
        let sign = wrong("\u{1b}[2Jx\n");
        assert_eq!(
            sign.to_string(),
            "line 1 begins with none of ' ', '+', '-': \\u{1b}[2Jx"
        );
    }
}
