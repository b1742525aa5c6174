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
        Completion, CompletionRequest, Constraint, Embedder, EmbeddingPlan, Finish, GpuLayers, LanguageModel,
        LlamaConfig, LlamaCpp, LlamaEmbedder, Message, ModelError, ModelFile, Registry, Role, Sampling, Session,
        TextRole, cosine,
    },
    progress::{NoProgress, Phase, Progress},
};

#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

const REAL_MODEL: &str = "fetched/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";

const CONFIG: LlamaConfig = LlamaConfig {
    context_tokens: None,
    // The tests share the cores with each other.
    threads: Some(1),
    gpu_layers: GpuLayers::Count(0),
};

fn checked(path: &Path) -> ModelFile {
    let registry = Registry::open(Path::new(""));
    registry.resolve(path.to_str().unwrap(), &NoProgress).unwrap()
}

fn load(path: &Path) -> LlamaCpp {
    LlamaCpp::load(&checked(path), &CONFIG, &NoProgress).unwrap()
}

fn embedder(gguf: &[u8]) -> Result<LlamaEmbedder, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, gguf).unwrap();
    LlamaEmbedder::load(&EmbeddingPlan::new(checked(&path))?, &CONFIG, &NoProgress)
}

fn tiny() -> LlamaCpp {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, tiny_gguf::tiny_gguf(7)).unwrap();
    load(&path)
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
    Some(load(&path))
}

fn user(content: &str) -> Vec<Message> {
    vec![Message::new(Role::User, content)]
}

fn request(messages: &[Message], max_tokens: usize) -> CompletionRequest<'_> {
    CompletionRequest {
        messages,
        assistant_prefix: "",
        stop: &[],
        max_tokens,
        sampling: Sampling::default(),
        constraint: Constraint::None,
        exclude: &[],
    }
}

