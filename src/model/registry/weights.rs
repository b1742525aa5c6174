use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{RegistryError, io_error};
use crate::model::cache_file::hex;
use crate::progress::{Phase, Progress};

const BUFFER_BYTES: usize = 1 << 20;

pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Hashes a file, and writes what it reads to `copy`.
pub(super) fn hash_file(path: &Path, mut copy: impl Write, progress: &dyn Progress) -> Result<String, RegistryError> {
    let mut file = File::open(path).map_err(io_error("cannot read", path))?;
    let total = file.metadata().map_err(io_error("cannot read", path))?.len();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    progress.begin(Phase::Hash, total);
    let outcome = loop {
        if progress.cancelled() {
            break Err(RegistryError::Cancelled);
        }
        match file.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                if let Err(error) = copy.write_all(&buffer[..count]) {
                    break Err(io_error("cannot copy", path)(error));
                }
                done += count as u64;
                progress.advance(Phase::Hash, done);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(io_error("cannot read", path)(error)),
        }
    };
    progress.end(Phase::Hash);
    outcome?;
    Ok(hex(&hasher.finalize()))
}

/// Makes `copy` share the blocks of `source`, where the file system can.
#[cfg(target_os = "linux")]
pub(super) fn clone_blocks(source: &Path, copy: &File) -> bool {
    File::open(source).is_ok_and(|source| rustix::fs::ioctl_ficlone(copy, &source).is_ok())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn clone_blocks(_: &Path, _: &File) -> bool {
    false
}
