//! Language models: the trait that the agent talks to, the scripted double for tests, and everything that touches
//! llama.cpp or a GGUF file.
//!
//! This room imports `progress` only.

mod completion;
mod fit;
mod gguf;
mod language_model;
mod llama;
mod registry;
mod scripted;
mod template;
#[cfg(test)]
#[path = "../tests/support/tiny_gguf.rs"]
mod tiny_gguf;

pub use completion::{Completion, CompletionRequest, Constraint, Finish, Message, Role, Sampling, Usage};
pub use fit::{FitPlan, GpuLayers, GpuMemory, gpus};
pub use gguf::{GgufError, Header, TensorType};
pub use language_model::{LanguageModel, ModelError, Session};
pub use llama::{CpuCode, LlamaConfig, LlamaCpp, Vocabulary};
pub use registry::{ModelEntry, ModelFile, Registry, RegistryError};
pub use scripted::ScriptedModel;
