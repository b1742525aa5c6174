//! A hermetic place to run the real binary in: its own home, its own repository, nothing of the machine's settings.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, says what it skips, and is no library"
)]
#![allow(dead_code, reason = "every test file uses its own part")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use skiff::agent::{Action, ModelStamp, Proposal, RegionReport};
use skiff::ledger::ProposalStore;
use skiff::model::{EngineStamp, Sampling, Usage};
use skiff::patch::Patch;
use skiff::repo::Repository;
use skiff::text::{RepoPath, SourceChange, TextEdit, TextRange};
use tempfile::TempDir;

/// 2024-01-02 03:04:05 UTC: the date of everything that a test makes.
pub const DATE_UNIX_S: u64 = 1_704_164_645;

/// What a scripted model says to be asked for a function `f` that returns 2.
pub const RETURNS_2: &str = "{\"reply\": \"```python\\ndef f():\\n    return 2\\n```\"}\n";

/// A home directory and a git repository with one commit.
pub struct Place {
    root: TempDir,
}

impl Place {
    /// Makes a repository that holds `files`.
    pub fn with(files: &[(&str, &str)]) -> Self {
        Self::at(tempfile::tempdir().unwrap(), files)
    }

    /// As [`Place::with`], in memory where there is such a directory: for thousands of runs that each sync what they write.
    pub fn in_memory(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::at(root.unwrap(), files)
    }

    fn at(root: TempDir, files: &[(&str, &str)]) -> Self {
        let place = Self { root };
        fs::create_dir_all(place.home()).unwrap();
        fs::create_dir_all(place.repo()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        for (path, text) in files {
            let file = place.repo().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        place.git(&["add", "--all"]);
        place.git(&["commit", "--quiet", "--allow-empty", "--message=first"]);
        place
    }

    /// Tells whether check commands can run here, and says so where they cannot.
    pub fn has_landlock(&self) -> bool {
        let has = self.skiff(&["doctor", "--json"]).json()["confinement"]["kind"] == "landlock";
        if !has {
            eprintln!("SKIPPED: this kernel has no Landlock");
        }
        has
    }

    /// The directory above the home and the repository.
    pub fn root(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// Reads a file of the repository.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap()
    }

    /// A command with a fixed, otherwise empty environment, started in the repository.
    pub fn command(&self, program: &str) -> Command {
        let home = self.home();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", &home)
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@localhost")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@localhost")
            .env("GIT_AUTHOR_DATE", format!("{DATE_UNIX_S} +0000"))
            .env("GIT_COMMITTER_DATE", format!("{DATE_UNIX_S} +0000"))
            .env("SOURCE_DATE_EPOCH", DATE_UNIX_S.to_string())
            .env("LANG", "C")
            .env("COLUMNS", "100")
            .current_dir(self.repo());
        command
    }

    /// Runs skiff in the repository.
    pub fn skiff(&self, args: &[&str]) -> Outcome {
        Outcome::of(self.command(env!("CARGO_BIN_EXE_skiff")).args(args))
    }

    /// Runs skiff in the repository with an input that is no terminal.
    pub fn skiff_told(&self, args: &[&str], input: impl AsRef<[u8]>) -> Outcome {
        let mut command = self.command(env!("CARGO_BIN_EXE_skiff"));
        command.args(args).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // What is not read to its end was refused before.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        Outcome::from(child.wait_with_output().unwrap())
    }

    /// Keeps what a model is to say, a line of JSON for an answer; returns the name of that model.
    pub fn scripted(&self, answers: &str) -> String {
        let script = self.root().join("script.jsonl");
        fs::write(&script, answers).unwrap();
        format!("scripted:{}", script.display())
    }

    /// Asks a scripted model for a function `f` that returns 2; nothing that a check says goes back to it.
    pub fn edit_f(&self, more: &[&str]) -> Outcome {
        let model = self.scripted(RETURNS_2);
        let request = [
            "edit",
            "-m",
            &model,
            "return 2 from f",
            "--symbol",
            "f",
            "--rounds",
            "0",
        ];
        self.skiff(&[&request[..], more].concat())
    }

    /// Writes the user's settings.
    pub fn configure(&self, settings: &str) {
        fs::create_dir_all(self.home().join("config/skiff")).unwrap();
        fs::write(self.home().join("config/skiff/config.toml"), settings).unwrap();
    }

    /// Runs git in the repository; it must succeed.
    pub fn git(&self, args: &[&str]) -> String {
        let outcome = Outcome::of(self.command("git").args(args));
        assert_eq!(outcome.code, 0, "git {args:?}: {}", outcome.stderr);
        outcome.stdout
    }

    /// Keeps a proposal that replaces `old` by `new` in a file, as `skiff edit` would; returns its number.
    pub fn propose(&self, path: &str, old: &str, new: &str) -> u64 {
        let start = self.read(path).find(old).unwrap();
        let mut change = SourceChange::default();
        let edit = TextEdit {
            range: TextRange::new(start, start + old.len()),
            replacement: new.to_owned(),
        };
        change.edit(RepoPath::new(path).unwrap(), edit).unwrap();
        let repository = Repository::discover(&self.repo()).unwrap();
        let proposal = Proposal {
            request: format!("replace {old} by {new}\nand nothing else"),
            model: ModelStamp {
                name: "test".to_owned(),
                sha256: "scripted".to_owned(),
            },
            engine: EngineStamp::Scripted,
            sampling: Sampling::default(),
            regions: vec![RegionReport {
                path: RepoPath::new(path).unwrap(),
                symbol: Some("f".to_owned()),
                action: Action::Rewrite,
                attempts: 1,
                gate_hits: Vec::new(),
                failure: None,
            }],
            candidates: Vec::new(),
            usage: Usage::default(),
            energy_mj: None,
            checks: Vec::new(),
            steps: Vec::new(),
            patch: Patch::build(&change, &repository.snapshot().unwrap()).unwrap(),
        };
        let state = self.home().join("state/skiff");
        let store = ProposalStore::open(&state, &repository.key()).unwrap();
        store.add(&proposal, DATE_UNIX_S).unwrap().to_string().parse().unwrap()
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Runs a command to its end.
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// The output as JSON; the command must have succeeded.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl From<Output> for Outcome {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        Self {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }
}

/// Counts the processes that have an argument.
pub fn running(argument: &str) -> usize {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes()))
        .count()
}

/// The root of this project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
