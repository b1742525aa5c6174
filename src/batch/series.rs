use rayon::prelude::*;

use super::BatchError;
use super::record::SiteRecord;
use super::rewriting::{moved, replaced};
use crate::patch::{FilePatch, FileSide, Patch};
use crate::repo::{FileMode, Snapshot, SourceText};
use crate::text::{TextEdit, TextRange};

/// What is one patch of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupBy {
    /// One place.
    #[default]
    Site,
    /// The places of one file.
    File,
    /// All of them.
    All,
}

/// One patch of a series, and the places that it changes.
#[derive(Clone, Debug)]
pub struct SeriesPatch<'r> {
    /// What changes, against the patches before it.
    pub patch: Patch,
    /// The places, in the order of the changes.
    pub sites: Vec<&'r SiteRecord>,
}

/// So many files are worked on at a time.
const FILES_AT_ONCE: usize = 32;

/// Makes the series of what was changed: by path, and within a file in the order in which it was done. The records of a
/// file stand together, in the order in which they were kept. `make` sees the patches of several files at a time, `take`
/// what it makes of them one after the other.
///
/// # Errors
/// When a file is not what it was, and what `take` says.
pub fn series<'r, T: Send>(
    records: &'r [SiteRecord],
    snapshot: &Snapshot,
    group_by: GroupBy,
    make: &(dyn Fn(SeriesPatch<'r>) -> T + Sync),
    take: &mut dyn FnMut(T) -> Result<(), BatchError>,
) -> Result<(), BatchError> {
    let files = records.chunk_by(|a, b| a.path == b.path);
    let files: Vec<&[SiteRecord]> = files
        .filter(|own| own.iter().any(|record| record.edit().is_some()))
        .collect();
    if group_by == GroupBy::All {
        let mut all = SeriesPatch {
            patch: Patch::default(),
            sites: Vec::new(),
        };
        for own in files {
            for_each_patch(own, snapshot, group_by, &mut |patch| {
                all.patch.files.extend(patch.patch.files);
                all.sites.extend(patch.sites);
            })?;
        }
        return if all.sites.is_empty() { Ok(()) } else { take(make(all)) };
    }
    for some in files.chunks(FILES_AT_ONCE) {
        let made = some.par_iter().map(|own| {
            let mut made = Vec::new();
            for_each_patch(own, snapshot, group_by, &mut |patch| made.push(make(patch)))?;
            Ok(made)
        });
        let made: Vec<Result<Vec<T>, BatchError>> = made.collect();
        for own in made {
            own?.into_iter().try_for_each(&mut *take)?;
        }
    }
    Ok(())
}

/// Reports the patches of one file: one for each place, or one.
fn for_each_patch<'r>(
    own: &'r [SiteRecord],
    snapshot: &Snapshot,
    group_by: GroupBy,
    each: &mut dyn FnMut(SeriesPatch<'r>),
) -> Result<(), BatchError> {
    let source = read(&own[0], snapshot)?;
    let changes = Changes::of(&source.text, own)?;
    let changes = match own.iter().any(|record| record.dropped.is_some()) {
        true => changes.without(&source.text, &|record| record.dropped.is_some()),
        false => changes,
    };
    if changes.steps.is_empty() {
        return Ok(());
    }
    match group_by {
        GroupBy::Site => changes.for_each(&source, &mut |old, new, site| {
            let file = FilePatch {
                path: source.path.clone(),
                old: Some(old),
                new: Some(new),
            };
            each(SeriesPatch {
                patch: Patch { files: vec![file] },
                sites: vec![site],
            });
        }),
        GroupBy::File | GroupBy::All => each(SeriesPatch {
            patch: Patch {
                files: vec![file_patch(&source, &source.text, &changes.after(&source.text))],
            },
            sites: changes.sites(),
        }),
    }
    Ok(())
}

/// Reads a file, and refuses it where it is not the one in which the places were found.
pub(super) fn read(record: &SiteRecord, snapshot: &Snapshot) -> Result<SourceText, BatchError> {
    let source = snapshot.read(&record.path).map_err(BatchError::Repo)?;
    match source.blob == record.blob {
        true => Ok(source),
        false => Err(BatchError::FileChanged(record.path.clone())),
    }
}

pub(super) fn file_patch(source: &SourceText, before: &str, after: &str) -> FilePatch {
    let side = |text: &str, mode: FileMode| Some(FileSide::new(text.to_owned(), mode));
    FilePatch {
        path: source.path.clone(),
        old: side(before, source.mode),
        new: side(after, source.mode),
    }
}

/// What was done in a file, one change after the other.
pub(super) struct Changes<'r> {
    steps: Vec<DoneStep<'r>>,
}

/// A change of a file, in the coordinates of the text that those before it leave.
struct DoneStep<'r> {
    edit: TextEdit,
    record: &'r SiteRecord,
}

