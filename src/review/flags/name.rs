use std::collections::{BTreeMap, BTreeSet};

use unicode_security::{GeneralSecurityProfile, MixedScript, RestrictionLevel, RestrictionLevelDetection, skeleton};

use crate::patch::{FilePatch, FileSide, Patch};

/// The names in the texts that a patch is about.
pub(super) struct KnownNames<'a> {
    /// Those that stood there before.
    old: BTreeSet<&'a str>,
    /// Names by what they look like; empty where every name is ASCII.
    by_look: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> KnownNames<'a> {
    /// Collects the names of all files of a patch, and of their paths.
    pub(super) fn of(patch: &'a Patch) -> Self {
        let side = |side: &'a Option<FileSide>| side.as_ref().map_or("", |side| side.text.as_str());
        let texts = |file: &'a FilePatch| [side(&file.old), side(&file.new), file.path.as_str()];
        let foreign = patch.files.iter().flat_map(texts).any(|text| !text.is_ascii());
        let mut known = Self {
            old: BTreeSet::new(),
            by_look: BTreeMap::new(),
        };
        if !foreign {
            return known;
        }
        for file in &patch.files {
            known.old.extend(names(side(&file.old)));
            if file.old.is_some() {
                known.old.extend(names(file.path.as_str()));
            }
            for name in texts(file).into_iter().flat_map(names) {
                known.by_look.entry(look(name)).or_default().insert(name);
            }
        }
        known
    }

    /// Tells whether a name stood in one of the files before.
    pub(super) fn has(&self, name: &str) -> bool {
        self.old.contains(name)
    }

    /// Returns what a name outside of ASCII looks like: another name, or ASCII that it is meant to be taken for.
    pub(super) fn lookalike(&self, name: &str) -> Option<String> {
        let look = look(name);
        let others = self.by_look.get(&look).into_iter().flatten();
        if let Some(other) = others.copied().find(|other| *other != name) {
            return Some(other.to_owned());
        }
        // Such as mathematical letters, which some languages read as plain ones.
        let odd = |c: char| c.is_alphanumeric() && !GeneralSecurityProfile::identifier_allowed(c);
        (look.is_ascii() && name.chars().any(odd)).then_some(look)
    }
}

/// Returns the skeleton of a name (UTS #39, 4).
fn look(name: &str) -> String {
    skeleton(name).collect()
}

/// Tells whether the letters of a name are from scripts that nobody writes together: Latin with Cyrillic or Greek, or any
/// two without Latin, unless Chinese, Japanese or Korean is written so.
pub(super) fn mixes_scripts(name: &str) -> bool {
    match name.detect_restriction_level() {
        RestrictionLevel::ASCIIOnly
        | RestrictionLevel::SingleScript
        | RestrictionLevel::HighlyRestrictive
        | RestrictionLevel::ModeratelyRestrictive => false,
        RestrictionLevel::MinimallyRestrictive => true,
        // Some character is not meant for names, which says nothing about scripts.
        RestrictionLevel::Unrestricted => !name.is_single_script(),
    }
}

/// Returns the longest runs of letters, digits, `_` and combining marks.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || ('\u{300}'..='\u{36f}').contains(&c);
    text.split(move |c| !part(c)).filter(|name| !name.is_empty())
}
