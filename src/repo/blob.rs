use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// The object id that git gives a file's bytes: SHA-1 over `blob <length>\0<bytes>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId([u8; 20]);

/// A string is not 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a blob id of 40 hexadecimal digits")]
pub struct BlobIdError(String);

impl BlobId {
    /// The id that git writes for a file that is not there.
    pub const ZERO: Self = Self([0; 20]);

    /// Computes the id of a file with these bytes; no filter and no line-ending conversion takes part.
    pub fn of(bytes: &[u8]) -> Self {
        // Not by libgit2: it looks for collisions on the way, which takes five times as long. An index is no store of
        // objects; what git has stored it has looked through itself.
        let mut hasher = Sha1::new_with_prefix(format!("blob {}\0", bytes.len()));
        hasher.update(bytes);
        Self(hasher.finalize().into())
    }
}

impl BlobId {
    /// Returns the 20 bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Takes 20 bytes for an id.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }
}

impl From<git2::Oid> for BlobId {
    fn from(oid: git2::Oid) -> Self {
        oid.as_bytes().try_into().map_or(Self::ZERO, Self)
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl FromStr for BlobId {
    type Err = BlobIdError;

    fn from_str(hex: &str) -> Result<Self, BlobIdError> {
        let bad = || BlobIdError(hex.to_owned());
        if hex.len() != 40 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut id = [0; 20];
        for (byte, at) in id.iter_mut().zip((0..40).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| bad())?;
        }
        Ok(Self(id))
    }
}

impl TryFrom<String> for BlobId {
    type Error = BlobIdError;

    fn try_from(hex: String) -> Result<Self, BlobIdError> {
        hex.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.to_string()
    }
}

/// The two modes that git knows for a regular file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileMode {
    /// `100644`.
    #[default]
    #[serde(rename = "100644")]
    Regular,
    /// `100755`.
    #[serde(rename = "100755")]
    Executable,
}

impl FileMode {
    /// Returns the mode as git prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
        }
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git_hash_object() {
        // `git hash-object` of an empty file and of "hello\n".
        let empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(BlobId::of(b"").to_string(), empty);
        assert_eq!(
            BlobId::of(b"hello\n").to_string(),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
        assert_eq!(empty.parse(), Ok(BlobId::of(b"")));
    }

    #[test]
    fn ids_and_modes_travel_as_strings() {
        let id = BlobId::of(b"x");
        let json = serde_json::to_string(&(id, FileMode::Executable)).unwrap();
        assert_eq!(json, format!("[\"{id}\",\"100755\"]"));
        assert_eq!(
            serde_json::from_str::<(BlobId, FileMode)>(&json).unwrap(),
            (id, FileMode::Executable)
        );
        assert!("+1".repeat(20).parse::<BlobId>().is_err());
        assert!("é".repeat(20).parse::<BlobId>().is_err());
    }
}
