use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a process of skiff is for. It gives up everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Runs the index and the model: reads the repository, writes state and cache, starts nothing.
    Brain,
    /// Writes the work tree: never loads a model, starts nothing.
    Hand,
    /// Runs the check commands that the user gave: writes only below its scratch folder.
    Checker,
}

/// How far a process is confined; a later one includes those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// Not at all: this operating system or processor has no confinement in this build.
    None,
    /// System calls: no sockets, no programs, no way into other processes.
    Seccomp,
    /// Files too, by Landlock of this ABI version.
    Landlock(u32),
}

/// What confines this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    role: Role,
    level: Level,
    reads: Option<Vec<PathBuf>>,
    writes: Vec<PathBuf>,
}

impl Role {
    /// Returns the name used in reports: `brain`, `hand` or `checker`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Brain => "brain",
            Self::Hand => "hand",
            Self::Checker => "checker",
        }
    }
}

impl Level {
    /// Returns the name used in reports and in a policy: `none`, `seccomp` or `landlock`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Seccomp => "seccomp",
            Self::Landlock(_) => "landlock",
        }
    }

    /// Returns the ABI version of Landlock; none where it is not in force.
    pub fn landlock_abi(self) -> Option<u32> {
        match self {
            Self::Landlock(abi) => Some(abi),
            Self::None | Self::Seccomp => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Seccomp => f.write_str("seccomp"),
            Self::Landlock(abi) => write!(f, "seccomp + landlock ABI {abi}"),
        }
    }
}

impl Confinement {
    /// Gives up, for good and for everything that this process starts, what `role` does not need. The files and folders
    /// `writes` can still be changed; everything can still be read, until [`Confinement::limit_reads`].
    ///
    /// On Linux (x86-64 and AArch64): `no_new_privs`, then Landlock where the kernel has it, then a seccomp filter, which
    /// is mandatory. Elsewhere nothing happens and the level says so. Landlock holds for one thread and those that it
    /// starts, so this comes before the first thread.
    ///
    /// # Errors
    /// [`SandboxError`] when there are threads already, a rule cannot be built, or the kernel does not take it.
    pub fn enter(role: Role, writes: &[PathBuf]) -> Result<Self, SandboxError> {
        Ok(Self {
            role,
            level: enter(role, writes)?,
            reads: None,
            writes: writes.iter().filter_map(|path| path.canonicalize().ok()).collect(),
        })
    }

    /// Returns what holds for a process that gave nothing up.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self {
            role: Role::Brain,
            level: Level::None,
            reads: None,
            writes: Vec::new(),
        }
    }

    /// Gives up reading what is not beneath `reads`, [`system_folders`] or what may be written. Nothing where Landlock is
    /// not in force.
    ///
    /// # Errors
    /// As [`Confinement::enter`].
    pub fn limit_reads(&mut self, reads: &[PathBuf]) -> Result<(), SandboxError> {
        if !matches!(self.level, Level::Landlock(_)) {
            return Ok(());
        }
        let mut all = system_folders();
        all.extend(process_files(self.role));
        all.extend(reads.iter().filter_map(|path| path.canonicalize().ok()));
        all.extend(self.writes.iter().cloned());
        all.sort();
        all.dedup();
        limit_reads(&all)?;
        self.reads = Some(all);
        Ok(())
    }

    /// Returns the role that the process has.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Returns how far the process is confined.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Tells whether the process may read a file or folder, by an absolute path without links.
    pub fn may_read(&self, path: &Path) -> bool {
        match &self.reads {
            Some(reads) => beneath(path, reads),
            None => true,
        }
    }

    /// Tells whether the process may change a file or folder, by an absolute path without links.
    pub fn may_write(&self, path: &Path) -> bool {
        match self.level {
            Level::Landlock(_) => beneath(path, &self.writes),
            Level::None | Level::Seccomp => true,
        }
    }

    /// Returns what may be changed; everything where the level does not reach files.
    pub fn writes(&self) -> &[PathBuf] {
        &self.writes
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::None => {
                f.write_str("not confined: this build has no confinement for this operating system and processor")
            }
            Level::Seccomp => write!(
                f,
                "{} ({}): no sockets, no programs; files are NOT confined: this kernel has no Landlock",
                self.level,
                self.role.as_str()
            ),
            Level::Landlock(_) => write!(
                f,
                "{} ({}): no sockets, no programs, files by list",
                self.level,
                self.role.as_str()
            ),
        }
    }
}

/// Returns the folders that programs and libraries read from on any machine, and the devices that harm nobody. A disk is
/// none of these, also where the user may read it.
pub fn system_folders() -> Vec<PathBuf> {
    const FOLDERS: [&str; 17] = [
        "/bin",
        "/dev/full",
        "/dev/null",
        "/dev/random",
        "/dev/urandom",
        "/dev/zero",
        "/etc",
        "/gnu",
        "/lib",
        "/lib32",
        "/lib64",
        "/nix",
        "/opt",
        "/run/opengl-driver",
        "/sbin",
        "/sys",
        "/usr",
    ];
    let folders = FOLDERS.iter().map(Path::new);
    folders.filter_map(|folder| folder.canonicalize().ok()).collect()
}

/// Returns what a role reads of `/proc`: of processes its own alone, as Landlock does not keep the environment of another
/// one closed.
fn process_files(role: Role) -> Vec<PathBuf> {
    const OF_THE_SYSTEM: [&str; 10] = [
        "/proc/cpuinfo",
        "/proc/devices",
        "/proc/driver",
        "/proc/filesystems",
        "/proc/meminfo",
        "/proc/modules",
        "/proc/self",
        "/proc/stat",
        "/proc/sys",
        "/proc/version",
    ];
    let files: &[&str] = match role {
        Role::Brain | Role::Hand => &OF_THE_SYSTEM,
        // It counts what its commands use, and they look at themselves.
        Role::Checker => &["/proc"],
    };
    let files = files.iter().map(Path::new);
    files.filter_map(|file| file.canonicalize().ok()).collect()
}

fn beneath(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn enter(role: Role, writes: &[PathBuf]) -> Result<Level, SandboxError> {
    use super::{ruleset, seccomp};

    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(SandboxError::Threads(threads));
    }
    seccomp::give_up_privileges()?;
    let abi = ruleset::abi();
    if abi.is_some() {
        ruleset::limit_writes(role, writes)?.enforce()?;
    }
    seccomp::install(role)?;
    Ok(abi.map_or(Level::Seccomp, Level::Landlock))
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn limit_reads(folders: &[PathBuf]) -> Result<(), SandboxError> {
    use super::ruleset;

    // A rule is for the folder as the kernel has it in memory. Open, it stays there.
    std::mem::forget(std::fs::File::open("/proc/self"));
    let mut folders = folders.to_vec();
    folders.extend(ruleset::drivers());
    ruleset::limit_reads(&folders)?.enforce()
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn enter(_: Role, _: &[PathBuf]) -> Result<Level, SandboxError> {
    Ok(Level::None)
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn limit_reads(_: &[PathBuf]) -> Result<(), SandboxError> {
    Ok(())
}

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Landlock would hold for one thread only.
    #[error("the process has {0} threads before it is confined")]
    Threads(usize),
    /// The filter program does not compile.
    #[error("the seccomp filter cannot be built")]
    Build(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The kernel did not take the filter on every thread.
    #[error("the kernel did not take the seccomp filter")]
    Install(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The kernel has Landlock and did not take the rules.
    #[error("the kernel did not take the Landlock rules")]
    Files(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the parent process left open cannot be closed.
    #[error("cannot close inherited descriptors")]
    Descriptors(#[source] std::io::Error),
}
