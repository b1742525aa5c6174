use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Crate, Executable, Vendored};

/// A bill of materials, as CycloneDX 1.6 (ECMA-424) writes it.
#[derive(Debug)]
pub struct Bill<'a> {
    /// The release of skiff.
    pub version: &'a str,
    /// When it was made, in RFC 3339.
    pub created: &'a str,
    pub marking: Option<&'a str>,
    pub executable: &'a Executable,
    pub crates: &'a [Crate],
    pub models: &'a [Model],
}

/// A model that may be loaded.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    /// `general.architecture` of the header.
    pub architecture: String,
}

const ROOT: &str = "skiff";

impl Bill<'_> {
    /// Returns the document. The serial number follows from what is in it, so that the same is written as the same.
    pub fn json(&self) -> Value {
        let crates = self.crates.iter().map(library);
        let components: Vec<Value> = crates.chain(self.models.iter().map(model)).collect();
        let properties: Vec<Value> = self
            .marking
            .iter()
            .map(|text| property("skiff:marking", text))
            .collect();
        let mut metadata = json!({
            "timestamp": self.created,
            "tools": { "components": [{ "type": "application", "name": ROOT, "version": self.version }] },
            "component": {
                "type": "application",
                "bom-ref": ROOT,
                "name": ROOT,
                "version": self.version,
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
                "hashes": hashes(&self.executable.sha256),
            },
        });
        if !properties.is_empty() {
            metadata["properties"] = properties.into();
        }
        let mut bill = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": metadata,
            "components": components,
            "dependencies": self.dependencies(),
        });
        bill["serialNumber"] = serial_number(&bill.to_string()).into();
        bill
    }

    fn dependencies(&self) -> Vec<Value> {
        let root: Vec<String> = self
            .crates
            .iter()
            .filter(|component| component.direct)
            .map(reference)
            .collect();
        let below = self.crates.iter().map(|component| {
            let needs = self
                .crates
                .iter()
                .filter(|other| component.needs.contains(&named(other)));
            json!({ "ref": reference(component), "dependsOn": needs.map(reference).collect::<Vec<_>>() })
        });
        [json!({ "ref": ROOT, "dependsOn": root })]
            .into_iter()
            .chain(below)
            .collect()
    }
}

fn library(component: &Crate) -> Value {
    let reference = reference(component);
    let mut library = json!({
        "type": "library",
        "bom-ref": reference,
        "name": component.name,
        "version": component.version,
        "scope": "required",
        "hashes": hashes(&component.sha256),
        "licenses": [{ "expression": component.licence }],
        "purl": reference,
    });
    if !component.vendored.is_empty() {
        let inside = component.vendored.iter().map(|vendored| inside(vendored, &reference));
        library["components"] = inside.collect();
    }
    library
}

/// C and C++ code has no hash of its own: that of the crate around it is over it.
fn inside(vendored: &Vendored, around: &str) -> Value {
    let mut library = json!({
        "type": "library",
        "bom-ref": format!("{around}#{}", vendored.name),
        "name": vendored.name,
        "scope": "required",
        "licenses": [{ "expression": vendored.licence }],
        "properties": [property("skiff:carried-by", around)],
    });
    if let Some(version) = &vendored.version {
        library["version"] = version.as_str().into();
    }
    library
}

fn model(model: &Model) -> Value {
    json!({
        "type": "machine-learning-model",
        "bom-ref": format!("model:{}:{}", model.name, model.sha256),
        "name": model.name,
        "hashes": hashes(&model.sha256),
        "properties": [
            property("skiff:bytes", &model.bytes.to_string()),
            property("skiff:architecture", &model.architecture),
        ],
    })
}

fn hashes(sha256: &str) -> Value {
    json!([{ "alg": "SHA-256", "content": sha256 }])
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

/// Returns the package URL, which is the reference too; a version may hold a `+`, which a URL spells `%2B`.
fn reference(component: &Crate) -> String {
    format!("pkg:cargo/{}@{}", component.name, component.version.replace('+', "%2B"))
}

fn named(component: &Crate) -> String {
    format!("{} {}", component.name, component.version)
}

/// Returns a UUID of version 8 (RFC 9562) from a SHA-256.
fn serial_number(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    format!("urn:uuid:{}", parts.join("-"))
}
