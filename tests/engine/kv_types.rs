use std::path::Path;

use skiff::{
    model::{CompletionRequest, Keep, KvType, LanguageModel, LlamaConfig, LlamaCpp},
    progress::NoProgress,
};

use super::{
    complete, config, load, request,
    tiny_gguf::{Weights, tiny_gguf_of},
    tiny_with, user,
};

/// Heads of 64 numbers, which can be kept in 8 bits.
fn wide(kv_type: KvType, keep: Option<&Path>) -> LlamaCpp {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wide.gguf");
    std::fs::write(&path, tiny_gguf_of(7, Weights::Q4K)).unwrap();
    load(
        &path,
        &LlamaConfig {
            kv_type: Some(kv_type),
            keep: keep.map(|folder| Keep {
                folder: folder.to_owned(),
                prefix_bytes: 64 << 20,
            }),
            ..config()
        },
    )
}

#[test]
fn a_cache_of_8_bits_is_about_half_as_large_and_decodes() {
    let (half, quarter) = (wide(KvType::F16, None), wide(KvType::Q8_0, None));
    assert_eq!(quarter.plan().kv_type, KvType::Q8_0);
    assert_eq!(quarter.plan().kv_bytes * 64, half.plan().kv_bytes * 34);
    let messages = user("def f():\n    return 1\n");
    let one = complete(quarter.session().unwrap().as_mut(), &request(&messages, 24));
    assert!(one.usage.completion_tokens > 0);
    let other = complete(quarter.session().unwrap().as_mut(), &request(&messages, 24));
    assert_eq!(one.text, other.text);
}

#[test]
fn a_cache_of_8_bits_can_be_cut_and_shared() {
    let model = wide(KvType::Q8_0, None);
    let messages = user("the same beginning");
    let plain = request(&messages, 20);
    let mut session = model.session().unwrap();
    let first = complete(session.as_mut(), &plain);
    // The trunk goes back to the end of the prompt.
    let again = complete(session.as_mut(), &plain);
    assert_eq!(again.text, first.text);
    assert_eq!(again.usage.cached_tokens, again.usage.prompt_tokens - 1);
    let other = user("the same middle");
    let all = session
        .complete_all(&[plain.clone(), request(&other, 20), plain], &NoProgress)
        .unwrap();
    let texts: Vec<String> = all.into_iter().map(|outcome| outcome.unwrap().text).collect();
    assert_eq!((&texts[0], &texts[2]), (&first.text, &first.text));
    // Drafts that are refused are cut off again.
    let drafted = CompletionRequest {
        copy: Some(&first.text),
        ..request(&messages, 20)
    };
    assert_eq!(complete(session.as_mut(), &drafted).text, first.text);
}

#[test]
fn a_state_of_another_precision_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let messages = user(&"def f():\n    pass\n".repeat(18));
    let run = |kv_type| {
        let model = wide(kv_type, Some(dir.path()));
        complete(model.session().unwrap().as_mut(), &request(&messages, 12))
    };
    assert_eq!(run(KvType::F16).usage.cached_tokens, 0);
    let cold = run(KvType::Q8_0);
    assert_eq!(cold.usage.cached_tokens, 0);
    let warm = run(KvType::Q8_0);
    assert_eq!(warm.usage.cached_tokens, warm.usage.prompt_tokens - 1);
    assert_eq!(warm.text, cold.text);
    let half = run(KvType::F16);
    assert_eq!(half.usage.cached_tokens, half.usage.prompt_tokens - 1);
}

#[test]
fn narrow_heads_stay_at_half_precision() {
    let model = tiny_with(&LlamaConfig {
        kv_type: Some(KvType::Q8_0),
        ..config()
    });
    assert_eq!(model.plan().kv_type, KvType::F16);
    let text = complete(model.session().unwrap().as_mut(), &request(&user("x"), 4)).text;
    assert!(!text.is_empty());
}
