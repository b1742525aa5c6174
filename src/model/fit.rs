use std::fmt;

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};

use super::{CpuCode, Header};

/// Kept free on every device for compute buffers and for what else runs there.
const DEVICE_MARGIN_BYTES: u64 = 768 << 20;

/// How many transformer layers go to the GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GpuLayers {
    /// As many as the free device memory holds.
    #[default]
    Auto,
    /// That many; 0 computes on the CPU.
    Count(u32),
}

/// The memory of one GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuMemory {
    /// The name that the back end gives the device.
    pub name: String,
    /// The bytes that are free now.
    pub free_bytes: u64,
}

/// Where the layers go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FitPlan {
    /// Layers on the GPUs, the output layer counted as one; 0 without a GPU.
    pub gpu_layers: u32,
    /// All layers, the output layer included.
    pub total_layers: u32,
    /// The weights and KV cache that the layers on the GPUs take.
    pub gpu_bytes: u64,
    /// The KV cache of the whole context, wherever it lies.
    pub kv_bytes: u64,
    /// The devices.
    pub gpus: Vec<GpuMemory>,
}

impl FitPlan {
    /// Plans for the devices of this machine.
    pub fn for_this_machine(header: &Header, context_tokens: u32, wanted: GpuLayers) -> Self {
        Self::new(header, context_tokens, wanted, gpus())
    }

    /// Plans for given devices: all layers where they fit, else as many as do.
    ///
    /// The KV cache of a layer lies beside its weights. The output layer is the last to be placed, as in llama.cpp.
    pub fn new(header: &Header, context_tokens: u32, wanted: GpuLayers, gpus: Vec<GpuMemory>) -> Self {
        let blocks = u64::try_from(header.block_bytes.len()).unwrap_or(u64::MAX);
        let kv_bytes = header
            .kv_bytes_per_token()
            .unwrap_or(0)
            .saturating_mul(context_tokens.into());
        let kv_of_block = kv_bytes.checked_div(blocks).unwrap_or(0);
        let block_sum: u64 = header.block_bytes.iter().sum();
        let output_bytes = header.tensor_bytes.saturating_sub(block_sum);
        let budget: u64 = gpus
            .iter()
            .map(|gpu| gpu.free_bytes.saturating_sub(DEVICE_MARGIN_BYTES))
            .sum();
        let limit = match (wanted, gpus.is_empty()) {
            (_, true) => 0,
            (GpuLayers::Auto, false) => u32::MAX,
            (GpuLayers::Count(count), false) => count,
        };
        let (mut gpu_layers, mut gpu_bytes) = (0, 0_u64);
        let costs = header
            .block_bytes
            .iter()
            .rev()
            .map(|bytes| bytes.saturating_add(kv_of_block))
            .chain([output_bytes]);
        for cost in costs {
            let with_this = gpu_bytes.saturating_add(cost);
            if gpu_layers >= limit || (wanted == GpuLayers::Auto && with_this > budget) {
                break;
            }
            gpu_layers += 1;
            gpu_bytes = with_this;
        }
        Self {
            gpu_layers,
            total_layers: u32::try_from(blocks).unwrap_or(u32::MAX).saturating_add(1),
            gpu_bytes,
            kv_bytes,
            gpus,
        }
    }
}

impl fmt::Display for FitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        if self.gpus.is_empty() {
            return write!(
                f,
                "CPU, {} layers, KV cache {} MiB",
                self.total_layers,
                mib(self.kv_bytes)
            );
        }
        write!(f, "{} of {} layers on ", self.gpu_layers, self.total_layers)?;
        for (number, gpu) in self.gpus.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{} ({} MiB free)", gpu.name, mib(gpu.free_bytes))?;
        }
        write!(
            f,
            ": {} MiB there, KV cache {} MiB",
            mib(self.gpu_bytes),
            mib(self.kv_bytes)
        )
    }
}

/// Returns the GPUs that this build can use, with what is free on them now.
pub fn gpus() -> Vec<GpuMemory> {
    // The choice changes ggml's list of devices, so it must not come while that is read.
    CpuCode::in_use();
    list_llama_ggml_backend_devices()
        .into_iter()
        .filter(|device| {
            matches!(
                device.device_type,
                LlamaBackendDeviceType::Gpu | LlamaBackendDeviceType::IntegratedGpu
            )
        })
        .map(|device| GpuMemory {
            name: device.name,
            free_bytes: device.memory_free as u64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            version: 3,
            architecture: "llama".to_owned(),
            name: None,
            file_type: None,
            context_tokens: Some(4096),
            block_count: Some(4),
            embedding_length: Some(1024),
            head_count: Some(8),
            head_count_kv: Some(2),
            key_length: None,
            value_length: None,
            tokenizer: None,
            vocabulary_tokens: None,
            chat_template: None,
            pooling_type: None,
            tensor_count: 0,
            parameters: 0,
            tensor_bytes: 500 << 20,
            read_bytes: 500 << 20,
            block_bytes: vec![100 << 20; 4],
            header_bytes: 0,
        }
    }

    fn gpu(free_mib: u64) -> GpuMemory {
        GpuMemory {
            name: "GPU0".to_owned(),
            free_bytes: free_mib << 20,
        }
    }

    // KV: 2 heads × (128 + 128) × 4 blocks × 2 bytes = 4 KiB a token: 16 MiB, 4 MiB for each block.

    #[test]
    fn everything_fits_on_a_large_device() {
        let plan = FitPlan::new(&header(), 4096, GpuLayers::Auto, vec![gpu(4096)]);
        assert_eq!((plan.gpu_layers, plan.total_layers), (5, 5));
        assert_eq!((plan.gpu_bytes, plan.kv_bytes), ((500 + 16) << 20, 16 << 20));
    }

    #[test]
    fn a_small_device_takes_what_it_holds() {
        let plan = FitPlan::new(&header(), 4096, GpuLayers::Auto, vec![gpu(768 + 210)]);
        assert_eq!((plan.gpu_layers, plan.gpu_bytes), (2, 208 << 20));
    }

    #[test]
    fn a_device_with_less_than_the_margin_takes_nothing() {
        assert_eq!(
            FitPlan::new(&header(), 4096, GpuLayers::Auto, vec![gpu(500)]).gpu_layers,
            0
        );
    }

    #[test]
    fn two_devices_add_up() {
        let plan = FitPlan::new(&header(), 4096, GpuLayers::Auto, vec![gpu(768 + 300), gpu(768 + 300)]);
        assert_eq!(plan.gpu_layers, 5);
    }

    #[test]
    fn a_given_count_is_obeyed_where_there_is_a_gpu() {
        assert_eq!(
            FitPlan::new(&header(), 4096, GpuLayers::Count(3), vec![gpu(1)]).gpu_layers,
            3
        );
        assert_eq!(
            FitPlan::new(&header(), 4096, GpuLayers::Count(99), vec![gpu(1)]).gpu_layers,
            5
        );
        let none = FitPlan::new(&header(), 4096, GpuLayers::Count(3), vec![]);
        assert_eq!(none.gpu_layers, 0);
        assert_eq!(none.to_string(), "CPU, 5 layers, KV cache 16 MiB");
    }
}
