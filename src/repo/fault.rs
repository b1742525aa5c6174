//! The places where a test lets the process end, one before every change to a disk.

use super::RepoError;

#[cfg(test)]
thread_local! {
    /// How many more changes succeed; `None` outside of such a test.
    pub(super) static LEFT: std::cell::Cell<Option<u32>> = const { std::cell::Cell::new(None) };
}

/// Stands before one change to a disk.
#[cfg(test)]
pub(super) fn point() -> Result<(), RepoError> {
    match LEFT.get() {
        None => Ok(()),
        Some(0) => Err(RepoError::Injected),
        Some(left) => {
            LEFT.set(Some(left - 1));
            Ok(())
        }
    }
}

/// Stands before one change to a disk.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "the form that tests compile fails")]
pub(super) fn point() -> Result<(), RepoError> {
    Ok(())
}
