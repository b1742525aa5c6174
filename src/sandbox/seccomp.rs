use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::SandboxError;

/// Installs the filter on every thread of the process.
pub(super) fn install() -> Result<(), SandboxError> {
    let program = program().map_err(|error| SandboxError::Build(Box::new(error)))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| SandboxError::Install(Box::new(error)))
}

/// Builds the filter.
///
/// A call under another architecture (`int 0x80` on x86-64) kills the process: seccompiler checks that first. Denied
/// calls return `EACCES`, as socket(2) says for a socket that may not be created, so that a library which tries them
/// reports an error instead of dying.
fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    // The kernel takes the domain as an int: the upper half of the register must not hide it.
    let other_domain = |call| {
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, libc::AF_UNIX as u64)?;
        Ok((call, vec![SeccompRule::new(vec![condition])?]))
    };
    // An io_uring opens and connects sockets without a system call that a filter could see.
    let rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::from([
        other_domain(libc::SYS_socket)?,
        other_domain(libc::SYS_socketpair)?,
        (libc::SYS_io_uring_setup, Vec::new()),
        (libc::SYS_io_uring_enter, Vec::new()),
        (libc::SYS_io_uring_register, Vec::new()),
    ]);
    let filter: BpfProgram = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES as u32),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()?;
    let mut program = second_abi_guard();
    program.extend(filter);
    Ok(program)
}

/// Returns the instructions that refuse the x32 ABI: it shares the architecture number of x86-64 and would pass the
/// check, but numbers its calls from `__X32_SYSCALL_BIT`. Jumps are relative, so that the guard can stand in front.
#[cfg(target_arch = "x86_64")]
fn second_abi_guard() -> BpfProgram {
    const X32_SYSCALL_BIT: u32 = 0x4000_0000;
    const CALL_NUMBER_OFFSET: u32 = 0;
    let instruction = |code: u32, jt, jf, k| seccompiler::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    vec![
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, CALL_NUMBER_OFFSET),
        instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32_SYSCALL_BIT),
        instruction(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ),
    ]
}

/// AArch64 has one ABI per architecture number.
#[cfg(target_arch = "aarch64")]
fn second_abi_guard() -> BpfProgram {
    Vec::new()
}
