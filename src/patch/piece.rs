use super::{FilePatch, FileSide, Hunk, HunkLine, LineKind, Patch};

/// A part of a patch that can be taken or left by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The file, by its place in the patch.
    pub file: usize,
    /// What happens to it.
    pub change: PieceChange,
}

/// What a piece does to its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PieceChange {
    /// The file appears, with this text; the hunk has no lines where it is empty.
    Create(Hunk),
    /// The file goes, with this text.
    Delete(Hunk),
    /// The mode changes.
    Mode,
    /// Lines change.
    Lines(Hunk),
}

/// Why hunks cannot be carried out on a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MisfitError {
    /// A line of a hunk is not the one of the text.
    #[error("line {} of the file is not what the hunk says", .0 + 1)]
    OtherLine(usize),
    /// Two hunks are about the same lines.
    #[error("two hunks change line {} of the file", .0 + 1)]
    Overlap(usize),
    /// Something would follow a line without a line ending.
    #[error("only the last line of a file can be without a line ending")]
    Unended,
}

impl PieceChange {
    /// Returns the lines that are shown for it.
    pub fn hunk(&self) -> Option<&Hunk> {
        match self {
            Self::Create(hunk) | Self::Delete(hunk) | Self::Lines(hunk) => Some(hunk),
            Self::Mode => None,
        }
    }
}

impl Patch {
    /// Returns all pieces, in the order of the patch: a file that appears or goes is one, as is every hunk of another.
    pub fn pieces(&self) -> Vec<Piece> {
        let of_file = |(file, patch): (usize, &FilePatch)| {
            let changes = patch.changes();
            changes.into_iter().map(move |change| Piece { file, change })
        };
        self.files.iter().enumerate().flat_map(of_file).collect()
    }

    /// Returns the patch that does what `pieces` do and nothing else. Pieces of one file are in the order of its lines.
    ///
    /// # Errors
    /// [`MisfitError`] when a piece is not one of this patch, cut or edited.
    pub fn restricted<'a>(&self, pieces: impl IntoIterator<Item = &'a Piece>) -> Result<Self, MisfitError> {
        let pieces: Vec<&Piece> = pieces.into_iter().collect();
        let mut files = Vec::new();
        for (nth, file) in self.files.iter().enumerate() {
            let of_file = pieces.iter().filter(|piece| piece.file == nth);
            let changes: Vec<&PieceChange> = of_file.map(|piece| &piece.change).collect();
            let new = file.new_side(&changes)?;
            if new != file.old {
                let (path, old) = (file.path.clone(), file.old.clone());
                files.push(FilePatch { path, old, new });
            }
        }
        Ok(Self { files })
    }
}

impl FilePatch {
    fn changes(&self) -> Vec<PieceChange> {
        let mut hunks = self.hunks();
        let whole = |hunks: Vec<Hunk>| hunks.into_iter().next().unwrap_or_default();
        match (&self.old, &self.new) {
            (None, None) => Vec::new(),
            (None, Some(_)) => vec![PieceChange::Create(whole(hunks))],
            (Some(_), None) => vec![PieceChange::Delete(whole(hunks))],
            (Some(old), Some(new)) => {
                let mode = (old.mode != new.mode).then_some(PieceChange::Mode);
                mode.into_iter()
                    .chain(hunks.drain(..).map(PieceChange::Lines))
                    .collect()
            }
        }
    }

    /// Returns the side that some changes lead to.
    fn new_side(&self, changes: &[&PieceChange]) -> Result<Option<FileSide>, MisfitError> {
        let mut hunks = Vec::new();
        let mut mode = self.old.as_ref().map(|side| side.mode);
        let new_mode = self.new.as_ref().map(|side| side.mode);
        for change in changes {
            match change {
                PieceChange::Delete(_) => return Ok(None),
                PieceChange::Mode => mode = new_mode,
                PieceChange::Create(hunk) => {
                    mode = new_mode;
                    hunks.push((hunk.old.start, hunk));
                }
                PieceChange::Lines(hunk) => hunks.push((hunk.old.start, hunk)),
            }
        }
        let old = self.old.as_ref().map_or("", |side| side.text.as_str());
        let Some(mode) = mode else {
            return Ok(None);
        };
        Ok(Some(FileSide::new(carry_out(old, &hunks)?, mode)))
    }
}

