use skiff::{
    model::{Completion, CompletionRequest, LanguageModel, Message, ModelError, Sampling},
    progress::NoProgress,
};

use super::{CancelAfter, complete, request, tiny, user};

fn seeded(messages: &[Message], seed: u32, max_tokens: usize) -> CompletionRequest<'_> {
    let mut request = request(messages, max_tokens);
    request.sampling = Sampling {
        temperature: 0.9,
        top_p: 0.95,
        seed,
    };
    request
}

#[test]
fn many_at_a_time_give_what_they_give_one_by_one() {
    let model = tiny();
    let messages = user("the same beginning for every candidate");
    let requests: Vec<CompletionRequest<'_>> = (0..5).map(|seed| seeded(&messages, seed, 12 + seed as usize)).collect();
    let together = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
    for (at, (request, outcome)) in requests.iter().zip(together).enumerate() {
        let together = outcome.unwrap();
        let alone = complete(model.session().unwrap().as_mut(), request);
        assert_eq!((&together.text, together.finish), (&alone.text, alone.finish));
        // The first has the prompt read; the others share all but its last token.
        let cached = if at == 0 { 0 } else { together.usage.prompt_tokens - 1 };
        assert_eq!(together.usage.cached_tokens, cached);
    }
}

#[test]
fn prompts_that_begin_alike_are_read_once_whatever_the_others_are() {
    let model = tiny();
    let prompts = ["function that is long", "method that is short", "type that is private"];
    let prompts = prompts.map(|what| user(&format!("rename the {what}, and then say so")));
    let requests: Vec<CompletionRequest<'_>> = (0..12).map(|at| request(&prompts[at % 3], 8)).collect();
    let together = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
    let together: Vec<Completion> = together.into_iter().map(Result::unwrap).collect();
    let tokens = |at: usize| together[at].usage.prompt_tokens;
    let read: u64 = together
        .iter()
        .map(|own| own.usage.prompt_tokens - own.usage.cached_tokens)
        .sum();
    // Three prompts that begin alike, and the last token of each of the nine others.
    let shared = "rename the ".len() as u64;
    assert!(read <= tokens(0) + tokens(1) + tokens(2) - 2 * shared + 9, "{read}");
    let texts: Vec<String> = together.into_iter().map(|own| own.text).collect();
    assert_mostly_as_alone(&model, &requests, &texts);
}

/// Passes of another shape round otherwise, and near ties of a random model may fall the other way; what was read from a
/// wrong place would change nearly all.
fn assert_mostly_as_alone(model: &dyn LanguageModel, requests: &[CompletionRequest<'_>], texts: &[String]) {
    let alone = requests
        .iter()
        .map(|request| complete(model.session().unwrap().as_mut(), request).text);
    let same = alone.zip(texts).filter(|(alone, text)| alone == *text).count();
    assert!(same * 4 >= requests.len() * 3, "{same} of {}", requests.len());
}

#[test]
fn different_prompts_share_what_they_begin_with() {
    let model = tiny();
    let (one, other) = (user("rename the function a"), user("rename the method b"));
    let requests = [request(&one, 10), request(&other, 10)];
    let mut session = model.session().unwrap();
    let together = session.complete_all(&requests, &NoProgress).unwrap();
    let mut cached = 0;
    for (request, outcome) in requests.iter().zip(together) {
        let together = outcome.unwrap();
        assert_eq!(together.text, complete(model.session().unwrap().as_mut(), request).text);
        cached += together.usage.cached_tokens;
    }
    assert!(cached >= "rename the ".len() as u64, "{cached}");
    // The trunk is still a session.
    assert!(complete(session.as_mut(), &requests[0]).usage.cached_tokens > 0);
}

#[test]
fn work_waits_until_there_is_room_for_it() {
    let model = tiny();
    let prompts: Vec<Vec<Message>> = (0..40).map(|number| user(&format!("prompt {number}"))).collect();
    // 40 times 24 tokens do not fit a context of 512 at once.
    let requests: Vec<CompletionRequest<'_>> = prompts.iter().map(|prompt| request(prompt, 24)).collect();
    let outcomes = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
    assert_eq!(outcomes.len(), 40);
    let texts: Vec<String> = outcomes.into_iter().map(|outcome| outcome.unwrap().text).collect();
    assert_mostly_as_alone(&model, &requests, &texts);
}

#[test]
fn one_that_cannot_be_served_leaves_the_others_alone() {
    let model = tiny();
    let (good, long) = (user("short"), user(&"long ".repeat(200)));
    let mut wrong = request(&good, 4);
    wrong.constraint = skiff::model::Constraint::Gbnf("root ::= nothing".to_owned());
    let requests = [request(&good, 4), request(&long, 4), wrong, request(&good, 1000)];
    let outcomes = model.session().unwrap().complete_all(&requests, &NoProgress).unwrap();
    assert!(outcomes[0].is_ok());
    assert!(matches!(outcomes[1], Err(ModelError::ContextFull { .. })));
    assert!(matches!(outcomes[2], Err(ModelError::Grammar(_))));
    assert!(outcomes[3].as_ref().unwrap().usage.completion_tokens < 512);
    assert!(
        model
            .session()
            .unwrap()
            .complete_all(&[], &NoProgress)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn cancel_stops_all_of_them() {
    let model = tiny();
    let messages = user("go on");
    let requests = [request(&messages, 200), request(&messages, 200)];
    let mut session = model.session().unwrap();
    let error = session.complete_all(&requests, &CancelAfter::new(6)).unwrap_err();
    assert!(matches!(error, ModelError::Cancelled), "{error}");
    assert!(!complete(session.as_mut(), &requests[0]).text.is_empty());
}
