use std::ops::Range;

use super::StoreError;
use super::encoding::{Reader, Writer};
use super::posting::PostingList;

/// How many bytes a block has before it is closed.
const BLOCK_BYTES: usize = 32 << 10;
const WHAT: &str = "a block of postings";

/// Collects keys in ascending order, each with its postings, into blocks of about [`BLOCK_BYTES`].
///
/// A block is the number of its keys, the length of their table, the table and the lists of postings. The table has for
/// each key how many bytes it shares with the one before, the rest of it, and how many postings and bytes its list has.
#[derive(Debug, Default)]
pub(super) struct BlockWriter {
    table: Writer,
    lists: Writer,
    keys: usize,
    last_key: Vec<u8>,
    first_keys: Vec<Vec<u8>>,
    blocks: Vec<Vec<u8>>,
}

impl BlockWriter {
    pub(super) fn push(&mut self, key: &[u8], list: &PostingList) {
        self.push_raw(key, list.count, &list.bytes);
    }

    fn push_raw(&mut self, key: &[u8], count: u32, postings: &[u8]) {
        if self.keys > 0 && self.table.len() + self.lists.len() + postings.len() > BLOCK_BYTES {
            self.close();
        }
        if self.keys == 0 {
            self.first_keys.push(key.to_vec());
        }
        let shared = self.last_key.iter().zip(key).take_while(|(a, b)| a == b).count();
        self.table.size(shared);
        self.table.text(&key[shared..]);
        self.table.number(u64::from(count));
        self.table.size(postings.len());
        self.lists.raw(postings);
        self.keys += 1;
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
    }

    /// Returns the first key of each block, and the blocks.
    pub(super) fn finish(mut self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.close();
        (self.first_keys, self.blocks)
    }

    fn close(&mut self) {
        if self.keys == 0 {
            return;
        }
        let table = std::mem::take(&mut self.table).finish();
        let mut block = Writer::default();
        block.size(self.keys);
        block.text(&table);
        block.raw(&std::mem::take(&mut self.lists).finish());
        self.blocks.push(block.finish());
        self.keys = 0;
        self.last_key.clear();
    }
}

/// The keys of a block in turn, each with the place of its postings in the block.
pub(super) struct BlockReader<'a> {
    table: Reader<'a>,
    keys_left: usize,
    key: Vec<u8>,
    /// Where the lists begin that are not read yet.
    list: usize,
    len: usize,
}

/// One key of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockEntry {
    /// How many postings there are.
    pub(super) count: u32,
    /// Their bytes in the block.
    pub(super) list: Range<usize>,
}

impl<'a> BlockReader<'a> {
    pub(super) fn new(block: &'a [u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(block, WHAT);
        let keys_left = reader.size()?;
        let table = reader.text()?;
        let list = table.as_ptr() as usize - block.as_ptr() as usize + table.len();
        Ok(Self {
            table: Reader::new(table, WHAT),
            keys_left,
            key: Vec::new(),
            list,
            len: block.len(),
        })
    }

    /// Moves to the next key and returns it.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], BlockEntry)>, StoreError> {
        if self.keys_left == 0 {
            return Ok(None);
        }
        self.keys_left -= 1;
        let shared = self.table.size()?;
        let rest = self.table.text()?;
        if shared > self.key.len() {
            return Err(self.table.damaged());
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(rest);
        let count = self.table.number32()?;
        let len = self.table.size()?;
        let end = self.list.checked_add(len).filter(|end| *end <= self.len);
        let end = end.ok_or_else(|| self.table.damaged())?;
        let list = self.list..end;
        self.list = end;
        Ok(Some((&self.key, BlockEntry { count, list })))
    }

    /// Finds one key.
    pub(super) fn find(mut self, wanted: &[u8]) -> Result<Option<BlockEntry>, StoreError> {
        while let Some((key, entry)) = self.next()? {
            match key.cmp(wanted) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(entry)),
                std::cmp::Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::posting::Posting;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn keys_are_found_in_their_blocks(keys: BTreeMap<Vec<u8>, u8>) {
            let mut writer = BlockWriter::default();
            for (key, unit) in &keys {
                let mut list = PostingList::default();
                list.push(Posting { unit: u32::from(*unit), counts: [1, 0, 0, 2] });
                writer.push(key, &list);
            }
            let (first_keys, blocks) = writer.finish();
            prop_assert_eq!(first_keys.len(), usize::from(!keys.is_empty()));
            for (key, unit) in &keys {
                let entry = BlockReader::new(&blocks[0]).unwrap().find(key).unwrap().unwrap();
                prop_assert_eq!(entry.count, 1);
                prop_assert_eq!(blocks[0][entry.list][0], unit << 1 & 0x7f | if *unit > 63 { 0x80 } else { 0 });
            }
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Ok(mut reader) = BlockReader::new(&bytes) {
                while let Ok(Some((_, entry))) = reader.next() {
                    prop_assert!(bytes.get(entry.list).is_some());
                }
            }
        }
    }
}
