//! A file that a verb reads whole: opened before files are out of reach, read by a process that is confined.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

/// Opens the file; `what` says what it holds.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn open(file: &Path, what: &str) -> anyhow::Result<File> {
    File::open(file).with_context(|| format!("cannot read {what} {file:?}"))
}

/// Reads the file that was opened, or the standard input where none was; `limit_bytes` at most.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(opened: Option<&File>, limit_bytes: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match opened {
        Some(file) => file.take(limit_bytes).read_to_end(&mut bytes),
        None => io::stdin().lock().take(limit_bytes).read_to_end(&mut bytes),
    };
    read.context("cannot read what is given")?;
    Ok(bytes)
}
