//! The GGUF header, checked in Rust before llama.cpp sees the file.
//!
//! llama.cpp treats model files as trusted input. This parser does not: every count and length is bounded before it is
//! used, nothing is allocated by a number that the file names, and what llama.cpp indexes by another array's length is
//! checked to be that long. Specification: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.

mod reader;
mod tensor;
mod value;

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use reader::Reader;
pub use tensor::TensorType;
use tensor::{TensorInfo, TensorLayout};
use value::{ElementType, Value};

/// The bytes that a GGUF file begins with.
const MAGIC: [u8; 4] = *b"GGUF";

const MAX_KEYS: u64 = 65_536;
const MAX_TENSORS: u64 = 65_536;
const MAX_ALIGNMENT: u64 = 1 << 20;
const DEFAULT_ALIGNMENT: u64 = 32;
/// Block numbers above this are not a transformer that exists.
const MAX_BLOCKS: u64 = 4096;

/// What the header of a GGUF file says, after it was checked against the file's size.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The format version: 2 or 3.
    pub version: u32,
    /// `general.architecture`, for example `qwen2`.
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `general.file_type`: the number of llama.cpp's quantisation mix.
    pub file_type: Option<u32>,
    /// The context length that the model was trained for, in tokens.
    pub context_tokens: Option<u64>,
    /// The number of transformer blocks.
    pub block_count: Option<u64>,
    /// The width of the residual stream.
    pub embedding_length: Option<u64>,
    /// The number of attention heads; the first block's where blocks differ.
    pub head_count: Option<u64>,
    /// The number of key/value heads; the first block's where blocks differ.
    pub head_count_kv: Option<u64>,
    /// The width of one attention key.
    pub key_length: Option<u64>,
    /// The width of one attention value.
    pub value_length: Option<u64>,
    /// `tokenizer.ggml.model`, for example `gpt2`.
    pub tokenizer: Option<String>,
    /// The number of tokens of the vocabulary.
    pub vocabulary_tokens: Option<u64>,
    /// `tokenizer.chat_template`: Jinja.
    pub chat_template: Option<String>,
    /// How an embedding model makes one vector of many, by llama.cpp's number.
    pub pooling_type: Option<u64>,
    /// The number of tensors.
    pub tensor_count: u64,
    /// The number of weights.
    pub parameters: u64,
    /// The bytes of all tensors, without padding.
    pub tensor_bytes: u64,
    /// Bytes of weights that decoding one token reads: all but an embedding table that is only looked up in.
    pub read_bytes: u64,
    /// The bytes of the tensors of each block, by block number.
    pub block_bytes: Vec<u64>,
    /// The bytes of the header: where the tensors begin.
    pub header_bytes: u64,
}

impl Header {
    /// Reads and checks the header of a file.
    ///
    /// # Errors
    /// [`GgufError`] says what is wrong with the file.
    pub fn of_file(path: &Path) -> Result<Self, GgufError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(GgufError::NotGguf);
        }
        Self::read(BufReader::with_capacity(1 << 16, file), metadata.len())
    }

    /// Reads and checks a header from the start of a file of `file_bytes` bytes.
    ///
    /// # Errors
    /// [`GgufError`] says what is wrong with the file.
    pub fn read(source: impl BufRead, file_bytes: u64) -> Result<Self, GgufError> {
        let mut reader = Reader::new(source);
        if reader.magic()? != MAGIC {
            return Err(GgufError::NotGguf);
        }
        let version = reader.u32()?;
        if version != 2 && version != 3 {
            return Err(GgufError::Version(version));
        }
        let tensor_count = bounded("tensor count", reader.u64()?, MAX_TENSORS)?;
        let key_count = bounded("key count", reader.u64()?, MAX_KEYS)?;
        let metadata = Metadata::read(&mut reader, key_count)?;
        metadata.check_tokenizer()?;
        let alignment = metadata.alignment()?;
        let layout = read_tensors(&mut reader, tensor_count, alignment)?;
        let header_bytes = align(reader.position(), alignment).ok_or_else(|| malformed("the header is too long"))?;
        if tensor_count > 0 {
            let end = header_bytes
                .checked_add(layout.end)
                .ok_or_else(|| malformed("the tensors are too long"))?;
            if end > file_bytes {
                return Err(GgufError::Truncated {
                    needed_bytes: end,
                    file_bytes,
                });
            }
        }
        metadata.header(version, tensor_count, layout, header_bytes)
    }

    /// Returns the bytes of the KV cache for one token of context at 16 bits a value, or `None` where the header
    /// does not say enough.
    pub fn kv_bytes_per_token(&self) -> Option<u64> {
        let heads = self.head_count_kv.or(self.head_count)?;
        let (key, value) = self.head_widths()?;
        key.checked_add(value)?
            .checked_mul(heads)?
            .checked_mul(self.block_count?)?
            .checked_mul(2)
    }

    /// Returns how many numbers a key and a value of one head have, or `None` where the header does not say enough.
    pub fn head_widths(&self) -> Option<(u64, u64)> {
        let width = self.embedding_length?.checked_div(self.head_count?)?;
        Some((self.key_length.unwrap_or(width), self.value_length.unwrap_or(width)))
    }
}

