//! Check commands: what the user wants to be run on a candidate, in a work tree of its own and without any other right.

mod checker;
mod example;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod family;
mod profile;
mod project;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod run;
mod scratch;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use checker::{Checker, CheckerError, Requests};
pub use example::{Behaviour, EXAMPLES_COMMAND, Example, Examples};
pub use profile::{CheckProfile, UnknownProfile};
pub use scratch::Scratch;

use super::SandboxError;
use crate::repo::RepoError;

/// The variables that a check command has, whatever the user's environment holds, with where their values come from.
/// Variables that the user passes on by name come after these.
pub const ENVIRONMENT: [(&str, &str); 5] = [
    ("PATH", "the user's"),
    ("HOME", "an empty folder beside the scratch work tree"),
    ("TMPDIR", "another one"),
    ("LANG", "C.UTF-8"),
    ("TERM", "dumb"),
];

/// A command that the user gave, as `/bin/sh -c` understands it. Nothing that a model or a repository says becomes one.
#[derive(Clone, Debug)]
pub struct CheckCommand {
    /// The command line.
    pub line: String,
    /// What it may use.
    pub limits: CheckLimits,
    /// Variables that are passed on besides [`ENVIRONMENT`]. Where a value is the absolute path of a folder, the command
    /// may read and run what is in it.
    pub passed_on: Vec<(OsString, OsString)>,
}

/// What a check command may use. What goes beyond ends it, with every process that it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckLimits {
    /// From its start to its end.
    pub time: Duration,
    /// Resident memory of all its processes together, and writable memory of each.
    pub memory_bytes: u64,
    /// Processes at one time.
    pub processes: usize,
    /// What it writes to its output.
    pub output_bytes: u64,
    /// The length of any one file that it writes.
    pub file_bytes: u64,
}

impl Default for CheckLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(600),
            memory_bytes: 8 << 30,
            processes: 512,
            output_bytes: 64 << 20,
            file_bytes: 4 << 30,
        }
    }
}

/// What came of a check command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckOutcome {
    /// The command line.
    pub command: String,
    /// How it ended.
    pub end: CheckEnd,
    /// The last part of what it wrote to its output and error streams, as they came.
    pub output: String,
    /// From its start to its end.
    pub elapsed_ms: u64,
}

/// How a check command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckEnd {
    /// By itself, with this code; 0 is success.
    Exited(i32),
    /// By a signal that was not sent from here.
    Signal(i32),
    /// It took too long.
    TimeLimit,
    /// It took too much memory.
    MemoryLimit,
    /// It had too many processes.
    ProcessLimit,
    /// It wrote too much to its output.
    OutputLimit,
    /// It wrote a file that became too long.
    FileLimit,
    /// Nobody waits for it any more.
    Stopped,
}

impl CheckOutcome {
    /// Tells whether the command ended by itself with success.
    pub fn passed(&self) -> bool {
        self.end == CheckEnd::Exited(0)
    }
}

impl CheckEnd {
    /// Returns the code of a command that ended by itself.
    pub fn exit_code(self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(code),
            Self::Signal(_)
            | Self::TimeLimit
            | Self::MemoryLimit
            | Self::ProcessLimit
            | Self::OutputLimit
            | Self::FileLimit
            | Self::Stopped => None,
        }
    }
}

impl fmt::Display for CheckEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => write!(f, "ended by signal {number}"),
            Self::TimeLimit => f.write_str("it took too long"),
            Self::MemoryLimit => f.write_str("it took too much memory"),
            Self::ProcessLimit => f.write_str("it had too many processes"),
            Self::OutputLimit => f.write_str("it wrote too much to its output"),
            Self::FileLimit => f.write_str("it wrote a file that became too long"),
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}

impl CheckCommand {
    /// Runs the command in a scratch work tree to its end, or until `stopped` says that nobody waits for it.
    ///
    /// It can change the scratch folders alone, read those, the system's, the folders of `PATH` and of the variables that
    /// are passed on, and start programs from them. It has no network and no way to processes outside. When it ends, all
    /// that it started is ended.
    ///
    /// # Errors
    /// [`CheckError::Unconfined`] where this cannot be kept; [`CheckError::Io`] when the shell cannot be started.
    pub fn run(&self, scratch: &Scratch, stopped: &dyn Fn() -> bool) -> Result<CheckOutcome, CheckError> {
        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        return run::run(self, scratch, stopped);
        #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
        {
            let _ = (scratch, stopped);
            Err(CheckError::Unconfined)
        }
    }

    /// Returns what the command may read and run besides the scratch folders. A program in `PREFIX/bin` has its libraries
    /// beside it, in `PREFIX/lib` (Filesystem Hierarchy Standard 3.0, section 4.6): an interpreter is nothing without them.
    pub fn reads(&self) -> Vec<PathBuf> {
        const BESIDE_BIN: [&str; 3] = ["lib", "lib64", "libexec"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let named = self.passed_on.iter().map(|(_, value)| PathBuf::from(value));
        let is_bin = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "bin");
        let libraries = path
            .iter()
            .filter(is_bin)
            .flat_map(|path| BESIDE_BIN.map(|folder| path.with_file_name(folder)));
        let mut reads = super::system_folders();
        reads.push(PathBuf::from("/proc"));
        reads.extend(
            libraries
                .chain(path.iter().cloned())
                .chain(named)
                .filter(|path| path.is_absolute()),
        );
        reads.retain(|path| path.exists());
        reads
    }
}

/// Why a check command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It could change any file of the user.
    #[error("check commands need Landlock, which this system does not have")]
    Unconfined,
    /// The kernel did not take the rules.
    #[error("the check command cannot be confined")]
    Confinement(#[from] SandboxError),
    /// A file cannot be copied.
    #[error("cannot copy the work tree")]
    Repo(#[from] RepoError),
    /// The file system, or the start of the shell.
    #[error("cannot {action}")]
    Io {
        action: &'static str,
        #[source]
        source: io::Error,
    },
}

impl CheckError {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
