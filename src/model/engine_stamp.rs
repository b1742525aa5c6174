use serde::{Deserialize, Serialize};

use super::{KvType, LlamaCpp, Speculation};

/// What wrote a text: all that the choice of tokens depends on besides the weights, the prompt and [`super::Sampling`].
///
/// The same stamp, prompt and seed give the same tokens as far as passes have the same shapes; docs/architecture.md says
/// what changes those.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EngineStamp {
    /// Nobody kept it.
    #[default]
    Unknown,
    /// A script of answers.
    Scripted,
    /// llama.cpp, in this process.
    Llama(LlamaStamp),
}

/// How llama.cpp was built and set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LlamaStamp {
    /// The release of skiff.
    pub skiff: String,
    /// The release of the binding, which carries the source of llama.cpp.
    pub llama: String,
    /// Processor architecture and system that skiff was built for.
    pub target: String,
    /// The CPU code in use, as [`super::CpuCode::as_str`].
    pub cpu_code: String,
    /// The GPUs that hold layers, by the names that their back ends give them, with the number of layers.
    pub gpus: Vec<GpuStamp>,
    /// Layers on GPUs.
    pub gpu_layers: u32,
    /// Threads that compute.
    pub threads: u32,
    /// The context length in tokens.
    pub context_tokens: u32,
    /// How keys and values are stored.
    pub kv_type: KvType,
    /// Whether drafts could be checked; [`super::Usage::drafted_tokens`] says whether there were any.
    pub speculation: Speculation,
    /// SHA-256 of the draft model's file in hexadecimal, where one could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_model: Option<String>,
    /// The most sequences of one pass.
    pub sequences: u32,
    /// The most tokens of one pass.
    pub pass_tokens: u32,
}

/// The part of one GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuStamp {
    /// The back end's name for it.
    pub name: String,
    /// Its layers.
    pub layers: u32,
}

impl LlamaStamp {
    /// Returns the stamp of a loaded model.
    pub(super) fn new(model: &LlamaCpp, llama: &str, cpu_code: &str, sequences: usize, pass_tokens: usize) -> Self {
        let plan = model.plan();
        let gpus = plan.gpus.iter().filter(|share| share.layers > 0);
        Self {
            skiff: env!("CARGO_PKG_VERSION").to_owned(),
            llama: llama.to_owned(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            cpu_code: cpu_code.to_owned(),
            gpus: gpus
                .map(|share| GpuStamp {
                    name: share.gpu.name.clone(),
                    layers: share.layers,
                })
                .collect(),
            gpu_layers: plan.gpu_layers,
            threads: model.threads(),
            context_tokens: plan.context_tokens,
            kv_type: plan.kv_type,
            speculation: model.speculation(),
            draft_model: model.draft_digest().map(str::to_owned),
            sequences: u32::try_from(sequences).unwrap_or(u32::MAX),
            pass_tokens: u32::try_from(pass_tokens).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let stamp = EngineStamp::Llama(LlamaStamp {
            skiff: "0.1.0".to_owned(),
            llama: "llama-cpp-2 0.1.160".to_owned(),
            target: "x86_64-linux".to_owned(),
            cpu_code: "avx512".to_owned(),
            gpus: vec![GpuStamp {
                name: "GPU0".to_owned(),
                layers: 5,
            }],
            gpu_layers: 5,
            threads: 2,
            context_tokens: 8192,
            kv_type: KvType::Q8_0,
            speculation: Speculation::Copy,
            draft_model: Some("ab".to_owned()),
            sequences: 17,
            pass_tokens: 512,
        });
        let text = serde_json::to_string(&stamp).unwrap();
        for part in [r#""kind":"llama""#, r#""kv_type":"q8_0""#, r#""speculation":"copy""#] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(serde_json::from_str::<EngineStamp>(&text).unwrap(), stamp);
        assert_eq!(
            serde_json::to_string(&EngineStamp::Scripted).unwrap(),
            r#"{"kind":"scripted"}"#
        );
    }
}
