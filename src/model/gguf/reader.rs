use std::io::{BufRead, Read};

use super::{GgufError, bounded, malformed};

/// llama.cpp accepts 64 KiB; the longest key in use has about 60 bytes.
const MAX_KEY_BYTES: u64 = 1024;
/// Chat templates are the longest strings in use, at about 20 kB.
const MAX_STRING_BYTES: u64 = 4 << 20;
/// Tokens, merges and templates of the largest vocabularies in use come to about 15 MB.
const MAX_HEADER_BYTES: u64 = 256 << 20;

/// Reads little-endian primitives and counts the bytes.
pub(super) struct Reader<R> {
    source: R,
    position: u64,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, position: 0 }
    }

    /// Returns the number of bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Reads the first four bytes; a shorter file is simply not GGUF.
    pub(super) fn magic(&mut self) -> Result<[u8; 4], GgufError> {
        self.array().map_err(|error| match error {
            GgufError::HeaderTruncated { .. } => GgufError::NotGguf,
            other => other,
        })
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, GgufError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.advance(N as u64)?;
        self.source
            .read_exact(&mut bytes)
            .map_err(|error| self.truncated(error))?;
        Ok(bytes)
    }

    /// Reads the name of a key: short UTF-8 without control characters.
    pub(super) fn key(&mut self) -> Result<String, GgufError> {
        let key = self.string_of("key length", MAX_KEY_BYTES)?;
        if key.is_empty() || key.chars().any(char::is_control) {
            return Err(malformed(format!("{key:?} is not a key")));
        }
        Ok(key)
    }

    pub(super) fn string(&mut self) -> Result<String, GgufError> {
        self.string_of("string length", MAX_STRING_BYTES)
    }

    /// Skips a string without looking at its encoding: vocabularies hold pieces that are not UTF-8.
    pub(super) fn skip_string(&mut self) -> Result<(), GgufError> {
        let length = bounded("string length", self.u64()?, MAX_STRING_BYTES)?;
        self.skip(length)
    }

    pub(super) fn skip(&mut self, mut bytes: u64) -> Result<(), GgufError> {
        self.advance(bytes)?;
        while bytes > 0 {
            let available = self.source.fill_buf()?.len() as u64;
            if available == 0 {
                return Err(self.truncated(std::io::ErrorKind::UnexpectedEof.into()));
            }
            let step = available.min(bytes);
            // `step` is at most the length of the buffer.
            self.source.consume(step as usize);
            bytes -= step;
        }
        Ok(())
    }

    fn string_of(&mut self, what: &'static str, limit: u64) -> Result<String, GgufError> {
        let length = bounded(what, self.u64()?, limit)?;
        self.advance(length)?;
        // Grows with what the file really has, not with what it says.
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(length).read_to_end(&mut bytes)?;
        if read as u64 != length {
            return Err(self.truncated(std::io::ErrorKind::UnexpectedEof.into()));
        }
        String::from_utf8(bytes).map_err(|_| malformed("a string is not UTF-8"))
    }

    fn advance(&mut self, bytes: u64) -> Result<(), GgufError> {
        self.position = bounded("header length", self.position.saturating_add(bytes), MAX_HEADER_BYTES)?;
        Ok(())
    }

    fn truncated(&self, error: std::io::Error) -> GgufError {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            GgufError::HeaderTruncated {
                needed_bytes: self.position,
            }
        } else {
            GgufError::Io(error)
        }
    }
}
