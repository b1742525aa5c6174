use serde_json::{Value, json};
use skiff::{
    model::{CompletionRequest, Constraint, Finish, JsonSchema, LanguageModel, Message, ModelError, Sampling},
    progress::NoProgress,
};

use super::{complete, request, tiny, user};

const SEEDS: u32 = 6;

/// Schemas whose values end before the context does, whatever a model without knowledge writes.
fn schemas() -> Vec<Value> {
    vec![
        json!({"type": "string", "maxLength": 12}),
        json!({"type": "string", "minLength": 3, "maxLength": 3}),
        json!({"type": ["integer", "null"]}),
        json!({"type": "number"}),
        json!({"enum": ["a\"b", 1.5, null, {"k": [1, "é"]}]}),
        json!({"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4}),
        json!({"type": "array", "items": {"const": "x"}, "maxItems": 1}),
        json!({"type": "array", "items": {"type": "null"}, "maxItems": 0}),
        json!({"type": "object", "properties": {}}),
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["z", "a"],
            "properties": {
                "a": {"type": "boolean"},
                "m": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 4}]},
                "z": {"type": "array", "maxItems": 2, "items": {
                    "type": "object",
                    "properties": {"p": {"type": "boolean"}, "q": {"type": "null"}, "r": {"enum": [1, 2]}},
                }},
            },
        }),
    ]
}

fn follow<'a>(messages: &'a [Message], schema: &JsonSchema, temperature: f32, seed: u32) -> CompletionRequest<'a> {
    let mut request = request(messages, 400);
    request.constraint = Constraint::JsonSchema(schema.clone());
    request.sampling = Sampling {
        temperature,
        top_p: 1.0,
        seed,
    };
    request
}

fn assert_follows(text: &str, schema: &Value) {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?} for {schema}"));
    let validator = jsonschema::validator_for(schema).unwrap();
    assert!(validator.is_valid(&value), "{text} does not follow {schema}");
}

#[test]
fn json_follows_its_schema_at_any_temperature() {
    let model = tiny();
    let messages = user("as JSON");
    let mut session = model.session().unwrap();
    for schema in schemas() {
        let compiled = JsonSchema::new(&schema).unwrap();
        for (temperature, seeds) in [(0.0, 1), (1.0, SEEDS), (3.0, SEEDS)] {
            for seed in 0..seeds {
                let completion = complete(session.as_mut(), &follow(&messages, &compiled, temperature, seed));
                assert_eq!(completion.finish, Finish::EndOfTurn, "{completion:?}");
                assert_follows(&completion.text, &schema);
            }
        }
    }
}

#[test]
fn many_at_a_time_follow_a_schema_each() {
    let model = tiny();
    let messages = user("as JSON");
    let schemas = schemas();
    let requests: Vec<CompletionRequest<'_>> = schemas
        .iter()
        .enumerate()
        .map(|(seed, schema)| {
            let mut request = follow(&messages, &JsonSchema::new(schema).unwrap(), 1.0, seed as u32);
            // So that several fit the context at once.
            request.max_tokens = 150;
            request
        })
        .collect();
    let together = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
    for ((request, schema), outcome) in requests.iter().zip(&schemas).zip(together) {
        let completion = outcome.unwrap();
        assert_eq!(
            completion.text,
            complete(model.session().unwrap().as_mut(), request).text
        );
        assert_eq!(completion.finish, Finish::EndOfTurn);
        assert_follows(&completion.text, schema);
    }
}

#[test]
fn drafts_change_nothing_under_a_constraint() {
    let model = tiny();
    let messages = user("as JSON");
    let schema = schemas().pop().unwrap();
    let compiled = JsonSchema::new(&schema).unwrap();
    let mut session = model.session().unwrap();
    for temperature in [0.0, 1.0] {
        let plain = complete(session.as_mut(), &follow(&messages, &compiled, temperature, 3));
        // A draft that is right, one that leaves the grammar half way, and one that never was in it.
        let half = format!("{}!!", &plain.text[..plain.text.len() / 2]);
        for copy in [plain.text.as_str(), &half, "]]]]]]]]]]]]"] {
            let mut request = follow(&messages, &compiled, temperature, 3);
            request.copy = Some(copy);
            let drafted = complete(session.as_mut(), &request);
            assert_eq!((&drafted.text, drafted.finish), (&plain.text, plain.finish));
            assert_eq!(drafted.usage.completion_tokens, plain.usage.completion_tokens);
        }
    }
}