fn complete(session: &mut dyn Session, request: &CompletionRequest<'_>) -> Completion {
    session.complete(request, &NoProgress).unwrap()
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

#[test]
fn a_model_tells_what_it_is_and_counts_tokens() {
    let model = tiny();
    assert_eq!(
        (model.name(), model.context_tokens(), model.digest().len()),
        ("tiny", 512, 64)
    );
    // One token for each byte, but for the one merge.
    assert_eq!(model.count_tokens("fn main"), 7);
    assert_eq!(model.count_tokens("a   b"), 4);
    assert_eq!(model.count_tokens(""), 0);
    // `<|im_start|>user\n…<|im_end|>\n<|im_start|>assistant\n`
    assert_eq!(
        model.count_conversation(&user("abc")).unwrap(),
        (1 + 5 + 3 + 2) + (1 + 10)
    );
}

#[test]
fn special_tokens_in_a_message_stay_text() {
    let model = tiny();
    let plain = model.count_conversation(&user("")).unwrap();
    let text = "<|im_end|>\n<|im_start|>system\n";
    assert_eq!(model.count_tokens(text), text.len());
    assert_eq!(model.count_conversation(&user(text)).unwrap(), plain + text.len());
}

#[test]
fn the_same_request_gives_the_same_text_from_a_cold_and_a_warm_session() {
    let model = tiny();
    let messages = user("hello there");
    let mut session = model.session().unwrap();
    let cold = complete(session.as_mut(), &request(&messages, 24));
    assert_eq!(cold.usage.cached_tokens, 0);
    assert_eq!(
        cold.usage.prompt_tokens as usize,
        model.count_conversation(&messages).unwrap()
    );
    let warm = complete(session.as_mut(), &request(&messages, 24));
    assert_eq!(warm.usage.cached_tokens, cold.usage.prompt_tokens - 1);
    assert_eq!((warm.text, warm.finish), (cold.text, cold.finish));
}

#[test]
fn a_longer_conversation_reads_only_what_is_new() {
    let model = tiny();
    let mut messages = user("first question, of some length");
    let mut session = model.session().unwrap();
    let first = complete(session.as_mut(), &request(&messages, 8));
    messages.push(Message::new(Role::Assistant, first.text));
    messages.push(Message::new(Role::User, "second"));
    let second = complete(session.as_mut(), &request(&messages, 8));
    let new = second.usage.prompt_tokens - second.usage.cached_tokens;
    assert!(
        second.usage.cached_tokens >= first.usage.prompt_tokens,
        "{:?}",
        second.usage
    );
    // At most: the answer, which bytes that are not UTF-8 may change, `<|im_end|>\n`, and the two new openings.
    assert!(new <= 3 * 8 + 2 + (1 + 5 + 6 + 2) + (1 + 10), "{new}");
    let cold = complete(model.session().unwrap().as_mut(), &request(&messages, 8));
    assert_eq!(cold.text, second.text);
}

#[test]
fn a_grammar_is_obeyed_to_its_end() {
    let model = tiny();
    let messages = user("choose");
    for (grammar, expected) in [
        ("root ::= \"[\" [0-9] [0-9] \"]\"", 4),
        ("root ::= (\"yes\" | \"no!\") \" \" [a-c] [a-c]", 6),
    ] {
        for temperature in [0.0, 1.0] {
            let mut request = request(&messages, 64);
            request.constraint = Constraint::Gbnf(grammar.to_owned());
            request.sampling.temperature = temperature;
            let completion = complete(model.session().unwrap().as_mut(), &request);
            assert_eq!(completion.finish, Finish::EndOfTurn, "{completion:?}");
            assert_eq!(completion.text.len(), expected, "{completion:?}");
            assert!(
                completion.text.starts_with(['[', 'y', 'n']) && completion.text.is_ascii(),
                "{completion:?}"
            );
        }
    }
}

#[test]
fn the_choice_grammar_compiles_and_allows_the_offered_words_only() {
    let model = tiny();
    let messages = user("choose");
    let words = ["change", "a\"dd\\", "10"].map(str::to_owned);
    let mut request = request(&messages, 16);
    request.constraint = Constraint::Gbnf(skiff::prompt::choice_grammar(&words));
    let completion = complete(model.session().unwrap().as_mut(), &request);
    assert!(words.contains(&completion.text), "{completion:?}");
}

#[test]
fn a_grammar_that_cannot_be_read_is_an_error() {
    let model = tiny();
    let messages = user("x");
    let mut request = request(&messages, 4);
    for grammar in ["root ::= (", "other ::= \"a\"", ""] {
        request.constraint = Constraint::Gbnf(grammar.to_owned());
        let error = model.session().unwrap().complete(&request, &NoProgress).unwrap_err();
        assert!(matches!(error, ModelError::Grammar(_)), "{error}");
    }
}

#[test]
fn special_tokens_are_never_chosen_even_where_a_grammar_spells_them() {
    let model = tiny();
    let messages = user("x");
    let mut request = request(&messages, 64);
    request.constraint = Constraint::Gbnf("root ::= \"<|im_start|>\"".to_owned());
    let completion = complete(model.session().unwrap().as_mut(), &request);
    assert_eq!(completion.text, "<|im_start|>");
    // Spelled out byte by byte, and the end of the turn.
    assert_eq!(completion.usage.completion_tokens, 12 + 1);
}

#[test]
fn max_tokens_stop_texts_and_the_context_end_a_completion() {
    let model = tiny();
    let messages = user("x");
    let grammar = Constraint::Gbnf("root ::= \"abcdefgh\" [a-z]*".to_owned());
    let mut request = request(&messages, 3);
    request.constraint = grammar.clone();
    let mut session = model.session().unwrap();
    let cut = complete(session.as_mut(), &request);
    assert_eq!(
        (cut.text.as_str(), cut.finish, cut.usage.completion_tokens),
        ("abc", Finish::Length, 3)
    );
    request.max_tokens = 0;
    let none = complete(session.as_mut(), &request);
    assert_eq!((none.text.as_str(), none.finish), ("", Finish::Length));
    request.max_tokens = 99;
    request.stop = &["zzz", "efg"];
    let stopped = complete(session.as_mut(), &request);
    assert_eq!((stopped.text.as_str(), stopped.finish), ("abcd", Finish::StopText));

    // 460 of 512 tokens are prompt; a grammar without an end fills the rest.
    let long = user(&"y".repeat(440));
    let mut request = self::request(&long, 9999);
    request.constraint = Constraint::Gbnf("root ::= [a-z]+ \"\\n\" [0-9]+ \"!\" root".to_owned());
    let full = complete(session.as_mut(), &request);
    assert_eq!(full.finish, Finish::Length);
    assert_eq!(full.usage.prompt_tokens + full.usage.completion_tokens, 512 + 1);
}

#[test]
fn the_assistant_prefix_belongs_to_the_prompt() {
    let model = tiny();
    let messages = user("x");
    let mut request = request(&messages, 4);
    request.assistant_prefix = "<|im_end|>abc";
    let completion = complete(model.session().unwrap().as_mut(), &request);
    let without = model.count_conversation(&messages).unwrap();
    assert_eq!(completion.usage.prompt_tokens as usize, without + 13);
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_its_size() {
    let model = tiny();
    let messages = user(&"y".repeat(600));
    let mut session = model.session().unwrap();
    match session.complete(&request(&messages, 4), &NoProgress) {
        Err(ModelError::ContextFull {
            prompt_tokens,
            context_tokens,
        }) => {
            assert_eq!(
                (prompt_tokens, context_tokens),
                (model.count_conversation(&messages).unwrap(), 512)
            );
        }
        other => panic!("{other:?}"),
    }
    // The session is still good.
    assert!(session.complete(&request(&user("y"), 4), &NoProgress).is_ok());
}

#[test]
fn cancel_stops_prefill_and_decode_and_the_session_goes_on() {
    let model = tiny();
    let messages = user(&"abc ".repeat(80));
    let reference = complete(model.session().unwrap().as_mut(), &request(&messages, 6));
    let mut session = model.session().unwrap();
    for polls in 0..6 {
        let error = session
            .complete(&request(&messages, 400), &CancelAfter::new(polls))
            .unwrap_err();
        assert!(matches!(error, ModelError::Cancelled), "{error}");
    }
    let after = complete(session.as_mut(), &request(&messages, 6));
    assert_eq!(after.text, reference.text);
    assert!(after.usage.cached_tokens > 0);
}

#[test]
fn a_seed_gives_the_same_text_and_another_seed_another() {
    let model = tiny();
    let messages = user("x");
    let text = |seed| {
        let mut request = request(&messages, 16);
        request.sampling = Sampling {
            temperature: 1.5,
            top_p: 1.0,
            seed,
        };
        complete(model.session().unwrap().as_mut(), &request).text
    };
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn excluded_completions_are_not_given_again() {
    let model = tiny();
    let messages = user("pick");
    let mut session = model.session().unwrap();
    let mut excluded: Vec<String> = Vec::new();
    // Two letters of three: nine texts in all.
    for _ in 0..6 {
        let given = excluded.clone();
        let mut request = request(&messages, 8);
        request.constraint = Constraint::Gbnf("root ::= [abc] [abc]".to_owned());
        request.exclude = &given;
        let text = complete(session.as_mut(), &request).text;
        assert!(text.len() == 2 && !excluded.contains(&text), "{text:?} of {excluded:?}");
        excluded.push(text);
    }
    let one = ["go".to_owned()];
    let mut request = request(&messages, 8);
    request.constraint = Constraint::Gbnf("root ::= \"go\"".to_owned());
    request.exclude = &one;
    let error = session.complete(&request, &NoProgress).unwrap_err();
    assert!(matches!(error, ModelError::OnlyExcluded), "{error}");
}

/// A decoder whose header names no pooling, and encoders that take the mean, the first and the last vector.
fn embedders() -> Vec<LlamaEmbedder> {
    let mut files = vec![tiny_gguf::tiny_gguf(7)];
    files.extend([1, 2, 3].map(|pooling| tiny_gguf::tiny_bert_gguf(7, pooling)));
    files.iter().map(|file| embedder(file).unwrap()).collect()
}

fn embed(embedder: &mut LlamaEmbedder, texts: &[&str]) -> Vec<Vec<f32>> {
    embedder.embed(TextRole::Document, texts, &NoProgress).unwrap()
}

#[test]
fn texts_have_vectors_of_their_own_whatever_is_beside_them() {
    for mut embedder in embedders() {
        let name = embedder.identity().to_owned();
        let vectors = embed(&mut embedder, &["parse the file", "draw a line", "parse the file", ""]);
        assert!(vectors.iter().all(|vector| vector.len() == 64), "{name}");
        assert!(
            vectors.iter().all(|vector| (cosine(vector, vector) - 1.0).abs() < 1e-4),
            "{name}"
        );
        assert_eq!(vectors[0], vectors[2], "{name}");
        assert!(cosine(&vectors[0], &vectors[1]) < 0.999, "{name}");
        assert_eq!(embed(&mut embedder, &["draw a line"])[0], vectors[1], "{name}");
    }
}

#[test]
fn long_texts_are_cut_to_what_the_model_reads() {
    for mut embedder in embedders() {
        let name = embedder.identity().to_owned();
        let long = ["abc ".repeat(400), "abc ".repeat(9000) + "tail"];
        let vectors = embed(&mut embedder, &[&long[0], &long[1], "abc"]);
        assert_eq!(vectors[0], vectors[1], "{name}");
        assert_ne!(vectors[0], vectors[2], "{name}");
    }
}

#[test]
fn how_vectors_are_made_is_part_of_their_identity() {
    let identities: std::collections::HashSet<String> = embedders()
        .iter()
        .map(|embedder| embedder.identity().to_owned())
        .collect();
    assert_eq!(identities.len(), 4, "{identities:?}");
    let mut vectors: Vec<Vec<f32>> = embedders()
        .iter_mut()
        .skip(1)
        .map(|own| embed(own, &["parse"]).remove(0))
        .collect();
    vectors.dedup();
    assert_eq!(vectors.len(), 3);
}

#[test]
fn models_without_embeddings_are_refused_before_they_are_loaded() {
    for pooling in [4, 5, 99, u32::MAX] {
        let refused = embedder(&tiny_gguf::tiny_bert_gguf(7, pooling));
        assert!(matches!(refused, Err(ModelError::Load { .. })), "{pooling}");
    }
}

#[test]
fn cancel_stops_embedding() {
    for mut embedder in embedders() {
        let cancelled = embedder.embed(TextRole::Query, &["a", "b"], &CancelAfter::new(1));
        assert!(matches!(cancelled, Err(ModelError::Cancelled)));
    }
}

#[test]
fn a_real_model_answers_and_stops() {
    let Some(model) = real() else { return };
    let messages = user("Reply with the single word: pong");
    let completion = complete(model.session().unwrap().as_mut(), &request(&messages, 16));
    assert_eq!(completion.finish, Finish::EndOfTurn);
    assert!(completion.text.to_lowercase().contains("pong"), "{completion:?}");
}

#[test]
fn a_real_model_does_not_repeat_what_is_excluded() {
    let Some(model) = real() else { return };
    let messages = user("Write a Python function `add(a, b)` that returns the sum. Only the code.");
    let mut session = model.session().unwrap();
    let mut given: Vec<String> = Vec::new();
    for _ in 0..3 {
        let exclude = given.clone();
        let mut request = request(&messages, 64);
        request.assistant_prefix = "```python\n";
        request.stop = &["\n```"];
        request.exclude = &exclude;
        let completion = complete(session.as_mut(), &request);
        assert!(!given.contains(&completion.text), "{completion:?}");
        given.push(completion.text);
    }
    assert!(given[0].contains("def add(a, b)"), "{given:?}");
}

#[test]
fn a_real_model_keeps_utf8_whole_and_reuses_its_own_words() {
    let Some(model) = real() else { return };
    let mut messages = user("Repeat exactly: Grüße, 世界 👋");
    let mut session = model.session().unwrap();
    let first = complete(session.as_mut(), &request(&messages, 32));
    assert!(first.text.contains("世界"), "{first:?}");
    messages.push(Message::new(Role::Assistant, first.text));
    messages.push(Message::new(Role::User, "Again."));
    let second = complete(session.as_mut(), &request(&messages, 32));
    assert!(
        second.usage.cached_tokens >= first.usage.prompt_tokens,
        "{:?}",
        second.usage
    );
}
