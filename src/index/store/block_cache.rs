use std::collections::HashMap;
use std::sync::Arc;

/// How many unpacked blocks a generation has.
const GENERATION_BLOCKS: usize = 192;

/// Unpacked blocks of a segment that were asked for last.
///
/// There are two generations. What is asked for is of the young one; when that is full it becomes the old one, and what
/// was old and not asked for since is dropped.
#[derive(Debug, Default)]
pub(super) struct BlockCache {
    young: HashMap<u32, Arc<Vec<u8>>>,
    old: HashMap<u32, Arc<Vec<u8>>>,
}

impl BlockCache {
    /// Returns a block that is at hand.
    pub(super) fn get(&mut self, number: u32) -> Option<Arc<Vec<u8>>> {
        if let Some(block) = self.young.get(&number) {
            return Some(Arc::clone(block));
        }
        let block = self.old.remove(&number)?;
        self.insert(number, Arc::clone(&block));
        Some(block)
    }

    /// Keeps a block at hand.
    pub(super) fn insert(&mut self, number: u32, block: Arc<Vec<u8>>) {
        if self.young.len() >= GENERATION_BLOCKS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(number, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_again_and_again_stays() {
        let mut cache = BlockCache::default();
        let block = |number: u32| Arc::new(vec![number as u8]);
        cache.insert(0, block(0));
        let last = 10 * GENERATION_BLOCKS as u32;
        for number in 1..=last {
            cache.insert(number, block(number));
            assert_eq!(cache.get(0), Some(block(0)));
            assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION_BLOCKS);
        }
        assert_eq!(cache.get(last), Some(block(last)));
        assert_eq!(cache.get(1), None);
    }
}
