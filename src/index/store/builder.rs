use rayon::prelude::*;

use super::block::BlockWriter;
use super::database::Table;
use super::encoding::{Writer, seal};
use super::posting::PostingList;
use super::segment::{Header, SegmentParts, Shelf, place};
use super::{BlobEntry, Posting, Segment, StoreError, Unit, Units};
use crate::index::hash::FastMap;
use crate::repo::BlobId;

/// How many bytes a group of records has before it is closed.
const GROUP_BYTES: usize = 32 << 10;

/// Collects blobs into a segment.
#[derive(Debug, Default)]
pub(in crate::index) struct SegmentBuilder {
    header: Header,
    units: Units,
    keys: FastMap<Box<[u8]>, u32>,
    lists: Vec<PostingList>,
    /// Bytes of keys and postings so far.
    bytes: usize,
    groups: Vec<Vec<u8>>,
    group: Writer,
    present: FastMap<(BlobId, u32), u32>,
}

impl SegmentBuilder {
    /// Returns the number of a blob that is in it already.
    pub(in crate::index) fn number_of(&self, id: BlobId, detection: u32) -> Option<u32> {
        self.present.get(&(id, detection)).copied()
    }

    pub(in crate::index) fn is_empty(&self) -> bool {
        self.header.blobs.is_empty()
    }

    /// Returns about how many bytes of memory it takes.
    pub(in crate::index) fn memory_bytes(&self) -> usize {
        const PER_KEY: usize = 120;
        self.bytes + self.lists.len() * PER_KEY + self.units.len() * 13
    }

    /// Adds a blob with its units and its record of definitions; returns its number. Its postings follow.
    pub(in crate::index) fn blob(&mut self, mut entry: BlobEntry, units: &[Unit], record: &[u8]) -> u32 {
        entry.first_unit = self.units.len() as u32;
        entry.units = units.len() as u32;
        units.iter().for_each(|unit| self.units.push(unit));
        self.entry(entry, record)
    }

    /// Adds a blob of another segment as it is.
    pub(super) fn blob_from(&mut self, mut entry: BlobEntry, units: &Units, record: &[u8]) -> u32 {
        let theirs = entry.first_unit..entry.first_unit + entry.units;
        entry.first_unit = self.units.len() as u32;
        theirs.for_each(|unit| self.units.push_from(units, unit));
        self.entry(entry, record)
    }

    fn entry(&mut self, entry: BlobEntry, record: &[u8]) -> u32 {
        let number = self.header.blobs.len() as u32;
        if self.group.len() == 0 {
            self.header.group_starts.push(number);
        }
        self.group.text(record);
        if self.group.len() >= GROUP_BYTES {
            self.groups.push(std::mem::take(&mut self.group).finish());
        }
        self.present.insert((entry.id, entry.detection), number);
        self.header.blobs.push(entry);
        number
    }

    /// Returns the first unit of the blob that was added last.
    pub(in crate::index) fn first_unit(&self) -> u32 {
        self.header.blobs.last().map_or(0, |blob| blob.first_unit)
    }

    /// Adds postings of one key, in ascending order and after those that it has.
    pub(in crate::index) fn postings(&mut self, key: &[u8], postings: impl Iterator<Item = Posting>) {
        let at = match self.keys.get(key) {
            Some(at) => *at as usize,
            None => {
                let at = self.lists.len();
                self.keys.insert(key.into(), at as u32);
                self.lists.push(PostingList::default());
                self.bytes += key.len();
                at
            }
        };
        let list = &mut self.lists[at];
        let before = list.bytes.len();
        postings.for_each(|posting| list.push(posting));
        self.bytes += list.bytes.len() - before;
    }

    /// Packs the segment, to lie in memory until it is written.
    pub(in crate::index) fn finish(mut self, id: u32) -> Result<Segment, StoreError> {
        if self.group.len() > 0 {
            self.groups.push(std::mem::take(&mut self.group).finish());
        }
        let mut keys: Vec<(Box<[u8]>, u32)> = self.keys.into_iter().collect();
        keys.par_sort_unstable();
        let mut writer = BlockWriter::default();
        for (key, list) in keys {
            writer.push(&key, &std::mem::take(&mut self.lists[list as usize]));
        }
        let (first_keys, blocks) = writer.finish();
        self.header.first_keys = first_keys;
        let pack = |table: Table, records: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
            let numbered = records.into_par_iter().enumerate();
            numbered
                .map(|(number, record)| seal(place(id, table, number as u32), &record))
                .collect()
        };
        let parts = SegmentParts {
            header: self.header.seal(id),
            units: seal(place(id, Table::Units, 0), &self.units.encode()),
            blocks: pack(Table::Blocks, blocks),
            groups: pack(Table::Records, self.groups),
        };
        let header = parts.header.clone();
        Segment::new(id, &header, Shelf::Memory(parts))
    }
}
