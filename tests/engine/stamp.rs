use skiff::{
    model::{CompletionRequest, EngineStamp, LanguageModel, LlamaConfig, Sampling, Speculation},
    progress::NoProgress,
};

use super::{complete, config, request, tiny, tiny_with, user};

#[test]
fn the_same_stamp_seed_and_shape_give_the_same_tokens() {
    let (model, other) = (tiny(), tiny());
    assert_eq!(model.engine(), other.engine());
    let messages = user("def total(prices):\n    return sum(prices)\n");
    let seeded = |seed| CompletionRequest {
        sampling: Sampling {
            temperature: 0.8,
            seed,
            ..Sampling::default()
        },
        ..request(&messages, 48)
    };
    let alone = |model: &dyn LanguageModel, seed| complete(model.session().unwrap().as_mut(), &seeded(seed));
    let first = alone(&model, 11);
    assert_eq!(first.text, alone(&model, 11).text);
    assert_eq!(first.text, alone(&other, 11).text);
    // The seed is really used.
    assert_ne!(first.text, alone(&model, 12).text);
    let requests: Vec<CompletionRequest<'_>> = (11..15).map(seeded).collect();
    let together = |model: &dyn LanguageModel| -> Vec<String> {
        let outcomes = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
        outcomes.into_iter().map(|outcome| outcome.unwrap().text).collect()
    };
    let texts = together(&model);
    assert_eq!(texts, together(&model));
    assert_eq!(texts, together(&other));
}

#[test]
fn a_stamp_says_how_the_engine_is_set_up() {
    let model = tiny_with(&LlamaConfig {
        context_tokens: Some(256),
        speculation: Speculation::Off,
        ..config()
    });
    let EngineStamp::Llama(stamp) = model.engine() else {
        panic!("{:?}", model.engine());
    };
    assert_eq!((stamp.context_tokens, stamp.threads, stamp.gpu_layers), (256, 1, 0));
    assert_eq!((stamp.speculation, stamp.sequences), (Speculation::Off, 17));
    assert_ne!(tiny().engine(), model.engine());
}
