use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
#[cfg(target_os = "linux")]
use rustix::fs::{ResolveFlags, openat2};
use rustix::io::Errno;

/// Opens `name`, one component, in a directory; where it is a symbolic link the call fails.
///
/// By openat2(2), so that the kernel resolves beneath the directory and follows nothing; by openat(2) with `O_NOFOLLOW`,
/// which means the same for one component, where the kernel has no openat2 or a filter keeps it away.
///
/// # Errors
/// What the kernel says; for a link `ELOOP` or `ENOTDIR`.
pub(super) fn open_beneath(dir: impl AsFd, name: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(&dir, name, flags, mode, resolve) {
            Err(Errno::NOSYS | Errno::PERM) => {}
            opened => return opened,
        }
    }
    openat(dir, name, flags, mode)
}

/// Opens a directory beside others, unless its name is a symbolic link.
///
/// # Errors
/// As [`open_beneath`].
pub(super) fn open_dir(dir: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    open_beneath(dir, name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_and_ways_out_are_not_opened() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("in")).unwrap();
        fs::write(place.path().join("in/file"), "x").unwrap();
        fs::write(place.path().join("out"), "secret").unwrap();
        symlink("file", place.path().join("in/link")).unwrap();
        symlink("/", place.path().join("in/root")).unwrap();
        let dir = File::open(place.path().join("in")).unwrap();
        let read = |name| open_beneath(&dir, name, OFlags::RDONLY, Mode::empty());
        assert!(read("file").is_ok());
        assert_eq!(read("link").err(), Some(Errno::LOOP));
        assert!(open_dir(&dir, "root").is_err());
        assert_eq!(read("nothing").err(), Some(Errno::NOENT));
        #[cfg(target_os = "linux")]
        assert_eq!(read("../out").err(), Some(Errno::XDEV));
    }
}
