//! Writes a model of random weights in the shape of a real one, for figures that do not depend on what a model says:
//! `random_gguf VOCABULARY.gguf OUT.gguf [--shape 7b|tiny] [--seed N]`.
//!
//! The tokenizer is that of VOCABULARY.gguf. The tensors are those of Qwen2 in the mix that llama.cpp calls Q4_K_M, and are
//! written as they are made: 4.7 GB for `7b`, the same bytes for the same seed.
#![allow(clippy::print_stdout)]

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};

const ALIGNMENT: u64 = 32;
/// Values of one block of Q4_K or Q6_K.
const BLOCK: u64 = 256;
/// No string of a header in use is longer.
const MOST_STRING_BYTES: u64 = 64 << 20;

/// The sizes of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    blocks: u64,
    width: u64,
    heads: u64,
    kv_heads: u64,
    feed_forward: u64,
}

impl Shape {
    /// Qwen2.5-7B.
    pub(crate) const SEVEN_B: Self = Self {
        blocks: 28,
        width: 3584,
        heads: 28,
        kv_heads: 4,
        feed_forward: 18_944,
    };
    /// As small as the blocks of the quantization allow.
    pub(crate) const TINY: Self = Self {
        blocks: 4,
        width: 256,
        heads: 4,
        kv_heads: 2,
        feed_forward: 512,
    };
}

#[allow(dead_code, reason = "the test that includes this file calls `write`")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let vocabulary = arguments.next().context("the model with the vocabulary is missing")?;
    let out = arguments.next().context("the file to write is missing")?;
    let (mut shape, mut seed) = (Shape::SEVEN_B, 1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} needs a value"))?;
        match (flag.as_str(), value.as_str()) {
            ("--shape", "7b") => shape = Shape::SEVEN_B,
            ("--shape", "tiny") => shape = Shape::TINY,
            ("--seed", number) => seed = number.parse()?,
            _ => bail!("unknown: {flag} {value}"),
        }
    }
    let bytes = write(Path::new(&vocabulary), Path::new(&out), shape, seed)?;
    println!("{out}: {bytes} bytes");
    Ok(())
}

/// Writes the model and returns its bytes.
///
/// # Errors
/// When `vocabulary` is no GGUF file with a tokenizer, or `out` cannot be written; `out` is not there then.
pub(crate) fn write(vocabulary: &Path, out: &Path, shape: Shape, seed: u64) -> Result<u64> {
    let tokenizer = Tokenizer::of_file(vocabulary).with_context(|| format!("{vocabulary:?} has no tokenizer"))?;
    let written = write_model(&tokenizer, out, shape, seed);
    if written.is_err() {
        // What is half written is of no use.
        let _ = std::fs::remove_file(out);
    }
    written.with_context(|| format!("cannot write {out:?}"))
}

fn write_model(tokenizer: &Tokenizer, out: &Path, shape: Shape, seed: u64) -> Result<u64> {
    let tensors = tensors(shape, tokenizer.tokens);
    let mut head = Vec::new();
    let keys = shape_keys(&mut head, shape) + tokenizer.keys;
    head.extend(&tokenizer.raw);
    let mut offset = 0_u64;
    for tensor in &tensors {
        string(&mut head, &tensor.name);
        head.extend((tensor.dimensions.len() as u32).to_le_bytes());
        tensor
            .dimensions
            .iter()
            .for_each(|dimension| head.extend(dimension.to_le_bytes()));
        head.extend(tensor.kind.number().to_le_bytes());
        head.extend(offset.to_le_bytes());
        offset += tensor.bytes().next_multiple_of(ALIGNMENT);
    }
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out)?);
    file.write_all(b"GGUF")?;
    file.write_all(&3_u32.to_le_bytes())?;
    file.write_all(&(tensors.len() as u64).to_le_bytes())?;
    file.write_all(&keys.to_le_bytes())?;
    file.write_all(&head)?;
    let head_bytes = 24 + head.len() as u64;
    pad(&mut file, head_bytes)?;
    let mut random = Random(seed);
    for tensor in &tensors {
        for _ in 0..tensor.blocks() {
            tensor.kind.write_block(&mut file, &mut random)?;
        }
        pad(&mut file, tensor.bytes())?;
    }
    file.into_inner()?.sync_all()?;
    Ok(head_bytes.next_multiple_of(ALIGNMENT) + offset)
}

/// The keys of a header that say how text becomes tokens, as they stand in the file.
struct Tokenizer {
    raw: Vec<u8>,
    keys: u64,
    tokens: u64,
}

