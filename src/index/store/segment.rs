use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::block::BlockReader;
use super::block_cache::BlockCache;
use super::database::{Database, Table};
use super::encoding::{Reader, Writer, seal, unseal};
use super::posting::{FIELDS, Posting, PostingReader};
use super::record::decode_definitions;
use super::{StoreError, StoredDefinition, Units};
use crate::lang::Language;
use crate::repo::BlobId;

/// What is known of one blob, read as one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::index) struct BlobEntry {
    pub(in crate::index) id: BlobId,
    /// By what its path says of its language.
    pub(in crate::index) detection: u32,
    pub(in crate::index) state: BlobState,
    pub(in crate::index) language: Option<Language>,
    pub(in crate::index) size_bytes: u64,
    /// Its units in the segment: the text outside of its definitions, then its definitions.
    pub(in crate::index) first_unit: u32,
    pub(in crate::index) units: u32,
    /// How many terms its definitions have in each field.
    pub(in crate::index) totals: [u32; FIELDS],
    /// How many terms its text has.
    pub(in crate::index) text_terms: u32,
    /// The day it was last in somebody's view, since 1970.
    pub(in crate::index) used_day: u16,
}

/// How far a blob was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) enum BlobState {
    /// As a whole.
    Whole,
    /// As text: the parser's limits do not allow more.
    NotParsed,
    /// As text, its beginning: it has lines that no person wrote.
    Generated,
    /// Not at all: it is no text.
    NotText,
}

impl BlobState {
    const ALL: [Self; 4] = [Self::Whole, Self::NotParsed, Self::Generated, Self::NotText];
}

/// The packed records of a segment.
#[derive(Clone, Debug, Default)]
pub(super) struct SegmentParts {
    pub(super) header: Vec<u8>,
    pub(super) units: Vec<u8>,
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) groups: Vec<Vec<u8>>,
}

/// What a segment's header says.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) blobs: Vec<BlobEntry>,
    /// The first key of each block.
    pub(super) first_keys: Vec<Vec<u8>>,
    /// The first blob of each group of records.
    pub(super) group_starts: Vec<u32>,
}

/// Where a segment's records lie.
#[derive(Debug)]
pub(super) enum Shelf {
    Memory(SegmentParts),
    Database(Arc<Database>),
}

/// A part of the index that never changes once it is written: blobs with their definitions, and the postings of their
/// terms and names.
#[derive(Debug)]
pub(in crate::index) struct Segment {
    id: u32,
    header: Header,
    shelf: Shelf,
    units: OnceLock<Units>,
    blocks: Mutex<BlockCache>,
}

/// The place of a record for its checksum.
pub(super) fn place(segment: u32, table: Table, number: u32) -> u64 {
    u64::from(segment) << 32 | (table as u64) << 29 | u64::from(number)
}

impl Segment {
    pub(super) fn new(id: u32, packed_header: &[u8], shelf: Shelf) -> Result<Self, StoreError> {
        let header = unseal(place(id, Table::Segment, 0), packed_header, "a segment of the index")?;
        Ok(Self {
            id,
            header: Header::decode(&header)?,
            shelf,
            units: OnceLock::new(),
            blocks: Mutex::default(),
        })
    }

    pub(in crate::index) fn id(&self) -> u32 {
        self.id
    }

    /// Returns the blobs; their numbers are their places.
    pub(in crate::index) fn blobs(&self) -> &[BlobEntry] {
        &self.header.blobs
    }

    pub(in crate::index) fn unit_count(&self) -> u32 {
        self.header.blobs.last().map_or(0, |last| last.first_unit + last.units)
    }

    /// Takes the records that lie in memory out, to be written.
    pub(super) fn parts(&self) -> Option<&SegmentParts> {
        match &self.shelf {
            Shelf::Memory(parts) => Some(parts),
            Shelf::Database(_) => None,
        }
    }

    /// Tells whether the records lie in memory only.
    pub(in crate::index) fn is_in_memory(&self) -> bool {
        self.parts().is_some()
    }

    /// Says that the records lie in the database from now on.
    pub(in crate::index) fn shelve(&mut self, database: Arc<Database>) {
        self.shelf = Shelf::Database(database);
    }

