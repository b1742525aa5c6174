use regex::Regex;

use super::pattern::{self, Argument, PatternError};
use super::walk::Capture;

/// A condition on the text of captured nodes, as tree-sitter's Rust binding understands it.
pub(super) struct Predicate {
    capture: u16,
    test: Test,
    wanted: Outcome,
}

enum Test {
    /// `#eq?` with another capture.
    Same(u16),
    /// `#eq?` and `#any-of?`.
    OneOf(Vec<String>),
    /// `#match?`
    Matches(Regex),
}

/// What the test of every captured node has to give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    True,
    False,
}

impl Predicate {
    /// Compiles a predicate of the pattern with the index `pattern`; none where it does not restrict the matches.
    pub(super) fn compile(parsed: pattern::Predicate, pattern: usize) -> Result<Option<Self>, PatternError> {
        let unknown = PatternError::Unmatched {
            pattern,
            what: "an unknown predicate",
        };
        if parsed.name.ends_with('!') {
            return Ok(None);
        }
        let mut arguments = parsed.arguments.into_iter();
        let Some(Argument::Capture(capture)) = arguments.next() else {
            return Err(unknown);
        };
        let (name, wanted) = match parsed.name.strip_prefix("not-") {
            Some(name) => (name, Outcome::False),
            None => (parsed.name.as_str(), Outcome::True),
        };
        let texts: Option<Vec<String>> = arguments
            .clone()
            .map(|argument| match argument {
                Argument::Text(text) => Some(text),
                Argument::Capture(_) => None,
            })
            .collect();
        let test = match (name, texts, arguments.as_slice()) {
            ("eq?", _, [Argument::Capture(other)]) => Test::Same(*other),
            ("eq?", Some(texts), [_]) => Test::OneOf(texts),
            ("any-of?", Some(texts), _) => Test::OneOf(texts),
            ("match?", Some(texts), [_]) => Test::Matches(Regex::new(&texts.concat())?),
            _ => return Err(unknown),
        };
        Ok(Some(Self { capture, test, wanted }))
    }

    /// Tells whether the captures of one match satisfy the condition; so does a match that lacks the capture.
    pub(super) fn holds(&self, captures: &[Capture], text: &str) -> bool {
        let written = |index: u16| {
            let wanted = captures.iter().filter(move |capture| capture.index == index);
            wanted.map(|capture| text.get(capture.range.as_range()).unwrap_or_default())
        };
        let agrees = |found: bool| found == (self.wanted == Outcome::True);
        match &self.test {
            Test::Same(other) => {
                written(self.capture).count() == written(*other).count()
                    && written(self.capture).zip(written(*other)).all(|(a, b)| agrees(a == b))
            }
            Test::OneOf(texts) => written(self.capture).all(|found| agrees(texts.iter().any(|text| text == found))),
            Test::Matches(regex) => written(self.capture).all(|found| agrees(regex.is_match(found))),
        }
    }
}
