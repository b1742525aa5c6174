use skiff::model::{Completion, LanguageModel, LlamaConfig, LlamaCpp, Sampling, Speculation};

use super::{complete, config, real, request, tiny, tiny_with, user};

fn written(model: &LlamaCpp, copy: Option<&str>, temperature: f32) -> Completion {
    let messages = user("write something that is a little longer");
    // Passes over 64 tokens and more go through another attention kernel, whose last bits differ: a drawn token may too.
    let mut request = request(&messages, 60);
    request.copy = copy;
    request.sampling = Sampling {
        temperature,
        top_p: 0.9,
        seed: 5,
    };
    complete(model.session().unwrap().as_mut(), &request)
}

/// Tells whether a pass over eight tokens costs so much less than eight passes that drafts must come of it.
fn passes_pay(model: &LlamaCpp) -> bool {
    let curve = model.verify_curve().unwrap();
    curve.cost(8) < 4.0 * curve.cost(1)
}

#[test]
fn drafts_change_nothing_but_the_number_of_passes() {
    let plain = tiny_with(&LlamaConfig {
        speculation: Speculation::Off,
        ..config()
    });
    let drafting = tiny();
    for temperature in [0.0, 0.8] {
        let expected = written(&plain, Some("x"), temperature);
        assert_eq!(expected.usage.drafted_tokens, 0);
        let half: String = expected.text.chars().take(30).collect();
        let changed = expected.text.replace('e', "E");
        let copies = [
            expected.text.as_str(),
            &half,
            &changed,
            "something else altogether",
            "",
            "\u{0}",
        ];
        for copy in copies {
            let drafted = written(&drafting, Some(copy), temperature);
            assert_eq!(drafted.text, expected.text, "{copy:?} at {temperature}");
            assert_eq!(drafted.finish, expected.finish);
            assert_eq!(drafted.usage.completion_tokens, expected.usage.completion_tokens);
            assert!(drafted.usage.accepted_tokens <= drafted.usage.drafted_tokens);
        }
    }
}

#[test]
fn a_model_that_repeats_itself_is_foreseen() {
    let model = tiny();
    let plain = written(&model, None, 0.0);
    assert_eq!(plain.usage.drafted_tokens, 0);
    let copy = plain.text.as_str();
    // Bytes that are no UTF-8 become other bytes in the text, and are not foreseen.
    let foreseeable = copy.bytes().filter(u8::is_ascii).count() as u64;
    let drafted = written(&model, Some(copy), 0.0);
    if passes_pay(&model) {
        assert!(drafted.usage.accepted_tokens > foreseeable / 4, "{:?}", drafted.usage);
    }
}

#[test]
fn a_real_model_rewrites_with_a_fraction_of_the_passes() {
    let Some(model) = real() else { return };
    let code = "def area(width, height):\n    if width < 0:\n        raise ValueError(\"width\")\n    if height < 0:\n        \
        raise ValueError(\"height\")\n    return width * height\n";
    let messages = user(&format!(
        "Rename the parameter `height` to `depth`. Give back the whole function.\n\n```python\n{code}```"
    ));
    let mut request = request(&messages, 128);
    request.assistant_prefix = "```python\n";
    request.stop = &["\n```"];
    let plain = complete(model.session().unwrap().as_mut(), &request);
    request.copy = Some(code);
    let drafted = complete(model.session().unwrap().as_mut(), &request);
    assert_eq!(drafted.text, plain.text);
    // How much is drafted follows from what passes cost, and on a busy machine that may be anything.
    if passes_pay(&model) {
        let accepted = drafted.usage.accepted_tokens;
        assert!(accepted * 4 > plain.usage.completion_tokens, "{:?}", drafted.usage);
    }
}