impl Tokenizer {
    fn of_file(path: &Path) -> Result<Self> {
        let mut source = Source(BufReader::new(File::open(path)?));
        let mut taken = Vec::new();
        ensure!(source.take(&mut taken, 4)? == b"GGUF", "not a GGUF file");
        ensure!(source.u32(&mut taken)? == 3, "not version 3");
        let _tensors = source.u64(&mut taken)?;
        let count = source.u64(&mut taken)?;
        let mut found = Self {
            raw: Vec::new(),
            keys: 0,
            tokens: 0,
        };
        for _ in 0..count {
            let mut raw = Vec::new();
            let key = source.string(&mut raw)?;
            let kind = source.u32(&mut raw)?;
            let length = source.value(&mut raw, kind)?;
            if key.starts_with(b"tokenizer.") {
                found.raw.extend(raw);
                found.keys += 1;
            }
            if key == b"tokenizer.ggml.tokens" {
                found.tokens = length;
            }
        }
        ensure!(found.tokens > 0, "it has no tokens");
        Ok(found)
    }
}

/// Reads a header and keeps what it read.
struct Source<R>(R);

impl<R: Read> Source<R> {
    fn take<'b>(&mut self, raw: &'b mut Vec<u8>, bytes: u64) -> Result<&'b [u8]> {
        ensure!(bytes <= MOST_STRING_BYTES, "{bytes} bytes in one piece");
        let begin = raw.len();
        let read = (&mut self.0).take(bytes).read_to_end(raw)?;
        ensure!(read as u64 == bytes, "the file ends in its header");
        Ok(&raw[begin..])
    }

    fn u32(&mut self, raw: &mut Vec<u8>) -> Result<u32> {
        Ok(u32::from_le_bytes(self.take(raw, 4)?.try_into()?))
    }

    fn u64(&mut self, raw: &mut Vec<u8>) -> Result<u64> {
        Ok(u64::from_le_bytes(self.take(raw, 8)?.try_into()?))
    }

    fn string(&mut self, raw: &mut Vec<u8>) -> Result<Vec<u8>> {
        let bytes = self.u64(raw)?;
        Ok(self.take(raw, bytes)?.to_vec())
    }

    /// Reads a value; returns how many elements it has.
    fn value(&mut self, raw: &mut Vec<u8>, kind: u32) -> Result<u64> {
        const STRING: u32 = 8;
        const ARRAY: u32 = 9;
        match kind {
            STRING => self.string(raw).map(|_| 1),
            ARRAY => {
                let element = self.u32(raw)?;
                let length = self.u64(raw)?;
                match element {
                    STRING => {
                        for _ in 0..length {
                            self.string(raw)?;
                        }
                    }
                    _ => {
                        let bytes = scalar_bytes(element)?
                            .checked_mul(length)
                            .context("an array too long")?;
                        self.take(raw, bytes)?;
                    }
                }
                Ok(length)
            }
            scalar => self.take(raw, scalar_bytes(scalar)?).map(|_| 1),
        }
    }
}

fn scalar_bytes(kind: u32) -> Result<u64> {
    Ok(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        other => bail!("a value of the unknown type {other}"),
    })
}

/// Adds the keys that are not the tokenizer's; returns how many.
fn shape_keys(head: &mut Vec<u8>, shape: Shape) -> u64 {
    const U32: u32 = 4;
    const F32: u32 = 6;
    const STRING: u32 = 8;
    /// llama.cpp's number of the mix.
    const Q4_K_M: u32 = 15;
    let texts = [("general.architecture", "qwen2"), ("general.name", "random weights")];
    let numbers = [
        ("general.file_type", Q4_K_M),
        ("qwen2.context_length", 32_768),
        ("qwen2.block_count", shape.blocks as u32),
        ("qwen2.embedding_length", shape.width as u32),
        ("qwen2.feed_forward_length", shape.feed_forward as u32),
        ("qwen2.attention.head_count", shape.heads as u32),
        ("qwen2.attention.head_count_kv", shape.kv_heads as u32),
    ];
    let floats = [
        ("qwen2.attention.layer_norm_rms_epsilon", 1e-6_f32),
        ("qwen2.rope.freq_base", 1e6),
    ];
    for (key, text) in texts {
        string(head, key);
        head.extend(STRING.to_le_bytes());
        string(head, text);
    }
    for (key, number) in numbers {
        string(head, key);
        head.extend(U32.to_le_bytes());
        head.extend(number.to_le_bytes());
    }
    for (key, number) in floats {
        string(head, key);
        head.extend(F32.to_le_bytes());
        head.extend(number.to_le_bytes());
    }
    (texts.len() + numbers.len() + floats.len()) as u64
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn pad(file: &mut impl Write, bytes: u64) -> Result<()> {
    let missing = bytes.next_multiple_of(ALIGNMENT) - bytes;
    Ok(file.write_all(&[0; ALIGNMENT as usize][..missing as usize])?)
}

/// How a tensor is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Single floats, all 1: norms.
    Ones,
    /// Single floats, small: biases.
    Small,
    Q4K,
    Q6K,
}

