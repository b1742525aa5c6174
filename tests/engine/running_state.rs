//! Models that keep a running state, which cannot be turned back to an earlier token: recurrent ones, and hybrids that have
//! keys and values besides.

use skiff::{
    model::{CompletionRequest, Keep, LanguageModel, LlamaConfig, LlamaCpp, Message, PieceCheck, Role},
    progress::NoProgress,
};

use super::{complete, config, load_bytes, request, tiny_gguf, user};

fn models(config: &LlamaConfig) -> [LlamaCpp; 2] {
    [tiny_gguf::tiny_mamba_gguf(3), tiny_gguf::tiny_hybrid_gguf(3)].map(|gguf| load_bytes(&gguf, config))
}

#[test]
fn they_complete_without_drafts() {
    for model in models(&config()) {
        let messages = user("something to write about");
        let plain = complete(model.session().unwrap().as_mut(), &request(&messages, 40));
        assert!(plain.usage.completion_tokens > 1, "{plain:?}");
        let mut copying = request(&messages, 40);
        copying.copy = Some(&plain.text);
        let copied = complete(model.session().unwrap().as_mut(), &copying);
        assert_eq!((&copied.text, copied.finish), (&plain.text, plain.finish));
        assert_eq!(copied.usage.drafted_tokens, 0);
        // Nobody measured what passes cost either.
        assert!(model.verify_curve().is_none());
    }
}

#[test]
fn a_turn_that_goes_on_reads_what_is_new_and_one_that_goes_back_reads_all() {
    for model in models(&config()) {
        let first = user("the first question, of some length");
        let mut session = model.session().unwrap();
        let cold = complete(session.as_mut(), &request(&first, 1));
        // Everything but the answer's last token was read, and the conversation goes on from its prompt.
        let mut messages = first.clone();
        messages.push(Message::new(Role::Assistant, cold.text.clone()));
        messages.push(Message::new(Role::User, "second"));
        let second = complete(session.as_mut(), &request(&messages, 8));
        assert!(
            second.usage.cached_tokens >= cold.usage.prompt_tokens,
            "{:?}",
            second.usage
        );
        let alone = complete(model.session().unwrap().as_mut(), &request(&messages, 8));
        assert_eq!(second.text, alone.text);

        let again = complete(session.as_mut(), &request(&first, 1));
        assert_eq!((again.usage.cached_tokens, &again.text), (0, &cold.text));
    }
}

#[test]
fn many_requests_are_served_one_after_another() {
    for model in models(&config()) {
        let (one, other) = (user("rename the function a"), user("rename the method b"));
        let requests = [request(&one, 10), request(&other, 12), request(&one, 10)];
        let together = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
        for (request, outcome) in requests.iter().zip(together) {
            let alone = complete(model.session().unwrap().as_mut(), request);
            assert_eq!(outcome.unwrap().text, alone.text);
        }
    }
}

#[test]
fn excluded_texts_are_left_by_reading_again() {
    for model in models(&config()) {
        let messages = user("x");
        let mut session = model.session().unwrap();
        let mut given: Vec<String> = Vec::new();
        for _ in 0..3 {
            let exclude = given.clone();
            let mut request = request(&messages, 6);
            request.exclude = &exclude;
            let text = complete(session.as_mut(), &request).text;
            assert!(!given.contains(&text), "{text:?} of {given:?}");
            // What comes of turning back is what a session gives that has read nothing else.
            assert_eq!(complete(model.session().unwrap().as_mut(), &request).text, text);
            given.push(text);
        }
    }
}

/// Refuses one first line.
#[derive(Debug)]
struct Not(String);

impl PieceCheck for Not {
    fn refused(&self, text: &str) -> Option<usize> {
        text.starts_with(&self.0).then_some(0)
    }
}

#[test]
fn a_refused_piece_is_written_anew() {
    for model in models(&config()) {
        let messages = user("x");
        let mut request = CompletionRequest {
            constraint: skiff::model::Constraint::Gbnf("root ::= [a-c] \"\\n\" [a-c] [a-c]".to_owned()),
            ..request(&messages, 12)
        };
        let plain = complete(model.session().unwrap().as_mut(), &request).text;
        let refused = Not(plain[..2].to_owned());
        request.check = Some(&refused);
        let text = complete(model.session().unwrap().as_mut(), &request).text;
        assert!(text.len() == 4 && text[..2] != plain[..2], "{text:?} after {plain:?}");
    }
}

#[test]
fn no_state_of_theirs_is_kept_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = LlamaConfig {
        keep: Some(Keep {
            folder: dir.path().to_owned(),
            prefix_bytes: 64 << 20,
        }),
        ..config()
    };
    let long = user(&"abc ".repeat(80));
    for _ in 0..2 {
        for model in models(&config) {
            let completion = complete(model.session().unwrap().as_mut(), &request(&long, 4));
            assert_eq!(completion.usage.cached_tokens, 0);
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
