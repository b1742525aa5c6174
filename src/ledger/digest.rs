use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha384};

use super::{LedgerError, canonical, hex};

/// A SHA-384 digest (FIPS 180-4), written as 96 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 48]);

impl Digest {
    /// What the first line of a ledger names as the line before it.
    pub const NONE: Self = Self([0; 48]);

    /// Computes the digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha384::digest(bytes).into())
    }

    /// Computes the digest of the canonical JSON of a value.
    ///
    /// # Errors
    /// [`LedgerError::Unwritable`] when the value has no canonical form.
    pub fn of_json(value: &impl Serialize) -> Result<Self, LedgerError> {
        let text = canonical::text(value).map_err(LedgerError::Unwritable)?;
        Ok(Self::of(text.as_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        hex::decode(&text)
            .map(Self)
            .ok_or_else(|| format!("{text:?} is not a SHA-384 of 96 lowercase hexadecimal digits"))
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}
