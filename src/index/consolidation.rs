use super::hash::FastMap;
use super::keeper::Keeper;
use super::refresh::Refresh;
use super::store::{Moved, Segment, StoreError, View, merge, overdue};

/// How long a blob is kept that is in nobody's view.
const UNUSED_DAYS: u16 = 30;

impl Refresh<'_> {
    /// Merges the segments that have become too many.
    pub(super) fn merge_overdue(
        &mut self,
        keeper: &mut Keeper<'_>,
        own: &Option<(String, View)>,
    ) -> Result<(), StoreError> {
        let chosen = overdue(&self.segments);
        if chosen.is_empty() {
            return Ok(());
        }
        let mut views = keeper.views()?;
        if let Some((name, view)) = own {
            views.retain(|(other, _)| other != name);
            views.push((name.clone(), view.clone()));
        }
        let mut used: FastMap<(u32, u32), ()> = FastMap::default();
        let entries = views.iter().flat_map(|(_, view)| &view.entries);
        used.extend(entries.map(|entry| ((entry.segment, entry.blob), ())));
        let places = self.places.iter().flatten();
        used.extend(places.map(|(at, blob)| ((self.segments[*at as usize].id(), *blob), ())));
        let today = self.day();
        let merging: Vec<&Segment> = chosen.iter().map(|at| &self.segments[*at]).collect();
        let days: FastMap<u32, &Segment> = merging.iter().map(|segment| (segment.id(), *segment)).collect();
        let used_day = |segment: u32, blob: u32| {
            if used.contains_key(&(segment, blob)) {
                return Some(today);
            }
            let day = days.get(&segment)?.blobs().get(blob as usize)?.used_day;
            (today.saturating_sub(day) <= UNUSED_DAYS).then_some(day)
        };
        let id = self.next_id();
        let (merged, moved) = merge(&merging, id, used_day)?;
        let removed: Vec<u32> = merging.iter().map(|segment| segment.id()).collect();
        for (_, view) in &mut views {
            for entry in &mut view.entries {
                if let Some(blob) = moved.get(&(entry.segment, entry.blob)) {
                    (entry.segment, entry.blob) = (id, *blob);
                }
            }
        }
        let stored: Vec<(String, &View)> = views.iter().map(|(name, view)| (name.clone(), view)).collect();
        let mut merged = [merged];
        if keeper.write(&mut merged, &removed, &stored, self.now_s) {
            self.replace(&chosen, merged, &moved);
        }
        Ok(())
    }

    /// Puts a merged segment in place of those that it was made of.
    fn replace(&mut self, chosen: &[usize], merged: [Segment; 1], moved: &Moved) {
        let old: Vec<u32> = self.segments.iter().map(Segment::id).collect();
        let mut at = 0;
        self.segments.retain(|_| {
            at += 1;
            !chosen.contains(&(at - 1))
        });
        self.segments.extend(merged);
        let by_id: FastMap<u32, u32> = (0u32..)
            .zip(&self.segments)
            .map(|(at, segment)| (segment.id(), at))
            .collect();
        let last = self.segments.len() as u32 - 1;
        for place in &mut self.places {
            *place = place.and_then(|(segment, blob)| {
                let id = old[segment as usize];
                match moved.get(&(id, blob)) {
                    Some(blob) => Some((last, *blob)),
                    None => by_id.get(&id).map(|at| (*at, blob)),
                }
            });
        }
    }
}
