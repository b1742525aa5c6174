//! What this process may do: it gives up what its role does not need before it reads a repository or a model, and can
//! show it. Check commands run in a scratch work tree that is confined further.
//!
//! Imports `text`, `repo` and `progress` at most.

mod check;
mod confinement;
mod descriptors;
mod foreign_abi;
mod probe;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod ruleset;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod seccomp;
mod trial;

pub use check::{
    Behaviour, CheckCommand, CheckEnd, CheckError, CheckLimits, CheckOutcome, CheckProfile, Checker, CheckerError,
    ENVIRONMENT, EXAMPLES_COMMAND, Example, Examples, Requests, Scratch, UnknownProfile,
};
pub use confinement::{Confinement, Level, Role, SandboxError, system_folders};
pub use descriptors::close_inherited;
pub use foreign_abi::foreign_call;
pub use probe::{CallProbe, Outcome, Probe, Targets, Threads, probe};
pub use trial::{Trial, TrialError};
