//! What goes where: layers, context and cache, planned from the memory that is free before anything is loaded.

mod memory;
mod split;
#[cfg(test)]
mod tests;

use std::fmt;

pub use memory::{Devices, GpuMemory, HostMemory, gpus};
use serde::{Deserialize, Serialize};
use split::split_by_layer;

use super::Header;

/// Kept free on every device for compute buffers and for what else runs there.
const DEVICE_MARGIN_BYTES: u64 = 768 << 20;
/// Kept free in main memory, besides the logits of a pass.
const HOST_MARGIN_BYTES: u64 = 128 << 20;
/// The context length where none is asked for, memory has room, and the model was trained for at least that.
const DEFAULT_CONTEXT_TOKENS: u32 = 8192;
/// A context that was not asked for is not made shorter than this.
const FLOOR_CONTEXT_TOKENS: u32 = 2048;
/// llama.cpp rounds contexts up to this many tokens.
const MIN_CONTEXT_TOKENS: u32 = 16;
/// The most tokens of one pass, each with a row of logits.
const PASS_TOKENS: u64 = 512;

/// How many transformer layers go to the GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GpuLayers {
    /// As many as the free device memory holds.
    #[default]
    Auto,
    /// That many; 0 computes on the CPU.
    Count(u32),
}

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvType {
    /// Half precision.
    #[serde(rename = "f16")]
    F16,
    /// 8 bits, and a scale for every 32 values: a little over half of the memory. The heads must be a multiple of 32 wide,
    /// and llama.cpp computes attention without the intermediate scores (flash attention).
    #[serde(rename = "q8_0")]
    Q8_0,
}

impl KvType {
    /// Returns the name on screen and in JSON: llama.cpp's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
        }
    }

    /// Returns the bytes of what takes `f16_bytes` at half precision.
    fn bytes(self, f16_bytes: u64) -> u64 {
        match self {
            Self::F16 => f16_bytes,
            // 34 bytes for 32 values.
            Self::Q8_0 => f16_bytes.div_ceil(64).saturating_mul(34),
        }
    }
}

impl fmt::Display for KvType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was asked for; what was not is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FitWish {
    /// The context length in tokens.
    pub context_tokens: Option<u32>,
    /// How keys and values are stored.
    pub kv_type: Option<KvType>,
    /// Layers on GPUs.
    pub gpu_layers: GpuLayers,
}

/// Why a plan is not what it would be with more memory, or not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concession {
    /// At half precision the cache would not fit.
    Quantized,
    /// The heads are not a multiple of 32 wide, or the model cannot do without the intermediate scores.
    NotQuantizable,
    /// A longer context would not fit.
    Shortened { from_tokens: u32 },
}

/// What one GPU gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuShare {
    /// The GPU.
    pub gpu: GpuMemory,
    /// Its layers, the output layer counted as one.
    pub layers: u32,
    /// Their weights and KV cache.
    pub bytes: u64,
}

/// Where the layers go, and how long and how precise the context is.
///
/// All bytes are estimates from the file's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitPlan {
    /// The context length in tokens.
    pub context_tokens: u32,
    /// How keys and values are stored.
    pub kv_type: KvType,
    /// Layers on the GPUs, the output layer counted as one; 0 without a GPU.
    pub gpu_layers: u32,
    /// All layers, the output layer included.
    pub total_layers: u32,
    /// The KV cache of the whole context, wherever it lies.
    pub kv_bytes: u64,
    /// What every GPU gets.
    pub gpus: Vec<GpuShare>,
    /// Weights, KV cache and buffers in main memory. Weights beside those of a GPU are mapped from the file, and not counted.
    pub host_bytes: u64,
    /// The part of it that cannot be done without.
    host_least_bytes: u64,
    /// Main memory, where the system tells.
    pub host: Option<HostMemory>,
    /// What had to be given up.
    pub concessions: Vec<Concession>,
}

impl FitPlan {
    /// Plans for the devices of this machine, with the memory that is free now.
    pub fn for_this_machine(header: &Header, wish: FitWish) -> Self {
        Self::new(header, wish, &Devices::of_this_machine())
    }

