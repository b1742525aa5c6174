use std::fmt::Write;
use std::ops::Range;

use anstyle::{AnsiColor, Style};

use super::escape::{escape, escape_line};
use super::flags::Flag;
use super::words::changed_words;
use crate::patch::{FilePatch, FileSide, Hunk, HunkLine, LineKind, Patch, PieceChange};

const FILE: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const FLAG: Style = AnsiColor::Yellow.on_default().bold();
const PLAIN: Style = Style::new();

/// The most flags that are shown one by one.
const MAX_FLAGS: usize = 40;

/// Shows a patch to a person.
///
/// The text is for reading, not for applying: everything that comes from the repository or the model is escaped. Its
/// only control characters are line feeds, tabs and, when coloured, the renderer's own SGR sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renderer {
    /// Without colours.
    Plain,
    /// With the colours that git uses.
    Colored,
}

impl Renderer {
    /// Renders a patch, file by file.
    pub fn render(self, patch: &Patch) -> String {
        let mut out = String::new();
        for (nth, file) in patch.files.iter().enumerate() {
            if nth > 0 {
                out.push('\n');
            }
            self.file(&mut out, file);
        }
        out
    }

    /// Renders flags, one line each; nothing where there are none.
    pub fn flags(self, flags: &[Flag]) -> String {
        let mut out = String::new();
        for flag in flags.iter().take(MAX_FLAGS) {
            self.line(&mut out, FLAG, &format!("flag: {flag}"));
        }
        if let Some(more) = flags.len().checked_sub(MAX_FLAGS).filter(|more| *more > 0) {
            self.line(&mut out, FLAG, &format!("flag: and {more} more"));
        }
        out
    }

    /// Renders one piece of a file: what it is about, what is known of it, its flags, and its lines with the words that
    /// change.
    pub(super) fn piece(self, file: &FilePatch, piece: &PieceChange, notes: &[&str], flags: &[Flag]) -> String {
        let mut out = String::new();
        let section = piece.hunk().map_or("", |hunk| hunk.section.as_str());
        let what = match piece {
            PieceChange::Create(_) | PieceChange::Delete(_) | PieceChange::Mode => change(file),
            PieceChange::Lines(_) if section.is_empty() => String::new(),
            PieceChange::Lines(_) => format!(": {}", escape_line(section)),
        };
        self.line(&mut out, FILE, &format!("{}{what}", escape_line(file.path.as_str())));
        for note in notes {
            self.line(&mut out, PLAIN, &escape_line(note));
        }
        out.push_str(&self.flags(flags));
        if let Some(hunk) = piece.hunk() {
            self.hunk_head(&mut out, hunk);
            for run in hunk
                .lines
                .chunk_by(|a, b| (a.kind == LineKind::Context) == (b.kind == LineKind::Context))
            {
                self.run(&mut out, run);
            }
        }
        out
    }

    /// Renders a run of changed lines, or of unchanged ones.
    fn run(self, out: &mut String, run: &[HunkLine]) {
        let text = |kind| -> String {
            let of_kind = run.iter().filter(|line| line.kind == kind);
            of_kind.map(|line| line.text.as_str()).collect()
        };
        let (removed, added) = match self {
            Self::Plain => Default::default(),
            Self::Colored => changed_words(&text(LineKind::Removed), &text(LineKind::Added)),
        };
        let (mut removed_at, mut added_at) = (0, 0);
        for line in run {
            match line.kind {
                LineKind::Context => self.diff_line(out, line, 0, &[]),
                LineKind::Removed => {
                    self.diff_line(out, line, removed_at, &removed);
                    removed_at += line.text.len();
                }
                LineKind::Added => {
                    self.diff_line(out, line, added_at, &added);
                    added_at += line.text.len();
                }
            }
        }
    }

    /// Renders a line that begins at byte `at` of the text in which the bytes of `changed` are set off.
    fn diff_line(self, out: &mut String, line: &HunkLine, at: usize, changed: &[Range<usize>]) {
        let (sign, style) = match line.kind {
            LineKind::Context => (' ', PLAIN),
            LineKind::Removed => ('-', REMOVED),
            LineKind::Added => ('+', ADDED),
        };
        let ended = line.text.strip_suffix('\n');
        let text = ended.unwrap_or(&line.text);
        let mut shown = String::from(sign);
        let mut done = 0;
        for range in changed {
            let clip = |byte: usize| byte.saturating_sub(at).min(text.len());
            let (start, end) = (clip(range.start), clip(range.end));
            if start < end {
                let set_off = style.invert();
                let (before, word) = (escape(&text[done..start]), escape(&text[start..end]));
                // Writing to a String cannot fail.
                let _ = write!(shown, "{before}{style:#}{set_off}{word}{set_off:#}{style}");
                done = end;
            }
        }
        shown.push_str(&escape(&text[done..]));
        self.line(out, style, &shown);
        if ended.is_none() {
            self.line(out, PLAIN, "\\ No newline at end of file");
        }
    }

