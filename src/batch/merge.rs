use std::collections::BTreeMap;
use std::path::Path;

use super::BatchError;
use super::record::SiteRecord;
use super::shard::Shard;
use super::state::RunStamp;

/// What several runs come to together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The run of which they are parts.
    pub stamp: RunStamp,
    /// What is settled: by path, and within a file in the order in which it was.
    pub records: Vec<SiteRecord>,
    /// What a later run says otherwise than one before it.
    pub conflicts: Vec<SiteRecord>,
}

/// Joins runs of one plan, model and seed over parts of one code base. Where two have the same file, the first is taken,
/// and what the other says otherwise is a conflict.
///
/// # Errors
/// [`BatchError::OtherRun`] where they are not parts of one run, [`BatchError::NoRuns`] where there are none.
pub fn join(runs: &[(&Path, (RunStamp, Vec<SiteRecord>))]) -> Result<Joined, BatchError> {
    let has_places = |(_, (_, records)): &&(&Path, (RunStamp, Vec<SiteRecord>))| !records.is_empty();
    let first = runs.iter().find(has_places).or(runs.first());
    let (_, (first, _)) = first.ok_or(BatchError::NoRuns)?;
    let mut by_path: BTreeMap<_, (usize, Vec<&SiteRecord>)> = BTreeMap::new();
    let mut conflicts = Vec::new();
    let mut sites = 0;
    for (at, (folder, (stamp, records))) in runs.iter().enumerate() {
        // A part without places has asked no model, and each may come of a clone of its own: what counts of a file is its
        // bytes.
        let part = RunStamp {
            shard: first.shard,
            repository: first.repository.clone(),
            model: if records.is_empty() {
                first.model.clone()
            } else {
                stamp.model.clone()
            },
            ..stamp.clone()
        };
        if let Some(differs) = first.difference(&part) {
            return Err(BatchError::OtherRun {
                folder: folder.to_path_buf(),
                differs,
            });
        }
        sites += stamp.sites;
        for record in records {
            let (owner, own) = by_path.entry(&record.path).or_insert((at, Vec::new()));
            if *owner == at {
                own.push(record);
                continue;
            }
            let is_same = |other: &&&SiteRecord| other.range == record.range && other.blob == record.blob;
            match own.iter().find(is_same) {
                Some(other) if other.outcome == record.outcome => sites = sites.saturating_sub(1),
                Some(_) | None => conflicts.push(record.clone()),
            }
        }
    }
    let records = by_path.into_values().flat_map(|(_, own)| own.into_iter().cloned());
    Ok(Joined {
        stamp: RunStamp {
            shard: Shard::WHOLE,
            sites,
            ..first.clone()
        },
        records: records.collect(),
        conflicts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::record::{Outcome, Tokens};
    use crate::repo::BlobId;
    use crate::text::{RepoPath, TextRange};

    fn record(path: &str, start: usize, reason: &str) -> SiteRecord {
        SiteRecord {
            path: RepoPath::new(path).unwrap(),
            blob: BlobId::ZERO,
            range: TextRange::new(start, start + 1),
            line: 0,
            outcome: Outcome::Failed {
                reason: reason.to_owned(),
                tokens: Tokens::default(),
            },
            dropped: None,
        }
    }

    fn stamp(shard: &str, seed: u32) -> RunStamp {
        RunStamp {
            plan: "p".to_owned(),
            title: "t".to_owned(),
            repository: "r".to_owned(),
            shard: shard.parse().unwrap(),
            skiff: "0".to_owned(),
            model: None,
            seed,
            sites: 2,
        }
    }

    #[test]
    fn parts_are_put_together_by_path() {
        let one = (stamp("1/2", 0), vec![record("b", 5, "x"), record("b", 1, "x")]);
        let two = (stamp("2/2", 0), vec![record("a", 1, "x"), record("c", 1, "x")]);
        let joined = join(&[(Path::new("1"), one), (Path::new("2"), two)]).unwrap();
        let places: Vec<(&str, usize)> = joined
            .records
            .iter()
            .map(|own| (own.path.as_str(), own.range.start))
            .collect();
        assert_eq!(places, [("a", 1), ("b", 5), ("b", 1), ("c", 1)]);
        assert_eq!(
            (joined.stamp.shard, joined.stamp.sites, joined.conflicts.len()),
            (Shard::WHOLE, 4, 0)
        );
    }

    #[test]
    fn what_two_say_of_one_place_is_compared() {
        let one = (stamp("1/1", 0), vec![record("a", 1, "x"), record("a", 5, "x")]);
        let two = (stamp("1/1", 0), vec![record("a", 1, "y"), record("a", 5, "x")]);
        let joined = join(&[(Path::new("1"), one.clone()), (Path::new("2"), two)]).unwrap();
        assert_eq!((joined.records.len(), joined.conflicts.len()), (2, 1));
        assert_eq!(joined.records[0].outcome, one.1[0].outcome);
    }

    #[test]
    fn parts_of_different_runs_are_refused() {
        let other = join(&[
            (Path::new("1"), (stamp("1/2", 0), Vec::new())),
            (Path::new("2"), (stamp("2/2", 1), Vec::new())),
        ]);
        assert_eq!(other.unwrap_err().to_string(), "the run in 2 has another seed");
        assert!(matches!(join(&[]), Err(BatchError::NoRuns)));
    }
}
