use super::hash::FastMap;
use super::terms::each_term;
use crate::text::RepoPath;

/// The terms of all paths. A path belongs to a view and not to a blob, so that they are not in the store.
#[derive(Debug, Default)]
pub(super) struct PathTerms {
    postings: FastMap<Box<str>, Vec<PathPosting>>,
    /// How many terms the parts of each path have.
    lengths: Vec<PathCounts>,
}

/// A term in one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathPosting {
    pub(super) file: u32,
    pub(super) counts: PathCounts,
}

/// A number for each part of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PathCounts {
    /// In the name of the file.
    pub(super) name: u32,
    /// In the folders around it.
    pub(super) folder: u32,
}

impl PathCounts {
    /// Returns the number of the whole path.
    pub(super) fn whole(self) -> u32 {
        self.name + self.folder
    }
}

impl PathTerms {
    /// Counts the terms of paths, which are best sorted: folders are then read once.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p RepoPath>) -> Self {
        let mut terms = Self::default();
        let mut last_parent = "";
        let mut folder: Vec<Box<str>> = Vec::new();
        for (file, path) in (0u32..).zip(paths) {
            if path.parent() != last_parent {
                last_parent = path.parent();
                folder.clear();
                each_term(last_parent, |term| folder.push(term.into()));
            }
            let mut length = PathCounts {
                name: 0,
                folder: folder.len() as u32,
            };
            for term in &folder {
                terms.count(term, file).folder += 1;
            }
            each_term(path.file_name(), |term| {
                length.name += 1;
                terms.count(term, file).name += 1;
            });
            terms.lengths.push(length);
        }
        terms
    }

    /// Returns the paths that have a term, in ascending order.
    pub(super) fn with(&self, term: &str) -> &[PathPosting] {
        self.postings.get(term).map_or(&[], Vec::as_slice)
    }

    /// Returns how many terms the parts of a path have.
    pub(super) fn lengths(&self, file: usize) -> PathCounts {
        self.lengths.get(file).copied().unwrap_or_default()
    }

    fn count(&mut self, term: &str, file: u32) -> &mut PathCounts {
        if !self.postings.contains_key(term) {
            self.postings.insert(term.into(), Vec::new());
        }
        let postings = self.postings.entry(term.into()).or_default();
        if postings.last().is_none_or(|last| last.file != file) {
            postings.push(PathPosting {
                file,
                counts: PathCounts::default(),
            });
        }
        let last = postings.len() - 1;
        &mut postings[last].counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_counted_by_their_parts() {
        let paths = ["core/core_test.py", "core/intervals.py", "setup.py"].map(|path| RepoPath::new(path).unwrap());
        let terms = PathTerms::of(paths.iter());
        let of = |term| -> Vec<(u32, u32, u32)> {
            let own = terms.with(term).iter();
            own.map(|own| (own.file, own.counts.name, own.counts.folder)).collect()
        };
        assert_eq!(of("core"), [(0, 1, 1), (1, 0, 1)]);
        assert_eq!(of("interval"), [(1, 1, 0)]);
        assert_eq!(of("none"), []);
        assert_eq!(terms.lengths(2), PathCounts { name: 2, folder: 0 });
        assert_eq!(terms.lengths(0).whole(), 5);
        assert_eq!(terms.lengths(9), PathCounts::default());
    }
}