    /// Plans for given devices.
    ///
    /// All layers go to the GPUs where they fit with the default context at half precision; else with a cache of 8 bits; else
    /// with a shorter context too. Where nothing of that is enough, as many layers as fit, with the default context again.
    /// What is left for main memory is made to fit in the same order.
    pub fn new(header: &Header, wish: FitWish, devices: &Devices) -> Self {
        let options = options(header, wish);
        let mut plans = options
            .iter()
            .map(|(kv_type, context_tokens)| Self::with(header, *kv_type, *context_tokens, wish.gpu_layers, devices));
        let as_wished = |plan: &Self| plan.host_holds() && plan.gpus_hold(wish.gpu_layers);
        let found = plans.clone().find(as_wished);
        let found = found.or_else(|| plans.clone().find(Self::host_holds));
        let mut plan = match found.or_else(|| plans.next_back()) {
            Some(plan) => plan,
            None => Self::with(header, KvType::F16, MIN_CONTEXT_TOKENS, wish.gpu_layers, devices),
        };
        if wish.kv_type == Some(KvType::Q8_0) && plan.kv_type == KvType::F16 {
            plan.concessions.push(Concession::NotQuantizable);
        }
        if wish.kv_type.is_none() && plan.kv_type == KvType::Q8_0 {
            plan.concessions.push(Concession::Quantized);
        }
        if let Some((_, from_tokens)) = options.first().filter(|(_, tokens)| *tokens != plan.context_tokens) {
            plan.concessions.push(Concession::Shortened {
                from_tokens: *from_tokens,
            });
        }
        plan
    }

    /// Returns the bytes that are needed and those that there are, where loading can only end in the process being killed.
    ///
    /// The bytes are estimates, so a shortage that is not clear is none.
    pub fn shortage(&self) -> Option<(u64, u64)> {
        let host = self.host?;
        let most = host.free_bytes.saturating_add(host.swap_free_bytes);
        let clear = self.host_least_bytes > most.saturating_add(most / 8);
        clear.then_some((self.host_least_bytes, most))
    }

    /// Returns the weights and KV cache that the layers on the GPUs take.
    pub fn gpu_bytes(&self) -> u64 {
        self.gpus.iter().map(|share| share.bytes).sum()
    }

    fn with(header: &Header, kv_type: KvType, context_tokens: u32, gpu_layers: GpuLayers, devices: &Devices) -> Self {
        let f16_bytes = header
            .kv_bytes_per_token()
            .unwrap_or(0)
            .saturating_mul(context_tokens.into());
        let kv_bytes = kv_type.bytes(f16_bytes);
        let blocks = header.block_bytes.len() as u64;
        let kv_of_block = kv_bytes.checked_div(blocks).unwrap_or(0);
        let block_sum: u64 = header.block_bytes.iter().sum();
        // The embedding table stays in main memory; where it is the output matrix too, a copy goes to the GPU.
        let output_bytes = header.read_bytes.saturating_sub(block_sum);
        // In the order in which llama.cpp counts layers. It places them from the end.
        let costs: Vec<u64> = header
            .block_bytes
            .iter()
            .map(|bytes| bytes.saturating_add(kv_of_block))
            .chain([output_bytes])
            .collect();
        let total_layers = u32::try_from(costs.len()).unwrap_or(u32::MAX);
        let shares = |layers: u32| split_by_layer(&devices.gpus, &costs[costs.len() - layers as usize..]);
        let gpus = match gpu_layers {
            GpuLayers::Count(count) => shares(count.min(total_layers)),
            GpuLayers::Auto => (0..=total_layers)
                .rev()
                .map(shares)
                .find(|shares| shares.iter().all(GpuShare::fits))
                .unwrap_or_default(),
        };
        let gpu_layers: u32 = gpus.iter().map(|share| share.layers).sum();
        let host_blocks = blocks.saturating_sub(u64::from(gpu_layers.saturating_sub(1)));
        let host_kv_bytes = match gpu_layers {
            0 => kv_bytes,
            _ => kv_of_block.saturating_mul(host_blocks),
        };
        let weight_bytes = if gpu_layers == 0 { header.tensor_bytes } else { 0 };
        let host_least_bytes = weight_bytes.saturating_add(host_kv_bytes);
        let logits_bytes = PASS_TOKENS * 4 * header.vocabulary_tokens.unwrap_or(0).min(1 << 24);
        Self {
            context_tokens,
            kv_type,
            gpu_layers,
            total_layers,
            kv_bytes,
            gpus,
            host_bytes: host_least_bytes.saturating_add(HOST_MARGIN_BYTES + logits_bytes),
            host_least_bytes,
            host: devices.host,
            concessions: Vec::new(),
        }
    }

