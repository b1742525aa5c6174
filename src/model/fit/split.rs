use super::{GpuMemory, GpuShare};

/// Returns what each GPU gets of layers with these costs in bytes, in their order: consecutive layers, as many as its part
/// of all free device memory.
///
/// It is llama.cpp's own rule for a split by layer where nobody gives it another (`load_tensors` in llama-model.cpp), down
/// to the 32-bit floats, so that the plan says what llama.cpp will do. The binding has no way to give it another.
pub(super) fn split_by_layer(gpus: &[GpuMemory], costs: &[u64]) -> Vec<GpuShare> {
    let mut shares: Vec<GpuShare> = gpus
        .iter()
        .map(|gpu| GpuShare {
            gpu: gpu.clone(),
            layers: 0,
            bytes: 0,
        })
        .collect();
    let mut sum = 0.0_f32;
    let ends: Vec<f32> = gpus
        .iter()
        .map(|gpu| {
            sum += gpu.free_bytes as f32;
            sum
        })
        .collect();
    for (number, cost) in costs.iter().enumerate() {
        let place = number as f32 / costs.len() as f32;
        let device = ends.iter().position(|end| end / sum > place).unwrap_or(0);
        if let Some(share) = shares.get_mut(device) {
            share.layers += 1;
            share.bytes = share.bytes.saturating_add(*cost);
        }
    }
    shares
}
