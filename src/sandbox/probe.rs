use std::io;

/// What came of really trying what a confined process must not be able to do.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threads {
    pub total: usize,
    pub filtered: usize,
}

/// One call that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallProbe {
    /// The name of the system call.
    pub call: &'static str,
    /// What was asked of it, for example `AF_INET SOCK_STREAM`; empty where there is nothing to choose.
    pub argument: String,
    /// Whether a confined process may do it.
    pub permitted: bool,
    /// What the kernel said.
    pub outcome: Outcome,
}

/// What the kernel said to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Allowed,
    /// It was refused with `EACCES` or `EPERM`.
    Denied,
    /// It failed for another reason, given as the error number: the kernel lacks it, or the argument makes no sense.
    /// It reached the kernel all the same.
    Failed(i32),
}

impl Probe {
    /// Returns the calls that a confined process must not be able to make and that were not denied.
    pub fn leaks(&self) -> impl Iterator<Item = &CallProbe> {
        self.calls
            .iter()
            .filter(|probe| !probe.permitted && probe.outcome != Outcome::Denied)
    }

    /// Tells whether every forbidden call was denied, on a process whose every thread is filtered.
    pub fn holds(&self) -> bool {
        !self.calls.is_empty() && self.leaks().next().is_none() && self.threads.filtered == self.threads.total
    }
}

impl Outcome {
    fn of(error: Option<io::Error>) -> Self {
        match error.map(|error| error.raw_os_error().unwrap_or(0)) {
            None => Self::Allowed,
            #[cfg(unix)]
            Some(libc::EACCES | libc::EPERM) => Self::Denied,
            Some(number) => Self::Failed(number),
        }
    }
}

