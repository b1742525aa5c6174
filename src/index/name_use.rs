use super::analysis::{NAME_PREFIX, NameField};
use super::hash::FastMap;
use super::store::Posting;
use super::{Index, SymbolId};

/// A name that more places define says too little of any of them to link files.
const MOST_DEFINITIONS: usize = 32;

/// Who defines a name, and who calls it or uses it as a type.
#[derive(Clone, Debug, Default)]
pub(super) struct NameUse {
    pub(super) definitions: Vec<SymbolId>,
    /// Files, each with how often.
    pub(super) users: Vec<(u32, u32)>,
}

impl Index {
    /// Calls `each` with every name that is defined and used; those that more than [`MOST_DEFINITIONS`] places define are
    /// left out.
    pub(super) fn each_used_name(&self, mut each: impl FnMut(&NameUse)) {
        let is_linking =
            |found: &NameUse| !found.users.is_empty() && (1..=MOST_DEFINITIONS).contains(&found.definitions.len());
        // Names of several segments come together before they are handed on; one segment needs no table.
        let mut several: FastMap<Box<[u8]>, NameUse> = FastMap::default();
        let one = self.segments.len() == 1;
        for (segment, live) in self.segments.iter().zip(&self.live) {
            let blobs = segment.blobs();
            let read = segment.each_key(NAME_PREFIX, |key, postings| {
                let mut own = NameUse::default();
                let found = match one {
                    true => &mut own,
                    false => several.entry(key.into()).or_default(),
                };
                for posting in postings {
                    let at = blobs.partition_point(|blob| blob.first_unit <= posting.unit) - 1;
                    live.each_file(at as u32, |file| {
                        found.add(file, posting.unit - blobs[at].first_unit, posting)
                    });
                }
                if one && is_linking(found) {
                    each(found);
                }
            });
            self.sound(read);
        }
        several.values().filter(|found| is_linking(found)).for_each(each);
    }
}

impl NameUse {
    fn add(&mut self, file: u32, unit: u32, posting: &Posting) {
        if posting.counts[NameField::Defined as usize] > 0
            && let Some(number) = unit.checked_sub(1)
        {
            self.definitions.push(SymbolId { file, number });
        }
        let uses = [NameField::Call, NameField::Type].map(|field| u32::from(posting.counts[field as usize]));
        let count = uses[0] + uses[1];
        if count > 0 {
            self.users.push((file, count));
        }
    }
}
