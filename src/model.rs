//! Language models: the trait that the agent talks to, the scripted double for tests, and everything that touches
//! llama.cpp or a GGUF file.
//!
//! This room imports `progress` only.

mod cache_file;
mod completion;
mod draft;
mod embedder;
mod energy;
mod engine_stamp;
mod fit;
mod gguf;
mod json_schema;
mod language_model;
mod llama;
mod preamble;
mod prefix;
mod registry;
mod scripted;
mod scripted_embedder;
mod template;
#[cfg(test)]
#[path = "../tests/support/tiny_gguf.rs"]
mod tiny_gguf;
mod vector_cache;
mod witness;

pub use completion::{
    Completion, CompletionRequest, Constraint, Finish, Likelihood, Message, PieceCheck, Role, Sampling, Usage,
};
pub use draft::{CopyDrafter, Evidence};
pub use embedder::{Embedder, TextRole, cosine};
pub use energy::EnergyMeter;
pub use engine_stamp::{EngineStamp, GpuStamp, LlamaStamp};
pub use fit::{Concession, Devices, FitPlan, FitWish, GpuLayers, GpuMemory, GpuShare, HostMemory, KvType, gpus};
pub use gguf::{GgufError, Header, TensorType};
pub use json_schema::JsonSchema;
pub use language_model::{LanguageModel, ModelError, ModelScale, Session, TemplateSource};
pub use llama::{
    CpuCode, EmbeddingPlan, Keep, LlamaConfig, LlamaCpp, LlamaEmbedder, Speculation, VerifyCurve, Vocabulary,
};
pub use preamble::Preamble;
pub use registry::{ModelEntry, ModelFile, Registry, RegistryError};
pub use scripted::ScriptedModel;
pub use scripted_embedder::ScriptedEmbedder;
pub(crate) use template::render_template;
pub use vector_cache::{CachedEmbedder, VectorCache};
pub use witness::{Witness, Witnessed};
