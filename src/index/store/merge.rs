use std::collections::HashMap;

use super::block::BlockReader;
use super::posting::PostingReader;
use super::segment::nth_record;
use super::{Posting, Segment, SegmentBuilder, StoreError};
use crate::index::vocabulary::Vocabulary;

/// How many segments are left side by side.
const MOST_SEGMENTS: usize = 8;
/// A segment is merged when those smaller than it come to at least one part in so many of it.
const RATIO: u64 = 3;

/// Returns which segments are to be merged, by their places; none where there are few.
///
/// The smallest are taken, and larger ones as long as what is taken already is worth the copying: every blob is copied
/// a number of times that grows with the logarithm of the store only.
pub(in crate::index) fn overdue(segments: &[Segment]) -> Vec<usize> {
    if segments.len() <= MOST_SEGMENTS {
        return Vec::new();
    }
    let mut by_size: Vec<usize> = (0..segments.len()).collect();
    by_size.sort_by_key(|at| segments[*at].unit_count());
    let mut sum = 0u64;
    let mut taken = Vec::new();
    for at in by_size {
        let size = u64::from(segments[at].unit_count());
        if taken.len() >= 2 && size > sum * RATIO {
            break;
        }
        sum += size;
        taken.push(at);
    }
    taken.sort_unstable();
    taken
}

/// Where the blobs of merged segments are now: by segment and number, the number in the new segment.
pub(in crate::index) type Moved = HashMap<(u32, u32), u32>;

/// Copies the blobs for which `used_day` gives a day into one segment.
pub(in crate::index) fn merge(
    segments: &[&Segment],
    id: u32,
    used_day: impl Fn(u32, u32) -> Option<u16>,
) -> Result<(Segment, Moved), StoreError> {
    const DROPPED: u32 = u32::MAX;
    let mut builder = SegmentBuilder::default();
    let mut vocabulary = Vocabulary::default();
    let mut moved = Moved::new();
    for segment in segments {
        let units = segment.units()?;
        let mut new_units = vec![DROPPED; units.len()];
        let (mut group, mut loaded) = (Vec::new(), None);
        for (number, blob) in (0u32..).zip(segment.blobs()) {
            if let Some(there) = builder.number_of(blob.id, blob.detection) {
                moved.insert((segment.id(), number), there);
                continue;
            }
            let Some(day) = used_day(segment.id(), number) else {
                continue;
            };
            let after = segment.group_starts().partition_point(|first| *first <= number);
            let at = after
                .checked_sub(1)
                .ok_or(StoreError::Damaged("a segment of the index"))?;
            if loaded != Some(at) {
                group = segment.group(at as u32)?;
                loaded = Some(at);
            }
            let record = nth_record(&group, number - segment.group_starts()[at])?;
            let mut entry = blob.clone();
            entry.used_day = day;
            moved.insert((segment.id(), number), builder.blob_from(entry, units, record));
            let first = builder.first_unit();
            let range = blob.first_unit as usize..(blob.first_unit + blob.units) as usize;
            for (new, unit) in new_units[range].iter_mut().zip(first..) {
                *new = unit;
            }
        }
        for number in 0..segment.block_count() {
            let block = segment.block(number)?;
            let mut keys = BlockReader::new(&block)?;
            while let Some((key, entry)) = keys.next()? {
                let mut number = None;
                let mut postings = PostingReader::new(&block[entry.list]);
                while let Some(posting) = postings.next()? {
                    let unit = new_units.get(posting.unit as usize).copied().unwrap_or(DROPPED);
                    if unit != DROPPED {
                        let number = *number.get_or_insert_with(|| vocabulary.enter(key).number());
                        builder.posting(number, Posting { unit, ..posting });
                    }
                }
            }
        }
    }
    Ok((builder.finish(id, &vocabulary)?, moved))
}
