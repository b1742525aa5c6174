use std::collections::BTreeMap;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::text::RepoPath;

/// The name of the files that say what skiff leaves out of its index, in the language of `.gitignore`.
pub(super) const EXCLUSION_FILE: &str = ".skiffignore";

/// Whether names that differ by case only are one name, as git is told by `core.ignorecase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LetterCase {
    Distinct,
    Ignored,
}

/// What the `.skiffignore` files of a tree leave out. They only ever take files away: a file that git ignores is not
/// brought back by one.
#[derive(Debug)]
pub(crate) struct Exclusions {
    case: LetterCase,
    by_directory: BTreeMap<String, Gitignore>,
}

impl Exclusions {
    pub(crate) fn new(case: LetterCase) -> Self {
        Self {
            case,
            by_directory: BTreeMap::new(),
        }
    }

    /// Takes in the exclusions that stand in a directory (`""` for the root). Lines that are no pattern count for nothing.
    pub(crate) fn add(&mut self, directory: &str, lines: &str) {
        let mut builder = GitignoreBuilder::new("");
        // It says that it may fail, and never does.
        drop(builder.case_insensitive(self.case == LetterCase::Ignored));
        for line in lines.lines() {
            // A line that is no pattern is reported by nobody and excludes nothing, as git has it.
            drop(builder.add_line(None, line));
        }
        if let Ok(exclusion) = builder.build() {
            self.by_directory.insert(directory.to_owned(), exclusion);
        }
    }

    /// Tells whether a file is left out. The nearest `.skiffignore` that says anything of it decides.
    pub(crate) fn cover(&self, path: &RepoPath) -> bool {
        if self.by_directory.is_empty() {
            return false;
        }
        let path = path.as_str();
        let above = path.match_indices('/').map(|(at, _)| at).rev();
        let directories = above.map(|at| (&path[..at], &path[at + 1..])).chain([("", path)]);
        for (directory, rest) in directories {
            let Some(exclusion) = self.by_directory.get(directory) else {
                continue;
            };
            match exclusion.matched_path_or_any_parents(Path::new(rest), false) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_file_decides() {
        let mut exclusions = Exclusions::new(LetterCase::Distinct);
        exclusions.add("", "*.gen\n/vendor/\n");
        exclusions.add("a/b", "!keep.gen\nlocal.py\n");
        let covered = |path: &str| exclusions.cover(&RepoPath::new(path).unwrap());
        assert!(covered("x.gen") && covered("a/b/x.gen") && covered("vendor/deep/x.c"));
        assert!(covered("a/b/c/local.py") && !covered("a/local.py"));
        assert!(!covered("a/b/keep.gen") && !covered("sub/vendor/x.c"));
        assert!(!Exclusions::new(LetterCase::Distinct).cover(&RepoPath::new("a").unwrap()));
    }

    #[test]
    fn case_counts_where_git_says_so() {
        for (case, covered) in [(LetterCase::Distinct, false), (LetterCase::Ignored, true)] {
            let mut exclusions = Exclusions::new(case);
            exclusions.add("", "/Vendor/\n*.[G]en\n");
            for path in ["vendor/a.c", "x.gEN"] {
                assert_eq!(exclusions.cover(&RepoPath::new(path).unwrap()), covered, "{path}");
            }
        }
    }
}
