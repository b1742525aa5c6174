use rayon::prelude::*;

use super::block::BlockWriter;
use super::database::Table;
use super::encoding::{Packer, Writer, seal};
use super::posting::PostingList;
use super::segment::{Header, SegmentParts, Shelf, place};
use super::{BlobEntry, Posting, Segment, StoreError, Unit, Units};
use crate::index::hash::FastMap;
use crate::index::vocabulary::Vocabulary;
use crate::repo::BlobId;

/// How many bytes a group of records has before it is closed.
const GROUP_BYTES: usize = 32 << 10;

/// Collects blobs into a segment.
#[derive(Debug, Default)]
pub(in crate::index) struct SegmentBuilder {
    header: Header,
    units: Units,
    /// By the number of their keys.
    lists: Vec<PostingList>,
    /// Bytes of postings so far, and how many keys have some.
    bytes: usize,
    keys: usize,
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
        self.bytes + self.keys * PER_KEY + self.units.len() * 13
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

    /// Adds a posting of a key, by its number in the vocabulary that [`SegmentBuilder::finish`] takes; it comes after
    /// those that the key has.
    pub(in crate::index) fn posting(&mut self, key: u32, posting: Posting) {
        let at = key as usize;
        if at >= self.lists.len() {
            self.lists.resize_with(at + 1, PostingList::default);
        }
        let list = &mut self.lists[at];
        let before = list.bytes.len();
        list.push(posting);
        self.bytes += list.bytes.len() - before;
        self.keys += usize::from(before == 0);
    }

    /// Packs the segment, to lie in memory until it is written.
    pub(in crate::index) fn finish(mut self, id: u32, vocabulary: &Vocabulary) -> Result<Segment, StoreError> {
        if self.group.len() > 0 {
            self.groups.push(std::mem::take(&mut self.group).finish());
        }
        let mut keys: Vec<(u64, u32)> = (0u32..)
            .zip(&self.lists)
            .filter(|(_, list)| list.count > 0)
            .map(|(key, _)| (head_of(vocabulary.word(key)), key))
            .collect();
        keys.par_sort_unstable_by(|(head, key), (other_head, other)| {
            let tails = || vocabulary.word(*key).cmp(vocabulary.word(*other));
            head.cmp(other_head).then_with(tails)
        });
        let mut writer = BlockWriter::default();
        for (_, key) in keys {
            writer.push(vocabulary.word(key), &self.lists[key as usize]);
        }
        let (first_keys, blocks) = writer.finish();
        self.header.first_keys = first_keys;
        let pack = |table: Table, records: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
            let numbered = records.into_par_iter().enumerate();
            numbered
                .map_init(Packer::default, |packer, (number, record)| {
                    packer.seal(place(id, table, number as u32), &record)
                })
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

/// Returns the first bytes of a key as a number of the same order; where two numbers are equal the keys may differ.
fn head_of(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    head.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(head)
}
