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
        let [old, new] = [&self.old, &self.new].map(|side| side.as_ref().map_or("", |side| side.text.as_str()));
        let window = Window::of(old, new);
        let (old, new) = (window.old, window.new);
        let input = InternedInput::new(old, new);
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
        let hunks = groups.iter().map(|group| hunk(group, &old, &new, window.above));
        hunks.map(|hunk| hunk.below(window.lines_above)).collect()
    }
}

/// What is left of two texts without most of what they begin and end with alike: a small change of a long file is found
/// without a look at all of its lines.
struct Window<'t> {
    /// What both begin with.
    above: &'t str,
    /// The lines of it.
    lines_above: usize,
    old: &'t str,
    new: &'t str,
}

impl<'t> Window<'t> {
    /// So many equal lines stay on either side: a change may be shown further up or down among equal lines.
    const MARGIN_LINES: usize = 64;

    fn of(old: &'t str, new: &'t str) -> Self {
        let shared = shared_length(old.as_bytes(), new.as_bytes());
        let start = lines_back(&old[..old.floor_char_boundary(shared)], Self::MARGIN_LINES);
        let (above, old) = old.split_at(start);
        let new = &new[start..];
        let shared = shared_end(old.as_bytes(), new.as_bytes());
        // Where the last shared line begins in the middle of a line of either text it does not count.
        let tail = &old[old.ceil_char_boundary(old.len() - shared)..];
        let kept = lines_on(tail, Self::MARGIN_LINES + 1);
        let cut = tail.len() - kept;
        Self {
            above,
            lines_above: above.bytes().filter(|byte| *byte == b'\n').count(),
            old: &old[..old.len() - cut],
            new: &new[..new.len() - cut],
        }
    }
}

/// Returns how many bytes two texts begin with alike.
fn shared_length(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 1024;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let whole = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[whole..].iter().zip(&b[whole..]);
    whole + rest.take_while(|(a, b)| a == b).count()
}

/// Returns how many bytes two texts end with alike.
fn shared_end(a: &[u8], b: &[u8]) -> usize {
    const BLOCK: usize = 1024;
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK));
    let whole = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let rest = a[..a.len() - whole].iter().rev().zip(b[..b.len() - whole].iter().rev());
    whole + rest.take_while(|(a, b)| a == b).count()
}

/// Returns where the line begins that stands so many lines above the last one of a text.
fn lines_back(text: &str, count: usize) -> usize {
    text.bytes()
        .rev()
        .enumerate()
        .filter(|(_, byte)| *byte == b'\n')
        .nth(count)
        .map_or(0, |(back, _)| text.len() - back)
}

/// Returns where the line ends that stands so many lines below the first one of a text.
fn lines_on(text: &str, count: usize) -> usize {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(count).unwrap_or(text.len())
}

impl Hunk {
    /// Returns the hunk as one of a text with so many lines above.
    fn below(mut self, lines: usize) -> Self {
        for range in [&mut self.old, &mut self.new] {
            *range = range.start + lines..range.end + lines;
        }
        self
    }
}

/// One run of differing lines.
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

fn hunk(changes: &[Change], old: &[&str], new: &[&str], above: &str) -> Hunk {
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
        section: section(above, &old[..start]),
        lines,
    }
}

/// Returns the heading that git's default rule finds above a hunk.
fn section(above: &str, lines: &[&str]) -> String {
    let opens = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$');
    let mut further = lines.iter().copied().rev().chain(above.split_inclusive('\n').rev());
    let line = further.find(opens).map_or("", |line| line.trim_ascii_end());
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

    proptest! {
        #[test]
        fn long_equal_ends_change_nothing(
            (head, tail) in (0usize..200, 0usize..200),
            (old, new) in ("(a\n|b\n|c){0,9}", "(a\n|b\n|c){0,9}"),
        ) {
            let around = |middle: &str| {
                let head: String = (0..head).map(|at| format!("head {}\n", at / 7)).collect();
                let tail: String = (0..tail).map(|at| format!("tail {}\n", at / 7)).collect();
                head + middle + &tail
            };
            let (old, new) = (around(&old), around(&new));
            let window = Window::of(&old, &new);
            prop_assert!(old.starts_with(window.above) && new.starts_with(window.above));
            prop_assert_eq!(window.above.lines().count(), window.lines_above);
            prop_assert!(old[window.above.len()..].starts_with(window.old));
            prop_assert!(new[window.above.len()..].starts_with(window.new));
            let below = |text: &str, part: &str| text[window.above.len() + part.len()..].to_owned();
            prop_assert_eq!(below(&old, window.old), below(&new, window.new));
            // Whole lines are cut off, or nothing is.
            let ends = window.old.ends_with('\n') && window.new.ends_with('\n');
            prop_assert!(below(&old, window.old).is_empty() || ends);
        }
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
        let section = section("above\n", &["x\n", &line, "  inner\n"]);
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
