//! A second model that drafts. What passes cost is given by a file here, as an earlier process would have left it: the tiny
//! models' own passes cost as good as nothing.

use std::{fs, path::Path};

use skiff::{
    model::{Completion, CompletionRequest, Keep, LanguageModel, LlamaConfig, LlamaCpp, ModelError, Sampling},
    progress::NoProgress,
};

use super::{complete, config, curve_file, load_bytes, request, tiny_gguf, user};

const TARGET: u64 = 7;
const TOKENS: usize = 160;

fn keeping(folder: &Path) -> LlamaConfig {
    LlamaConfig {
        keep: Some(Keep {
            folder: folder.to_owned(),
            prefix_bytes: 0,
        }),
        ..config()
    }
}

fn plain() -> LlamaCpp {
    load_bytes(&tiny_gguf::tiny_gguf(TARGET), &config())
}

/// Returns the target with a draft model, where a pass costs `first_ms` and `row_ms` for each row.
fn drafting(draft: &[u8], first_ms: f32, row_ms: f32) -> LlamaCpp {
    let dir = tempfile::tempdir().unwrap();
    let target = tiny_gguf::tiny_gguf(TARGET);
    let messages = user("measure");
    let mut measuring = request(&messages, 8);
    let text = complete(plain().session().unwrap().as_mut(), &measuring).text;
    measuring.copy = Some(&text);
    let model = load_bytes(&target, &keeping(dir.path()));
    complete(model.session().unwrap().as_mut(), &measuring);
    let points: Vec<(usize, f32)> = model.verify_curve().unwrap().points().to_vec();
    let points: Vec<(usize, f32)> = points
        .into_iter()
        // Passes over 64 tokens and more, of all sequences together, go through another attention kernel, whose last bits
        // differ.
        .filter(|(rows, _)| *rows <= 16)
        .map(|(rows, _)| (rows, first_ms + row_ms * rows as f32))
        .collect();
    let file = curve_file(dir.path()).unwrap();
    fs::write(file, serde_json::json!({ "points": points }).to_string()).unwrap();
    let model = load_bytes(&target, &keeping(dir.path()))
        .with_draft_model(load_bytes(draft, &config()))
        .unwrap();
    // The session reads the file.
    model.session().unwrap();
    assert_eq!(model.verify_curve().unwrap().cost(1), first_ms + row_ms);
    model
}

fn written(model: &LlamaCpp, request: &CompletionRequest<'_>) -> Completion {
    complete(model.session().unwrap().as_mut(), request)
}

#[test]
fn a_draft_model_that_is_the_same_model_is_nearly_always_right() {
    let model = drafting(&tiny_gguf::tiny_gguf(TARGET), 300.0, 0.1);
    let messages = user("write something that is a little longer");
    for temperature in [0.0, 0.8] {
        let mut request = request(&messages, TOKENS);
        request.sampling = Sampling {
            temperature,
            top_p: 0.9,
            seed: 5,
        };
        let expected = written(&plain(), &request);
        let drafted = written(&model, &request);
        assert_eq!((&drafted.text, drafted.finish), (&expected.text, expected.finish));
        assert_eq!(drafted.usage.completion_tokens, expected.usage.completion_tokens);
        let (proposed, right) = (drafted.usage.drafted_tokens, drafted.usage.accepted_tokens);
        assert!(right <= proposed);
        if temperature == 0.0 {
            assert!(expected.usage.completion_tokens > 100, "{expected:?}");
            assert!(proposed > 60 && right * 10 >= proposed * 9, "{:?}", drafted.usage);
        }
    }
}

#[test]
fn a_draft_model_that_is_wrong_is_soon_left_alone() {
    let model = drafting(&tiny_gguf::tiny_gguf(TARGET + 1), 88.0, 12.0);
    let messages = user("write something that is a little longer");
    let request = request(&messages, TOKENS);
    let expected = written(&plain(), &request);
    let mut session = model.session().unwrap();
    let first = complete(session.as_mut(), &request);
    assert_eq!((&first.text, first.finish), (&expected.text, expected.finish));
    let (proposed, right) = (first.usage.drafted_tokens, first.usage.accepted_tokens);
    assert!(proposed > 0 && right * 4 < proposed, "{:?}", first.usage);
    let second = complete(session.as_mut(), &request);
    assert_eq!((&second.text, second.usage.drafted_tokens), (&expected.text, 0));
}

