use std::io;
use std::os::fd::RawFd;

/// Closes what the parent process left open above the standard streams, but for `keep`: a socket among it would be
/// usable however tightly this process is confined afterwards.
///
/// # Errors
/// When the kernel cannot do it (Linux before 5.9) and the open descriptors cannot be listed either.
pub fn close_inherited(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep.iter().filter_map(|fd| u32::try_from(*fd).ok()).collect();
    keep.sort_unstable();
    let mut first = 3;
    for fd in keep.into_iter().filter(|fd| *fd >= 3) {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX)
}

/// Closes the descriptors from `first` to `last`, both included.
#[cfg(target_os = "linux")]
fn close_range(first: u32, last: u32) -> io::Result<()> {
    // SAFETY: close_range(2) takes three integers; nothing in this process owns a descriptor yet but those kept.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if closed == 0 {
        return Ok(());
    }
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|fd| (first..=last).contains(&(*fd as u32))) {
        // SAFETY: as above. One of them was the listing itself and is closed already.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Elsewhere nothing is confined, and nothing is closed.
#[cfg(not(target_os = "linux"))]
fn close_range(_: u32, _: u32) -> io::Result<()> {
    Ok(())
}
