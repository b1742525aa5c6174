//! A patch that skiff did not make: opened before files are out of reach, read by a process that is confined.

use std::fs::File;
use std::io::{self, Read as _};

use anyhow::Context as _;

use super::args::ApplySource;
use crate::patch::MAX_PATCH_BYTES;

/// Opens the file, where one is named.
///
/// # Errors
/// When it cannot be opened.
pub(super) fn open(source: &ApplySource) -> anyhow::Result<Option<File>> {
    match source {
        ApplySource::File(file) => {
            let opened = File::open(file).with_context(|| format!("cannot read the patch {file:?}"))?;
            Ok(Some(opened))
        }
        ApplySource::Proposal(_) | ApplySource::Stdin => Ok(None),
    }
}

/// Reads the file that was opened, or the standard input where none was; one byte more than a patch may have at most.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(opened: Option<&File>) -> anyhow::Result<Vec<u8>> {
    let limit = MAX_PATCH_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = match opened {
        Some(file) => file.take(limit).read_to_end(&mut bytes),
        None => io::stdin().lock().take(limit).read_to_end(&mut bytes),
    };
    read.context("cannot read the patch")?;
    Ok(bytes)
}
