//! The seccomp filters: which system calls a role may make.
//!
//! They are lists of what is refused, not of what is allowed: a driver of a graphics card makes calls that nobody lists.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::{Role, SandboxError};

/// Whether the build holds a driver of graphics cards, which talks to itself over `AF_UNIX`.
pub(super) const HAS_DRIVERS: bool = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm"));

/// Calls that no role makes: they reach into other processes or the kernel, or change what the process sees.
const NOBODY: &[c_long] = &[
    // An io_uring opens and connects sockets without a system call that a filter could see.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_open_by_handle_at,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Calls by which a program or another process is started, or a signal sent that cannot be looked at here.
const STARTS: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
];

/// Calls that change a file without opening it for writing: its mode, owner, length or times. Landlock does not look at
/// most of them.
const CHANGES: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    libc::SYS_truncate,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mknod,
    libc::SYS_mknodat,
];

/// Calls that change extended attributes, access control lists among them; Landlock does not look at them.
const ATTRIBUTES: &[c_long] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
];

const OWNERS: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
];

/// Calls on sockets that one process has no use for.
const PEERS: &[c_long] = &[
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
];

// Numbers that are the same on every architecture, and that libc does not name everywhere.
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const OPEN_TREE_ATTR: c_long = 467;

/// Flags of clone(2) that make a namespace; one for time has unshare(2) only.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Sets `no_new_privs`: no program that this process starts gains rights by being set-user-id.
pub(super) fn give_up_privileges() -> Result<(), SandboxError> {
    // SAFETY: prctl(2) with this option takes integers.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(SandboxError::Install(Box::new(std::io::Error::last_os_error()))),
    }
}

/// Installs the filter of a role on every thread of the process.
pub(super) fn install(role: Role) -> Result<(), SandboxError> {
    seccompiler::apply_filter_all_threads(&program(role)?).map_err(|error| SandboxError::Install(Box::new(error)))
}

/// Builds the filter of a role; of a checker and the commands that it runs it is the same.
///
/// A call under another architecture (`int 0x80` on x86-64) kills the process: seccompiler checks that first. Denied
/// calls return `EACCES`, as socket(2) says for a socket that may not be created, so that a library which tries them
/// reports an error instead of dying.
pub(super) fn program(role: Role) -> Result<BpfProgram, SandboxError> {
    build(role).map_err(|error| SandboxError::Build(Box::new(error)))
}

fn build(role: Role) -> Result<BpfProgram, BackendError> {
    let filter: BpfProgram = SeccompFilter::new(
        rules(role)?,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES as u32),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()?;
    let mut program = guard();
    program.extend(filter);
    Ok(program)
}

