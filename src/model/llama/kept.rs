use std::{fs::File, io::Read, path::PathBuf};

use sha2::{Digest, Sha256};

use super::{
    super::{
        FitPlan,
        cache_file::{hex, replace},
        prefix::PrefixStore,
    },
    Keep, VerifyCurve,
};

/// The release of llama.cpp's binding: states and timings of another one are not read. A test holds it against the lock
/// file.
pub(super) const ENGINE_BUILD: &str = "llama-cpp-2 0.1.160";

/// More than a curve takes.
const MAX_CURVE_BYTES: u64 = 4096;

/// What a model keeps on disk.
pub(super) struct Kept {
    curve: PathBuf,
    pub(super) prefixes: Option<PrefixStore>,
}

impl Kept {
    /// Names everything that a state or a timing depends on.
    pub(super) fn new(keep: &Keep, model_sha256: &str, plan: &FitPlan, threads: u32) -> Self {
        let devices: Vec<&str> = plan.gpus.iter().map(|share| share.gpu.name.as_str()).collect();
        let engine = format!(
            "{ENGINE_BUILD} skiff {} model {model_sha256} layers {} on {devices:?} cache {}",
            env!("CARGO_PKG_VERSION"),
            plan.gpu_layers,
            plan.kv_type,
        );
        let timing = Sha256::digest(format!("{engine} threads {threads}"));
        let name = hex(&timing[..8]);
        Self {
            curve: keep.folder.join(format!("verify-{name}.json")),
            prefixes: (keep.prefix_bytes > 0).then(|| {
                let key = format!("{engine} context {}", plan.context_tokens);
                PrefixStore::new(&keep.folder.join("prefixes"), &key, keep.prefix_bytes)
            }),
        }
    }

    /// Reads the curve that an earlier process measured; one that makes no sense is not there.
    pub(super) fn read_curve(&self) -> Option<VerifyCurve> {
        let mut text = Vec::new();
        let file = File::open(&self.curve).ok()?;
        file.take(MAX_CURVE_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok().filter(VerifyCurve::is_sound)
    }

    /// Keeps a curve; where that fails the next process measures again.
    pub(super) fn write_curve(&self, curve: &VerifyCurve) {
        if let Ok(text) = serde_json::to_vec(curve) {
            let _ = replace(&self.curve, &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_is_that_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let (name, version) = ENGINE_BUILD.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")));
    }
}