#[test]
fn each_token_counts_once() {
    // A grammar that counts: a token taken twice would leave five digits.
    let model = tiny();
    let messages = user("count");
    for temperature in [0.0, 1.0] {
        for copy in [None, Some("1234567890"), Some("1111111111")] {
            let mut request = request(&messages, 64);
            request.constraint = Constraint::Gbnf("root ::= [0-9]{10}".to_owned());
            request.sampling.temperature = temperature;
            request.copy = copy;
            let completion = complete(model.session().unwrap().as_mut(), &request);
            assert_eq!((completion.text.len(), completion.finish), (10, Finish::EndOfTurn));
        }
    }
}

#[test]
fn the_likeliest_allowed_token_is_taken_whatever_the_list_it_is_found_in() {
    // Each grammar leaves one text; most of its tokens are far from likely.
    let model = tiny();
    let messages = user("x");
    let text = "~^`{|}\u{1F980}é\u{7f}";
    for temperature in [0.0, 2.0] {
        let mut request = request(&messages, 64);
        request.constraint = Constraint::Gbnf(format!("root ::= \"{text}\""));
        request.sampling.temperature = temperature;
        assert_eq!(complete(model.session().unwrap().as_mut(), &request).text, text);
    }
}

#[test]
fn characters_come_whole_and_in_their_shortest_form() {
    let model = tiny();
    let messages = user("x");
    let mut session = model.session().unwrap();
    for seed in 0..20 {
        let mut request = request(&messages, 200);
        request.constraint = Constraint::Gbnf("root ::= [\\u0800-\\U0010FFFF]{8}".to_owned());
        request.sampling = Sampling {
            temperature: 3.0,
            top_p: 1.0,
            seed,
        };
        let text = complete(session.as_mut(), &request).text;
        assert_eq!(text.chars().count(), 8, "{text:?}");
        assert!(!text.contains('\u{FFFD}'), "{text:?}");
    }
}

#[test]
fn special_tokens_do_not_come_through_a_schema() {
    let model = tiny();
    let messages = user("x");
    let schema = json!({"const": "<|im_end|><|im_start|>"});
    let compiled = JsonSchema::new(&schema).unwrap();
    for temperature in [0.0, 1.0] {
        let completion = complete(
            model.session().unwrap().as_mut(),
            &follow(&messages, &compiled, temperature, 1),
        );
        assert_follows(&completion.text, &schema);
        // Byte by byte, and the end of the turn.
        assert_eq!(completion.usage.completion_tokens as usize, completion.text.len() + 1);
    }
}

#[test]
fn a_grammar_that_allows_nothing_is_an_error() {
    let model = tiny();
    let messages = user("x");
    // No text has half of a surrogate pair.
    for grammar in ["root ::= [\\uD800]", "root ::= \"ab\" [\\uD800-\\uDBFF] \"c\""] {
        for temperature in [0.0, 1.0] {
            let mut request = request(&messages, 8);
            request.constraint = Constraint::Gbnf(grammar.to_owned());
            request.sampling.temperature = temperature;
            let mut session = model.session().unwrap();
            let error = session.complete(&request, &NoProgress).unwrap_err();
            assert!(matches!(error, ModelError::Grammar(_)), "{error}");
            request.constraint = Constraint::None;
            assert!(session.complete(&request, &NoProgress).is_ok());
        }
    }
}

#[test]
fn the_largest_schemas_are_set_up_in_moderate_time() {
    let model = tiny();
    let messages = user("x");
    let strings: serde_json::Map<String, Value> = (0..8)
        .map(|number| (format!("p{number}"), json!({"type": "string", "maxLength": 1_990})))
        .collect();
    let mut deep = json!({"type": "boolean"});
    for _ in 0..32 {
        deep = json!({"type": "array", "maxItems": 1, "items": deep});
    }
    let many: serde_json::Map<String, Value> = (0..512)
        .map(|number| (format!("p{number}"), json!({"type": "null"})))
        .collect();
    for schema in [
        json!({"type": "object", "properties": strings}),
        deep,
        json!({"type": "object", "properties": many}),
    ] {
        let compiled = JsonSchema::new(&schema).unwrap();
        let started = std::time::Instant::now();
        let mut request = follow(&messages, &compiled, 0.0, 0);
        request.max_tokens = 40;
        let completion = complete(model.session().unwrap().as_mut(), &request);
        assert!(completion.text.starts_with(['{', '[']), "{completion:?}");
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
