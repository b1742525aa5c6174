use std::collections::HashMap;

use super::StoreError;
use super::encoding::{Reader, Writer, seal, unseal};
use crate::text::RepoPath;

const WHAT: &str = "the list of files";
/// What the checksum of a view takes for its place.
const PLACE: u64 = u64::MAX;

/// The files of one work tree, as they were when it was last looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::index) struct View {
    /// When the look began, in nanoseconds since 1970.
    pub(in crate::index) taken_ns: u64,
    /// Sorted by path.
    pub(in crate::index) entries: Vec<ViewEntry>,
}

/// One file of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::index) struct ViewEntry {
    pub(in crate::index) path: RepoPath,
    /// What its metadata came to, size and times and inode.
    pub(in crate::index) stamp: u64,
    /// Its blob: the segment, and the number there.
    pub(in crate::index) segment: u32,
    pub(in crate::index) blob: u32,
}

impl View {
    pub(super) fn seal(&self) -> Vec<u8> {
        seal(PLACE, &self.encode())
    }

    pub(super) fn unseal(sealed: &[u8]) -> Result<Self, StoreError> {
        Self::decode(&unseal(PLACE, sealed, WHAT)?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.taken_ns);
        writer.size(self.entries.len());
        let mut last_path = "";
        let mut last_blobs: HashMap<u32, usize> = HashMap::new();
        for entry in &self.entries {
            let path = entry.path.as_str();
            let shared = last_path.bytes().zip(path.bytes()).take_while(|(a, b)| a == b).count();
            writer.size(shared);
            writer.text(&path.as_bytes()[shared..]);
            writer.raw(&entry.stamp.to_le_bytes());
            writer.number(u64::from(entry.segment));
            let last = last_blobs.entry(entry.segment).or_default();
            writer.distance(*last, entry.blob as usize);
            *last = entry.blob as usize;
            last_path = path;
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, WHAT);
        let taken_ns = reader.number()?;
        let count = reader.count()?;
        let mut entries: Vec<ViewEntry> = Vec::with_capacity(count);
        let mut path: Vec<u8> = Vec::new();
        let mut last_blobs: HashMap<u32, usize> = HashMap::new();
        for _ in 0..count {
            let shared = reader.size()?;
            let rest = reader.text()?;
            if shared > path.len() {
                return Err(reader.damaged());
            }
            path.truncate(shared);
            path.extend_from_slice(rest);
            let text = std::str::from_utf8(&path).map_err(|_| reader.damaged())?;
            let stamp = reader.raw(8)?.try_into().map_err(|_| reader.damaged())?;
            let segment = reader.number32()?;
            let last = last_blobs.entry(segment).or_default();
            *last = reader.distance(*last)?;
            entries.push(ViewEntry {
                path: RepoPath::new(text).map_err(|_| reader.damaged())?,
                stamp: u64::from_le_bytes(stamp),
                segment,
                blob: u32::try_from(*last).map_err(|_| reader.damaged())?,
            });
        }
        if !entries.is_sorted_by(|a, b| a.path < b.path) {
            return Err(reader.damaged());
        }
        Ok(Self { taken_ns, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn views_come_back(taken_ns: u64, files: BTreeMap<String, (u64, u32, u32)>) {
            let entry = |(path, (stamp, segment, blob)): (String, (u64, u32, u32))| {
                Some(ViewEntry { path: RepoPath::new(&path).ok()?, stamp, segment, blob })
            };
            let view = View { taken_ns, entries: files.into_iter().filter_map(entry).collect() };
            prop_assert_eq!(View::unseal(&view.seal()).unwrap(), view);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = View::decode(&bytes);
        }
    }
}
