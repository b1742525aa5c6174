use std::sync::{Mutex, MutexGuard, PoisonError};

/// Byte strings, numbered from 0 in the order in which they came.
///
/// Short words, of which most texts are made, lie in the table itself: to meet one again takes one look at memory.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Their number is a power of two.
    slots: Vec<Slot>,
    /// Where each word ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    print: Print,
    number: u32,
}

/// What a word is first told from others by: of one of up to eight bytes its bytes, which say all; of others a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    code: u64,
    len: u32,
}

const FREE: Slot = Slot {
    print: Print { code: 0, len: 0 },
    number: u32::MAX,
};
const SHORT_BYTES: usize = 8;

/// Whether a word was there before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    Before(u32),
    Now(u32),
}

impl Entered {
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Before(number) | Self::Now(number) => number,
        }
    }
}

impl Vocabulary {
    /// Returns about how many bytes of memory it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.slots.capacity() * size_of::<Slot>() + self.ends.capacity() * size_of::<usize>()
    }

    /// Returns the word of a number that was given out.
    pub(super) fn word(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[at]]
    }

    /// Returns the number of a word, which is entered where it is not there yet.
    pub(super) fn enter(&mut self, word: &[u8]) -> Entered {
        // At most half of the slots are taken.
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let print = Print::of(word);
        let mask = self.slots.len() - 1;
        let mut at = print.hash() as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == FREE.number {
                break;
            }
            if slot.print == print && (word.len() <= SHORT_BYTES || self.word(slot.number) == word) {
                return Entered::Before(slot.number);
            }
            at = (at + 1) & mask;
        }
        let number = self.ends.len() as u32;
        self.slots[at] = Slot { print, number };
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
        Entered::Now(number)
    }

    fn grow(&mut self) {
        const FEWEST_SLOTS: usize = 1 << 10;
        let len = (self.slots.len() * 2).max(FEWEST_SLOTS);
        let before = std::mem::replace(&mut self.slots, vec![FREE; len]);
        for slot in before.into_iter().filter(|slot| slot.number != FREE.number) {
            let mut at = slot.print.hash() as usize & (len - 1);
            while self.slots[at].number != FREE.number {
                at = (at + 1) & (len - 1);
            }
            self.slots[at] = slot;
        }
    }
}

/// A vocabulary that several threads enter words into.
#[derive(Debug, Default)]
pub(super) struct SharedVocabulary(Mutex<Vocabulary>);

impl SharedVocabulary {
    /// Returns the vocabulary, which no other thread has meanwhile.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vocabulary> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Print {
    fn of(word: &[u8]) -> Self {
        let len = word.len() as u32;
        let code = match (word.first_chunk::<8>(), word.last_chunk::<8>()) {
            (Some(first), Some(last)) if word.len() > SHORT_BYTES => {
                let (chunks, _) = word.as_chunks::<8>();
                let first = u64::from_le_bytes(*first) ^ u64::from(len);
                let inner = chunks[1..]
                    .iter()
                    .fold(first, |sum, chunk| folded(sum, u64::from_le_bytes(*chunk)));
                folded(inner, u64::from_le_bytes(*last))
            }
            // Where the two halves overlap they still say all, with the length.
            _ => match (word.first_chunk::<4>(), word.last_chunk::<4>()) {
                (Some(first), Some(last)) => {
                    u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
                }
                _ => word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
            },
        };
        Self { code, len }
    }

    fn hash(self) -> u64 {
        folded(self.code, u64::from(self.len))
    }
}

/// Multiplies to 128 bits and folds the halves, as wyhash does.
fn folded(a: u64, b: u64) -> u64 {
    const ODD: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93];
    let product = u128::from(a ^ ODD[0]) * u128::from(b ^ ODD[1]);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn every_word_has_one_number(words in prop::collection::vec("[a-c]{0,3}|[a-z]{0,40}", 0..3000)) {
            let mut vocabulary = Vocabulary::default();
            let mut expected: BTreeMap<String, u32> = BTreeMap::new();
            for word in &words {
                let next = expected.len() as u32;
                let entered = vocabulary.enter(word.as_bytes());
                match expected.get(word) {
                    Some(number) => prop_assert_eq!(entered, Entered::Before(*number)),
                    None => {
                        prop_assert_eq!(entered, Entered::Now(next));
                        expected.insert(word.clone(), next);
                    }
                }
            }
            for (word, number) in &expected {
                prop_assert_eq!(vocabulary.word(*number), word.as_bytes());
            }
        }
    }

    #[test]
    fn words_that_differ_in_one_byte_have_prints_of_their_own() {
        let words: Vec<Vec<u8>> = (0..40usize)
            .flat_map(|len| (0..len).map(move |at| (0..len).map(|own| b'a' + u8::from(own == at)).collect()))
            .collect();
        let mut prints: Vec<(u64, u32)> = words
            .iter()
            .map(|word| Print::of(word))
            .map(|print| (print.hash(), print.len))
            .collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), words.len());
    }
}