/// Tries every socket family with three socket types, socket pairs and io_uring, and reads what the kernel says of
/// the process. Nothing is connected or sent; what opens is closed at once.
pub fn probe() -> Probe {
    #[cfg(target_os = "linux")]
    {
        linux::probe()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = Outcome::of;
        Probe {
            calls: Vec::new(),
            seccomp_mode: None,
            no_new_privs: None,
            threads: Threads::default(),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::path::Path;

    use super::{CallProbe, Outcome, Probe, Threads};

    /// One above the highest address family of Linux 6.x (`AF_MCTP`, 45).
    const FAMILY_END: i32 = 46;
    const TYPES: [(i32, &str); 3] = [
        (libc::SOCK_STREAM, "SOCK_STREAM"),
        (libc::SOCK_DGRAM, "SOCK_DGRAM"),
        (libc::SOCK_RAW, "SOCK_RAW"),
    ];

    pub(super) fn probe() -> Probe {
        let mut calls = Vec::new();
        for family in 0..FAMILY_END {
            for (kind, kind_name) in TYPES {
                calls.push(CallProbe {
                    call: "socket",
                    argument: format!("{} {kind_name}", family_name(family)),
                    permitted: family == libc::AF_UNIX,
                    outcome: socket(i64::from(family), kind),
                });
            }
            calls.push(CallProbe {
                call: "socketpair",
                argument: format!("{} SOCK_STREAM", family_name(family)),
                permitted: family == libc::AF_UNIX,
                outcome: socket_pair(family),
            });
        }
        // The kernel looks at the lower half of the register only; so must the filter.
        calls.push(CallProbe {
            call: "socket",
            argument: "AF_INET+2^32 SOCK_STREAM".to_owned(),
            permitted: false,
            outcome: socket((1 << 32) | i64::from(libc::AF_INET), libc::SOCK_STREAM),
        });
        for (number, call) in [
            (libc::SYS_io_uring_setup, "io_uring_setup"),
            (libc::SYS_io_uring_enter, "io_uring_enter"),
            (libc::SYS_io_uring_register, "io_uring_register"),
        ] {
            calls.push(CallProbe {
                call,
                argument: String::new(),
                permitted: false,
                outcome: io_uring(number),
            });
        }
        let own = status_of(Path::new("/proc/self/status"));
        Probe {
            calls,
            seccomp_mode: own.seccomp_mode,
            no_new_privs: own.no_new_privs,
            threads: threads(),
        }
    }

    fn socket(family: i64, kind: i32) -> Outcome {
        // SAFETY: socket(2) takes three integers and touches no memory of ours.
        let fd = unsafe { libc::syscall(libc::SYS_socket, family, i64::from(kind | libc::SOCK_CLOEXEC), 0_i64) };
        outcome(fd)
    }

    fn socket_pair(family: i32) -> Outcome {
        let mut pair = [-1_i32; 2];
        // SAFETY: socketpair(2) writes two descriptors to the array it is given.
        let result = unsafe { libc::socketpair(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, pair.as_mut_ptr()) };
        if result < 0 {
            return Outcome::of(Some(io::Error::last_os_error()));
        }
        for fd in pair {
            // SAFETY: both descriptors were just opened here and nothing else knows them.
            unsafe { libc::close(fd) };
        }
        Outcome::Allowed
    }

    /// Calls one of the io_uring calls with arguments that the kernel refuses after it has looked at its own switch
    /// (`kernel.io_uring_disabled`): no entries, no parameters, no descriptor.
    fn io_uring(number: i64) -> Outcome {
        // SAFETY: null pointers and zero lengths: the kernel writes nothing.
        let fd = unsafe { libc::syscall(number, -1_i64, 0_i64, 0_i64, 0_i64, 0_i64, 0_i64) };
        outcome(fd)
    }

    fn outcome(fd: i64) -> Outcome {
        if fd < 0 {
            return Outcome::of(Some(io::Error::last_os_error()));
        }
        // SAFETY: the descriptor was just opened by the caller and nothing else knows it.
        unsafe { libc::close(fd as i32) };
        Outcome::Allowed
    }

    #[derive(Default)]
    struct Status {
        seccomp_mode: Option<u8>,
        no_new_privs: Option<bool>,
    }

    /// Reads the `Seccomp` and `NoNewPrivs` lines of proc_pid_status(5).
    fn status_of(file: &Path) -> Status {
        let text = fs::read_to_string(file).unwrap_or_default();
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse::<u8>().ok())
        };
        Status {
            seccomp_mode: field("Seccomp"),
            no_new_privs: field("NoNewPrivs").map(|value| value == 1),
        }
    }

    fn threads() -> Threads {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        tasks.fold(Threads::default(), |count, task| Threads {
            total: count.total + 1,
            filtered: count.filtered + usize::from(status_of(&task.path().join("status")).seccomp_mode == Some(2)),
        })
    }

    fn family_name(family: i32) -> String {
        match family {
            libc::AF_UNIX => "AF_UNIX".to_owned(),
            libc::AF_INET => "AF_INET".to_owned(),
            libc::AF_INET6 => "AF_INET6".to_owned(),
            libc::AF_NETLINK => "AF_NETLINK".to_owned(),
            libc::AF_PACKET => "AF_PACKET".to_owned(),
            libc::AF_VSOCK => "AF_VSOCK".to_owned(),
            libc::AF_BLUETOOTH => "AF_BLUETOOTH".to_owned(),
            libc::AF_ALG => "AF_ALG".to_owned(),
            _ => format!("family {family}"),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_unconfined_process_is_reported_as_such() {
        // Unit tests never enter the confinement: it would hold for all of them.
        let probe = probe();
        assert!(!probe.holds());
        assert!(probe.leaks().any(|leak| leak.argument == "AF_INET SOCK_STREAM"));
        let unix = probe.calls.iter().find(|call| call.argument == "AF_UNIX SOCK_STREAM");
        assert_eq!(unix.map(|call| call.outcome), Some(Outcome::Allowed));
        assert!(probe.threads.total >= 1);
    }
}
