//! What is tried to show that the roles hold, and how it is reported.

use std::env;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::directories::Directories;
use crate::repo::Surroundings;
use crate::sandbox::{CallProbe, Confinement, Level, Outcome, Probe, Role, SandboxError, Targets, Trial, TrialError};

/// A role that was tried in a process of its own.
#[derive(Debug)]
pub(crate) struct Tried {
    role: Role,
    came_to: Result<Trial, TrialError>,
}

impl Tried {
    /// Tries a role. Comes before the first thread.
    pub(crate) fn run(
        role: Role,
        enter: &dyn Fn() -> Result<Confinement, SandboxError>,
        targets: &dyn Fn() -> Targets,
    ) -> Self {
        Self {
            role,
            came_to: Trial::run(enter, targets),
        }
    }

    /// Tells whether everything that the role must not do was refused.
    pub(crate) fn holds(&self) -> bool {
        self.came_to.as_ref().is_ok_and(|trial| trial.probe.holds())
    }
}

/// Returns what is tried to be read and written: places outside that a user has, and, to tell a wall from a locked room,
/// some that are open.
pub(crate) fn targets(directories: &Directories) -> Targets {
    let home = &directories.home;
    let repository = env::current_dir().ok().and_then(|dir| Surroundings::find(&dir));
    let work_dir = repository
        .as_ref()
        .and_then(|found| found.work_dir().map(Path::to_owned));
    let parent = format!("/proc/{}/environ", std::os::unix::process::parent_id());
    let mut reads = vec![
        PathBuf::from("/"),
        PathBuf::from("/tmp"),
        PathBuf::from("/var"),
        parent.into(),
        home.clone(),
    ];
    reads.extend([".bashrc", ".profile", ".bash_history", ".ssh"].map(|name| home.join(name)));
    reads.extend(work_dir.iter().filter_map(|dir| dir.parent()).map(Path::to_owned));
    reads.extend(work_dir.clone());
    let mut writes = vec![
        PathBuf::from("/tmp"),
        PathBuf::from("/var/tmp"),
        PathBuf::from("/etc/passwd"),
    ];
    writes.extend([home.clone(), home.join(".bashrc"), directories.state.join("worktrees")]);
    writes.extend([directories.models.clone(), directories.cache.clone()]);
    writes.extend(work_dir.iter().flat_map(|dir| [dir.clone(), dir.join(".git/HEAD")]));
    let known = |paths: Vec<PathBuf>| {
        let mut paths: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        paths.sort();
        paths.dedup();
        paths
    };
    Targets {
        reads: known(reads),
        writes: known(writes),
    }
}

/// How a role was confined, and every attempt to do what it must not.
#[derive(Debug, Serialize)]
pub(crate) struct ConfinementView {
    pub(crate) kind: &'static str,
    pub(crate) level: String,
    pub(crate) landlock_abi: Option<u32>,
    pub(crate) role: &'static str,
    pub(crate) entry_ms: f64,
    pub(crate) holds: bool,
    /// Why the role could not be tried.
    pub(crate) error: Option<String>,
    pub(crate) seccomp_mode: Option<u8>,
    pub(crate) no_new_privs: Option<bool>,
    pub(crate) threads: usize,
    pub(crate) threads_filtered: usize,
    pub(crate) forbidden: usize,
    pub(crate) refused: usize,
    pub(crate) calls: Vec<CallView>,
}

/// One attempt.
#[derive(Debug, Serialize)]
pub(crate) struct CallView {
    pub(crate) call: String,
    pub(crate) argument: String,
    pub(crate) permitted: bool,
    pub(crate) outcome: &'static str,
    pub(crate) errno: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) answer: String,
}

impl ConfinementView {
    /// Returns the view of a process and of what it tried itself.
    pub(crate) fn of(role: Role, level: Level, entry_ms: f64, probe: &Probe) -> Self {
        let calls: Vec<CallView> = probe.calls.iter().map(CallView::of).collect();
        let forbidden = probe.calls.iter().filter(|call| !call.permitted);
        Self {
            kind: level.as_str(),
            level: level.to_string(),
            landlock_abi: level.landlock_abi(),
            role: role.as_str(),
            entry_ms,
            holds: probe.holds(),
            error: None,
            seccomp_mode: probe.seccomp_mode,
            no_new_privs: probe.no_new_privs,
            threads: probe.threads.total,
            threads_filtered: probe.threads.filtered,
            forbidden: forbidden.clone().count(),
            refused: forbidden.filter(|call| call.outcome.is_refusal()).count(),
            calls,
        }
    }

    /// Returns the view of a role that was tried in a process of its own.
    pub(crate) fn of_tried(tried: &Tried) -> Self {
        match &tried.came_to {
            Ok(trial) => Self::of(trial.role, trial.level, trial.entry_ms, &trial.probe),
            Err(error) => Self {
                error: Some(error.to_string()),
                ..Self::of(tried.role, Level::None, 0.0, &Probe::default())
            },
        }
    }

    /// Returns what was not refused although it must be.
    pub(crate) fn leaks(&self) -> impl Iterator<Item = &CallView> {
        let refused = |call: &&CallView| matches!(call.outcome, "denied" | "killed");
        self.calls.iter().filter(move |call| !call.permitted && !refused(call))
    }
}

impl CallView {
    fn of(probe: &CallProbe) -> Self {
        let (outcome, errno, signal) = match probe.outcome {
            Outcome::Allowed => ("allowed", None, None),
            Outcome::Denied(number) => ("denied", Some(number), None),
            Outcome::Killed(number) => ("killed", None, Some(number)),
            Outcome::Failed(number) => ("failed", Some(number), None),
        };
        let answer = match (errno, signal) {
            (Some(number), _) => std::io::Error::from_raw_os_error(number).to_string(),
            (None, Some(number)) => format!("process ended by signal {number}"),
            (None, None) => "carried out".to_owned(),
        };
        Self {
            call: probe.call.to_string(),
            argument: probe.argument.clone(),
            permitted: probe.permitted,
            outcome,
            errno,
            signal,
            answer,
        }
    }
}