/// Tells whether two ranges share a byte, or one is an empty place inside of the other.
fn touch(a: TextRange, b: TextRange) -> bool {
    let inside =
        |empty: TextRange, other: TextRange| empty.is_empty() && other.start < empty.start && empty.start < other.end;
    a.overlaps(b) || inside(a, b) || inside(b, a) || a == b
}

/// Returns an edit where it is after another one that it shares nothing with.
fn shifted(edit: &TextEdit, by: &TextEdit) -> Option<TextEdit> {
    let range = moved(edit.range, by)?;
    let replacement = edit.replacement.clone();
    Some(TextEdit { range, replacement })
}

impl<'r> Changes<'r> {
    /// Puts what was done in a file in its order: the rounds one after the other, and each by position.
    ///
    /// # Errors
    /// [`BatchError::Damaged`] where the records do not go with the text.
    pub(super) fn of(text: &str, records: &'r [SiteRecord]) -> Result<Self, BatchError> {
        let edits = records
            .iter()
            .filter_map(|record| record.edit().map(|(round, edit)| (round, edit, record)));
        let mut done: Vec<(u32, TextEdit, &SiteRecord)> = edits.collect();
        // The rewrites of a plan follow each other; the sort keeps their order.
        done.sort_by_key(|(round, edit, _)| (*round, if *round == 0 { 0 } else { edit.range.start }));
        let mut steps = Vec::new();
        let mut now = text.to_owned();
        let mut shift = (0, 0isize);
        for (round, mut edit, record) in done {
            // The edits of a round are of one text; those before it in that text have moved it.
            let moved = if round > 0 && round == shift.0 { shift.1 } else { 0 };
            shift = (
                round,
                moved + edit.replacement.len() as isize - edit.range.len() as isize,
            );
            edit.range.start = edit.range.start.saturating_add_signed(moved);
            edit.range.end = edit.range.end.saturating_add_signed(moved);
            if now.get(edit.range.as_range()).is_none() {
                return Err(BatchError::Damaged(record.path.clone()));
            }
            now.replace_range(edit.range.as_range(), &edit.replacement);
            steps.push(DoneStep { edit, record });
        }
        Ok(Self { steps })
    }

    /// Leaves the changes of some places out; `text` is the file before all of them. Those that were made on top of one
    /// go with it.
    pub(super) fn without(self, text: &str, is_dropped: &dyn Fn(&SiteRecord) -> bool) -> Self {
        let mut now = text.to_owned();
        let mut kept: Vec<DoneStep<'r>> = Vec::new();
        // What takes the dropped ones back: disjoint, in the coordinates of the text that the steps so far leave.
        let mut inverses: Vec<TextEdit> = Vec::new();
        for step in self.steps {
            let range = step.edit.range;
            let (touched, apart): (Vec<TextEdit>, Vec<TextEdit>) =
                inverses.into_iter().partition(|inverse| touch(inverse.range, range));
            if touched.is_empty() && !is_dropped(step.record) {
                let grown = |inverse: &TextEdit| inverse.replacement.len() as isize - inverse.range.len() as isize;
                let shift: isize = apart
                    .iter()
                    .filter(|own| own.range.start < range.start)
                    .map(grown)
                    .sum();
                let at = |offset: usize| offset.saturating_add_signed(shift);
                let edit = TextEdit {
                    range: TextRange::new(at(range.start), at(range.end)),
                    replacement: step.edit.replacement.clone(),
                };
                inverses = apart.iter().filter_map(|own| shifted(own, &step.edit)).collect();
                now.replace_range(range.as_range(), &step.edit.replacement);
                kept.push(DoneStep { edit, ..step });
                continue;
            }
            // One inverse for all that hangs together: from the text that this step leaves to that without any of them.
            let hull = touched.iter().fold(range, |hull, own| {
                TextRange::new(hull.start.min(own.range.start), hull.end.max(own.range.end))
            });
            let mut before = String::new();
            let mut at = hull.start;
            let mut pieces: Vec<(TextRange, &str)> = touched
                .iter()
                .map(|own| (own.range, own.replacement.as_str()))
                .collect();
            pieces.sort_by_key(|(range, _)| range.start);
            for (piece, replacement) in pieces {
                before.push_str(now.get(at..piece.start).unwrap_or_default());
                before.push_str(replacement);
                at = piece.end;
            }
            before.push_str(now.get(at..hull.end).unwrap_or_default());
            let grown = step.edit.replacement.len() as isize - range.len() as isize;
            inverses = apart.iter().filter_map(|own| shifted(own, &step.edit)).collect();
            inverses.push(TextEdit {
                range: TextRange::new(hull.start, hull.end.saturating_add_signed(grown)),
                replacement: before,
            });
            now.replace_range(range.as_range(), &step.edit.replacement);
        }
        Self { steps: kept }
    }

