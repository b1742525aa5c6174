use super::StoreError;
use super::encoding::{Reader, put_number};

/// The number of fields that a posting counts.
pub(in crate::index) const FIELDS: usize = 4;

/// How often a key stands in each field of a unit.
pub(in crate::index) type Counts = [u16; FIELDS];

/// The field that most postings count, and nothing else.
const COMMON: Counts = [0, 0, 0, 1];

/// One unit of a segment that a key stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) struct Posting {
    /// The unit's number in the segment.
    pub(in crate::index) unit: u32,
    /// How often the key stands in its fields.
    pub(in crate::index) counts: Counts,
}

/// The units of one key, in ascending order, as bytes.
///
/// A posting is a varint of twice the distance from the unit before, plus one where the counts are one in the last field
/// and no other. Else a byte follows: the fields that count in its lower half, and in its upper half their common
/// count, or zero and then a varint for each.
#[derive(Debug, Default)]
pub(super) struct PostingList {
    pub(super) bytes: Vec<u8>,
    pub(super) count: u32,
    next_unit: u32,
}

impl PostingList {
    /// Appends a posting; its unit comes after those so far.
    pub(super) fn push(&mut self, posting: Posting) {
        let distance = u64::from(posting.unit - self.next_unit);
        self.next_unit = posting.unit + 1;
        self.count += 1;
        if posting.counts == COMMON {
            put_number(&mut self.bytes, distance << 1 | 1);
            return;
        }
        put_number(&mut self.bytes, distance << 1);
        let present = |field: usize| posting.counts[field] > 0;
        let mask = (0..FIELDS)
            .filter(|field| present(*field))
            .fold(0, |mask, field| mask | 1 << field);
        let mut counts = posting.counts.iter().copied().filter(|count| *count > 0);
        let first = counts.next().unwrap_or(0);
        if first <= 15 && counts.all(|count| count == first) {
            self.bytes.push(mask | (first as u8) << 4);
            return;
        }
        self.bytes.push(mask);
        for count in posting.counts.iter().filter(|count| **count > 0) {
            put_number(&mut self.bytes, u64::from(*count));
        }
    }
}

/// Reads the postings of one key.
#[derive(Debug)]
pub(super) struct PostingReader<'a> {
    reader: Reader<'a>,
    next_unit: u32,
}

impl<'a> PostingReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes, "a list of postings"),
            next_unit: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Posting>, StoreError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let head = self.reader.number()?;
        let unit = u32::try_from(head >> 1)
            .ok()
            .and_then(|distance| self.next_unit.checked_add(distance))
            .filter(|unit| *unit < u32::MAX)
            .ok_or_else(|| self.reader.damaged())?;
        self.next_unit = unit + 1;
        if head & 1 == 1 {
            return Ok(Some(Posting { unit, counts: COMMON }));
        }
        let byte = self.reader.byte()?;
        let mut counts = [0; FIELDS];
        for (field, count) in counts.iter_mut().enumerate() {
            if byte & 1 << field == 0 {
                continue;
            }
            *count = match byte >> 4 {
                0 => u16::try_from(self.reader.number()?).map_err(|_| self.reader.damaged())?,
                common => u16::from(common),
            };
        }
        Ok(Some(Posting { unit, counts }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn read(bytes: &[u8]) -> Result<Vec<Posting>, StoreError> {
        let mut reader = PostingReader::new(bytes);
        std::iter::from_fn(|| reader.next().transpose()).collect()
    }

    proptest! {
        #[test]
        fn postings_come_back(units: BTreeMap<u16, Counts>) {
            let postings: Vec<Posting> = units.into_iter().map(|(unit, counts)| Posting { unit: unit.into(), counts }).collect();
            let mut list = PostingList::default();
            postings.iter().for_each(|posting| list.push(*posting));
            prop_assert_eq!(list.count as usize, postings.len());
            prop_assert_eq!(read(&list.bytes).unwrap(), postings);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn the_common_posting_takes_one_byte() {
        let mut list = PostingList::default();
        for unit in 0..10 {
            list.push(Posting {
                unit: unit * 60,
                counts: COMMON,
            });
        }
        assert_eq!(list.bytes.len(), 10);
    }
}
