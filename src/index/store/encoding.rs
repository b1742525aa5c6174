use std::cell::RefCell;

use super::StoreError;

/// The most bytes of one record, unpacked.
const MAX_RECORD_BYTES: usize = 1 << 30;
/// How hard Zstandard tries. A higher level takes more time to write and makes a store of a few percent less.
const LEVEL: i32 = 1;

/// Appends numbers and texts to a record. Numbers are LEB128 varints, seven bits a byte, low bits first.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn number(&mut self, number: u64) {
        put_number(&mut self.bytes, number);
    }

    pub(super) fn size(&mut self, size: usize) {
        self.number(size as u64);
    }

    /// Appends the distance from `from` to `to`, either way; small distances are short.
    pub(super) fn distance(&mut self, from: usize, to: usize) {
        let distance = (to as i64).wrapping_sub(from as i64);
        self.number(((distance << 1) ^ (distance >> 63)) as u64);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.raw(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Appends a varint.
pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Reads what a [`Writer`] wrote; anything else is an error, never a panic.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; errors name them `what`.
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    pub(super) fn damaged(&self) -> StoreError {
        StoreError::Damaged(self.what)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, StoreError> {
        let (&byte, rest) = self.bytes.split_first().ok_or(StoreError::Damaged(self.what))?;
        self.bytes = rest;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.damaged())
    }

    pub(super) fn number32(&mut self) -> Result<u32, StoreError> {
        u32::try_from(self.number()?).map_err(|_| self.damaged())
    }

    pub(super) fn size(&mut self) -> Result<usize, StoreError> {
        usize::try_from(self.number()?).map_err(|_| self.damaged())
    }

    /// Reads a count of things that take at least a byte each, so that no count makes room for more than there is.
    pub(super) fn count(&mut self) -> Result<usize, StoreError> {
        let count = self.size()?;
        if count > self.bytes.len() {
            return Err(self.damaged());
        }
        Ok(count)
    }

    pub(super) fn distance(&mut self, from: usize) -> Result<usize, StoreError> {
        let folded = self.number()?;
        let distance = (folded >> 1) as i64 ^ -((folded & 1) as i64);
        (from as i64)
            .checked_add(distance)
            .and_then(|to| usize::try_from(to).ok())
            .ok_or_else(|| self.damaged())
    }

    pub(super) fn raw(&mut self, len: usize) -> Result<&'a [u8], StoreError> {
        let (head, rest) = self.bytes.split_at_checked(len).ok_or(StoreError::Damaged(self.what))?;
        self.bytes = rest;
        Ok(head)
    }

    pub(super) fn text(&mut self) -> Result<&'a [u8], StoreError> {
        let len = self.size()?;
        self.raw(len)
    }

    pub(super) fn string(&mut self) -> Result<&'a str, StoreError> {
        let bytes = self.text()?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged())
    }
}

/// Packs records; for many of them, one keeps what the packing takes in memory.
#[derive(Default)]
pub(super) struct Packer {
    compressor: Option<zstd::bulk::Compressor<'static>>,
}

impl Packer {
    /// Packs a record: CRC-32 of its place and of what follows, its length, and its bytes under Zstandard where that makes
    /// it shorter.
    ///
    /// The place takes part in the sum, so that a record that is found at another place is not taken for the one there.
    pub(super) fn seal(&mut self, place: u64, record: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; 4];
        put_number(&mut sealed, record.len() as u64);
        if self.compressor.is_none() {
            self.compressor = zstd::bulk::Compressor::new(LEVEL).ok();
        }
        // What cannot be packed is kept as it is.
        let packed = self.compressor.as_mut().and_then(|own| own.compress(record).ok());
        match packed.filter(|packed| packed.len() < record.len()) {
            Some(packed) => {
                sealed.push(1);
                sealed.extend(packed);
            }
            None => {
                sealed.push(0);
                sealed.extend(record);
            }
        }
        let sum = checksum(place, &sealed[4..]);
        sealed[..4].copy_from_slice(&sum.to_le_bytes());
        sealed
    }
}

/// Packs one record; see [`Packer::seal`].
pub(super) fn seal(place: u64, record: &[u8]) -> Vec<u8> {
    Packer::default().seal(place, record)
}

/// Unpacks a record.
pub(super) fn unseal(place: u64, sealed: &[u8], what: &'static str) -> Result<Vec<u8>, StoreError> {
    thread_local! {
        static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let damaged = || StoreError::Damaged(what);
    let (sum, body) = sealed.split_first_chunk::<4>().ok_or_else(damaged)?;
    if checksum(place, body) != u32::from_le_bytes(*sum) {
        return Err(damaged());
    }
    let mut reader = Reader::new(body, what);
    let len = reader.size()?;
    let packed = reader.byte()?;
    let rest = reader.bytes;
    let unpack = |own: &mut Option<zstd::bulk::Decompressor<'static>>| {
        if own.is_none() {
            *own = zstd::bulk::Decompressor::new().ok();
        }
        own.as_mut()?.decompress(rest, len).ok()
    };
    let record = match packed {
        0 => rest.to_vec(),
        1 if len <= MAX_RECORD_BYTES => DECOMPRESSOR.with_borrow_mut(unpack).ok_or_else(damaged)?,
        _ => return Err(damaged()),
    };
    if record.len() != len {
        return Err(damaged());
    }
    Ok(record)
}

fn checksum(place: u64, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&place.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_and_texts_come_back(numbers: Vec<u64>, text: Vec<u8>, from in 0usize..1 << 40, to in 0usize..1 << 40) {
            let mut writer = Writer::default();
            numbers.iter().for_each(|number| writer.number(*number));
            writer.text(&text);
            writer.distance(from, to);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes, "test");
            for number in &numbers {
                prop_assert_eq!(reader.number().unwrap(), *number);
            }
            prop_assert_eq!(reader.text().unwrap(), &text[..]);
            prop_assert_eq!(reader.distance(from).unwrap(), to);
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, place: u64) {
            let mut reader = Reader::new(&bytes, "test");
            while reader.number().is_ok() && reader.text().is_ok() && reader.distance(9).is_ok() {}
            prop_assert!(unseal(place, &bytes, "test").is_err());
        }

        #[test]
        fn a_sealed_record_comes_back_and_a_flipped_bit_is_found(record: Vec<u8>, place: u64, at: usize, bit in 0u8..8) {
            let mut sealed = seal(place, &record);
            prop_assert_eq!(unseal(place, &sealed, "test").unwrap(), record);
            prop_assert!(unseal(place ^ 1, &sealed, "test").is_err());
            let at = at % sealed.len();
            sealed[at] ^= 1 << bit;
            prop_assert!(unseal(place, &sealed, "test").is_err());
        }
    }
}