    /// Returns the table of units.
    pub(in crate::index) fn units(&self) -> Result<&Units, StoreError> {
        if let Some(units) = self.units.get() {
            return Ok(units);
        }
        const WHAT: &str = "the table of units";
        let place = place(self.id, Table::Units, 0);
        let bytes = match &self.shelf {
            Shelf::Memory(parts) => unseal(place, &parts.units, WHAT)?,
            Shelf::Database(database) => unseal(place, &database.read(Table::Units, self.id, 0)?, WHAT)?,
        };
        let units = Units::decode(&bytes)?;
        if units.len() != self.unit_count() as usize {
            return Err(StoreError::Damaged(WHAT));
        }
        Ok(self.units.get_or_init(|| units))
    }

    /// Calls `each` with every posting of a key, in ascending order.
    pub(in crate::index) fn each_posting(&self, key: &[u8], mut each: impl FnMut(Posting)) -> Result<(), StoreError> {
        let after = self.header.first_keys.partition_point(|first| first.as_slice() <= key);
        let Some(number) = after.checked_sub(1) else {
            return Ok(());
        };
        let block = self.block(number as u32)?;
        let Some(entry) = BlockReader::new(&block)?.find(key)? else {
            return Ok(());
        };
        let mut postings = PostingReader::new(&block[entry.list]);
        while let Some(posting) = postings.next()? {
            each(posting);
        }
        Ok(())
    }

    /// Calls `each` with every key that begins with a byte, in ascending order, and its postings.
    pub(in crate::index) fn each_key(
        &self,
        first_byte: u8,
        mut each: impl FnMut(&[u8], &[Posting]),
    ) -> Result<(), StoreError> {
        let first_keys = &self.header.first_keys;
        let start = first_keys.partition_point(|first| first.as_slice() <= [first_byte].as_slice());
        let end = first_keys.partition_point(|first| first.first().is_some_and(|byte| *byte <= first_byte));
        let mut postings = Vec::new();
        for number in start.saturating_sub(1)..end {
            let block = self.block(number as u32)?;
            let mut keys = BlockReader::new(&block)?;
            while let Some((key, entry)) = keys.next()? {
                if key.first() != Some(&first_byte) {
                    continue;
                }
                postings.clear();
                let mut reader = PostingReader::new(&block[entry.list]);
                while let Some(posting) = reader.next()? {
                    postings.push(posting);
                }
                each(key, &postings);
            }
        }
        Ok(())
    }

    /// Returns the definitions of a blob.
    pub(in crate::index) fn definitions(&self, blob: u32) -> Result<Vec<StoredDefinition>, StoreError> {
        let damaged = || StoreError::Damaged("a group of records");
        let entry = self.blobs().get(blob as usize).ok_or_else(damaged)?;
        let Some(language) = entry.language else {
            return Ok(Vec::new());
        };
        let group = self.header.group_starts.partition_point(|first| *first <= blob);
        let group = group.checked_sub(1).ok_or_else(damaged)?;
        let index = blob - self.header.group_starts[group];
        let bytes = self.group(group as u32)?;
        let record = nth_record(&bytes, index)?;
        let definitions = decode_definitions(record, language.spec().separator)?;
        if definitions.len() + 1 != entry.units as usize {
            return Err(damaged());
        }
        Ok(definitions)
    }

    /// Returns the record of a blob as it was written.
    pub(super) fn group(&self, number: u32) -> Result<Vec<u8>, StoreError> {
        const WHAT: &str = "a group of records";
        let place = place(self.id, Table::Records, number);
        match &self.shelf {
            Shelf::Memory(parts) => {
                let group = parts.groups.get(number as usize).ok_or(StoreError::Damaged(WHAT))?;
                unseal(place, group, WHAT)
            }
            Shelf::Database(database) => unseal(place, &database.read(Table::Records, self.id, number)?, WHAT),
        }
    }

    pub(super) fn group_starts(&self) -> &[u32] {
        &self.header.group_starts
    }

    pub(super) fn block_count(&self) -> u32 {
        self.header.first_keys.len() as u32
    }

    pub(super) fn block(&self, number: u32) -> Result<Arc<Vec<u8>>, StoreError> {
        const WHAT: &str = "a block of postings";
        let cached = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).get(number);
        if let Some(block) = cached {
            return Ok(block);
        }
        let place = place(self.id, Table::Blocks, number);
        let block = match &self.shelf {
            Shelf::Memory(parts) => {
                let block = parts.blocks.get(number as usize).ok_or(StoreError::Damaged(WHAT))?;
                unseal(place, block, WHAT)?
            }
            Shelf::Database(database) => unseal(place, &database.read(Table::Blocks, self.id, number)?, WHAT)?,
        };
        let block = Arc::new(block);
        let mut cache = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(number, Arc::clone(&block));
        Ok(block)
    }

    /// Reads every record once.
    pub(in crate::index) fn verify(&self) -> Result<(), StoreError> {
        self.units()?;
        (0..self.block_count()).try_for_each(|number| self.block(number).map(drop))?;
        (0..self.group_starts().len()).try_for_each(|number| self.group(number as u32).map(drop))
    }
}