/// Returns `old` with hunks carried out on the zero-based lines beside them, every line of theirs compared.
pub(super) fn carry_out(old: &str, hunks: &[(usize, &Hunk)]) -> Result<String, MisfitError> {
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let mut out = String::with_capacity(old.len());
    let mut push = |line: &str| {
        if !out.is_empty() && !out.ends_with('\n') {
            return Err(MisfitError::Unended);
        }
        out.push_str(line);
        Ok(())
    };
    let mut at = 0;
    for (start, hunk) in hunks {
        let Some(kept) = lines.get(at..*start) else {
            return Err(MisfitError::Overlap(*start));
        };
        kept.iter().try_for_each(|line| push(line))?;
        at = *start;
        for line in &hunk.lines {
            if line.kind != LineKind::Added {
                if lines.get(at) != Some(&line.text.as_str()) {
                    return Err(MisfitError::OtherLine(at));
                }
                at += 1;
            }
            if line.kind != LineKind::Removed {
                push(&line.text)?;
            }
        }
    }
    lines[at..].iter().try_for_each(|line| push(line))?;
    Ok(out)
}

impl Hunk {
    /// Cuts the hunk between its changes, at the unchanged lines, which are shared out; one part where there is nothing
    /// to cut.
    pub fn split(&self) -> Vec<Hunk> {
        let mut parts: Vec<Vec<HunkLine>> = vec![Vec::new()];
        let mut between: Vec<HunkLine> = Vec::new();
        let mut changed = false;
        for line in &self.lines {
            if line.kind == LineKind::Context {
                between.push(line.clone());
                continue;
            }
            // Whatever stood before the first change belongs to its part.
            let ends = if changed { between.len().div_ceil(2) } else { 0 };
            let begins = between.split_off(ends);
            if let Some(part) = parts.last_mut() {
                part.append(&mut between);
            }
            if changed && ends > 0 {
                parts.push(Vec::new());
            }
            if let Some(part) = parts.last_mut() {
                part.extend(begins);
                part.push(line.clone());
            }
            changed = true;
        }
        if let Some(part) = parts.last_mut() {
            part.append(&mut between);
        }
        let (mut old, mut new) = (self.old.start, self.new.start);
        let placed = parts.into_iter().map(|lines| {
            let part = Self::of_lines(old, new, &self.section, lines);
            (old, new) = (part.old.end, part.new.end);
            part
        });
        placed.collect()
    }

    /// Makes a hunk from its lines and the zero-based lines that it begins at.
    pub fn of_lines(old: usize, new: usize, section: &str, lines: Vec<HunkLine>) -> Self {
        let count = |not: LineKind| lines.iter().filter(|line| line.kind != not).count();
        Self {
            old: old..old + count(LineKind::Added),
            new: new..new + count(LineKind::Removed),
            section: section.to_owned(),
            lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::patch::fixture::file;
    use crate::repo::FileMode;

    /// Every piece, cut as often as the bits say.
    fn cut(patch: &Patch, split: &[bool]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for (nth, piece) in patch.pieces().into_iter().enumerate() {
            match piece.change {
                PieceChange::Lines(hunk) if split.get(nth).copied().unwrap_or(false) => {
                    let parts = hunk.split().into_iter().map(PieceChange::Lines);
                    pieces.extend(parts.map(|change| Piece { change, ..piece }));
                }
                change => pieces.push(Piece { change, ..piece }),
            }
        }
        pieces
    }

    /// The lines of a text with only some of its differing runs changed, worked out from the runs and from nothing else.
    fn expected(old: &str, pieces: &[(&Hunk, bool)]) -> String {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let mut out = String::new();
        let mut at = 0;
        for (hunk, taken) in pieces {
            out.push_str(&old[at..hunk.old.start].concat());
            let kept = if *taken { LineKind::Removed } else { LineKind::Added };
            let lines = hunk.lines.iter().filter(|line| line.kind != kept);
            out.extend(lines.map(|line| line.text.as_str()));
            at = hunk.old.end;
        }
        out + &old[at..].concat()
    }

    #[test]
    fn a_hunk_is_cut_at_its_unchanged_lines() {
        let patch = Patch {
            files: vec![file("f", Some("a\nb\nc\nd\ne\n"), Some("a\nB\nc\nd\nE\nF\n"))],
        };
        let pieces = patch.pieces();
        let PieceChange::Lines(hunk) = &pieces[0].change else {
            panic!()
        };
        let shown: Vec<String> = hunk.split().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "@@ -4,2 +4,3 @@\n d\n-e\n+E\n+F\n"]
        );
        assert_eq!(hunk.split()[0].split().len(), 1);
    }

