//! Files by the ways a text writes them: paths, ends of paths, modules.

use std::collections::HashMap;

use super::corpus::Corpus;

/// File names that stand for their folder.
const PACKAGE_FILES: [&str; 11] = [
    "__init__.py",
    "__init__.pyi",
    "mod.rs",
    "lib.rs",
    "index.js",
    "index.jsx",
    "index.mjs",
    "index.cjs",
    "index.ts",
    "index.tsx",
    "index.d.ts",
];

/// The files of a repository by file name and by module name.
pub(super) struct FileNames<'a> {
    by_name: HashMap<&'a str, Vec<usize>>,
    /// By the last segment of the module: the stem, or the folder of a file that stands for it.
    by_module: HashMap<&'a str, Vec<usize>>,
    paths: Vec<&'a str>,
}

impl<'a> FileNames<'a> {
    pub(super) fn of(corpus: &'a impl Corpus) -> Self {
        let mut names = Self {
            by_name: HashMap::new(),
            by_module: HashMap::new(),
            paths: Vec::new(),
        };
        for file in 0..corpus.file_count() {
            let path = corpus.path(file);
            names.by_name.entry(file_name(path)).or_default().push(file);
            if let Some(last) = module_of(path).next() {
                names.by_module.entry(last).or_default().push(file);
            }
            names.paths.push(path);
        }
        names
    }

    /// Returns the files that a path means: whole, its end, or as an installed file whose end is one of the repository.
    /// Two segments must agree, or all that one of the paths has.
    pub(super) fn at_path(&self, path: &str) -> Vec<usize> {
        let segments = || {
            path.split(['/', '\\'])
                .filter(|part| !part.is_empty() && *part != ".")
                .rev()
        };
        let Some(name) = segments().next() else {
            return Vec::new();
        };
        let given = segments().count();
        let shared = |file: &usize| {
            let own = self.paths[*file].split('/').rev();
            own.zip(segments()).take_while(|(own, given)| own == given).count()
        };
        let found = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let most = found.iter().map(shared).max().unwrap_or(0);
        let enough = |file: &usize| {
            let shared = shared(file);
            shared == most && (shared >= 2 || shared == given || shared == self.paths[*file].split('/').count())
        };
        found.iter().copied().filter(enough).collect()
    }

    /// Returns the files of the longest start of a dotted name that is a module, and how many of the segments that is.
    /// The module's own name is not enough where the name goes on before it.
    pub(super) fn at_module(&self, segments: &[&str]) -> Option<(Vec<usize>, usize)> {
        (1..=segments.len()).rev().find_map(|length| {
            let module = &segments[..length];
            let found = self.by_module.get(module.last()?)?;
            let covers = |file: &&usize| {
                let own = module_of(self.paths[**file]);
                let shared = own
                    .zip(module.iter().rev())
                    .take_while(|(own, given)| own == *given)
                    .count();
                shared == length || (shared + 1 == length && shared >= 1 && matches!(module[0], "crate" | "self"))
            };
            let files: Vec<usize> = found.iter().filter(covers).copied().collect();
            (!files.is_empty()).then_some((files, length))
        })
    }
}

/// Returns the segments of the module that a file is, the innermost first.
pub(super) fn module_of(path: &str) -> impl Iterator<Item = &str> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let own = (!PACKAGE_FILES.contains(&name)).then_some(stem);
    own.into_iter()
        .chain(folders.rsplit('/').filter(|part| !part.is_empty()))
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::super::corpus::{Occurrence, SymbolFacts, Totals};
    use super::*;

    /// Paths without a word in them.
    struct Paths(&'static [&'static str]);

    impl Corpus for Paths {
        fn file_count(&self) -> usize {
            self.0.len()
        }
        fn path(&self, file: usize) -> &str {
            self.0[file]
        }
        fn symbols_of(&self, _: usize) -> Range<usize> {
            0..0
        }
        fn symbol_end(&self) -> usize {
            0
        }
        fn symbol(&self, symbol: usize) -> SymbolFacts {
            panic!("no symbol {symbol}")
        }
        fn each_named(&self, _: &str, _: impl FnMut(usize)) {}
        fn container(&self, _: usize) -> Option<&str> {
            None
        }
        fn files_with_container(&self, _: &str) -> Vec<usize> {
            Vec::new()
        }
        fn innermost_at(&self, _: usize, _: usize) -> Option<usize> {
            None
        }
        fn file_totals(&self) -> Totals {
            Totals::default()
        }
        fn symbol_totals(&self) -> Totals {
            Totals::default()
        }
        fn each_occurrence(&self, _: &str, _: impl FnMut(&Occurrence)) {}
    }

    static PATHS: [&str; 6] = [
        "lib/core/expr.py",
        "lib/core/__init__.py",
        "lib/core/mod.py",
        "setup.py",
        "src/store/mod.rs",
        "src/store/journal.rs",
    ];

    fn names<T>(each: impl FnOnce(&FileNames<'_>) -> T) -> T {
        let paths = Paths(&PATHS);
        each(&FileNames::of(&paths))
    }

    #[test]
    fn files_are_found_by_the_ends_of_paths() {
        for (path, expected) in [
            ("lib/core/expr.py", &[0][..]),
            ("core/expr.py", &[0]),
            ("expr.py", &[0]),
            ("./expr.py", &[0]),
            ("/usr/site-packages/lib/core/expr.py", &[0]),
            (r"C:\site-packages\lib\core\expr.py", &[0]),
            ("other/expr.py", &[]),
            ("/srv/x/setup.py", &[3]),
            ("core", &[]),
            ("/", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(|names| names.at_path(path)), expected, "{path}");
        }
    }

    #[test]
    fn modules_are_found_by_the_longest_start() {
        for (segments, expected) in [
            (&["lib", "core", "expr", "Expr", "args"][..], Some((vec![0], 3))),
            (&["lib", "core", "Expr"], Some((vec![1], 2))),
            (&["core", "mod"], Some((vec![2], 2))),
            (&["crate", "store", "journal", "open"], Some((vec![5], 3))),
            (&["store", "open"], Some((vec![4], 1))),
            (&["no", "such"], None),
            (&[], None),
        ] {
            assert_eq!(names(|names| names.at_module(segments)), expected, "{segments:?}");
        }
    }
}
