//! Writes a tiny llama model with random weights: enough for llama.cpp to load, tokenize and decode, so that the
//! mechanics of the engine are tested without a download. What it writes is noise.
#![allow(clippy::unwrap_used)]

const EMBEDDING: u64 = 64;
const FEED_FORWARD: u64 = 128;
const HEADS: u32 = 4;
const KV_HEADS: u32 = 2;
const BLOCKS: u32 = 2;
const ALIGNMENT: usize = 32;

#[allow(dead_code, reason = "not every test that includes this file names it")]
pub(crate) const CHAT_TEMPLATE: &str = "{%- for message in messages -%}\
    {{ '<|im_start|>' + message['role'] + '\\n' + message.content + '<|im_end|>' + '\\n' }}\
    {%- endfor -%}\
    {%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}";

/// How the matrices are stored.
#[allow(dead_code, reason = "not every test that includes this file names them")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weights {
    F32,
    /// 32 numbers of 8 bits and a scale.
    Q8_0,
    /// 256 numbers of 4 bits, eight scales and eight offsets of 6 bits, and the scale of each.
    Q4K,
}

/// Returns the bytes of a GGUF file; the same seed gives the same bytes.
#[allow(dead_code, reason = "not every test that includes this file names it")]
pub(crate) fn tiny_gguf(seed: u64) -> Vec<u8> {
    tiny_gguf_of(seed, Weights::F32)
}

/// Returns the bytes of a GGUF file with its matrices stored so. Blocks of 256 need wider matrices.
pub(crate) fn tiny_gguf_of(seed: u64, weights: Weights) -> Vec<u8> {
    let (embedding, feed_forward) = match weights {
        Weights::F32 | Weights::Q8_0 => (EMBEDDING, FEED_FORWARD),
        Weights::Q4K => (256, 512),
    };
    let tokens = vocabulary();
    let mut file = decoder("llama", embedding, feed_forward, &tokens);
    file.u32("llama.attention.head_count", HEADS);
    file.u32("llama.attention.head_count_kv", KV_HEADS);
    file.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);

    let mut random = Random(seed);
    let kv_width = embedding / u64::from(HEADS) * u64::from(KV_HEADS);
    file.tensor("token_embd.weight", &[embedding, tokens.len() as u64], || {
        random.weight(1.0)
    });
    for block in 0..BLOCKS {
        for (part, rows, columns) in [
            ("attn_q", embedding, embedding),
            ("attn_k", embedding, kv_width),
            ("attn_v", embedding, kv_width),
            ("attn_output", embedding, embedding),
            ("ffn_gate", embedding, feed_forward),
            ("ffn_up", embedding, feed_forward),
            ("ffn_down", feed_forward, embedding),
        ] {
            let name = format!("blk.{block}.{part}.weight");
            file.matrix(&name, [rows, columns], weights, &mut random);
        }
        for part in ["attn_norm", "ffn_norm"] {
            file.tensor(&format!("blk.{block}.{part}.weight"), &[embedding], || 1.0);
        }
    }
    file.tensor("output_norm.weight", &[embedding], || 1.0);
    file.matrix("output.weight", [embedding, tokens.len() as u64], weights, &mut random);
    file.finish()
}

/// Returns the bytes of a GGUF file with a tiny random state space model (Mamba: Gu and Dao 2023, arXiv 2312.00752), which
/// keeps a running state and no keys and values; the same seed gives the same bytes.
#[allow(dead_code, reason = "not every test that includes this file names it")]
pub(crate) fn tiny_mamba_gguf(seed: u64) -> Vec<u8> {
    const INNER: u64 = 2 * EMBEDDING;
    const STATE: u64 = 8;
    const STEP_RANK: u64 = 4;
    const KERNEL: u64 = 4;
    let tokens = vocabulary();
    let mut file = decoder("mamba", EMBEDDING, 0, &tokens);
    file.u32("mamba.attention.head_count", 0);
    file.f32("mamba.attention.layer_norm_rms_epsilon", 1e-5);
    for (key, value) in [
        ("conv_kernel", KERNEL),
        ("inner_size", INNER),
        ("state_size", STATE),
        ("time_step_rank", STEP_RANK),
    ] {
        file.u32(&format!("mamba.ssm.{key}"), value as u32);
    }

    let mut random = Random(seed);
    let count = tokens.len() as u64;
    file.tensor("token_embd.weight", &[EMBEDDING, count], || random.weight(1.0));
    for block in 0..BLOCKS {
        for (part, rows, columns) in [
            ("ssm_in", EMBEDDING, 2 * INNER),
            ("ssm_conv1d", KERNEL, INNER),
            ("ssm_x", INNER, STEP_RANK + 2 * STATE),
            ("ssm_dt", STEP_RANK, INNER),
            ("ssm_out", INNER, EMBEDDING),
        ] {
            let name = format!("blk.{block}.{part}.weight");
            file.matrix(&name, [rows, columns], Weights::F32, &mut random);
        }
        file.tensor(&format!("blk.{block}.attn_norm.weight"), &[EMBEDDING], || 1.0);
        for part in ["ssm_conv1d", "ssm_dt"] {
            file.tensor(&format!("blk.{block}.{part}.bias"), &[INNER], || random.weight(0.1));
        }
        // The state fades: the numbers are negative.
        file.tensor(&format!("blk.{block}.ssm_a"), &[STATE, INNER], || {
            random.weight(0.4) - 0.5
        });
        file.tensor(&format!("blk.{block}.ssm_d"), &[INNER], || 1.0);
    }
    file.tensor("output_norm.weight", &[EMBEDDING], || 1.0);
    file.matrix("output.weight", [EMBEDDING, count], Weights::F32, &mut random);
    file.finish()
}

