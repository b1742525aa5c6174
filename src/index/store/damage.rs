use super::database::Table;
use super::encoding::{seal, unseal};
use super::segment::{SegmentParts, Shelf, place};
use super::{Segment, StoreError, View};
use crate::index::{Index, MapFocus};
use crate::progress::NoProgress;
use crate::text::RepoPath;

/// Damages the records of an index as if their checksums knew it, and reads all of them; for a fuzzer.
///
/// The first byte is the number of damages, with three bytes each: which record, where, and how. The others are the
/// text that is indexed.
pub(crate) fn read_damaged(bytes: &[u8]) {
    let Some((&count, rest)) = bytes.split_first() else {
        return;
    };
    let Some((damages, text)) = rest.split_at_checked(3 * usize::from(count)) else {
        return;
    };
    let _ = View::decode(rest);
    let Ok(path) = RepoPath::new("file.py") else {
        return;
    };
    let text = String::from_utf8_lossy(text).into_owned();
    let Ok(mut index) = Index::from_texts(vec![(path, text)], &NoProgress) else {
        return;
    };
    let sound = index.segments.first().and_then(Segment::parts);
    let Some(Ok(segment)) = sound.map(|sound| damaged(sound, damages)) else {
        return;
    };
    if segment.blobs().len() != 1 {
        return;
    }
    let _ = (segment.units(), segment.verify());
    let _ = segment.definitions(0);
    index.segments = vec![segment];
    index.search("parse file", 10);
    index.map(&MapFocus::default());
    index.references_to("parse");
}

fn damaged(sound: &SegmentParts, damages: &[u8]) -> Result<Segment, StoreError> {
    const ID: u32 = 1;
    let mut parts = sound.clone();
    let header = (Table::Segment, 0, &mut parts.header);
    let units = (Table::Units, 0, &mut parts.units);
    let blocks = (0u32..).zip(&mut parts.blocks);
    let blocks = blocks.map(|(number, block)| (Table::Blocks, number, block));
    let groups = (0u32..).zip(&mut parts.groups);
    let groups = groups.map(|(number, group)| (Table::Records, number, group));
    for (at, (table, number, sealed)) in [header, units].into_iter().chain(blocks).chain(groups).enumerate() {
        let place = place(ID, table, number);
        let mut record = unseal(place, sealed, "a record")?;
        for damage in damages
            .chunks_exact(3)
            .filter(|damage| usize::from(damage[0]) % 4 == at % 4)
        {
            let len = record.len().max(1);
            if let Some(byte) = record.get_mut(usize::from(damage[1]) * len / 256) {
                *byte ^= damage[2];
            }
        }
        *sealed = seal(place, &record);
    }
    let header = parts.header.clone();
    Segment::new(ID, &header, Shelf::Memory(parts))
}
