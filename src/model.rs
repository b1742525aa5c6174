//! Language models: the trait that the agent talks to, the scripted double for tests, and everything that touches
//! llama.cpp or a GGUF file.
//!
//! This room imports `progress` only.

mod completion;
mod language_model;

pub use completion::{Completion, CompletionRequest, Constraint, Finish, Message, Role, Sampling, Usage};
pub use language_model::{LanguageModel, ModelError, Session};
