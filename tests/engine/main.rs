//! The engine on a tiny random model that the tests write themselves, and on a real one where there is one.
//!
//! The real one is `$SKIFF_TEST_MODEL`, or the 0.5B in the registry of this user.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use skiff::{
    model::{
        Completion, CompletionRequest, GpuLayers, LlamaConfig, LlamaCpp, Message, ModelFile, Registry, Role, Session,
    },
    progress::{NoProgress, Phase, Progress},
};

mod constraints;
mod draft_model;
mod drafts;
mod embedding;
mod kv_types;
mod parallel;
mod pieces;
mod prefixes;
mod running_state;
mod session;
mod stamp;
#[path = "../support/tiny_gguf.rs"]
mod tiny_gguf;

const REAL_MODEL: &str = "fetched/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";

fn config() -> LlamaConfig {
    LlamaConfig {
        // The tests share the cores with each other.
        threads: Some(1),
        gpu_layers: GpuLayers::Count(0),
        ..LlamaConfig::default()
    }
}

fn checked(path: &Path) -> ModelFile {
    let registry = Registry::open(Path::new(""));
    registry.resolve(path.to_str().unwrap(), &NoProgress).unwrap()
}

fn load(path: &Path, config: &LlamaConfig) -> LlamaCpp {
    LlamaCpp::load(&checked(path), config, &NoProgress).unwrap()
}

fn tiny() -> LlamaCpp {
    tiny_with(&config())
}

fn tiny_with(config: &LlamaConfig) -> LlamaCpp {
    load_bytes(&tiny_gguf::tiny_gguf(7), config)
}

fn load_bytes(gguf: &[u8], config: &LlamaConfig) -> LlamaCpp {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, gguf).unwrap();
    load(&path, config)
}

fn real() -> Option<LlamaCpp> {
    let path = std::env::var_os("SKIFF_TEST_MODEL").map(PathBuf::from).or_else(|| {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")))?;
        Some(data.join("skiff/models").join(REAL_MODEL))
    })?;
    if !path.is_file() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(load(&path, &config()))
}

fn user(content: &str) -> Vec<Message> {
    vec![Message::new(Role::User, content)]
}

fn request(messages: &[Message], max_tokens: usize) -> CompletionRequest<'_> {
    CompletionRequest::new(messages, max_tokens)
}

fn complete(session: &mut dyn Session, request: &CompletionRequest<'_>) -> Completion {
    session.complete(request, &NoProgress).unwrap()
}

/// Returns the file that says what passes cost, if there is one.
fn curve_file(folder: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "json"))
}

/// Cancels when it has been asked so many times.
struct CancelAfter(AtomicUsize);

impl CancelAfter {
    fn new(polls: usize) -> Self {
        Self(AtomicUsize::new(polls))
    }
}

impl Progress for CancelAfter {
    fn begin(&self, _: Phase, _: u64) {}
    fn advance(&self, _: Phase, _: u64) {}
    fn end(&self, _: Phase) {}
    fn note(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |polls| polls.checked_sub(1))
            .is_err()
    }
}
