use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{CallProbe, Outcome, Probe, Targets, Threads, system_calls};
use crate::sandbox::{Confinement, Role};

/// One above the highest address family of Linux 6.x (`AF_MCTP`, 45).
const FAMILY_END: i32 = 46;
const TYPES: [(i32, &str); 3] = [
    (libc::SOCK_STREAM, "SOCK_STREAM"),
    (libc::SOCK_DGRAM, "SOCK_DGRAM"),
    (libc::SOCK_RAW, "SOCK_RAW"),
];

pub(super) fn probe(confinement: &Confinement, targets: &Targets) -> Probe {
    let mut calls = sockets(confinement.role());
    calls.extend(system_calls::attempts(confinement));
    calls.extend(files(confinement, targets));
    let own = status_of(Path::new("/proc/self/status"));
    Probe {
        calls,
        seccomp_mode: own.seccomp_mode,
        no_new_privs: own.no_new_privs,
        threads: threads(),
    }
}

/// Tries every family. Only a driver of graphics cards needs one, and builds talk to what they start by connected pairs.
fn sockets(role: Role) -> Vec<CallProbe> {
    let has_drivers = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm"));
    let permitted = |family| family == libc::AF_UNIX && has_drivers && role == Role::Brain;
    let pair_permitted = |family| permitted(family) || (family == libc::AF_UNIX && role == Role::Checker);
    let mut calls = Vec::new();
    for family in 0..FAMILY_END {
        for (kind, kind_name) in TYPES {
            calls.push(CallProbe {
                call: "socket".into(),
                argument: format!("{} {kind_name}", family_name(family)),
                permitted: permitted(family),
                outcome: socket(i64::from(family), kind),
            });
        }
        calls.push(CallProbe {
            call: "socketpair".into(),
            argument: format!("{} SOCK_STREAM", family_name(family)),
            permitted: pair_permitted(family),
            outcome: socket_pair(family),
        });
    }
    // The kernel looks at the lower half of the register only; so must the filter.
    calls.push(CallProbe {
        call: "socket".into(),
        argument: "AF_INET+2^32 SOCK_STREAM".to_owned(),
        permitted: false,
        outcome: socket((1 << 32) | i64::from(libc::AF_INET), libc::SOCK_STREAM),
    });
    calls
}

/// Tries the files and folders.
fn files(confinement: &Confinement, targets: &Targets) -> Vec<CallProbe> {
    let mut calls = Vec::new();
    for path in &targets.reads {
        calls.push(CallProbe {
            call: "open".into(),
            argument: format!("for reading {}", path.display()),
            permitted: confinement.may_read(path),
            outcome: Outcome::of(fs::File::open(path).err()),
        });
    }
    for path in &targets.writes {
        let permitted = confinement.may_write(path);
        calls.push(if path.is_dir() {
            CallProbe {
                call: "mkdir".into(),
                argument: format!("in {}", path.display()),
                permitted,
                outcome: make_folder(path),
            }
        } else {
            let opened = fs::OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_NONBLOCK)
                .open(path);
            CallProbe {
                call: "open".into(),
                argument: format!("for writing {}", path.display()),
                permitted,
                outcome: Outcome::of(opened.err()),
            }
        });
    }
    calls
}

fn make_folder(above: &Path) -> Outcome {
    let folder = above.join(format!(".skiff-probe-{}", std::process::id()));
    let made = fs::create_dir(&folder);
    if made.is_ok() {
        // It is empty and was made here; what keeps it from going shows in the next run.
        let _ = fs::remove_dir(&folder);
    }
    Outcome::of(made.err())
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
    let name = usize::try_from(family).ok().and_then(|family| FAMILIES.get(family));
    name.map_or_else(|| format!("family {family}"), |name| format!("AF_{name}"))
}

/// The address families by number, as `include/linux/socket.h` of the kernel names them.
const FAMILIES: [&str; FAMILY_END as usize] = [
    "UNSPEC",
    "UNIX",
    "INET",
    "AX25",
    "IPX",
    "APPLETALK",
    "NETROM",
    "BRIDGE",
    "ATMPVC",
    "X25",
    "INET6",
    "ROSE",
    "DECnet",
    "NETBEUI",
    "SECURITY",
    "KEY",
    "NETLINK",
    "PACKET",
    "ASH",
    "ECONET",
    "ATMSVC",
    "RDS",
    "SNA",
    "IRDA",
    "PPPOX",
    "WANPIPE",
    "LLC",
    "IB",
    "MPLS",
    "CAN",
    "TIPC",
    "BLUETOOTH",
    "IUCV",
    "RXRPC",
    "ISDN",
    "PHONET",
    "IEEE802154",
    "CAIF",
    "ALG",
    "NFC",
    "VSOCK",
    "KCM",
    "QIPCRTR",
    "SMC",
    "XDP",
    "MCTP",
];
