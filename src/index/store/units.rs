use super::StoreError;
use super::encoding::{Reader, Writer};
use super::posting::FIELDS;
use super::record::{kind_code, kind_of};
use crate::lang::SymbolKind;

/// What search has to know of one unit without reading its definition.
#[derive(Clone, Debug, Default)]
pub(in crate::index) struct Unit {
    pub(in crate::index) flags: UnitFlags,
    /// How many units lie inside; they are the next ones.
    pub(in crate::index) descendants: u32,
    /// How many terms each field has.
    pub(in crate::index) lengths: [u32; FIELDS],
}

/// Kind, and what ranking asks of a definition, in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::index) struct UnitFlags(u8);

impl UnitFlags {
    const KIND: u8 = 0b0001_1111;
    const HAS_BODY: u8 = 0b0010_0000;
    const IN_TESTS: u8 = 0b0100_0000;

    pub(in crate::index) fn of(kind: SymbolKind, has_body: bool, in_tests: bool) -> Self {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        Self(kind_code(kind) | flag(has_body, Self::HAS_BODY) | flag(in_tests, Self::IN_TESTS))
    }

    pub(in crate::index) fn kind(self) -> Option<SymbolKind> {
        kind_of(self.0 & Self::KIND)
    }

    pub(in crate::index) fn has_body(self) -> bool {
        self.0 & Self::HAS_BODY != 0
    }

    pub(in crate::index) fn in_tests(self) -> bool {
        self.0 & Self::IN_TESTS != 0
    }
}

/// The units of a segment, in columns.
#[derive(Debug, Default)]
pub(in crate::index) struct Units {
    flags: Vec<u8>,
    descendants: Vec<u32>,
    /// The unit that encloses each; its own number where none does.
    parents: Vec<u32>,
    norms: [Vec<u8>; FIELDS],
}

impl Units {
    pub(in crate::index) fn len(&self) -> usize {
        self.flags.len()
    }

    pub(in crate::index) fn flags(&self, unit: u32) -> UnitFlags {
        UnitFlags(self.flags.get(unit as usize).copied().unwrap_or_default())
    }

    pub(in crate::index) fn descendants(&self, unit: u32) -> u32 {
        self.descendants.get(unit as usize).copied().unwrap_or_default()
    }

    /// Returns the unit around a unit.
    pub(in crate::index) fn parent(&self, unit: u32) -> Option<u32> {
        self.parents
            .get(unit as usize)
            .copied()
            .filter(|parent| *parent != unit)
    }

    /// Returns about how many terms a field of a unit has.
    pub(in crate::index) fn length(&self, unit: u32, field: usize) -> u32 {
        length_of(self.norms[field].get(unit as usize).copied().unwrap_or_default())
    }

    pub(super) fn push(&mut self, unit: &Unit) {
        self.flags.push(unit.flags.0);
        self.descendants.push(unit.descendants);
        for (norms, length) in self.norms.iter_mut().zip(unit.lengths) {
            norms.push(norm_of(length));
        }
    }

    /// Appends a unit of another segment as it is.
    pub(super) fn push_from(&mut self, other: &Self, unit: u32) {
        self.flags.push(other.flags(unit).0);
        self.descendants.push(other.descendants(unit));
        for (norms, theirs) in self.norms.iter_mut().zip(&other.norms) {
            norms.push(theirs.get(unit as usize).copied().unwrap_or_default());
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.size(self.len());
        writer.raw(&self.flags);
        for norms in &self.norms {
            writer.raw(norms);
        }
        for descendants in &self.descendants {
            writer.number(u64::from(*descendants));
        }
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, "the table of units");
        let count = reader.count()?;
        let mut units = Self {
            flags: reader.raw(count)?.to_vec(),
            ..Self::default()
        };
        for norms in &mut units.norms {
            *norms = reader.raw(count)?.to_vec();
        }
        units.descendants.reserve(count);
        for _ in 0..count {
            units.descendants.push(reader.number32()?);
        }
        units.find_parents();
        Ok(units)
    }

    fn find_parents(&mut self) {
        let mut open: Vec<(u32, u32)> = Vec::new();
        self.parents.clear();
        for (unit, descendants) in (0u32..).zip(&self.descendants) {
            while open.last().is_some_and(|(_, end)| unit >= *end) {
                open.pop();
            }
            self.parents.push(open.last().map_or(unit, |(parent, _)| *parent));
            if *descendants > 0 {
                open.push((unit, unit.saturating_add(1).saturating_add(*descendants)));
            }
        }
    }
}

/// Squeezes a length into a byte: exact below 16, then with three bits behind the first (as Lucene's `SmallFloat` does).
fn norm_of(length: u32) -> u8 {
    if length < 16 {
        return length as u8;
    }
    let exponent = length.ilog2();
    let mantissa = length >> (exponent - 3) & 7;
    (16 + (exponent - 4) * 8 + mantissa) as u8
}

fn length_of(norm: u8) -> u32 {
    let norm = u32::from(norm);
    if norm < 16 {
        return norm;
    }
    let exponent = (norm - 16) / 8 + 4;
    let mantissa = (norm - 16) % 8;
    // The middle of what the byte stands for.
    ((8 + mantissa) << (exponent.min(31) - 3)).saturating_add(1 << (exponent.min(31) - 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lengths_come_back_within_a_sixteenth(length: u32) {
            let back = length_of(norm_of(length));
            let off = f64::from(back) - f64::from(length);
            prop_assert!(off.abs() <= f64::from(length) / 16.0 + 0.5, "{length} {back}");
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, unit: u32, norm: u8) {
            length_of(norm);
            if let Ok(units) = Units::decode(&bytes) {
                let _ = (units.flags(unit).kind(), units.parent(unit), units.length(unit, 0), units.descendants(unit));
            }
        }
    }

    #[test]
    fn units_come_back_with_their_parents() {
        let mut units = Units::default();
        for descendants in [0, 2, 1, 0, 0] {
            units.push(&Unit {
                flags: UnitFlags::of(SymbolKind::Class, true, false),
                descendants,
                lengths: [1, 2, 3, 400],
            });
        }
        let units = Units::decode(&units.encode()).unwrap();
        let parents: Vec<_> = (0..5).map(|unit| units.parent(unit)).collect();
        assert_eq!(parents, [None, None, Some(1), Some(2), None]);
        assert_eq!(units.flags(1).kind(), Some(SymbolKind::Class));
        assert!(units.flags(1).has_body() && !units.flags(1).in_tests());
        assert_eq!([units.length(4, 1), units.length(4, 3)], [2, 400]);
    }
}