    fn host_holds(&self) -> bool {
        self.host.is_none_or(|host| self.host_bytes <= host.free_bytes)
    }

    fn gpus_hold(&self, wanted: GpuLayers) -> bool {
        match wanted {
            GpuLayers::Auto => self.gpus.is_empty() || self.gpu_layers == self.total_layers,
            GpuLayers::Count(_) => self.gpus.iter().all(GpuShare::fits),
        }
    }
}

impl GpuShare {
    fn fits(&self) -> bool {
        self.bytes <= self.gpu.free_bytes.saturating_sub(DEVICE_MARGIN_BYTES) || self.layers == 0
    }
}

/// Returns caches and contexts, the best first.
fn options(header: &Header, wish: FitWish) -> Vec<(KvType, u32)> {
    let kinds: &[KvType] = match (wish.kv_type, quantizable(header)) {
        (Some(KvType::F16), _) | (_, false) => &[KvType::F16],
        (Some(KvType::Q8_0), true) => &[KvType::Q8_0],
        (None, true) => &[KvType::F16, KvType::Q8_0],
    };
    let trained = header.context_tokens.and_then(|tokens| u32::try_from(tokens).ok());
    let default = DEFAULT_CONTEXT_TOKENS.min(trained.unwrap_or(u32::MAX));
    let first = wish.context_tokens.unwrap_or(default).max(MIN_CONTEXT_TOKENS);
    let mut options: Vec<(KvType, u32)> = kinds.iter().map(|kind| (*kind, first)).collect();
    if let (None, Some(last)) = (wish.context_tokens, kinds.last()) {
        let shorter = std::iter::successors(Some(first / 2), |tokens| Some(tokens / 2));
        options.extend(
            shorter
                .take_while(|tokens| *tokens >= FLOOR_CONTEXT_TOKENS)
                .map(|tokens| (*last, tokens)),
        );
    }
    options
}

fn quantizable(header: &Header) -> bool {
    // llama.cpp computes Grok's attention only with the intermediate scores.
    let widths = header.head_widths().filter(|_| header.architecture != "grok");
    widths.is_some_and(|(key, value)| key > 0 && key % 32 == 0 && value > 0 && value % 32 == 0)
}

impl fmt::Display for FitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        match self.gpus.as_slice() {
            [] => write!(f, "{} layers on the CPU", self.total_layers)?,
            gpus => {
                write!(f, "{} of {} layers on GPUs (", self.gpu_layers, self.total_layers)?;
                for (number, share) in gpus.iter().enumerate() {
                    let comma = if number > 0 { "; " } else { "" };
                    let (name, free) = (&share.gpu.name, mib(share.gpu.free_bytes));
                    write!(
                        f,
                        "{comma}{name}: {}, {} of {free} MiB free",
                        share.layers,
                        mib(share.bytes)
                    )?;
                }
                f.write_str(")")?;
            }
        }
        write!(
            f,
            ", context {} tokens, KV cache {} MiB in {}, about {} MiB of main memory",
            self.context_tokens,
            mib(self.kv_bytes),
            self.kv_type,
            mib(self.host_bytes),
        )?;
        if let Some(host) = self.host {
            write!(f, " ({} MiB free)", mib(host.free_bytes))?;
        }
        for concession in &self.concessions {
            match concession {
                Concession::Quantized => f.write_str("; f16 would not fit")?,
                Concession::NotQuantizable => f.write_str("; this model's cache cannot be q8_0")?,
                Concession::Shortened { from_tokens } => write!(f, "; {from_tokens} tokens would not fit")?,
            }
        }
        Ok(())
    }
}
