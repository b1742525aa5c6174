//! Which kinds of project a work tree is. Its files are looked at and none is obeyed: the answer is a list of profiles.

use std::str;

use super::CheckProfile;
use crate::repo::Snapshot;
use crate::text::RepoPath;

/// Longer files of this kind are not written by hand.
const MOST_BYTES: u64 = 1 << 20;
/// So many files of tests are looked at for what runs them.
const MOST_TEST_FILES: usize = 64;
/// What `npm init` writes where there are no tests.
const NO_NPM_TEST: &str = "no test specified";

impl CheckProfile {
    /// Returns the profiles that fit the files of a work tree, in the order of [`CheckProfile::ALL`]. A file that cannot be
    /// read, or is not what its name says, speaks for none.
    pub fn detect(snapshot: &Snapshot) -> Vec<Self> {
        let project = Project { snapshot };
        let python = project.python();
        let make = project.make();
        let fits = |profile: &Self| match profile {
            Self::Cargo => project.has("Cargo.toml"),
            Self::Go => project.has("go.mod"),
            Self::Npm => project.has_npm_test(),
            Self::Pytest | Self::Unittest => python == Some(*profile),
            Self::Make | Self::MakeCheck => make == Some(*profile),
            Self::Cmake => project.has_ctest(),
            Self::Maven => project.has("pom.xml"),
            Self::Gradle => ["build.gradle", "build.gradle.kts"]
                .iter()
                .any(|name| project.has(name)),
        };
        Self::ALL.into_iter().filter(fits).collect()
    }
}

struct Project<'a> {
    snapshot: &'a Snapshot,
}

impl Project<'_> {
    /// Tells whether there is a regular file of this name at the root.
    fn has(&self, name: &str) -> bool {
        let files = self.snapshot.files();
        files.binary_search_by(|file| file.path.as_str().cmp(name)).is_ok()
    }

    /// Returns the text of a file at the root.
    fn text(&self, name: &str) -> Option<String> {
        self.has(name)
            .then(|| RepoPath::new(name).ok())
            .flatten()
            .and_then(|path| self.read(&path))
    }

    fn read(&self, path: &RepoPath) -> Option<String> {
        String::from_utf8(self.snapshot.read_bytes(path, MOST_BYTES).ok()?).ok()
    }

    fn has_npm_test(&self) -> bool {
        let package = self.text("package.json").and_then(|text| {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
            parsed.ok()
        });
        let script = package.as_ref().and_then(|package| package["scripts"]["test"].as_str());
        script.is_some_and(|script| !script.trim().is_empty() && !script.contains(NO_NPM_TEST))
    }

    fn python(&self) -> Option<CheckProfile> {
        let is_configured = self.has("pytest.ini")
            || self.has_section("setup.cfg", "[tool:pytest]")
            || self.has_section("tox.ini", "[pytest]")
            || self.has_pytest_table();
        let named = |name: &str| self.snapshot.files().iter().any(|file| file.path.file_name() == name);
        if is_configured || named("conftest.py") {
            return Some(CheckProfile::Pytest);
        }
        let is_test = |path: &RepoPath| {
            let name = path.file_name();
            name.ends_with(".py") && name.starts_with("test") || name.ends_with("_test.py")
        };
        let files = self.snapshot.files().iter().map(|file| &file.path);
        let texts = files.filter(|path| is_test(path)).take(MOST_TEST_FILES);
        let mut found = None;
        for text in texts.filter_map(|path| self.read(path)) {
            match runner(&text) {
                // pytest runs the tests of unittest too, and not the other way round.
                Some(CheckProfile::Pytest) => return Some(CheckProfile::Pytest),
                other => found = found.or(other),
            }
        }
        found
    }

    fn has_section(&self, name: &str, section: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.lines().any(|line| line.trim_end() == section))
    }

    fn has_pytest_table(&self) -> bool {
        let parsed = self
            .text("pyproject.toml")
            .and_then(|text| text.parse::<toml::Table>().ok());
        let tool = parsed.as_ref().and_then(|table| table.get("tool")?.as_table());
        tool.is_some_and(|tool| tool.contains_key("pytest"))
    }

    fn make(&self) -> Option<CheckProfile> {
        // The order in which GNU make looks for them.
        let names = ["GNUmakefile", "makefile", "Makefile"];
        let text = names.iter().find_map(|name| self.text(name))?;
        match (has_target(&text, "test"), has_target(&text, "check")) {
            (true, _) => Some(CheckProfile::Make),
            (false, true) => Some(CheckProfile::MakeCheck),
            (false, false) => None,
        }
    }

    fn has_ctest(&self) -> bool {
        let Some(text) = self.text("CMakeLists.txt") else {
            return false;
        };
        text.lines().any(|line| {
            let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            let line = line.to_ascii_lowercase();
            line.starts_with("enable_testing(") || line.starts_with("include(ctest)")
        })
    }
}

/// Returns what the tests of a file in Python are written for.
fn runner(text: &str) -> Option<CheckProfile> {
    let starts = |prefixes: &[&str]| {
        text.lines()
            .any(|line| prefixes.iter().any(|prefix| line.starts_with(prefix)))
    };
    if starts(&["import pytest", "from pytest", "def test", "async def test"]) {
        return Some(CheckProfile::Pytest);
    }
    starts(&["import unittest", "from unittest"]).then_some(CheckProfile::Unittest)
}

/// Tells whether a makefile has a rule whose targets, written out, have `target` among them.
fn has_target(text: &str, target: &str) -> bool {
    let is_rule = |line: &str| {
        let Some((targets, rest)) = line.split_once(':') else {
            return false;
        };
        // `test := x` and `test ::= x` are variables.
        let is_variable = rest.trim_start_matches(':').starts_with('=');
        let is_plain = !targets.starts_with(['\t', '#', ' ', '.']);
        is_plain && !is_variable && targets.split_whitespace().any(|word| word == target)
    };
    text.lines().any(is_rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_from_recipes_and_variables() {
        for (text, expected) in [
            ("test:\n\tcargo test\n", true),
            ("all test : build\n", true),
            ("test:: a\n", true),
            ("tests:\n", false),
            ("test := x\n", false),
            ("test ::= x\n", false),
            ("\ttest: x\n", false),
            ("# test: x\n", false),
            (".PHONY: test\n", false),
            ("a: test\n", false),
            ("", false),
        ] {
            assert_eq!(has_target(text, "test"), expected, "{text:?}");
        }
    }

    #[test]
    fn who_runs_a_test_file_is_told() {
        assert_eq!(runner("import pytest\n"), Some(CheckProfile::Pytest));
        assert_eq!(runner("def test_a():\n    assert True\n"), Some(CheckProfile::Pytest));
        assert_eq!(
            runner("import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"),
            Some(CheckProfile::Unittest)
        );
        assert_eq!(runner("x = 1\n"), None);
    }
}
