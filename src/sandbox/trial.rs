//! A role is tried in a process that is forked for it: it enters the role as any process of skiff does, tries what it must
//! not be able to do, and says what the kernel answered.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Confinement, Level, Probe, Role, SandboxError, Targets, close_inherited, foreign_call, probe};

/// More than any answer.
const MOST_BYTES: u64 = 1 << 26;

/// What came of trying a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The role.
    pub role: Role,
    /// How far its process was confined.
    pub level: Level,
    /// How long it took to enter the role, in milliseconds.
    pub entry_ms: f64,
    /// What was tried, and what the kernel answered.
    pub probe: Probe,
}

/// Why a role could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// There is no room for another process, or it is gone.
    #[error("the process that tries a role does not answer")]
    Gone(#[source] io::Error),
    /// It could not enter the role.
    #[error("the process that tries a role could not enter it: {0}")]
    Refused(String),
}

impl Trial {
    /// Forks a process that enters a role by `enter` and tries it on what `targets` names then. On x86-64 another one makes a
    /// call of the 32-bit ABI, which ends it. Comes before the first thread.
    ///
    /// # Errors
    /// [`TrialError`] when a process cannot be started or does not enter the role.
    pub fn run(
        enter: &dyn Fn() -> Result<Confinement, SandboxError>,
        targets: &dyn Fn() -> Targets,
    ) -> Result<Self, TrialError> {
        let foreign = foreign_call(enter).map_err(TrialError::Gone)?;
        let (reader, writer) = io::pipe().map_err(TrialError::Gone)?;
        // SAFETY: the process has one thread, so that the child is as whole as its parent.
        let process = match unsafe { libc::fork() } {
            -1 => return Err(TrialError::Gone(io::Error::last_os_error())),
            0 => {
                drop(reader);
                let sent = answer(OwnedFd::from(writer).into(), enter, targets);
                // SAFETY: ends this process without what its parent will do at its end.
                unsafe { libc::_exit(i32::from(sent.is_err())) }
            }
            process => process,
        };
        drop(writer);
        let mut text = Vec::new();
        let read = File::from(OwnedFd::from(reader))
            .take(MOST_BYTES)
            .read_to_end(&mut text);
        // SAFETY: waitpid(2) for a child that nobody else waits for.
        unsafe { libc::waitpid(process, std::ptr::null_mut(), 0) };
        read.map_err(TrialError::Gone)?;
        let answer: Result<Self, String> =
            serde_json::from_slice(&text).map_err(|error| TrialError::Gone(error.into()))?;
        let mut trial = answer.map_err(TrialError::Refused)?;
        trial.probe.calls.extend(foreign);
        Ok(trial)
    }
}

fn answer(
    mut pipe: File,
    enter: &dyn Fn() -> Result<Confinement, SandboxError>,
    targets: &dyn Fn() -> Targets,
) -> io::Result<()> {
    close_inherited(&[pipe.as_raw_fd()])?;
    let started = Instant::now();
    let entered = enter().map_err(|error| error.to_string());
    let entry_ms = started.elapsed().as_secs_f64() * 1000.0;
    let trial = entered.map(|confinement| Trial {
        role: confinement.role(),
        level: confinement.level(),
        entry_ms,
        probe: probe(&confinement, &targets()),
    });
    pipe.write_all(&serde_json::to_vec(&trial)?)
}