    #[test]
    fn files_that_appear_go_or_change_their_mode_are_one_piece() {
        let mut executable = file("m", Some("x\n"), Some("y\n"));
        executable.new = Some(FileSide::new("y\n".to_owned(), FileMode::Executable));
        let patch = Patch {
            files: vec![
                file("empty", None, Some("")),
                file("gone", Some("a\nb"), None),
                executable,
                file("new", None, Some("1\n2")),
            ],
        };
        let pieces = patch.pieces();
        assert_eq!(pieces.len(), 5);
        for (nth, piece) in pieces.iter().enumerate() {
            let one = patch.restricted([piece]).unwrap();
            assert_eq!(one.files.len(), 1, "{nth}");
            assert_eq!(one.files[0].path, patch.files[piece.file].path);
        }
        let mode = patch.restricted([&pieces[2]]).unwrap();
        assert_eq!(mode.files[0].new.as_ref().unwrap().text, "x\n");
        let lines = patch.restricted([&pieces[3]]).unwrap();
        assert_eq!(lines.files[0].new.as_ref().unwrap().mode, FileMode::Regular);
        assert_eq!(patch.restricted(&pieces).unwrap(), patch);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let patch = Patch {
            files: vec![file("f", Some("a\nb"), Some("a\nc"))],
        };
        let line = |kind, text: &str| HunkLine {
            kind,
            text: text.to_owned(),
        };
        let with = |old, lines| {
            let change = PieceChange::Lines(Hunk::of_lines(old, old, "", lines));
            Piece { file: 0, change }
        };
        let refused = |pieces: &[Piece]| patch.restricted(pieces).unwrap_err();
        let other = with(0, vec![line(LineKind::Removed, "x\n")]);
        assert_eq!(refused(&[other]), MisfitError::OtherLine(0));
        let after = with(2, vec![line(LineKind::Added, "c\n")]);
        assert_eq!(refused(&[after]), MisfitError::Unended);
        let gone = with(1, vec![line(LineKind::Removed, "b")]);
        assert_eq!(refused(&[gone.clone(), gone]), MisfitError::Overlap(1));
        assert_eq!(refused(&[with(9, Vec::new())]), MisfitError::Overlap(9));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_choice_is_the_patch_restricted_to_it(
            old in "\u{feff}?([abü]?\r?\n){0,40}a?",
            new in "\u{feff}?([abü]?\r?\n){0,40}a?",
            split in prop::collection::vec(any::<bool>(), 8),
            taken in prop::collection::vec(any::<bool>(), 40),
        ) {
            let patch = Patch { files: vec![file("f", Some(&old), Some(&new))] };
            let pieces = cut(&patch, &split);
            let chosen: Vec<(&Piece, bool)> = pieces.iter().zip(taken.iter().copied().cycle()).collect();
            let kept = chosen.iter().filter(|(_, taken)| *taken).map(|(piece, _)| *piece);
            let restricted = patch.restricted(kept).unwrap();
            let hunks: Vec<(&Hunk, bool)> =
                chosen.iter().map(|(piece, taken)| (piece.change.hunk().unwrap(), *taken)).collect();
            let text = restricted.files.first().map_or(old.as_str(), |file| &file.new.as_ref().unwrap().text);
            prop_assert_eq!(text, expected(&old, &hunks));
            prop_assert!(patch.restricted(&[]).unwrap().is_empty());
            let all = patch.restricted(&pieces).unwrap();
            prop_assert_eq!(all.files.first().map_or(&old, |file| &file.new.as_ref().unwrap().text), &new);
        }
    }
}
