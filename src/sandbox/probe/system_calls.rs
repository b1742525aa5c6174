//! Calls that start programs or reach into other processes and the kernel, with arguments that the kernel refuses for what
//! they are: nothing happens where no filter stands before it.

use std::io;

use super::{CallProbe, Outcome};
use crate::sandbox::{Confinement, Role};

const HAS_DRIVERS: bool = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm"));
/// From this version on Landlock keeps signals among the processes that it confines.
const ABI_WITH_SIGNALS: u32 = 6;

/// Who must not make a call.
#[derive(Clone, Copy)]
enum Forbidden {
    Everybody,
    /// The checker starts the user's commands and waits for them.
    BrainAndHand,
    /// The hand gives files the mode and the owner that they had.
    Brain,
}
use Forbidden::{Brain, BrainAndHand, Everybody};

/// Makes every call once.
pub(super) fn attempts(confinement: &Confinement) -> Vec<CallProbe> {
    let role = confinement.role();
    let mut calls: Vec<CallProbe> = table()
        .into_iter()
        .map(|(call, argument, number, arguments, forbidden)| CallProbe {
            call: call.into(),
            argument: argument.to_owned(),
            permitted: !forbidden.to(role),
            outcome: system_call(number, &arguments),
        })
        .collect();
    for (call, number) in [
        ("connect", libc::SYS_connect),
        ("bind", libc::SYS_bind),
        ("listen", libc::SYS_listen),
        ("accept4", libc::SYS_accept4),
    ] {
        calls.push(CallProbe {
            call: call.into(),
            argument: String::new(),
            permitted: HAS_DRIVERS && role == Role::Brain,
            outcome: system_call(number, &[-1, 0, 0, 0, 0]),
        });
    }
    let signals_end_here = confinement
        .level()
        .landlock_abi()
        .is_some_and(|abi| abi >= ABI_WITH_SIGNALS);
    calls.push(CallProbe {
        call: "kill".into(),
        argument: "process 1, no signal".to_owned(),
        permitted: role == Role::Checker && !signals_end_here,
        outcome: system_call(libc::SYS_kill, &[1, 0, 0, 0, 0]),
    });
    calls.push(CallProbe {
        call: "clone".into(),
        argument: "a process".to_owned(),
        permitted: role == Role::Checker,
        outcome: new_process(),
    });
    calls.push(CallProbe {
        call: "clone3".into(),
        argument: "no structure".to_owned(),
        permitted: false,
        outcome: missing(system_call(libc::SYS_clone3, &[0, 0, 0, 0, 0])),
    });
    #[cfg(target_arch = "x86_64")]
    calls.push(CallProbe {
        call: "getpid".into(),
        argument: "x32 ABI".to_owned(),
        permitted: false,
        outcome: missing(system_call(0x4000_0000 | libc::SYS_getpid, &[0, 0, 0, 0, 0])),
    });
    calls
}

impl Forbidden {
    fn to(self, role: Role) -> bool {
        match (self, role) {
            (Everybody, _) | (_, Role::Brain) | (BrainAndHand, Role::Hand) => true,
            (Brain, Role::Hand | Role::Checker) | (BrainAndHand, Role::Checker) => false,
        }
    }
}

type Attempt = (&'static str, &'static str, i64, [i64; 5], Forbidden);

