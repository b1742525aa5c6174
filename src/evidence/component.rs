use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{EvidenceError, Linkage};

/// A crate whose code is in the binary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crate {
    pub name: String,
    pub version: String,
    /// An SPDX licence expression.
    pub licence: String,
    /// The SHA-256 of the package, as `Cargo.lock` has it.
    pub sha256: String,
    /// Whether skiff names it itself.
    pub direct: bool,
    /// The crates that it needs itself, each as `name version`.
    pub needs: Vec<String>,
    /// The feature of skiff without which it is not built in.
    #[serde(default)]
    feature: Option<String>,
    /// C and C++ code that it carries and compiles.
    #[serde(default)]
    pub vendored: Vec<Vendored>,
}

/// C or C++ code inside a crate; the crate's SHA-256 is over it too.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendored {
    pub name: String,
    /// None where the source does not say.
    pub version: Option<String>,
    /// An SPDX licence expression.
    pub licence: String,
    /// How the name of the system's library begins that the crate takes in its place where it finds one.
    #[serde(default)]
    replaced_by: Option<String>,
}

/// What stands under one licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenceGroup {
    /// An SPDX licence expression.
    pub licence: String,
    /// Names with versions, in order.
    pub components: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(rename = "about")]
    _about: String,
    #[serde(rename = "target")]
    _target: String,
    crates: Vec<Crate>,
    #[serde(rename = "left_out")]
    _left_out: Vec<String>,
}

/// Returns the crates of this build, by name, from the list that `scripts/components.sh` makes of `Cargo.lock`. What the
/// executable takes from a library of the system is not among what they carry.
///
/// # Errors
/// [`EvidenceError::Components`].
pub fn components(linkage: Option<&Linkage>) -> Result<Vec<Crate>, EvidenceError> {
    let listing: Listing =
        serde_json::from_str(include_str!("../../evidence/components.json")).map_err(EvidenceError::Components)?;
    let built = |component: &Crate| component.feature.as_deref().is_none_or(is_built);
    let mut crates: Vec<Crate> = listing.crates.into_iter().filter(built).collect();
    for component in &mut crates {
        component.vendored.retain(|vendored| !vendored.is_replaced(linkage));
    }
    Ok(crates)
}

impl Vendored {
    fn is_replaced(&self, linkage: Option<&Linkage>) -> bool {
        let needed = linkage.map_or(&[][..], |linkage| &linkage.needed);
        let replaced_by = self.replaced_by.as_ref();
        replaced_by.is_some_and(|name| needed.iter().any(|library| library.starts_with(name)))
    }
}

fn is_built(feature: &str) -> bool {
    match feature {
        "all-languages" => cfg!(feature = "all-languages"),
        "cuda" => cfg!(feature = "cuda"),
        "metal" => cfg!(feature = "metal"),
        "rocm" => cfg!(feature = "rocm"),
        "vulkan" => cfg!(feature = "vulkan"),
        // Rather one too many.
        _ => true,
    }
}

/// Returns what stands under each licence, the largest group first.
pub fn licence_groups(crates: &[Crate]) -> Vec<LicenceGroup> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for component in crates {
        let name = format!("{} {}", component.name, component.version);
        for vendored in &component.vendored {
            let version = vendored
                .version
                .as_deref()
                .map_or(String::new(), |version| format!(" {version}"));
            let inside = format!("{}{version} (in {name})", vendored.name);
            groups.entry(choice(&vendored.licence)).or_default().push(inside);
        }
        groups.entry(choice(&component.licence)).or_default().push(name);
    }
    let mut groups: Vec<LicenceGroup> = groups
        .into_iter()
        .map(|(licence, mut components)| {
            components.sort();
            LicenceGroup { licence, components }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.components.len()));
    groups
}

/// Returns a licence expression with the parts of a plain choice in order: `MIT OR Apache-2.0` is `Apache-2.0 OR MIT`.
fn choice(licence: &str) -> String {
    if licence.contains('(') || licence.contains(" AND ") {
        return licence.to_owned();
    }
    let mut parts: Vec<&str> = licence.split(" OR ").collect();
    parts.sort_unstable();
    parts.join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_there_and_grouped() {
        let crates = components(None).unwrap();
        let git = crates.iter().find(|component| component.name == "libgit2-sys").unwrap();
        assert!(git.vendored.iter().any(|vendored| vendored.name == "libgit2"));
        assert_eq!(
            crates.iter().any(|component| component.name == "tree-sitter-haskell"),
            cfg!(feature = "all-languages")
        );
        let groups = licence_groups(&crates);
        let total: usize = groups.iter().map(|group| group.components.len()).sum();
        let vendored: usize = crates.iter().map(|component| component.vendored.len()).sum();
        assert_eq!(total, crates.len() + vendored);
        assert_eq!(choice("Unlicense OR MIT"), "MIT OR Unlicense");
        assert_eq!(
            choice("(MIT OR Apache-2.0) AND Unicode-3.0"),
            "(MIT OR Apache-2.0) AND Unicode-3.0"
        );
        let licences: Vec<&str> = groups.iter().map(|group| group.licence.as_str()).collect();
        assert!(licences.contains(&"Apache-2.0 OR MIT") && !licences.contains(&"MIT OR Apache-2.0"));
    }
}
