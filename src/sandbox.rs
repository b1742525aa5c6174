//! What this process may do: it gives up networking before it reads a repository or a model, and can show it.
//!
//! Imports `progress` at most. Running check commands in a scratch work tree is not yet here.

mod confinement;
mod probe;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod seccomp;

pub use confinement::{Confinement, SandboxError};
pub use probe::{CallProbe, Outcome, Probe, Threads, probe};