fn rules(role: Role) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    deny(&mut rules, NOBODY);
    match role {
        Role::Brain => {
            deny(&mut rules, STARTS);
            deny(&mut rules, CHANGES);
            deny(&mut rules, ATTRIBUTES);
            deny(&mut rules, OWNERS);
        }
        // It gives files the mode and the owner that they had.
        Role::Hand => {
            deny(&mut rules, STARTS);
            deny(&mut rules, ATTRIBUTES);
        }
        // Tools that copy files copy modes and attributes too.
        Role::Checker => {
            for call in OWNERS {
                rules.insert(*call, strange_owner(*call)?);
            }
        }
    }
    if HAS_DRIVERS && role == Role::Brain {
        let other = || Ok::<_, BackendError>(vec![only(&[argument(0, SeccompCmpOp::Ne, libc::AF_UNIX)?])?]);
        rules.insert(libc::SYS_socket, other()?);
        rules.insert(libc::SYS_socketpair, other()?);
    } else {
        deny(&mut rules, PEERS);
        deny(&mut rules, &[libc::SYS_socket]);
        let pairs = match role {
            Role::Brain | Role::Hand => Vec::new(),
            // Builds talk to the processes they start by pairs. A pair of datagram sockets could send to any name.
            Role::Checker => vec![
                only(&[argument(0, SeccompCmpOp::Ne, libc::AF_UNIX)?])?,
                only(&[argument(1, SeccompCmpOp::MaskedEq(0xf), libc::SOCK_DGRAM)?])?,
                only(&[argument(1, SeccompCmpOp::MaskedEq(0xf), libc::SOCK_RAW)?])?,
            ],
        };
        rules.insert(libc::SYS_socketpair, pairs);
    }
    // Pushing characters into the terminal's input would be typing at the user's shell.
    let ioctls = [libc::TIOCSTI, libc::TIOCLINUX];
    let ioctls = ioctls.map(|request| only(&[argument(1, SeccompCmpOp::Eq, request as i32)?]));
    rules.insert(libc::SYS_ioctl, ioctls.into_iter().collect::<Result<_, _>>()?);
    let mut clones = Vec::new();
    for flag in NAMESPACES {
        clones.push(only(&[argument(0, SeccompCmpOp::MaskedEq(flag as u32 as u64), flag)?])?);
    }
    match role {
        Role::Checker => {}
        Role::Brain | Role::Hand => {
            let thread = SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64);
            clones.push(only(&[argument(0, thread, 0)?])?);
            // Signals to itself are how a process ends after abort(3).
            let others = || Ok::<_, BackendError>(vec![only(&[argument(0, SeccompCmpOp::Ne, own_id())?])?]);
            rules.insert(libc::SYS_kill, others()?);
            rules.insert(libc::SYS_tgkill, others()?);
        }
    }
    rules.insert(libc::SYS_clone, clones);
    if role == Role::Brain {
        // Without a path it is a file that is open already.
        let named = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
        rules.insert(libc::SYS_utimensat, vec![only(&[named])?]);
    }
    Ok(rules)
}

fn deny(rules: &mut BTreeMap<i64, Vec<SeccompRule>>, calls: &[c_long]) {
    rules.extend(calls.iter().map(|call| (*call, Vec::new())));
}

/// Returns the rules that match a call which gives a file away. To leave the owner as it is, or to name oneself, is what
/// tools do that copy files.
fn strange_owner(call: c_long) -> Result<Vec<SeccompRule>, BackendError> {
    let first = if call == libc::SYS_fchownat { 2 } else { 1 };
    // SAFETY: both calls take nothing and cannot fail.
    let own = unsafe { [libc::geteuid(), libc::getegid()] };
    let rule = |(number, own): (u8, u32)| {
        only(&[
            argument(number, SeccompCmpOp::Ne, own as i32)?,
            argument(number, SeccompCmpOp::Ne, -1)?,
        ])
    };
    (first..).zip(own).map(rule).collect()
}

/// Compares an argument that the kernel takes as an int: the upper half of the register must not hide it.
fn argument(number: u8, is: SeccompCmpOp, value: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(number, SeccompCmpArgLen::Dword, is, u64::from(value as u32))
}

fn only(conditions: &[SeccompCondition]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.to_vec())
}

fn own_id() -> i32 {
    std::process::id() as i32
}

/// Returns the instructions that stand before the filter; jumps are relative, so that they can.
///
/// The flags of clone3(2) lie in memory, where a filter cannot see them. `ENOSYS` makes a C library take clone(2). The
/// call has this number under every architecture. The x32 ABI shares the architecture number of x86-64 and would pass
/// seccompiler's check, but numbers its calls from `__X32_SYSCALL_BIT`; AArch64 has one ABI per architecture number.
fn guard() -> BpfProgram {
    const X32_SYSCALL_BIT: u32 = 0x4000_0000;
    const CALL_NUMBER_OFFSET: u32 = 0;
    let instruction = |code: u32, jt, jf, k| seccompiler::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let no_such_call = instruction(
        libc::BPF_RET | libc::BPF_K,
        0,
        0,
        libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
    );
    let mut guard = vec![
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, CALL_NUMBER_OFFSET),
        instruction(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            1,
            libc::SYS_clone3 as u32,
        ),
        no_such_call.clone(),
    ];
    if cfg!(target_arch = "x86_64") {
        guard.push(instruction(
            libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
            0,
            1,
            X32_SYSCALL_BIT,
        ));
        guard.push(no_such_call);
    }
    guard
}
