use skiff::{
    model::{CompletionRequest, Constraint, LanguageModel, PieceCheck},
    progress::NoProgress,
};

use super::{complete, request, tiny, user};

/// Refuses one line.
#[derive(Debug)]
struct Never(&'static str);

impl PieceCheck for Never {
    fn refused(&self, text: &str) -> Option<usize> {
        text.ends_with(self.0).then(|| text.len() - self.0.len())
    }
}

#[test]
fn a_refused_piece_is_written_in_other_words() {
    let model = tiny();
    let messages = user("two lines");
    let mut request = request(&messages, 16);
    request.constraint = Constraint::Gbnf("root ::= line line line\nline ::= [ab] \"x\\n\"".to_owned());
    for (refused, other) in [("ax\n", "bx\n"), ("bx\n", "ax\n")] {
        let never = Never(refused);
        let request = CompletionRequest {
            check: Some(&never),
            ..request.clone()
        };
        let completion = complete(model.session().unwrap().as_mut(), &request);
        assert_eq!(completion.text, other.repeat(3));
    }
}

#[test]
fn what_is_always_refused_stays_in_the_end() {
    let model = tiny();
    let messages = user("two lines");
    let mut request = request(&messages, 16);
    request.constraint = Constraint::Gbnf("root ::= \"ax\\n\" [ab]".to_owned());
    let never = Never("ax\n");
    request.check = Some(&never);
    let completion = model.session().unwrap().complete(&request, &NoProgress).unwrap();
    assert!(completion.text.starts_with("ax\n"), "{completion:?}");
}

#[test]
fn refusals_do_not_use_up_the_turns_from_what_is_excluded() {
    let model = tiny();
    let messages = user("a letter");
    let mut request = request(&messages, 16);
    request.constraint = Constraint::Gbnf("root ::= [a-z] \"x\\n\"".to_owned());
    let never = Never("x\n");
    request.check = Some(&never);
    let first = complete(model.session().unwrap().as_mut(), &request);
    let exclude = [first.text.clone()];
    request.exclude = &exclude;
    let second = complete(model.session().unwrap().as_mut(), &request);
    assert_ne!(second.text, first.text);
}
