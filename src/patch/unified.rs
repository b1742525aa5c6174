use std::fmt::{self, Write};
use std::ops::Range;

use super::diff::side;
use super::quote::quoted;
use super::{FilePatch, FileSide, Hunk, LineKind, Patch};
use crate::repo::BlobId;

impl Patch {
    /// Renders the patch as `git diff --full-index` would, so that `git apply` yields the new bytes.
    pub fn unified(&self) -> String {
        self.files.iter().map(FilePatch::unified).collect()
    }
}

impl FilePatch {
    /// Renders one file of the patch; see [`Patch::unified`].
    pub fn unified(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.header(&mut out);
        let hunks = self.hunks();
        if !hunks.is_empty() {
            let _ = self.names(&mut out);
        }
        for hunk in hunks {
            let _ = write!(out, "{hunk}");
        }
        out
    }

    fn header(&self, out: &mut String) -> fmt::Result {
        let (a, b) = (quoted(&format!("a/{}", self.path)), quoted(&format!("b/{}", self.path)));
        writeln!(out, "diff --git {a} {b}")?;
        let (old_id, new_id) = match (&self.old, &self.new) {
            (None, None) => return Ok(()),
            (None, Some(new)) => {
                writeln!(out, "new file mode {}", new.mode)?;
                (BlobId::ZERO, new.blob)
            }
            (Some(old), None) => {
                writeln!(out, "deleted file mode {}", old.mode)?;
                (old.blob, BlobId::ZERO)
            }
            (Some(old), Some(new)) if old.mode == new.mode => {
                return writeln!(out, "index {}..{} {}", old.blob, new.blob, old.mode);
            }
            (Some(old), Some(new)) => {
                writeln!(out, "old mode {}\nnew mode {}", old.mode, new.mode)?;
                if old.blob == new.blob {
                    return Ok(());
                }
                (old.blob, new.blob)
            }
        };
        writeln!(out, "index {old_id}..{new_id}")
    }

    fn names(&self, out: &mut String) -> fmt::Result {
        let name = |prefix, present: &Option<FileSide>| side(prefix, present.as_ref().map(|_| &self.path));
        writeln!(out, "--- {}", name("a", &self.old))?;
        writeln!(out, "+++ {}", name("b", &self.new))
    }
}

impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@@ -{} +{} @@", Lines(&self.old), Lines(&self.new))?;
        if !self.section.is_empty() {
            write!(f, " {}", self.section)?;
        }
        f.write_str("\n")?;
        for line in &self.lines {
            let sign = match line.kind {
                LineKind::Context => ' ',
                LineKind::Removed => '-',
                LineKind::Added => '+',
            };
            write!(f, "{sign}{}", line.text)?;
            if !line.text.ends_with('\n') {
                f.write_str("\n\\ No newline at end of file\n")?;
            }
        }
        Ok(())
    }
}

/// A zero-based range of lines in the form of a hunk header: an empty range names the line before it.
struct Lines<'a>(&'a Range<usize>);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => write!(f, "{},0", self.0.start),
            1 => write!(f, "{}", self.0.start + 1),
            count => write!(f, "{},{count}", self.0.start + 1),
        }
    }
}