    fn file(self, out: &mut String, file: &FilePatch) {
        let hunks = file.hunks();
        let count = |kind| {
            hunks
                .iter()
                .flat_map(|hunk| &hunk.lines)
                .filter(|line| line.kind == kind)
                .count()
        };
        let (added, removed) = (count(LineKind::Added), count(LineKind::Removed));
        let path = escape_line(file.path.as_str());
        self.line(out, FILE, &format!("{path}{} +{added} -{removed}", change(file)));
        for hunk in &hunks {
            self.hunk(out, hunk);
        }
    }

    fn hunk(self, out: &mut String, hunk: &Hunk) {
        self.hunk_head(out, hunk);
        for line in &hunk.lines {
            self.diff_line(out, line, 0, &[]);
        }
    }

    fn hunk_head(self, out: &mut String, hunk: &Hunk) {
        let (old, new) = (span(&hunk.old), span(&hunk.new));
        let section = match escape_line(&hunk.section) {
            section if section.is_empty() => String::new(),
            section => format!(" {section}"),
        };
        self.line(out, HUNK, &format!("@@ -{old} +{new} @@{section}"));
    }

    /// Writes one line; the style ends before the line feed, so that a pager can cut lines anywhere.
    fn line(self, out: &mut String, style: Style, text: &str) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Plain => writeln!(out, "{text}"),
            Self::Colored => writeln!(out, "{style}{text}{style:#}"),
        };
    }
}

/// Says what happens to a file beyond its text.
fn change(file: &FilePatch) -> String {
    match (&file.old, &file.new) {
        (None, Some(new)) => format!(" (new file, mode {})", mode(new)),
        (Some(_), None) => " (deleted)".to_owned(),
        (Some(old), Some(new)) if old.mode != new.mode => format!(" (mode {} to {})", mode(old), mode(new)),
        _ => String::new(),
    }
}

fn mode(side: &FileSide) -> &'static str {
    side.mode.as_str()
}

/// Renders lines as a unified diff does: one-based start and count; an empty stretch names the line before it.
fn span(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::patch::fixture::file;
    use crate::text::RepoPath;

    #[test]
    fn a_patch_reads_like_a_diff() {
        let patch = Patch {
            files: vec![
                file(
                    "a.py",
                    Some("def f():\n    x = 1\r\n    return x\n"),
                    Some("def f():\n    return 1"),
                ),
                file("b\u{202e}.txt", None, Some("hi\u{1b}[2J\n")),
                file("c", Some("x\n"), None),
            ],
        };
        let shown = Renderer::Plain.render(&patch);
        assert_eq!(
            shown,
            "a.py +1 -2\n@@ -1,3 +1,2 @@\n def f():\n-    x = 1\\r\n-    return x\n+    return 1\n\\ No newline at end of file\n\
             \nb\\u{202e}.txt (new file, mode 100644) +1 -0\n@@ -0,0 +1 @@\n+hi\\u{1b}[2J\n\
             \nc (deleted) +0 -1\n@@ -1 +0,0 @@\n-x\n"
        );
        let colored = Renderer::Colored.render(&patch);
        assert!(colored.contains("\u{1b}[32m+    return 1\u{1b}[0m\n"), "{colored:?}");
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), shown);
    }

    proptest! {
        #[test]
        fn no_control_character_is_foreign(name in "[^/\0]{1,8}", old in any::<String>(), new in any::<String>()) {
            let Ok(path) = RepoPath::new(&name) else { return Ok(()) };
            let patch = Patch { files: vec![file(path.as_str(), Some(&old), Some(&new))] };
            let plain = Renderer::Plain.render(&patch);
            prop_assert!(!plain.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
            let colored = Renderer::Colored.render(&patch);
            let ours = [FILE, HUNK, ADDED, REMOVED].map(|style| style.render().to_string());
            let mut rest = colored.replace("\u{1b}[0m", "");
            for sgr in ours {
                rest = rest.replace(&sgr, "");
            }
            prop_assert_eq!(rest, plain);
        }
    }
}