/// Returns the bytes of a GGUF file with a tiny random hybrid (LFM2): one block of short convolutions, which keeps a
/// running state, and one of attention; the same seed gives the same bytes.
#[allow(dead_code, reason = "not every test that includes this file names it")]
pub(crate) fn tiny_hybrid_gguf(seed: u64) -> Vec<u8> {
    const KERNEL: u64 = 3;
    let tokens = vocabulary();
    let mut file = decoder("lfm2", EMBEDDING, FEED_FORWARD, &tokens);
    file.u32("lfm2.attention.head_count", HEADS);
    file.i32s("lfm2.attention.head_count_kv", &[0, KV_HEADS as i32]);
    file.f32("lfm2.attention.layer_norm_rms_epsilon", 1e-5);
    file.u32("lfm2.shortconv.l_cache", KERNEL as u32);

    let mut random = Random(seed);
    let count = tokens.len() as u64;
    let head_width = EMBEDDING / u64::from(HEADS);
    let kv_width = head_width * u64::from(KV_HEADS);
    file.tensor("token_embd.weight", &[EMBEDDING, count], || random.weight(1.0));
    for block in 0..2 {
        let mixer = match block {
            0 => vec![
                ("shortconv.conv", KERNEL, EMBEDDING),
                ("shortconv.in_proj", EMBEDDING, 3 * EMBEDDING),
                ("shortconv.out_proj", EMBEDDING, EMBEDDING),
            ],
            _ => vec![
                ("attn_q", EMBEDDING, EMBEDDING),
                ("attn_k", EMBEDDING, kv_width),
                ("attn_v", EMBEDDING, kv_width),
                ("attn_output", EMBEDDING, EMBEDDING),
            ],
        };
        let feed_forward = [
            ("ffn_gate", EMBEDDING, FEED_FORWARD),
            ("ffn_up", EMBEDDING, FEED_FORWARD),
            ("ffn_down", FEED_FORWARD, EMBEDDING),
        ];
        for (part, rows, columns) in mixer.into_iter().chain(feed_forward) {
            let name = format!("blk.{block}.{part}.weight");
            file.matrix(&name, [rows, columns], Weights::F32, &mut random);
        }
        for part in ["attn_norm", "ffn_norm"] {
            file.tensor(&format!("blk.{block}.{part}.weight"), &[EMBEDDING], || 1.0);
        }
        if block == 1 {
            for part in ["attn_q_norm", "attn_k_norm"] {
                file.tensor(&format!("blk.{block}.{part}.weight"), &[head_width], || 1.0);
            }
        }
    }
    // That is where this architecture has its last norm.
    file.tensor("token_embd_norm.weight", &[EMBEDDING], || 1.0);
    file.matrix("output.weight", [EMBEDDING, count], Weights::F32, &mut random);
    file.finish()
}