/// Why a file is not a GGUF file that can be given to llama.cpp.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file does not begin as GGUF files do.
    #[error("not a GGUF file")]
    NotGguf,
    /// A version that this build does not read; big-endian files show up here too.
    #[error("GGUF version {0} is not supported (2 and 3 are)")]
    Version(u32),
    /// The file ends before its header does.
    #[error("the file is cut off inside its header, before byte {needed_bytes}")]
    HeaderTruncated { needed_bytes: u64 },
    /// The file ends before the header or the tensors do.
    #[error("the file is cut off: {needed_bytes} bytes are needed and it has {file_bytes}")]
    Truncated { needed_bytes: u64, file_bytes: u64 },
    /// A count or length beyond anything that exists.
    #[error("{what} is {value}, more than the {limit} that are accepted")]
    Limit { what: &'static str, value: u64, limit: u64 },
    /// A header that contradicts itself or the format.
    #[error("malformed header: {0}")]
    Malformed(String),
    /// The file cannot be read.
    #[error("cannot read the file")]
    Io(#[from] std::io::Error),
}

fn malformed(what: impl Into<String>) -> GgufError {
    GgufError::Malformed(what.into())
}

fn bounded(what: &'static str, value: u64, limit: u64) -> Result<u64, GgufError> {
    if value > limit {
        return Err(GgufError::Limit { what, value, limit });
    }
    Ok(value)
}

fn align(position: u64, alignment: u64) -> Option<u64> {
    position.checked_next_multiple_of(alignment)
}

/// The keys and values that matter here; the others are checked and dropped.
struct Metadata {
    values: BTreeMap<String, Value>,
}

impl Metadata {
    fn read(reader: &mut Reader<impl BufRead>, count: u64) -> Result<Self, GgufError> {
        let mut seen = HashSet::new();
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = reader.key()?;
            let value = Value::read(reader)?;
            if !seen.insert(key.clone()) {
                return Err(malformed(format!("the key {key:?} appears twice")));
            }
            values.insert(key, value);
        }
        Ok(Self { values })
    }

    fn string(&self, key: &str) -> Option<String> {
        self.values.get(key)?.as_str().map(str::to_owned)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.values.get(key)?.as_u64()
    }

    fn alignment(&self) -> Result<u64, GgufError> {
        let Some(value) = self.values.get("general.alignment") else {
            return Ok(DEFAULT_ALIGNMENT);
        };
        match value.as_u64() {
            Some(alignment) if alignment.is_power_of_two() => bounded("alignment", alignment, MAX_ALIGNMENT),
            _ => Err(malformed("general.alignment is not a power of two")),
        }
    }

    /// Checks what llama.cpp reads with the token count as the bound.
    fn check_tokenizer(&self) -> Result<(), GgufError> {
        let Some(tokens) = self.values.get("tokenizer.ggml.tokens") else {
            return Ok(());
        };
        let Some((ElementType::String, count)) = tokens.as_array() else {
            return Err(malformed("tokenizer.ggml.tokens is not an array of strings"));
        };
        for (key, element) in [
            ("tokenizer.ggml.scores", ElementType::F32),
            ("tokenizer.ggml.token_type", ElementType::I32),
        ] {
            if let Some(value) = self.values.get(key) {
                match value.as_array() {
                    Some((kind, length)) if kind == element && length == count => {}
                    _ => return Err(malformed(format!("{key} does not match tokenizer.ggml.tokens"))),
                }
            }
        }
        if let Some(merges) = self.values.get("tokenizer.ggml.merges")
            && !matches!(merges.as_array(), Some((ElementType::String, _)))
        {
            return Err(malformed("tokenizer.ggml.merges is not an array of strings"));
        }
        for (key, value) in &self.values {
            if key.starts_with("tokenizer.ggml.")
                && key.ends_with("_token_id")
                && !matches!(value.as_u64(), Some(id) if id < count || id == u64::from(u32::MAX))
            {
                return Err(malformed(format!("{key} is not a token of the vocabulary")));
            }
        }
        Ok(())
    }

    fn header(
        &self,
        version: u32,
        tensor_count: u64,
        layout: TensorLayout,
        header_bytes: u64,
    ) -> Result<Header, GgufError> {
        let architecture = self
            .string("general.architecture")
            .ok_or_else(|| malformed("general.architecture is missing"))?;
        let of = |suffix: &str| self.number(&format!("{architecture}.{suffix}"));
        Ok(Header {
            version,
            name: self.string("general.name"),
            file_type: self
                .number("general.file_type")
                .and_then(|kind| u32::try_from(kind).ok()),
            context_tokens: of("context_length"),
            block_count: of("block_count"),
            embedding_length: of("embedding_length"),
            head_count: of("attention.head_count"),
            head_count_kv: of("attention.head_count_kv"),
            key_length: of("attention.key_length"),
            value_length: of("attention.value_length"),
            tokenizer: self.string("tokenizer.ggml.model"),
            vocabulary_tokens: self
                .values
                .get("tokenizer.ggml.tokens")
                .and_then(Value::as_array)
                .map(|(_, count)| count),
            chat_template: self.string("tokenizer.chat_template"),
            pooling_type: of("pooling_type"),
            tensor_count,
            parameters: layout.parameters,
            tensor_bytes: layout.bytes,
            read_bytes: layout.read_bytes(),
            block_bytes: layout.block_bytes,
            header_bytes,
            architecture,
        })
    }
}

fn read_tensors(reader: &mut Reader<impl BufRead>, count: u64, alignment: u64) -> Result<TensorLayout, GgufError> {
    let mut seen = HashSet::new();
    let mut layout = TensorLayout::default();
    for _ in 0..count {
        let info = TensorInfo::read(reader)?;
        if !seen.insert(info.name.clone()) {
            return Err(malformed(format!("the tensor {:?} appears twice", info.name)));
        }
        layout.add(&info, alignment)?;
    }
    Ok(layout)
}

#[cfg(test)]
mod tests;
