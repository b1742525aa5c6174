use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

use super::FilePatch;

/// Unchanged lines shown on each side of a change.
const CONTEXT_LINES: usize = 3;

/// The most bytes of a section heading, as in git.
const MAX_SECTION_BYTES: usize = 80;

/// A stretch of changed lines with the unchanged lines around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// The lines of the old text, zero-based and half-open.
    pub old: Range<usize>,
    /// The lines of the new text, zero-based and half-open.
    pub new: Range<usize>,
    /// The nearest line above that begins with a letter, `_` or `$`, as git shows it; empty where there is none.
    pub section: String,
    /// The lines, in the order of a unified diff.
    pub lines: Vec<HunkLine>,
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HunkLine {
    /// Which side the line is on.
    pub kind: LineKind,
    /// The line with its ending; without `\n` only where the text ends without one.
    pub text: String,
}

/// The side that a line of a hunk is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// On both.
    Context,
    /// On the old side.
    Removed,
    /// On the new side.
    Added,
}

impl FilePatch {
    /// Computes the hunks: a histogram diff of the lines, three lines of context, changes closer than that merged.
    pub fn hunks(&self) -> Vec<Hunk> {
        let text = |side: &Option<super::FileSide>| side.as_ref().map_or("", |side| side.text.as_str()).to_owned();
        let (old, new) = (text(&self.old), text(&self.new));
        let input = InternedInput::new(old.as_str(), new.as_str());
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let new: Vec<&str> = new.split_inclusive('\n').collect();
        let mut changes: Vec<Change> = Vec::new();
        let mut groups: Vec<Vec<Change>> = Vec::new();
        for hunk in diff.hunks() {
            let change = Change {
                old: usize_range(&hunk.before),
                new: usize_range(&hunk.after),
            };
            if let Some(last) = changes.last()
                && change.old.start - last.old.end > 2 * CONTEXT_LINES
            {
                groups.push(std::mem::take(&mut changes));
            }
            changes.push(change);
        }
        if !changes.is_empty() {
            groups.push(changes);
        }
        groups.iter().map(|group| hunk(group, &old, &new)).collect()
    }
}

/// One run of differing lines.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn hunk(changes: &[Change], old: &[&str], new: &[&str]) -> Hunk {
    let (first, last) = (&changes[0], &changes[changes.len() - 1]);
    let before = first.old.start.min(CONTEXT_LINES);
    let after = (old.len() - last.old.end).min(CONTEXT_LINES);
    let start = first.old.start - before;
    let mut lines = Vec::new();
    let mut push = |kind, texts: &[&str]| {
        lines.extend(texts.iter().map(|text| HunkLine {
            kind,
            text: (*text).to_owned(),
        }));
    };
    let mut at = start;
    for change in changes {
        push(LineKind::Context, &old[at..change.old.start]);
        push(LineKind::Removed, &old[change.old.clone()]);
        push(LineKind::Added, &new[change.new.clone()]);
        at = change.old.end;
    }
    push(LineKind::Context, &old[at..at + after]);
    Hunk {
        old: start..last.old.end + after,
        new: first.new.start - before..last.new.end + after,
        section: section(&old[..start]),
        lines,
    }
}

/// Returns the heading that git's default rule finds above a hunk.
fn section(above: &[&str]) -> String {
    let opens = |line: &&&str| line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$');
    let line = above.iter().rev().find(opens).map_or("", |line| line.trim_ascii_end());
    let end = (0..=line.len().min(MAX_SECTION_BYTES))
        .rev()
        .find(|at| line.is_char_boundary(*at))
        .unwrap_or(0);
    line[..end].trim_ascii_end().to_owned()
}

fn usize_range(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::patch::FileSide;
    use crate::repo::FileMode;
    use crate::text::RepoPath;

    fn file(old: &str, new: &str) -> FilePatch {
        let side = |text: &str| Some(FileSide::new(text.to_owned(), FileMode::Regular));
        FilePatch {
            path: RepoPath::new("f").unwrap(),
            old: side(old),
            new: side(new),
        }
    }

    /// Carries hunks out on the old text, checking every line that they claim to find there.
    fn carried_out(old: &str, hunks: &[Hunk]) -> String {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let mut new: Vec<String> = Vec::new();
        let mut at = 0;
        for hunk in hunks {
            new.extend(old[at..hunk.old.start].iter().map(|line| (*line).to_owned()));
            at = hunk.old.start;
            assert_eq!(new.len(), hunk.new.start);
            for line in &hunk.lines {
                if line.kind != LineKind::Added {
                    assert_eq!(old[at], line.text);
                    at += 1;
                }
                if line.kind != LineKind::Removed {
                    new.push(line.text.clone());
                }
            }
            assert_eq!((at, new.len()), (hunk.old.end, hunk.new.end));
        }
        new.extend(old[at..].iter().map(|line| (*line).to_owned()));
        new.concat()
    }

    #[test]
    fn changes_six_lines_apart_share_a_hunk_and_seven_do_not() {
        let lines: Vec<String> = (0..20).map(|n| format!("{n}\n")).collect();
        let old = lines.concat();
        let near = old.replace("4\n5\n", "x\n5\n").replace("\n11\n", "\ny\n");
        assert_eq!(file(&old, &near).hunks().len(), 1);
        let far = old.replace("4\n5\n", "x\n5\n").replace("\n12\n", "\ny\n");
        assert_eq!(file(&old, &far).hunks().len(), 2);
    }

    #[test]
    fn equal_texts_have_no_hunks() {
        assert!(file("a\nb", "a\nb").hunks().is_empty());
        assert!(file("", "").hunks().is_empty());
    }

    #[test]
    fn a_section_is_cut_between_characters() {
        let line = format!("fn {}", "\u{fc}".repeat(60));
        let section = section(&["x\n", &line, "  inner\n"]);
        assert_eq!(section.len(), 79);
        assert!(line.starts_with(&section));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hunks_carried_out_give_the_new_text(old in "([ab]?\r?\n){0,30}a?", new in "([ab]?\r?\n){0,30}a?") {
            prop_assert_eq!(carried_out(&old, &file(&old, &new).hunks()), new);
        }
    }
}