/// Begins a file: what every decoder says of itself, and its vocabulary.
fn decoder(architecture: &str, embedding: u64, feed_forward: u64, tokens: &[String]) -> Writer {
    let kinds: Vec<i32> = tokens
        .iter()
        .map(|token| if token.starts_with("<|") { 3 } else { 1 })
        .collect();
    let id = |text: &str| tokens.iter().position(|token| token == text).unwrap() as u32;
    let mut file = Writer::default();
    file.string("general.architecture", architecture);
    file.string("general.name", &format!("tiny random {architecture}"));
    for (key, value) in [
        ("context_length", 512),
        ("block_count", BLOCKS),
        ("embedding_length", embedding as u32),
        ("feed_forward_length", feed_forward as u32),
        ("vocab_size", tokens.len() as u32),
    ] {
        file.u32(&format!("{architecture}.{key}"), value);
    }
    file.string("tokenizer.ggml.model", "gpt2");
    file.string("tokenizer.ggml.pre", "qwen2");
    file.strings("tokenizer.ggml.tokens", tokens);
    file.i32s("tokenizer.ggml.token_type", &kinds);
    file.strings("tokenizer.ggml.merges", &["Ġ Ġ".to_owned()]);
    file.u32("tokenizer.ggml.eos_token_id", id("<|im_end|>"));
    file.u32("tokenizer.ggml.padding_token_id", id("<|endoftext|>"));
    file.string("tokenizer.chat_template", CHAT_TEMPLATE);
    file
}

/// Returns the bytes of a GGUF file with a tiny random encoder of the BERT family; the same seed gives the same bytes.
#[allow(dead_code, reason = "not every test that includes this file names it")]
pub(crate) fn tiny_bert_gguf(seed: u64, pooling_type: u32) -> Vec<u8> {
    const CONTEXT: u32 = 64;
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
    // A letter at the start of a word, and after one.
    let letters = ('a'..='z').flat_map(|letter| [format!("\u{2581}{letter}"), letter.to_string()]);
    let tokens: Vec<String> = special.into_iter().chain(letters).collect();
    let kinds: Vec<i32> = (0..tokens.len()).map(|token| if token < 5 { 3 } else { 1 }).collect();

    let mut file = Writer::default();
    file.string("general.architecture", "bert");
    file.string("general.name", "tiny random encoder");
    file.u32("bert.context_length", CONTEXT);
    file.u32("bert.block_count", BLOCKS);
    file.u32("bert.embedding_length", EMBEDDING as u32);
    file.u32("bert.feed_forward_length", FEED_FORWARD as u32);
    file.u32("bert.attention.head_count", HEADS);
    file.f32("bert.attention.layer_norm_epsilon", 1e-5);
    file.bool("bert.attention.causal", false);
    file.u32("bert.pooling_type", pooling_type);
    file.string("tokenizer.ggml.model", "bert");
    file.u32("tokenizer.ggml.token_type_count", 2);
    file.strings("tokenizer.ggml.tokens", &tokens);
    file.i32s("tokenizer.ggml.token_type", &kinds);
    for (name, id) in [
        ("padding", 0),
        ("unknown", 1),
        ("cls", 2),
        ("bos", 2),
        ("seperator", 3),
        ("eos", 3),
        ("mask", 4),
    ] {
        file.u32(&format!("tokenizer.ggml.{name}_token_id"), id);
    }

    let mut random = Random(seed);
    for (name, columns) in [
        ("token_embd.weight", tokens.len() as u64),
        ("token_types.weight", 2),
        ("position_embd.weight", u64::from(CONTEXT)),
    ] {
        file.tensor(name, &[EMBEDDING, columns], || random.weight(1.0));
    }
    file.norm("token_embd_norm");
    for block in 0..BLOCKS {
        for (part, rows, columns) in [
            ("attn_q", EMBEDDING, EMBEDDING),
            ("attn_k", EMBEDDING, EMBEDDING),
            ("attn_v", EMBEDDING, EMBEDDING),
            ("attn_output", EMBEDDING, EMBEDDING),
            ("ffn_up", EMBEDDING, FEED_FORWARD),
            ("ffn_down", FEED_FORWARD, EMBEDDING),
        ] {
            file.tensor(&format!("blk.{block}.{part}.weight"), &[rows, columns], || {
                random.weight(0.3)
            });
            file.tensor(&format!("blk.{block}.{part}.bias"), &[columns], || random.weight(0.1));
        }
        file.norm(&format!("blk.{block}.attn_output_norm"));
        file.norm(&format!("blk.{block}.layer_output_norm"));
    }
    file.finish()
}

