use skiff::{
    model::{Constraint, Finish, LanguageModel, Message, ModelError, Role, Sampling},
    progress::NoProgress,
};

use super::{CancelAfter, complete, real, request, tiny, user};

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
fn the_action_grammar_compiles_and_names_only_what_was_shown() {
    let model = tiny();
    let messages = user("act");
    let actions = [
        "find",
        "open",
        "open-lines",
        "map",
        "map-file",
        "references",
        "rewrite",
        "insert",
        "new-file",
        "delete",
        "rename",
        "check",
        "finish",
    ];
    let owned = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
    let (files, names) = (owned(&["a.py", "b\"\\c.py"]), owned(&["a.py:f", "ü.rs:A.g"]));
    let all: Vec<&str> = ["a.py", "b\"\\c.py", "a.py:f", "ü.rs:A.g"].to_vec();
    let mut seen = std::collections::BTreeSet::new();
    for (seed, action) in (0..4).flat_map(|seed| actions.map(|action| (seed, action))) {
        let grammar = |files: &[String], names: &[String], actions: &[&str]| {
            skiff::prompt::action_grammar(&skiff::prompt::ActionWords {
                actions,
                files,
                short: &files[1..],
                names,
            })
        };
        let mut request = request(&messages, 400);
        request.constraint = Constraint::Gbnf(grammar(&files, &names, &[action]));
        request.sampling = Sampling {
            temperature: 1.0,
            top_p: 1.0,
            seed,
        };
        let completion = complete(model.session().unwrap().as_mut(), &request);
        if completion.finish == Finish::Length {
            continue;
        }
        let line: serde_json::Value = serde_json::from_str(&completion.text).unwrap();
        assert_eq!(
            line["do"].as_str().unwrap(),
            action
                .split("-f")
                .next()
                .unwrap()
                .split("-l")
                .next()
                .unwrap()
                .replace("new", "new_file")
        );
        for place in [&line["place"], &line["after"]]
            .into_iter()
            .filter_map(|place| place.as_str())
        {
            assert!(all.contains(&place), "{completion:?}");
        }
        if let Some(path) = line["path"].as_str() {
            assert!(!path.starts_with('/') && !path.contains(".."), "{completion:?}");
        }
        seen.insert(action);
    }
    assert_eq!(seen.len(), actions.len(), "{seen:?}");
    // Without a place there is less to choose from, and the grammar still compiles.
    let mut request = request(&messages, 400);
    let bare = skiff::prompt::ActionWords {
        actions: &actions,
        files: &[],
        short: &[],
        names: &[],
    };
    request.constraint = Constraint::Gbnf(skiff::prompt::action_grammar(&bare));
    let completion = complete(model.session().unwrap().as_mut(), &request);
    assert!(completion.text.starts_with("{\"do\": \""), "{completion:?}");
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
