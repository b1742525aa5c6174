use std::io::BufRead;

use super::{GgufError, MAX_BLOCKS, align, bounded, malformed, reader::Reader};

/// ggml's limit, its terminating zero excluded.
const MAX_NAME_BYTES: usize = 63;
const MAX_DIMENSIONS: u64 = 4;

/// How the weights of a tensor are stored, by ggml's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorType {
    /// ggml's number of the type.
    pub id: u32,
    /// Weights in a block.
    pub block_weights: u64,
    /// Bytes of a block.
    pub block_bytes: u64,
}

impl TensorType {
    /// Returns the type of a number, or `None` for one that no longer or does not yet exist.
    pub fn of(id: u32) -> Option<Self> {
        let (block_weights, block_bytes) = match id {
            0 | 26 => (1, 4),      // F32, I32
            1 | 25 | 30 => (1, 2), // F16, I16, BF16
            24 => (1, 1),          // I8
            27 | 28 => (1, 8),     // I64, F64
            2 | 20 => (32, 18),    // Q4_0, IQ4_NL
            3 => (32, 20),         // Q4_1
            6 => (32, 22),         // Q5_0
            7 => (32, 24),         // Q5_1
            8 => (32, 34),         // Q8_0
            9 => (32, 36),         // Q8_1
            39 => (32, 17),        // MXFP4
            40 => (64, 36),        // NVFP4
            41 => (128, 18),       // Q1_0
            42 => (64, 18),        // Q2_0
            10 => (256, 84),       // Q2_K
            11 | 21 => (256, 110), // Q3_K, IQ3_S
            12 => (256, 144),      // Q4_K
            13 => (256, 176),      // Q5_K
            14 => (256, 210),      // Q6_K
            15 => (256, 292),      // Q8_K
            16 | 35 => (256, 66),  // IQ2_XXS, TQ2_0
            17 => (256, 74),       // IQ2_XS
            18 => (256, 98),       // IQ3_XXS
            19 => (256, 50),       // IQ1_S
            22 => (256, 82),       // IQ2_S
            23 => (256, 136),      // IQ4_XS
            29 => (256, 56),       // IQ1_M
            34 => (256, 54),       // TQ1_0
            _ => return None,
        };
        Some(Self {
            id,
            block_weights,
            block_bytes,
        })
    }
}

/// One entry of the table of tensors.
pub(super) struct TensorInfo {
    pub(super) name: String,
    weights: u64,
    bytes: u64,
    offset: u64,
}

impl TensorInfo {
    pub(super) fn read(reader: &mut Reader<impl BufRead>) -> Result<Self, GgufError> {
        let name = reader.key()?;
        if name.len() > MAX_NAME_BYTES {
            return Err(malformed(format!("the tensor name {name:?} is too long")));
        }
        let dimensions = bounded("number of dimensions", reader.u32()?.into(), MAX_DIMENSIONS)?;
        let mut weights: u64 = 1;
        let mut row = 1;
        for dimension in 0..dimensions {
            let length = reader.u64()?;
            if length == 0 || i64::try_from(length).is_err() {
                return Err(malformed(format!("the tensor {name:?} has a dimension of {length}")));
            }
            if dimension == 0 {
                row = length;
            }
            weights = weights
                .checked_mul(length)
                .filter(|weights| i64::try_from(*weights).is_ok())
                .ok_or_else(|| malformed(format!("the tensor {name:?} is too large")))?;
        }
        let id = reader.u32()?;
        let kind = TensorType::of(id).ok_or_else(|| malformed(format!("tensor type {id} does not exist")))?;
        if row % kind.block_weights != 0 {
            return Err(malformed(format!(
                "the rows of the tensor {name:?} do not fill whole blocks"
            )));
        }
        let bytes = (weights / kind.block_weights)
            .checked_mul(kind.block_bytes)
            .ok_or_else(|| malformed(format!("the tensor {name:?} is too large")))?;
        let offset = reader.u64()?;
        Ok(Self {
            name,
            weights,
            bytes,
            offset,
        })
    }

    /// Returns the block that the tensor belongs to: `blk.<number>.`.
    fn block(&self) -> Option<u64> {
        let (number, _) = self.name.strip_prefix("blk.")?.split_once('.')?;
        number.parse().ok()
    }
}

/// Sums over the tensors, and where the last one ends.
#[derive(Default)]
pub(super) struct TensorLayout {
    pub(super) parameters: u64,
    pub(super) bytes: u64,
    pub(super) block_bytes: Vec<u64>,
    pub(super) end: u64,
    embedding_bytes: u64,
    output: Output,
}

/// Which matrix the logits come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Output {
    /// The embedding table.
    #[default]
    Tied,
    /// One of its own.
    Own,
}

impl TensorLayout {
    pub(super) fn add(&mut self, info: &TensorInfo, alignment: u64) -> Result<(), GgufError> {
        let too_large = || malformed("the tensors are too large");
        let expected = align(self.end, alignment).ok_or_else(too_large)?;
        // ggml writes tensors one after another and llama.cpp refuses anything else.
        if info.offset != expected {
            return Err(malformed(format!(
                "the tensor {:?} begins at {} and should begin at {expected}",
                info.name, info.offset
            )));
        }
        self.end = expected.checked_add(info.bytes).ok_or_else(too_large)?;
        self.bytes = self.bytes.checked_add(info.bytes).ok_or_else(too_large)?;
        self.parameters = self.parameters.checked_add(info.weights).ok_or_else(too_large)?;
        match info.name.as_str() {
            "token_embd.weight" => self.embedding_bytes = info.bytes,
            "output.weight" => self.output = Output::Own,
            _ => {}
        }
        if let Some(block) = info.block() {
            let block = bounded("block number", block, MAX_BLOCKS)? as usize;
            if self.block_bytes.len() <= block {
                self.block_bytes.resize(block + 1, 0);
            }
            self.block_bytes[block] += info.bytes;
        }
        Ok(())
    }

    /// Returns the bytes that decoding one token reads, where the model is dense.
    pub(super) fn read_bytes(&self) -> u64 {
        match self.output {
            Output::Tied => self.bytes,
            Output::Own => self.bytes - self.embedding_bytes,
        }
    }
}
