//! The model of random weights that GPUs are measured with is one that the engine takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/random_gguf.rs"]
mod random_gguf;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::fs;
use std::path::Path;

use skiff::model::{
    CompletionRequest, GpuLayers, Header, LanguageModel, LlamaConfig, LlamaCpp, Message, Registry, Role,
};
use skiff::progress::NoProgress;

#[test]
fn it_loads_and_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (vocabulary, out) = (dir.path().join("tiny.gguf"), dir.path().join("random.gguf"));
    fs::write(&vocabulary, tiny_gguf::tiny_gguf(1)).unwrap();
    let bytes = random_gguf::write(&vocabulary, &out, random_gguf::Shape::TINY, 5).unwrap();
    assert_eq!(fs::metadata(&out).unwrap().len(), bytes);
    let (header, of_vocabulary) = (Header::of_file(&out).unwrap(), Header::of_file(&vocabulary).unwrap());
    assert_eq!(header.vocabulary_tokens, of_vocabulary.vocabulary_tokens);
    assert_eq!(header.chat_template, of_vocabulary.chat_template);
    assert_eq!((header.architecture.as_str(), header.block_bytes.len()), ("qwen2", 4));
    let config = LlamaConfig {
        context_tokens: Some(256),
        threads: Some(1),
        gpu_layers: GpuLayers::Count(0),
        ..LlamaConfig::default()
    };
    let file = Registry::open(Path::new(""))
        .resolve(out.to_str().unwrap(), &NoProgress)
        .unwrap();
    let model = LlamaCpp::load(&file, &config, &NoProgress).unwrap();
    let messages = [Message::new(Role::User, "go on")];
    let request = CompletionRequest::new(&messages, 16);
    let completion = model.session().unwrap().complete(&request, &NoProgress).unwrap();
    assert!(completion.usage.completion_tokens > 0);
    // Logits that are no numbers would make the choice always the same token.
    let texts: std::collections::BTreeSet<char> = completion.text.chars().collect();
    assert!(texts.len() > 2, "{:?}", completion.text);
}

#[test]
fn what_has_no_tokenizer_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (vocabulary, out) = (dir.path().join("x.gguf"), dir.path().join("random.gguf"));
    let whole = tiny_gguf::tiny_gguf(1);
    for bytes in [&b"GGUF"[..], b"PK\x03\x04 and more", &whole[..200]] {
        fs::write(&vocabulary, bytes).unwrap();
        random_gguf::write(&vocabulary, &out, random_gguf::Shape::TINY, 5).unwrap_err();
        assert!(!out.exists());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let vocabulary = dir.path().join("tiny.gguf");
    fs::write(&vocabulary, tiny_gguf::tiny_gguf(1)).unwrap();
    let bytes = |seed| {
        let out = dir.path().join("random.gguf");
        random_gguf::write(&vocabulary, &out, random_gguf::Shape::TINY, seed).unwrap();
        fs::read(&out).unwrap()
    };
    let first = bytes(1);
    assert_eq!(first, bytes(1));
    assert_ne!(first, bytes(2));
}
