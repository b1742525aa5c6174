use std::fmt;
use std::str::FromStr;

/// A kind of project whose checks are known. What is run is written here; a repository only says which kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckProfile {
    /// `Cargo.toml`.
    Cargo,
    /// `go.mod`.
    Go,
    /// `package.json` with a script `test`.
    Npm,
    /// Tests in Python that pytest runs.
    Pytest,
    /// Tests in Python that need the standard library alone.
    Unittest,
    /// A makefile with a target `test`.
    Make,
    /// A makefile with a target `check` and none named `test`.
    MakeCheck,
    /// `CMakeLists.txt` that enables tests.
    Cmake,
    /// `pom.xml`.
    Maven,
    /// `build.gradle`, in Groovy or Kotlin.
    Gradle,
}

/// A row of the table.
struct Row {
    name: &'static str,
    project: &'static str,
    commands: &'static [&'static str],
    variables: &'static [&'static str],
}

impl CheckProfile {
    /// All of them, in the order in which they are named.
    pub const ALL: [Self; 10] = [
        Self::Cargo,
        Self::Go,
        Self::Npm,
        Self::Pytest,
        Self::Unittest,
        Self::Make,
        Self::MakeCheck,
        Self::Cmake,
        Self::Maven,
        Self::Gradle,
    ];

    /// Returns the name, as it is written behind `@`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns what it is about, in words that follow "this looks like".
    pub fn project(self) -> &'static str {
        self.row().project
    }

    /// Returns the commands as the shell understands them, the cheapest first.
    pub fn commands(self) -> &'static [&'static str] {
        self.row().commands
    }

    /// Returns the variables that name the folders of the toolchain where these lie in the user's home: a command sees
    /// them only where it is given the variable.
    pub fn variables(self) -> &'static [&'static str] {
        self.row().variables
    }

    fn row(self) -> Row {
        match self {
            Self::Cargo => Row {
                name: "cargo",
                project: "a Cargo project",
                commands: &[
                    "cargo check --offline --quiet --all-targets",
                    "cargo test --offline --quiet",
                ],
                variables: &["CARGO_HOME", "RUSTUP_HOME"],
            },
            Self::Go => Row {
                name: "go",
                project: "a Go module",
                commands: &["GOPROXY=off go vet ./...", "GOPROXY=off go test ./..."],
                // Not GOCACHE: it is written to, and lies in the scratch home where nothing names it.
                variables: &["GOPATH", "GOMODCACHE"],
            },
            Self::Npm => Row {
                name: "npm",
                project: "a Node.js package with tests",
                commands: &["npm --offline test"],
                variables: &[],
            },
            Self::Pytest => Row {
                name: "pytest",
                project: "a Python project with tests for pytest",
                commands: &["python3 -m compileall -q .", "python3 -m pytest -q"],
                variables: &["VIRTUAL_ENV"],
            },
            Self::Unittest => Row {
                name: "unittest",
                project: "a Python project with tests for unittest",
                commands: &["python3 -m compileall -q .", "python3 -m unittest"],
                variables: &["VIRTUAL_ENV"],
            },
            Self::Make => Row {
                name: "make",
                project: "a project with `make test`",
                commands: &["make test"],
                variables: &[],
            },
            Self::MakeCheck => Row {
                name: "make-check",
                project: "a project with `make check`",
                commands: &["make check"],
                variables: &[],
            },
            Self::Cmake => Row {
                name: "cmake",
                project: "a CMake project with tests",
                // Outside of the tree, where a folder `build` may be part of it.
                commands: &[
                    "cmake -S . -B \"$TMPDIR/build\" && cmake --build \"$TMPDIR/build\"",
                    "ctest --test-dir \"$TMPDIR/build\" --output-on-failure",
                ],
                variables: &[],
            },
            Self::Maven => Row {
                name: "maven",
                project: "a Maven project",
                // Java takes the home from the user's entry, not from HOME.
                commands: &[
                    "mvn -o -q -Dmaven.repo.local=\"${M2_REPO:-$HOME/.m2/repository}\" test-compile",
                    "mvn -o -q -Dmaven.repo.local=\"${M2_REPO:-$HOME/.m2/repository}\" test",
                ],
                variables: &["JAVA_HOME", "M2_REPO"],
            },
            Self::Gradle => Row {
                name: "gradle",
                project: "a Gradle project",
                commands: &["gradle --offline testClasses", "gradle --offline test"],
                variables: &["JAVA_HOME", "GRADLE_RO_DEP_CACHE"],
            },
        }
    }
}

impl fmt::Display for CheckProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.name())
    }
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no check profile is named {0:?}")]
pub struct UnknownProfile(pub String);

impl FromStr for CheckProfile {
    type Err = UnknownProfile;

    /// Parses a name, without the `@`.
    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let known = Self::ALL.into_iter().find(|profile| profile.name() == name);
        known.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_profile_has_a_name_of_its_own_and_commands() {
        let names: BTreeSet<&str> = CheckProfile::ALL.into_iter().map(CheckProfile::name).collect();
        assert_eq!(names.len(), CheckProfile::ALL.len());
        for profile in CheckProfile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
            assert!(!profile.commands().is_empty() && profile.commands().iter().all(|line| !line.is_empty()));
        }
        assert!("Cargo".parse::<CheckProfile>().is_err() && "auto".parse::<CheckProfile>().is_err());
    }
}
