use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{CallProbe, Outcome, Probe, Targets, Threads};
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
    calls.extend(system_calls());
    calls.extend(files(confinement, targets));
    let own = status_of(Path::new("/proc/self/status"));
    Probe {
        calls,
        seccomp_mode: own.seccomp_mode,
        no_new_privs: own.no_new_privs,
        threads: threads(),
    }
}

/// Tries every family. Only a driver of graphics cards needs any.
fn sockets(role: Role) -> Vec<CallProbe> {
    let has_drivers = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm"));
    let permitted = |family| family == libc::AF_UNIX && has_drivers && role == Role::Brain;
    let mut calls = Vec::new();
    for family in 0..FAMILY_END {
        for (kind, kind_name) in TYPES {
            calls.push(CallProbe {
                call: "socket",
                argument: format!("{} {kind_name}", family_name(family)),
                permitted: permitted(family),
                outcome: socket(i64::from(family), kind),
            });
        }
        calls.push(CallProbe {
            call: "socketpair",
            argument: format!("{} SOCK_STREAM", family_name(family)),
            permitted: permitted(family),
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
    calls
}

/// Tries calls with arguments that the kernel refuses for what they are: nothing happens where no filter stands before it.
fn system_calls() -> Vec<CallProbe> {
    let empty = c"".as_ptr() as i64;
    // A new user namespace that shares its file system information is no valid wish.
    let namespace = i64::from(libc::CLONE_NEWUSER | libc::CLONE_FS | libc::CLONE_THREAD);
    let no_flags = -1;
    let tried: &[(&'static str, &str, i64, [i64; 5])] = &[
        ("io_uring_setup", "", libc::SYS_io_uring_setup, [-1, 0, 0, 0, 0]),
        ("io_uring_enter", "", libc::SYS_io_uring_enter, [-1, 0, 0, 0, 0]),
        ("io_uring_register", "", libc::SYS_io_uring_register, [-1, 0, 0, 0, 0]),
        ("execve", "", libc::SYS_execve, [empty, 0, 0, 0, 0]),
        ("execveat", "", libc::SYS_execveat, [-1, empty, 0, 0, 0]),
        ("clone", "CLONE_NEWUSER", libc::SYS_clone, [namespace, 0, 0, 0, 0]),
        ("ptrace", "PTRACE_ATTACH", libc::SYS_ptrace, [16, 0, 0, 0, 0]),
        ("process_vm_readv", "", libc::SYS_process_vm_readv, [0, 0, 0, 0, 0]),
        ("process_vm_writev", "", libc::SYS_process_vm_writev, [0, 0, 0, 0, 0]),
        ("pidfd_getfd", "", libc::SYS_pidfd_getfd, [-1, -1, 0, 0, 0]),
        ("kill", "process 1, no signal", libc::SYS_kill, [1, 0, 0, 0, 0]),
        ("keyctl", "", libc::SYS_keyctl, [-1, 0, 0, 0, 0]),
        ("bpf", "", libc::SYS_bpf, [-1, 0, 0, 0, 0]),
        ("userfaultfd", "", libc::SYS_userfaultfd, [no_flags, 0, 0, 0, 0]),
        ("perf_event_open", "", libc::SYS_perf_event_open, [0, 0, 0, -1, 0]),
        ("mount", "", libc::SYS_mount, [0, 0, 0, 0, 0]),
        ("fsopen", "", libc::SYS_fsopen, [0, no_flags, 0, 0, 0]),
        ("unshare", "", libc::SYS_unshare, [0x1, 0, 0, 0, 0]),
        ("setns", "", libc::SYS_setns, [-1, 0, 0, 0, 0]),
        ("kexec_load", "", libc::SYS_kexec_load, [0, 0, 0, no_flags, 0]),
        ("open_by_handle_at", "", libc::SYS_open_by_handle_at, [-1, 0, 0, 0, 0]),
        ("ioctl", "TIOCSTI", libc::SYS_ioctl, [-1, libc::TIOCSTI as i64, 0, 0, 0]),
        ("fchmod", "", libc::SYS_fchmod, [-1, 0, 0, 0, 0]),
        ("fchown", "", libc::SYS_fchown, [-1, 0, 0, 0, 0]),
    ];
    let mut calls: Vec<CallProbe> = tried
        .iter()
        .map(|(call, argument, number, arguments)| CallProbe {
            call,
            argument: (*argument).to_owned(),
            permitted: false,
            outcome: system_call(*number, arguments),
        })
        .collect();
    if !cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm")) {
        calls.push(CallProbe {
            call: "connect",
            argument: String::new(),
            permitted: false,
            outcome: system_call(libc::SYS_connect, &[-1, 0, 0, 0, 0]),
        });
    }
    calls
}

/// Tries the files and folders.
fn files(confinement: &Confinement, targets: &Targets) -> Vec<CallProbe> {
    let mut calls = Vec::new();
    for path in &targets.reads {
        calls.push(CallProbe {
            call: "open",
            argument: format!("for reading {}", path.display()),
            permitted: confinement.may_read(path),
            outcome: Outcome::of(fs::File::open(path).err()),
        });
    }
    for path in &targets.writes {
        let permitted = confinement.may_write(path);
        calls.push(if path.is_dir() {
            CallProbe {
                call: "mkdir",
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
                call: "open",
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

/// Makes a call whose result is no descriptor of ours.
fn system_call(number: i64, arguments: &[i64; 5]) -> Outcome {
    let [a, b, c, d, e] = *arguments;
    // SAFETY: the arguments are integers, null pointers and one empty string: the kernel writes nothing.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, 0_i64) };
    Outcome::of((result < 0).then(io::Error::last_os_error))
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