#[test]
fn a_draft_that_saves_nothing_is_not_made() {
    // Checking a token costs what writing it costs.
    let model = drafting(&tiny_gguf::tiny_gguf(TARGET), 0.01, 5.0);
    let messages = user("write something that is a little longer");
    let drafted = written(&model, &request(&messages, TOKENS));
    assert_eq!(drafted.usage.drafted_tokens, 0, "{:?}", drafted.usage);
}

#[test]
fn copies_and_excluded_texts_go_on_as_without_it() {
    let model = drafting(&tiny_gguf::tiny_gguf(TARGET), 300.0, 0.1);
    let messages = user("write something that is a little longer");
    let mut request = request(&messages, TOKENS);
    let expected = written(&plain(), &request);
    let half: String = expected.text.chars().take(40).collect();
    let copies = [
        expected.text.clone(),
        half.clone(),
        format!("{half}, and then something else altogether"),
        expected.text.replace('e', "E"),
    ];
    for copy in &copies {
        request.copy = Some(copy);
        assert_eq!(written(&model, &request).text, expected.text, "{copy:?}");
    }
    request.copy = None;
    let given = [expected.text];
    request.exclude = &given;
    assert_eq!(written(&model, &request).text, written(&plain(), &request).text);
}

#[test]
fn many_at_a_time_give_what_they_give_without_it() {
    let model = drafting(&tiny_gguf::tiny_gguf(TARGET), 300.0, 0.1);
    let prompts = ["rename the function a", "rename the method b", "rename it"].map(user);
    let requests: Vec<CompletionRequest<'_>> = prompts.iter().map(|prompt| request(prompt, 60)).collect();
    let mut session = model.session().unwrap();
    let together = session.complete_all(&requests, &NoProgress).unwrap();
    let mut drafted_tokens = 0;
    for (request, outcome) in requests.iter().zip(together) {
        let together = outcome.unwrap();
        assert_eq!(together.text, written(&plain(), request).text);
        drafted_tokens += together.usage.drafted_tokens;
    }
    assert!(drafted_tokens > 30, "{drafted_tokens}");
    // The conversation goes on in the same session.
    let messages = user("write something that is a little longer");
    let request = request(&messages, TOKENS);
    let after = complete(session.as_mut(), &request);
    assert_eq!(after.text, written(&plain(), &request).text);
    assert!(after.usage.drafted_tokens > 60, "{:?}", after.usage);
}

#[test]
fn a_model_with_another_vocabulary_or_a_running_state_is_refused() {
    let target = tiny_gguf::tiny_gguf(TARGET);
    let mut renamed = target.clone();
    let name = b"<|endoftext|>";
    let place = renamed.windows(name.len()).position(|bytes| bytes == name).unwrap();
    renamed[place + 5] = b'X';
    for (draft, reason) in [
        (renamed, "token 257 of its vocabulary is another one"),
        (
            tiny_gguf::tiny_bert_gguf(1, 1),
            "its vocabulary has 57 tokens and not 260",
        ),
        (tiny_gguf::tiny_mamba_gguf(1), "it keeps a running state"),
        (tiny_gguf::tiny_hybrid_gguf(1), "it keeps a running state"),
    ] {
        let error = plain().with_draft_model(load_bytes(&draft, &config())).err().unwrap();
        assert!(matches!(error, ModelError::DraftModel { .. }));
        let said = error.to_string();
        assert!(
            said.contains(reason) && said.matches("tiny.gguf").count() == 2,
            "{said}"
        );
    }
}

#[test]
fn a_model_that_keeps_a_running_state_writes_without_it() {
    for gguf in [tiny_gguf::tiny_mamba_gguf(3), tiny_gguf::tiny_hybrid_gguf(3)] {
        let messages = user("x");
        let request = request(&messages, 40);
        let alone = written(&load_bytes(&gguf, &config()), &request);
        let model = load_bytes(&gguf, &config())
            .with_draft_model(load_bytes(&tiny_gguf::tiny_gguf(1), &config()))
            .unwrap();
        let drafted = written(&model, &request);
        assert_eq!(drafted.text, alone.text);
        assert_eq!(drafted.usage.drafted_tokens, 0);
    }
}
