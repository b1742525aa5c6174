//! What every file has in common that this room keeps in the cache: its folder is its owner's, and it is whole or not there.

use std::{
    fs::DirBuilder,
    io::{self, Write},
    path::Path,
};

/// Returns bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Creates a folder that only its owner can look into: what is cached tells what was in prompts and texts.
///
/// # Errors
/// What the file system reports; a folder that is there already is none.
pub(super) fn create_private_dir(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a whole file in the place of what is there; creates its folder.
///
/// # Errors
/// What the file system reports; the file is as it was then.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    create_private_dir(folder)?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(bytes)?;
    written.persist(file).map(|_| ()).map_err(|error| error.error)
}
