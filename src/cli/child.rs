//! Processes that are forked before this one is confined.

use std::io;

/// Waits for a child that nobody else waits for; returns its status as waitpid(2) gives it.
///
/// # Errors
/// When there is no such child.
pub(super) fn wait(process: i32) -> io::Result<i32> {
    let mut status = 0;
    // SAFETY: waitpid(2) for a child that nobody else waits for.
    while unsafe { libc::waitpid(process, &mut status, 0) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(status)
}

/// Lets a child end when its parent does, where the system can.
pub(super) fn end_with_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl(2) with this option takes integers.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
    }
}
