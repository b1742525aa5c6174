use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use tempfile::NamedTempFile;

use super::{LedgerError, hex};

/// The key that signs checkpoints: 32 bytes that only its owner can read, in hexadecimal.
pub(super) struct SigningKey(ed25519_dalek::SigningKey);

/// The key that signatures are checked with, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl SigningKey {
    /// Reads the key; makes one where there is none.
    ///
    /// # Errors
    /// [`LedgerError::SigningKey`] when others may read the file or it holds no key; [`LedgerError::NotRecorded`].
    pub(super) fn open(file: &Path) -> Result<Self, LedgerError> {
        if let Some(key) = Self::read(file)? {
            return Ok(key);
        }
        let failed = |error| LedgerError::not_recorded(file)(error);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| failed(io::Error::other(error)))?;
        let dir = file.parent().unwrap_or(Path::new("."));
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(dir).map_err(failed)?;
        // A temporary file has mode 0600, and its link comes last: nobody reads half a key.
        let mut new = NamedTempFile::new_in(dir).map_err(failed)?;
        writeln!(new, "{}", hex::encode(&seed)).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        match new.persist_noclobber(file) {
            Ok(_) => {}
            // Another process was quicker; its key is the one.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.error)),
        }
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Self::read(file)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
    }

    /// Reads the key; none where there is no file.
    pub(super) fn read(file: &Path) -> Result<Option<Self>, LedgerError> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LedgerError::io(file)(error)),
        };
        let refused = |reason| LedgerError::SigningKey {
            path: file.to_path_buf(),
            reason,
        };
        let mode = fs::metadata(file).map_err(LedgerError::io(file))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refused("others than its owner may use the file; its mode must be 0600"));
        }
        let seed = text.strip_suffix('\n').and_then(hex::decode::<32>);
        let seed = seed.ok_or_else(|| refused("it is not 64 hexadecimal digits"))?;
        Ok(Some(Self(ed25519_dalek::SigningKey::from_bytes(&seed))))
    }

    /// Returns the key that checks what this one signs.
    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message; the signature is in hexadecimal.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        hex::encode(&self.0.sign(message).to_bytes())
    }
}

impl PublicKey {
    /// Tells whether a signature, in hexadecimal, is one of this key over the message.
    ///
    /// The strict rule of Ed25519: a message has no second signature that somebody could make from the first.
    pub(super) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let signature = hex::decode::<64>(signature).map(|bytes| Signature::from_bytes(&bytes));
        match (VerifyingKey::from_bytes(&self.0), signature) {
            (Ok(key), Some(signature)) => key.verify_strict(message, &signature).is_ok(),
            _ => false,
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let bytes = hex::decode(text).ok_or_else(|| LedgerError::NotAKey(text.to_owned()))?;
        Ok(Self(bytes))
    }
}