impl Kind {
    /// ggml's number of the type.
    fn number(self) -> u32 {
        match self {
            Self::Ones | Self::Small => 0,
            Self::Q4K => 12,
            Self::Q6K => 14,
        }
    }

    fn values_a_block(self) -> u64 {
        match self {
            Self::Ones | Self::Small => 1,
            Self::Q4K | Self::Q6K => BLOCK,
        }
    }

    fn block_bytes(self) -> u64 {
        match self {
            Self::Ones | Self::Small => 4,
            Self::Q4K => 144,
            Self::Q6K => 210,
        }
    }

    /// Writes a block of weights around 0 with a standard deviation of about 0.02, as trained ones have.
    fn write_block(self, file: &mut impl Write, random: &mut Random) -> Result<()> {
        // Half precision.
        const TWO_TO_MINUS_14: u16 = 0x0400;
        const SEVEN_AND_A_HALF_TIMES_THAT: u16 = 0x0F80;
        match self {
            Self::Ones => file.write_all(&1.0_f32.to_le_bytes())?,
            Self::Small => {
                let unit = (random.next() >> 40) as f32 / (1 << 23) as f32 - 1.0;
                file.write_all(&(unit * 0.1).to_le_bytes())?;
            }
            Self::Q4K => {
                // Scales and offsets have 6 bits, numbers 4: offsets of 7.5 times the scale move the mean to about 0.
                let mut block = random.bytes::<144>();
                block[..2].copy_from_slice(&TWO_TO_MINUS_14.to_le_bytes());
                block[2..4].copy_from_slice(&SEVEN_AND_A_HALF_TIMES_THAT.to_le_bytes());
                file.write_all(&block)?;
            }
            Self::Q6K => {
                // 192 bytes of numbers, 16 scales of a signed byte each, and the scale of those.
                let mut block = random.bytes::<210>();
                block[192..208]
                    .iter_mut()
                    .for_each(|scale| *scale = (*scale as i8 >> 2) as u8);
                block[208..].copy_from_slice(&TWO_TO_MINUS_14.to_le_bytes());
                file.write_all(&block)?;
            }
        }
        Ok(())
    }
}

struct Tensor {
    name: String,
    dimensions: Vec<u64>,
    kind: Kind,
}

impl Tensor {
    fn blocks(&self) -> u64 {
        self.dimensions.iter().product::<u64>() / self.kind.values_a_block()
    }

    fn bytes(&self) -> u64 {
        self.blocks() * self.kind.block_bytes()
    }
}

fn tensors(shape: Shape, tokens: u64) -> Vec<Tensor> {
    let Shape {
        width, feed_forward, ..
    } = shape;
    let kv_width = width / shape.heads * shape.kv_heads;
    let mut tensors = Vec::new();
    let mut add = |name: String, dimensions: &[u64], kind: Kind| {
        tensors.push(Tensor {
            name,
            dimensions: dimensions.to_vec(),
            kind,
        });
    };
    add("token_embd.weight".to_owned(), &[width, tokens], Kind::Q4K);
    for block in 0..shape.blocks {
        // llama.cpp's `use_more_bits`: the first and the last eighth, and every third between.
        let eighth = shape.blocks / 8;
        let outer = block < eighth || block >= 7 * shape.blocks / 8;
        let more = if outer || (block - eighth) % 3 == 2 {
            Kind::Q6K
        } else {
            Kind::Q4K
        };
        let part = |part: &str, what: &str| format!("blk.{block}.{part}.{what}");
        add(part("attn_norm", "weight"), &[width], Kind::Ones);
        for (name, columns, kind) in [
            ("attn_q", width, Kind::Q4K),
            ("attn_k", kv_width, Kind::Q4K),
            ("attn_v", kv_width, more),
        ] {
            add(part(name, "weight"), &[width, columns], kind);
            add(part(name, "bias"), &[columns], Kind::Small);
        }
        add(part("attn_output", "weight"), &[width, width], Kind::Q4K);
        add(part("ffn_norm", "weight"), &[width], Kind::Ones);
        add(part("ffn_gate", "weight"), &[width, feed_forward], Kind::Q4K);
        add(part("ffn_up", "weight"), &[width, feed_forward], Kind::Q4K);
        add(part("ffn_down", "weight"), &[feed_forward, width], more);
    }
    add("output_norm.weight".to_owned(), &[width], Kind::Ones);
    add("output.weight".to_owned(), &[width, tokens], Kind::Q6K);
    tensors
}

/// SplitMix64, Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }
}