    /// Returns the text after all changes.
    pub(super) fn after(&self, text: &str) -> String {
        let mut now = text.to_owned();
        for DoneStep { edit, .. } in &self.steps {
            now.replace_range(edit.range.as_range(), &edit.replacement);
        }
        now
    }

    fn sites(&self) -> Vec<&'r SiteRecord> {
        self.steps.iter().map(|step| step.record).collect()
    }

    /// Reports the sides of the file before and after each change that is one.
    fn for_each(&self, source: &SourceText, each: &mut dyn FnMut(FileSide, FileSide, &'r SiteRecord)) {
        let mut before = FileSide::new(source.text.clone(), source.mode);
        for DoneStep { edit, record } in &self.steps {
            if before.text[edit.range.as_range()] == *edit.replacement {
                continue;
            }
            let after = FileSide::new(replaced(&before.text, edit), source.mode);
            each(before, after.clone(), record);
            before = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::record::{Author, Outcome, Tokens};
    use crate::repo::BlobId;
    use crate::text::RepoPath;

    fn done(round: u32, range: (usize, usize), text: &str) -> SiteRecord {
        SiteRecord {
            path: RepoPath::new("a.c").unwrap(),
            blob: BlobId::of(b"abcdef"),
            range: TextRange::new(range.0, range.1),
            line: 0,
            outcome: Outcome::Done {
                by: Author::Model,
                round,
                replaced: TextRange::new(range.0, range.1),
                text: text.to_owned(),
                tokens: Tokens::default(),
            },
            dropped: None,
        }
    }

    #[test]
    fn edits_of_one_round_are_of_one_text() {
        // Round 0 one after the other, round 1 out of order, round 2 on what they leave.
        let records = [
            done(0, (0, 1), "AA"),
            done(0, (2, 3), "B"),
            done(1, (5, 6), "E"),
            done(1, (3, 4), ""),
            done(2, (0, 2), ""),
        ];
        let changes = Changes::of("abcdef", &records).unwrap();
        // AAbcdef, AABcdef, AABdef, AABdEf, BdEf.
        assert_eq!(changes.after("abcdef"), "BdEf");
        let mut texts = Vec::new();
        let source = SourceText {
            path: RepoPath::new("a.c").unwrap(),
            text: "abcdef".to_owned(),
            blob: BlobId::of(b"abcdef"),
            mode: FileMode::Regular,
        };
        changes.for_each(&source, &mut |_, after, _| texts.push(after.text));
        assert_eq!(texts, ["AAbcdef", "AABcdef", "AABdef", "AABdEf", "BdEf"]);
    }

    #[test]
    fn what_is_left_out_takes_along_what_was_made_on_top_of_it() {
        let without = |records: &[SiteRecord], dropped: &[usize]| {
            let left_out = |record: &SiteRecord| dropped.iter().any(|at| std::ptr::eq(record, &records[*at]));
            let changes = Changes::of("abcdef", records).unwrap().without("abcdef", &left_out);
            changes.after("abcdef")
        };
        let apart = [
            done(1, (0, 1), "AAA"),
            done(1, (2, 3), ""),
            done(1, (4, 6), "X"),
            done(2, (3, 4), "BB"),
        ];
        // AAAbdX, then AAABBdX.
        assert_eq!(without(&apart, &[]), "AAABBdX");
        assert_eq!(without(&apart, &[0]), "aBBdX");
        assert_eq!(without(&apart, &[1]), "AAABBcdX");
        assert_eq!(without(&apart, &[2, 3]), "AAAbdef");
        assert_eq!(without(&apart, &[0, 1, 2, 3]), "abcdef");
        // A line around a rewrite: without the rewrite there is nothing that the line was made of.
        let nested = [done(0, (2, 3), "CC"), done(1, (1, 5), "bCCd!"), done(1, (6, 7), "F")];
        assert_eq!(without(&nested, &[]), "abCCd!eF");
        assert_eq!(without(&nested, &[0]), "abcdeF");
        assert_eq!(without(&nested, &[1]), "abCCdeF");
        // One inside of what another one wrote, and one around both.
        let deep = [done(0, (1, 3), "xyz"), done(0, (2, 3), "YY"), done(1, (0, 6), "ALL")];
        assert_eq!(without(&deep, &[]), "ALLef");
        assert_eq!(without(&deep, &[1]), "axyzdef");
        assert_eq!(without(&deep, &[0]), "abcdef");
        assert_eq!(without(&deep, &[2]), "axYYzdef");
    }

    #[test]
    fn records_that_do_not_go_with_the_text_are_refused() {
        let records = [done(0, (4, 9), "x")];
        assert!(matches!(Changes::of("abcdef", &records), Err(BatchError::Damaged(_))));
        let records = [done(0, (1, 2), "x")];
        assert!(matches!(Changes::of("é", &records), Err(BatchError::Damaged(_))));
    }
}