/// One token for each byte, written as byte-level BPE writes bytes, one merge, and the special tokens.
fn vocabulary() -> Vec<String> {
    let printable =
        |byte: u32| (33..=126).contains(&byte) || (161..=172).contains(&byte) || (174..=255).contains(&byte);
    let mut next = 256;
    let mut tokens = Vec::new();
    for byte in 0..256 {
        let code = if printable(byte) {
            byte
        } else {
            next += 1;
            next - 1
        };
        tokens.push(char::from_u32(code).unwrap().to_string());
    }
    tokens.push("ĠĠ".to_owned());
    tokens.extend(["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(str::to_owned));
    tokens
}

/// SplitMix64, Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// Returns a weight in (-scale, scale).
    fn weight(&mut self, scale: f32) -> f32 {
        ((self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 56) as u8).collect()
    }
}

/// Collects keys and tensors and puts them together.
#[derive(Default)]
struct Writer {
    keys: Vec<u8>,
    key_count: u64,
    infos: Vec<u8>,
    tensor_count: u64,
    data: Vec<u8>,
}

impl Writer {
    fn string(&mut self, key: &str, value: &str) {
        self.key(key, 8);
        write_string(&mut self.keys, value);
    }

    fn u32(&mut self, key: &str, value: u32) {
        self.key(key, 4);
        self.keys.extend(value.to_le_bytes());
    }

    fn f32(&mut self, key: &str, value: f32) {
        self.key(key, 6);
        self.keys.extend(value.to_le_bytes());
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key, 7);
        self.keys.push(u8::from(value));
    }

    fn strings(&mut self, key: &str, values: &[String]) {
        self.array(key, 8, values.len());
        for value in values {
            write_string(&mut self.keys, value);
        }
    }

    fn i32s(&mut self, key: &str, values: &[i32]) {
        self.array(key, 5, values.len());
        for value in values {
            self.keys.extend(value.to_le_bytes());
        }
    }

    fn array(&mut self, key: &str, element: u32, count: usize) {
        self.key(key, 9);
        self.keys.extend(element.to_le_bytes());
        self.keys.extend((count as u64).to_le_bytes());
    }

    fn key(&mut self, key: &str, kind: u32) {
        write_string(&mut self.keys, key);
        self.keys.extend(kind.to_le_bytes());
        self.key_count += 1;
    }

    /// Adds a tensor of 32-bit floats.
    fn tensor(&mut self, name: &str, dimensions: &[u64], mut weight: impl FnMut() -> f32) {
        self.info(name, dimensions, 0);
        for _ in 0..dimensions.iter().product::<u64>() {
            self.data.extend(weight().to_le_bytes());
        }
        pad(&mut self.data);
    }

    /// Adds a matrix of random weights; all bits of quantized ones but the scales are random.
    fn matrix(&mut self, name: &str, dimensions: [u64; 2], weights: Weights, random: &mut Random) {
        let elements: u64 = dimensions.iter().product();
        match weights {
            Weights::F32 => self.tensor(name, &dimensions, || random.weight(0.3)),
            Weights::Q8_0 => {
                self.info(name, &dimensions, 8);
                for _ in 0..elements / 32 {
                    // Half precision: 0.3 / 128.
                    self.data.extend(0x18CD_u16.to_le_bytes());
                    self.data.extend(random.bytes(32));
                }
            }
            Weights::Q4K => {
                self.info(name, &dimensions, 12);
                for _ in 0..elements / 256 {
                    // Half precision: 2^-12 for scales of up to 63 and numbers of up to 15, and 7.5 times that for
                    // offsets, so that the mean is about 0.
                    self.data.extend(0x0C00_u16.to_le_bytes());
                    self.data.extend(0x1780_u16.to_le_bytes());
                    self.data.extend(random.bytes(12 + 128));
                }
            }
        }
        pad(&mut self.data);
    }

    fn info(&mut self, name: &str, dimensions: &[u64], kind: u32) {
        write_string(&mut self.infos, name);
        self.infos.extend((dimensions.len() as u32).to_le_bytes());
        for dimension in dimensions {
            self.infos.extend(dimension.to_le_bytes());
        }
        self.infos.extend(kind.to_le_bytes());
        self.infos.extend((self.data.len() as u64).to_le_bytes());
        self.tensor_count += 1;
    }

    /// Adds a layer norm that scales by 1 and moves by 0.
    fn norm(&mut self, name: &str) {
        self.tensor(&format!("{name}.weight"), &[EMBEDDING], || 1.0);
        self.tensor(&format!("{name}.bias"), &[EMBEDDING], || 0.0);
    }

    fn finish(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend(self.tensor_count.to_le_bytes());
        file.extend(self.key_count.to_le_bytes());
        file.extend(self.keys);
        file.extend(self.infos);
        pad(&mut file);
        file.extend(self.data);
        file
    }
}

fn write_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}