/// Returns one record of a group: each has its length before it.
pub(super) fn nth_record(group: &[u8], index: u32) -> Result<&[u8], StoreError> {
    let mut reader = Reader::new(group, "a group of records");
    for _ in 0..index {
        reader.text()?;
    }
    reader.text()
}

impl Header {
    pub(super) fn seal(&self, segment: u32) -> Vec<u8> {
        seal(place(segment, Table::Segment, 0), &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.size(self.blobs.len());
        for blob in &self.blobs {
            writer.raw(blob.id.as_bytes());
        }
        for blob in &self.blobs {
            writer.raw(&blob.detection.to_le_bytes());
            writer.byte(blob.state as u8);
            writer.byte(blob.language.map_or(0, |language| language as u8 + 1));
            writer.number(blob.size_bytes);
            writer.number(u64::from(blob.units));
            blob.totals.iter().for_each(|total| writer.number(u64::from(*total)));
            writer.number(u64::from(blob.text_terms));
            writer.number(u64::from(blob.used_day));
        }
        writer.size(self.first_keys.len());
        self.first_keys.iter().for_each(|key| writer.text(key));
        writer.size(self.group_starts.len());
        self.group_starts
            .iter()
            .for_each(|start| writer.number(u64::from(*start)));
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, "a segment of the index");
        let mut header = Self::default();
        let count = reader.count()?;
        let ids = reader.raw(count.checked_mul(20).ok_or_else(|| reader.damaged())?)?;
        let mut first_unit = 0u32;
        for id in ids.chunks_exact(20) {
            let id = id.try_into().map_err(|_| reader.damaged())?;
            let detection = reader.raw(4)?.try_into().map_err(|_| reader.damaged())?;
            let state = usize::from(reader.byte()?);
            let language = match reader.byte()? {
                0 => None,
                code => Some(
                    *Language::ALL
                        .get(usize::from(code) - 1)
                        .ok_or_else(|| reader.damaged())?,
                ),
            };
            let size_bytes = reader.number()?;
            let units = reader.number32()?;
            let mut totals = [0; FIELDS];
            for total in &mut totals {
                *total = reader.number32()?;
            }
            header.blobs.push(BlobEntry {
                id: BlobId::from_bytes(id),
                detection: u32::from_le_bytes(detection),
                state: *BlobState::ALL.get(state).ok_or_else(|| reader.damaged())?,
                language,
                size_bytes,
                first_unit,
                units,
                totals,
                text_terms: reader.number32()?,
                used_day: u16::try_from(reader.number()?).map_err(|_| reader.damaged())?,
            });
            first_unit = first_unit.checked_add(units).ok_or_else(|| reader.damaged())?;
        }
        for _ in 0..reader.count()? {
            header.first_keys.push(reader.text()?.to_vec());
        }
        for _ in 0..reader.count()? {
            header.group_starts.push(reader.number32()?);
        }
        let ordered = header.first_keys.is_sorted() && header.group_starts.is_sorted();
        if ordered { Ok(header) } else { Err(reader.damaged()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, number in 0u32..9) {
            let _ = Header::decode(&bytes);
            let _ = nth_record(&bytes, number);
        }
    }

    #[test]
    fn headers_come_back() {
        let blob = |first_unit, units| BlobEntry {
            id: BlobId::of(&[units as u8]),
            detection: 0xdead_beef,
            state: BlobState::Generated,
            language: Some(Language::Rust),
            size_bytes: 1 << 33,
            first_unit,
            units,
            totals: [1, 2, 3, 70_000],
            text_terms: 9,
            used_day: 20_000,
        };
        let header = Header {
            blobs: vec![blob(0, 3), blob(3, 1)],
            first_keys: vec![b"a".to_vec(), b"b\xff".to_vec()],
            group_starts: vec![0, 1],
        };
        let back = Header::decode(&header.encode()).unwrap();
        assert_eq!(
            (back.blobs, back.first_keys, back.group_starts),
            (header.blobs, header.first_keys, header.group_starts)
        );
    }
}
