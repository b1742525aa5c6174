use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Confinement;

/// What came of really trying what a confined process must not be able to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// One entry per call that was tried; empty where this system has none of these calls.
    pub calls: Vec<CallProbe>,
    /// The kernel's seccomp mode of the process: 0 none, 1 strict, 2 filter; none where it does not say.
    pub seccomp_mode: Option<u8>,
    /// Whether the process can gain privileges by executing a file; none where the kernel does not say.
    pub no_new_privs: Option<bool>,
    /// The threads of the process, and how many of them have a filter.
    pub threads: Threads,
}

/// How many threads there are, and how many of them the kernel says are filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threads {
    pub total: usize,
    pub filtered: usize,
}

/// One call that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallProbe {
    /// The name of the system call.
    pub call: Cow<'static, str>,
    /// What was asked of it, for example `AF_INET SOCK_STREAM`; empty where there is nothing to choose.
    pub argument: String,
    /// Whether the role may do it.
    pub permitted: bool,
    /// What the kernel said.
    pub outcome: Outcome,
}

/// What the kernel said to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was carried out.
    Allowed,
    /// It was refused with this error number: `EACCES` or `EPERM`, or `ENOSYS` where the filter says that there is no such
    /// call.
    Denied(i32),
    /// The process was ended by this signal before the call was carried out.
    Killed(i32),
    /// It failed for another reason, given as the error number: the kernel lacks it, or the argument makes no sense.
    /// It reached the kernel all the same.
    Failed(i32),
}

impl Probe {
    /// Returns the calls that a confined process must not be able to make and that were not denied.
    pub fn leaks(&self) -> impl Iterator<Item = &CallProbe> {
        self.calls
            .iter()
            .filter(|probe| !probe.permitted && !probe.outcome.is_refusal())
    }

    /// Tells whether every forbidden call was denied, on a process whose every thread is filtered.
    pub fn holds(&self) -> bool {
        !self.calls.is_empty() && self.leaks().next().is_none() && self.threads.filtered == self.threads.total
    }
}

impl Outcome {
    /// Tells whether the call never reached what it asks for.
    pub fn is_refusal(self) -> bool {
        match self {
            Self::Denied(_) | Self::Killed(_) => true,
            Self::Allowed | Self::Failed(_) => false,
        }
    }

    fn of(error: Option<io::Error>) -> Self {
        match error.map(|error| error.raw_os_error().unwrap_or(0)) {
            None => Self::Allowed,
            #[cfg(unix)]
            Some(number @ (libc::EACCES | libc::EPERM)) => Self::Denied(number),
            Some(number) => Self::Failed(number),
        }
    }
}

/// Files and folders that are tried.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Opened for reading.
    pub reads: Vec<PathBuf>,
    /// Folders that a folder is made in, which goes again at once; files that are opened for writing and left as they are.
    pub writes: Vec<PathBuf>,
}

/// Tries what the role of this process must not be able to do: every socket family with three socket types, pairs, io_uring,
/// the start of programs and processes, the ways into other processes and the kernel, and the files of `targets`. Reads what
/// the kernel says of the process. Nothing is connected, sent or changed; what opens is closed at once.
pub fn probe(confinement: &Confinement, targets: &Targets) -> Probe {
    #[cfg(target_os = "linux")]
    {
        linux::probe(confinement, targets)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (Outcome::of, confinement, targets);
        Probe::default()
    }
}

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod system_calls;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_unconfined_process_is_reported_as_such() {
        // Unit tests never enter the confinement: it would hold for all of them.
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "text").unwrap();
        let folders = vec![place.path().to_owned(), file.clone()];
        let targets = Targets {
            reads: folders.clone(),
            writes: folders,
        };
        let probe = probe(&Confinement::none(), &targets);
        assert!(!probe.holds());
        let outcome = |call: &str, argument: &str| {
            let found = probe
                .calls
                .iter()
                .find(|c| c.call == call && c.argument.starts_with(argument));
            found.map(|call| call.outcome)
        };
        assert!(probe.leaks().any(|leak| leak.argument == "AF_INET SOCK_STREAM"));
        assert_eq!(outcome("socket", "AF_UNIX SOCK_STREAM"), Some(Outcome::Allowed));
        assert_eq!(outcome("execve", ""), Some(Outcome::Failed(libc::ENOENT)));
        assert_eq!(outcome("clone", "a process"), Some(Outcome::Allowed));
        assert!(probe.leaks().any(|leak| leak.call == "clone3"));
        assert_eq!(outcome("open", "for reading"), Some(Outcome::Allowed));
        assert_eq!(outcome("mkdir", "in"), Some(Outcome::Allowed));
        assert_eq!(outcome("open", "for writing"), Some(Outcome::Allowed));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "text");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(probe.threads.total >= 1);
    }
}
