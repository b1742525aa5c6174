use std::fmt;

/// What confines this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// A seccomp filter on every thread: no socket family but `AF_UNIX`, no io_uring, one system call ABI.
    Seccomp,
    /// Nothing: this operating system or processor has no confinement in this build.
    None,
}

impl Confinement {
    /// Gives up networking, for all threads of the process and for everything it starts, and for good.
    ///
    /// On Linux (x86-64 and AArch64) `no_new_privs` is set and a seccomp filter installed. Elsewhere nothing happens
    /// and [`Confinement::None`] says so.
    ///
    /// # Errors
    /// [`SandboxError`] when the filter cannot be built, or the kernel does not take it.
    pub fn enter() -> Result<Self, SandboxError> {
        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            super::seccomp::install()?;
            Ok(Self::Seccomp)
        }
        #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
        {
            Ok(Self::None)
        }
    }

    /// Returns the name used in reports: `seccomp` or `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seccomp => "seccomp",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seccomp => "confined by seccomp: no socket family but AF_UNIX, no io_uring",
            Self::None => "not confined: this build has no confinement for this operating system and processor",
        })
    }
}

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The filter program does not compile.
    #[error("the seccomp filter cannot be built")]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The kernel did not take the filter on every thread.
    #[error("the kernel did not take the seccomp filter")]
    Install(#[source] Box<dyn std::error::Error + Send + Sync>),
}
