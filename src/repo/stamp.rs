use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::fs::Stat;

/// What the file system says of a file that changes when its bytes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Size, times, inode and device in one number.
    pub digest: u64,
    /// When bytes or metadata last changed, in nanoseconds since 1970.
    pub changed_ns: u64,
    /// Whether the file system tells times finer than by the second, as far as this file shows.
    pub fine: bool,
}

impl FileStamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self::from_parts(
            meta.len(),
            (meta.mtime(), meta.mtime_nsec()),
            (meta.ctime(), meta.ctime_nsec()),
            (meta.ino(), meta.dev()),
        )
    }

    pub(super) fn of_stat(stat: &Stat) -> Self {
        // The types of these fields differ by platform.
        #[allow(clippy::unnecessary_cast, reason = "not on every platform")]
        Self::from_parts(
            stat.st_size as u64,
            (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            (stat.st_ino as u64, stat.st_dev as u64),
        )
    }

    fn from_parts(size: u64, modified: (i64, i64), changed: (i64, i64), (inode, device): (u64, u64)) -> Self {
        let parts = [
            size,
            modified.0 as u64,
            modified.1 as u64,
            changed.0 as u64,
            changed.1 as u64,
            inode,
            device,
        ];
        Self {
            digest: parts.into_iter().fold(0, mixed),
            changed_ns: nanoseconds(modified).max(nanoseconds(changed)),
            fine: modified.1 != 0 || changed.1 != 0,
        }
    }
}

fn nanoseconds((seconds, nanoseconds): (i64, i64)) -> u64 {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(nanoseconds).unwrap_or(0))
}

/// Mixes a number into a digest with the finaliser of SplitMix64, a bijection: two files that differ in one number
/// never meet.
fn mixed(digest: u64, number: u64) -> u64 {
    let mut bits = (digest ^ number).wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