fn table() -> Vec<Attempt> {
    let empty = c"".as_ptr() as i64;
    // A new user namespace that shares its file system information is no valid wish.
    let namespace = i64::from(libc::CLONE_NEWUSER | libc::CLONE_FS | libc::CLONE_THREAD);
    let injection = libc::TIOCSTI as i64;
    let mut table: Vec<Attempt> = vec![
        (
            "io_uring_setup",
            "",
            libc::SYS_io_uring_setup,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        (
            "io_uring_enter",
            "",
            libc::SYS_io_uring_enter,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        (
            "io_uring_register",
            "",
            libc::SYS_io_uring_register,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        ("execve", "", libc::SYS_execve, [empty, 0, 0, 0, 0], BrainAndHand),
        ("execveat", "", libc::SYS_execveat, [-1, empty, 0, 0, 0], BrainAndHand),
        (
            "clone",
            "CLONE_NEWUSER",
            libc::SYS_clone,
            [namespace, 0, 0, 0, 0],
            Everybody,
        ),
        ("tkill", "", libc::SYS_tkill, [-1, 0, 0, 0, 0], BrainAndHand),
        (
            "rt_sigqueueinfo",
            "",
            libc::SYS_rt_sigqueueinfo,
            [-1, 0, 0, 0, 0],
            BrainAndHand,
        ),
        (
            "rt_tgsigqueueinfo",
            "",
            libc::SYS_rt_tgsigqueueinfo,
            [-1, -1, 0, 0, 0],
            BrainAndHand,
        ),
        (
            "pidfd_send_signal",
            "",
            libc::SYS_pidfd_send_signal,
            [-1, 0, 0, 0, 0],
            BrainAndHand,
        ),
        ("ptrace", "PTRACE_ATTACH", libc::SYS_ptrace, [16, 0, 0, 0, 0], Everybody),
        (
            "process_vm_readv",
            "",
            libc::SYS_process_vm_readv,
            [0, 0, 0, 0, 0],
            Everybody,
        ),
        (
            "process_vm_writev",
            "",
            libc::SYS_process_vm_writev,
            [0, 0, 0, 0, 0],
            Everybody,
        ),
        (
            "process_madvise",
            "",
            libc::SYS_process_madvise,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        ("pidfd_getfd", "", libc::SYS_pidfd_getfd, [-1, -1, 0, 0, 0], Everybody),
        ("kcmp", "", libc::SYS_kcmp, [0, 0, -1, 0, 0], Everybody),
        ("keyctl", "", libc::SYS_keyctl, [-1, 0, 0, 0, 0], Everybody),
        ("add_key", "", libc::SYS_add_key, [0, 0, 0, 0, 0], Everybody),
        ("request_key", "", libc::SYS_request_key, [0, 0, 0, 0, 0], Everybody),
        ("bpf", "", libc::SYS_bpf, [-1, 0, 0, 0, 0], Everybody),
        ("userfaultfd", "", libc::SYS_userfaultfd, [-1, 0, 0, 0, 0], Everybody),
        (
            "perf_event_open",
            "",
            libc::SYS_perf_event_open,
            [0, 0, 0, -1, 0],
            Everybody,
        ),
        ("mount", "", libc::SYS_mount, [0, 0, 0, 0, 0], Everybody),
        ("umount2", "", libc::SYS_umount2, [empty, 0, 0, 0, 0], Everybody),
        ("pivot_root", "", libc::SYS_pivot_root, [0, 0, 0, 0, 0], Everybody),
        ("chroot", "", libc::SYS_chroot, [empty, 0, 0, 0, 0], Everybody),
        ("move_mount", "", libc::SYS_move_mount, [-1, 0, -1, 0, 0], Everybody),
        ("open_tree", "", libc::SYS_open_tree, [-1, 0, 0, 0, 0], Everybody),
        ("fsopen", "", libc::SYS_fsopen, [0, -1, 0, 0, 0], Everybody),
        ("fsmount", "", libc::SYS_fsmount, [-1, -1, 0, 0, 0], Everybody),
        (
            "mount_setattr",
            "",
            libc::SYS_mount_setattr,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        ("unshare", "", libc::SYS_unshare, [1, 0, 0, 0, 0], Everybody),
        ("setns", "", libc::SYS_setns, [-1, 0, 0, 0, 0], Everybody),
        ("kexec_load", "", libc::SYS_kexec_load, [0, 0, 0, -1, 0], Everybody),
        ("init_module", "", libc::SYS_init_module, [0, 0, 0, 0, 0], Everybody),
        ("finit_module", "", libc::SYS_finit_module, [-1, 0, 0, 0, 0], Everybody),
        ("delete_module", "", libc::SYS_delete_module, [0, 0, 0, 0, 0], Everybody),
        (
            "open_by_handle_at",
            "",
            libc::SYS_open_by_handle_at,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        ("swapon", "", libc::SYS_swapon, [0, 0, 0, 0, 0], Everybody),
        ("acct", "", libc::SYS_acct, [empty, 0, 0, 0, 0], Everybody),
        (
            "clock_settime",
            "",
            libc::SYS_clock_settime,
            [-1, 0, 0, 0, 0],
            Everybody,
        ),
        ("sethostname", "", libc::SYS_sethostname, [0, -1, 0, 0, 0], Everybody),
        ("ioctl", "TIOCSTI", libc::SYS_ioctl, [-1, injection, 0, 0, 0], Everybody),
        ("fsetxattr", "", libc::SYS_fsetxattr, [-1, 0, 0, 0, 0], BrainAndHand),
        (
            "fremovexattr",
            "",
            libc::SYS_fremovexattr,
            [-1, 0, 0, 0, 0],
            BrainAndHand,
        ),
        ("fchmod", "", libc::SYS_fchmod, [-1, 0, 0, 0, 0], Brain),
        ("fchown", "", libc::SYS_fchown, [-1, 0, 0, 0, 0], Brain),
        ("truncate", "", libc::SYS_truncate, [empty, 0, 0, 0, 0], Brain),
        ("mknodat", "", libc::SYS_mknodat, [-1, empty, 0, 0, 0], Brain),
    ];
    #[cfg(target_arch = "x86_64")]
    table.extend([
        ("iopl", "", libc::SYS_iopl, [-1, 0, 0, 0, 0], Everybody),
        ("ioperm", "", libc::SYS_ioperm, [-1, -1, 1, 0, 0], Everybody),
        ("modify_ldt", "", libc::SYS_modify_ldt, [-1, 0, 0, 0, 0], Everybody),
    ]);
    table
}

/// Makes a call whose result is no descriptor of ours.
fn system_call(number: i64, arguments: &[i64; 5]) -> Outcome {
    let [a, b, c, d, e] = *arguments;
    // SAFETY: the arguments are integers, null pointers and one empty string: the kernel writes nothing.
    let result = unsafe { libc::syscall(number, a, b, c, d, e, 0_i64) };
    Outcome::of((result < 0).then(io::Error::last_os_error))
}

/// The filter says of some calls that the kernel does not have them.
fn missing(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(libc::ENOSYS) => Outcome::Denied(libc::ENOSYS),
        other => other,
    }
}

/// Starts a process that ends at once.
fn new_process() -> Outcome {
    // SAFETY: without a shared memory the new process is a copy, and does nothing but end.
    let process = unsafe { libc::syscall(libc::SYS_clone, i64::from(libc::SIGCHLD), 0_i64, 0_i64, 0_i64, 0_i64) };
    match process {
        // SAFETY: ends this process, which is the copy.
        0 => unsafe { libc::_exit(0) },
        1.. => {
            // SAFETY: waitpid(2) for a child that nobody else waits for.
            unsafe { libc::waitpid(process as i32, std::ptr::null_mut(), 0) };
            Outcome::Allowed
        }
        _ => Outcome::of(Some(io::Error::last_os_error())),
    }
}
