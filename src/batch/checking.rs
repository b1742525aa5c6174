use super::BatchError;
use super::record::SiteRecord;
use super::run::failed_check;
use super::series::{Changes, GroupBy, file_patch, read};
use crate::agent::Checks;
use crate::patch::Patch;
use crate::progress::Progress;
use crate::repo::{Snapshot, SourceText};

/// Lets checks run on groups of what was changed: on each file, or on all of it where the series is one patch. Of a group
/// that fails, the places that make it fail are found by halving, and dropped. Returns them.
///
/// The records are sorted by path.
///
/// # Errors
/// When the checks could not be run, or a file is not what it was.
pub fn check_groups(
    records: &mut [SiteRecord],
    snapshot: &Snapshot,
    group_by: GroupBy,
    checks: &dyn Checks,
    progress: &dyn Progress,
) -> Result<Vec<SiteRecord>, BatchError> {
    let mut dropped = Vec::new();
    let groups = match group_by {
        GroupBy::Site | GroupBy::File => records.chunk_by_mut(|a, b| a.path == b.path).collect(),
        GroupBy::All => vec![records],
    };
    for group in groups {
        let mut halving = Halving {
            files: files(group, snapshot)?,
            checks,
            accepted: Vec::new(),
            refused: Vec::new(),
            progress,
        };
        let candidates: Vec<usize> = (0..group.len()).filter(|at| is_changed(&group[*at])).collect();
        if candidates.is_empty() {
            continue;
        }
        halving.keep(group, &candidates)?;
        for (at, reason) in halving.refused {
            group[at].dropped = Some(reason);
            dropped.push(group[at].clone());
        }
    }
    Ok(dropped)
}

/// Lets checks run on all that was changed; says which one failed, and how.
///
/// # Errors
/// As [`check_groups`].
pub fn check_all(
    records: &[SiteRecord],
    snapshot: &Snapshot,
    checks: &dyn Checks,
) -> Result<Option<String>, BatchError> {
    let files = files(records, snapshot)?;
    let patch = patch(&files, records, &|_, record| is_changed(record))?;
    match patch.is_empty() {
        true => Ok(None),
        false => failed_check(checks, &patch),
    }
}

fn is_changed(record: &SiteRecord) -> bool {
    record.edit().is_some() && record.dropped.is_none()
}

fn files(records: &[SiteRecord], snapshot: &Snapshot) -> Result<Vec<SourceText>, BatchError> {
    let own = records.chunk_by(|a, b| a.path == b.path);
    let changed = own.filter(|own| own.iter().any(is_changed));
    changed.map(|own| read(&own[0], snapshot)).collect()
}

/// Makes the patch of some of the changes.
fn patch(
    files: &[SourceText],
    records: &[SiteRecord],
    is_kept: &dyn Fn(usize, &SiteRecord) -> bool,
) -> Result<Patch, BatchError> {
    let mut patch = Patch::default();
    let mut at = 0;
    for own in records.chunk_by(|a, b| a.path == b.path) {
        let first = at;
        at += own.len();
        let Some(source) = files.iter().find(|source| source.path == own[0].path) else {
            continue;
        };
        let left_out = |record: &SiteRecord| {
            let number = own.iter().position(|other| std::ptr::eq(other, record));
            number.is_none_or(|number| !is_kept(first + number, record))
        };
        let changes = Changes::of(&source.text, own)?.without(&source.text, &left_out);
        let after = changes.after(&source.text);
        if after != source.text {
            patch.files.push(file_patch(source, &source.text, &after));
        }
    }
    Ok(patch)
}

/// The search for the places of a group that a check refuses.
struct Halving<'c> {
    files: Vec<SourceText>,
    checks: &'c dyn Checks,
    progress: &'c dyn Progress,
    accepted: Vec<usize>,
    refused: Vec<(usize, String)>,
}

impl Halving<'_> {
    /// Accepts what passes beside what is accepted already.
    fn keep(&mut self, group: &[SiteRecord], candidates: &[usize]) -> Result<(), BatchError> {
        if self.progress.cancelled() {
            return Ok(());
        }
        let is_kept = |at: usize, _: &SiteRecord| self.accepted.contains(&at) || candidates.contains(&at);
        let patch = patch(&self.files, group, &is_kept)?;
        let refused = match patch.is_empty() {
            true => None,
            false => failed_check(self.checks, &patch)?,
        };
        match (refused, candidates) {
            (None, _) => self.accepted.extend(candidates),
            (Some(reason), [only]) => self.refused.push((*only, reason)),
            (Some(_), several) => {
                let (first, second) = several.split_at(several.len() / 2);
                self.keep(group, first)?;
                self.keep(group, second)?;
            }
        }
        Ok(())
    }
}
