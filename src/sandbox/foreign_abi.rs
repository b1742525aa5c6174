//! The calls of 32-bit programs, which a 64-bit process can make too. The filter ends the process that does.

use std::io;

use super::{CallProbe, Confinement, SandboxError};

/// Forks a process that enters a role and makes a call of the 32-bit ABI. Comes before the first thread. None where the
/// processor has no such calls.
///
/// # Errors
/// When the process cannot be started or does not enter the role.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn foreign_call(enter: &dyn Fn() -> Result<Confinement, SandboxError>) -> io::Result<Option<CallProbe>> {
    use super::Outcome;

    /// No error number.
    const NOT_ENTERED: i32 = 255;
    // SAFETY: the process has one thread, so that the child is as whole as its parent.
    let process = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            let code = match enter() {
                Ok(_) => getpid(),
                Err(_) => NOT_ENTERED,
            };
            // SAFETY: ends this process without what its parent will do at its end.
            unsafe { libc::_exit(code) }
        }
        process => process,
    };
    let mut status = 0;
    // SAFETY: waitpid(2) for a child that nobody else waits for.
    while unsafe { libc::waitpid(process, &mut status, 0) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let outcome = if libc::WIFSIGNALED(status) {
        Outcome::Killed(libc::WTERMSIG(status))
    } else {
        match libc::WEXITSTATUS(status) {
            0 => Outcome::Allowed,
            NOT_ENTERED => return Err(io::Error::other("it could not enter its role")),
            error => Outcome::Failed(error),
        }
    };
    Ok(Some(CallProbe {
        call: "getpid".into(),
        argument: "32-bit ABI (int 0x80)".to_owned(),
        permitted: false,
        outcome,
    }))
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn foreign_call(_: &dyn Fn() -> Result<Confinement, SandboxError>) -> io::Result<Option<CallProbe>> {
    Ok(None)
}

/// Asks for the process's number as a 32-bit program does; returns 0 or the error number.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn getpid() -> i32 {
    /// `__NR_getpid` of the 32-bit ABI.
    const GETPID: i64 = 20;
    let result: i64;
    // SAFETY: prctl(2) with this option takes integers: no core is dumped. The call takes no arguments, and the kernel
    // may change the registers that are named.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        std::arch::asm!(
            "int 0x80",
            inlateout("rax") GETPID => result,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    match i32::try_from(result) {
        Ok(1..) => 0,
        Ok(error) => -error,
        Err(_) => libc::ENOSYS,
    }
}
