//! The examples that a candidate is tried on: those that stand in the failure, the request and the comments, and those
//! that the model reads out of the request.

use std::collections::BTreeSet;

use super::Run;
use crate::agent::branch::State;
use crate::agent::locate::Located;
use crate::agent::observation::failing_share;
use crate::agent::selection::{MOSTLY_RIGHT, Refused, Trial};
use crate::agent::target::Target;
use crate::agent::usage::words;
use crate::agent::writing::Rider;
use crate::agent::{AgentError, Candidates, Checks, JudgeBy};
use crate::lang::{Assertion, Language, ParsedFile, SymbolKind, is_literal};
use crate::patch::Patch;
use crate::prompt::Wants;
use crate::sandbox::{Behaviour, Example, Examples};
use crate::text::RepoPath;

/// More would take longer than they bring.
const MOST_EXAMPLES: usize = 40;
/// With so many at hand the model is not asked for others.
const ENOUGH: usize = 3;
/// The most tokens of the model's examples.
const MOST_TOKENS: usize = 128;
/// An example of the request says what it gives within so many lines.
const NEAR_LINES: usize = 4;

/// The examples of a request as far as they are found.
pub(super) struct Wanted {
    path: RepoPath,
    language: Language,
    /// What the file defines at its top.
    known: BTreeSet<String>,
    found: Found,
    /// How the examples begin that the model is asked for; none where it is not.
    asked: Option<String>,
}

impl<'a> Run<'a> {
    /// Returns the examples that are stated for what is to be written, and has the model asked for others beside the first
    /// candidate; none where nobody takes them, or there are more places than one.
    pub(super) fn stated_examples(&mut self, located: &Located) -> Result<Option<Wanted>, AgentError> {
        let takes = self
            .bench
            .checks
            .is_some_and(|checks| checks.judge_by().takes_examples());
        let [Target::Rewrite(place)] = &located.targets[..] else {
            return Ok(None);
        };
        let path = place.path(self.bench.index);
        let Some(language) = Language::of_path(path).filter(|_| takes) else {
            return Ok(None);
        };
        let mut state = State::of(self.bench.snapshot);
        let (source, region) = state.region(place, self.bench.index)?;
        let known = top_names(language, &source.text);
        // The code around the region keeps its promises; what the region's own comments say may be what changes.
        let around = [&source.text[..region.range.start], &source.text[region.range.end..]].concat();
        let mut found = Found::default();
        for text in [&self.request.failure, &self.request.text, &sessions(&around)] {
            found.add(Assertion::in_text(language, text), &known);
        }
        let asks = self.bench.config.candidates != Candidates::Number(1) && found.examples.len() < ENOUGH;
        let mut asked = None;
        if asks {
            let begins = beginning(language, &region.code);
            let task = self.rewrite(&mut state, place, "", Wants::Examples)?;
            self.rider = Some(Rider {
                prefix: format!("{}{}\n{begins}", task.fence, task.language),
                stop: format!("\n{}", task.fence),
                messages: task.fitted.messages,
                answer_tokens: MOST_TOKENS,
            });
            asked = Some(begins);
        }
        Ok(Some(Wanted {
            path: path.clone(),
            language,
            known,
            found,
            asked,
        }))
    }

    /// Returns what candidates are tried on, the examples of the model's answer included; none where there are none.
    pub(super) fn trial(&mut self, wanted: Wanted) -> Result<Option<Trial>, AgentError> {
        let Wanted {
            path,
            language,
            known,
            mut found,
            asked,
        } = wanted;
        if let Some((begins, written)) = asked.zip(self.ridden.take()) {
            for assertion in Assertion::in_text(language, &format!("{begins}{written}")) {
                let is_told = is_told(&assertion, &self.request.text, &known);
                found.add_one(assertion, &known, is_told);
            }
        }
        let mut examples = Examples {
            path,
            examples: found.examples,
        };
        if examples.examples.is_empty() {
            self.bench.progress.note("no examples were found");
            return Ok(None);
        }
        let failing_share = failing_share(&self.request.failure);
        let is_mostly_right = failing_share.is_some_and(|share| share <= MOSTLY_RIGHT);
        let mut refused = None;
        if let Some(behaviour) = self.behaviour_now(&examples)? {
            // Without an example of what failed the rest would prove nothing.
            if is_mostly_right && examples.can_fail() {
                keep(language, &mut examples, &behaviour);
            } else {
                refused = Some(Refused {
                    behaviour,
                    failing_share,
                });
            }
        }
        let told = examples.examples.iter().filter(|example| example.1.is_some()).count();
        let said = format!(
            "{} examples, of {told} it is known what they give",
            examples.examples.len()
        );
        self.bench.progress.note(&said);
        Ok(Some(Trial { examples, refused }))
    }

    /// Returns what the code gives that has failed; none where nothing has, or where more than examples decide.
    fn behaviour_now(&self, examples: &Examples) -> Result<Option<Behaviour>, AgentError> {
        let by_examples = |checks: &&dyn Checks| checks.judge_by() == JudgeBy::Examples;
        let Some(checks) = self.bench.checks.filter(by_examples) else {
            return Ok(None);
        };
        if self.request.failure.is_empty() {
            return Ok(None);
        }
        let outcomes = checks
            .run(&Patch::default(), Some(examples))
            .map_err(AgentError::Check)?;
        Ok(outcomes.first().and_then(|outcome| Behaviour::of(&outcome.output)))
    }
}

/// Takes what the code gives now as what it is to give, where nobody said otherwise: most of it is right.
fn keep(language: Language, examples: &mut Examples, gives: &Behaviour) {
    for Example(value, expected) in examples.examples.iter_mut().filter(|example| example.1.is_none()) {
        let gave = gives.gave(value).filter(|gave| is_literal(language, gave));
        *expected = gave.map(str::to_owned);
    }
}

/// Examples as they are found, each once.
#[derive(Default)]
pub(super) struct Found {
    examples: Vec<Example>,
}

impl Found {
    fn add(&mut self, assertions: Vec<Assertion>, known: &BTreeSet<String>) {
        for assertion in assertions {
            self.add_one(assertion, known, true);
        }
    }

    /// Takes an assertion in that is about what the file has and about nothing else. What it says is only believed where
    /// somebody else said it too.
    fn add_one(&mut self, assertion: Assertion, known: &BTreeSet<String>, is_believed: bool) {
        let Assertion { value, expected, names } = assertion;
        let is_about = !names.is_empty() && names.is_subset(known);
        let is_new = self.examples.iter().all(|Example(other, _)| *other != value);
        if is_about && is_new && self.examples.len() < MOST_EXAMPLES {
            self.examples.push(Example(value, is_believed.then_some(expected)));
        }
    }
}

/// Tells whether a request says what an assertion does: whether what it gives and what it is given stand close together
/// there. Truth values and single digits count for nothing, since they stand together by chance, and neither does a result
/// that repeats what was given.
fn is_told(assertion: &Assertion, request: &str, known: &BTreeSet<String>) -> bool {
    const TRUTHS: [&str; 3] = ["True", "False", "None"];
    let telling = |text| -> BTreeSet<&str> {
        let is_telling = |word: &&str| word.chars().count() > 1 && !TRUTHS.contains(word) && !known.contains(*word);
        words(text).filter(is_telling).collect()
    };
    let (given, gives) = (telling(&assertion.value), telling(&assertion.expected));
    if given.is_empty() || gives.is_subset(&given) {
        return false;
    }
    let lines: Vec<&str> = request.lines().filter(|line| !line.trim().is_empty()).collect();
    let near = lines.windows(NEAR_LINES.min(lines.len().max(1)));
    near.map(|lines| lines.iter().flat_map(|line| words(line)).collect::<BTreeSet<&str>>())
        .any(|words| given.is_subset(&words) && gives.is_subset(&words))
}

/// Returns how examples of some code begin: with a call of its only function, where it has one.
fn beginning(language: Language, code: &str) -> String {
    let definitions = ParsedFile::parse(language, code).definitions(code);
    let mut top = definitions.iter().filter(|definition| definition.container.is_none());
    match (top.next(), top.next()) {
        (Some(only), None) if only.kind == SymbolKind::Function => format!("assert {}(", only.name),
        _ => "assert ".to_owned(),
    }
}

/// Returns what a file defines at its top.
fn top_names(language: Language, text: &str) -> BTreeSet<String> {
    let definitions = ParsedFile::parse(language, text).definitions(text).into_iter();
    definitions
        .filter(|definition| definition.container.is_none())
        .map(|definition| definition.name)
        .collect()
}

/// Returns the lines of a text that show an interactive session, each with the one that follows.
fn sessions(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.windows(2).filter(|pair| pair[0].trim_start().starts_with(">>> "));
    shown.map(|pair| pair.join("\n")).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(request: &str, line: &str) -> bool {
        let known = BTreeSet::from(["convert".to_owned()]);
        is_told(&Assertion::in_text(Language::Python, line)[0], request, &known)
    }

    #[test]
    fn a_request_says_what_stands_close_together() {
        let request =
            "Convert numbers.\n\n- 28 has 7 as a factor, so it gives \"Plong\".\n- 30 gives \"PlingPlang\".\n";
        assert!(told(request, "assert convert(28) == \"Plong\""));
        assert!(!told(request, "assert convert(27) == \"Plong\""));
        assert!(!told(request, "assert convert(28) == \"Plung\""));
        assert!(!told(request, "assert convert(28) == True"));
        assert!(!told(request, "assert convert(7) == 7"));
        assert!(!told(request, "assert convert(28) == 28"));
        assert!(told("ROT5 `omg` gives `trl`", "assert convert(\"omg\", 5) == \"trl\""));
        assert!(!told("", "assert convert(28) == 12"));
        let far = format!("28 is a number.\n{}Plong is a word.", "Nothing.\n\n".repeat(4));
        assert!(!told(&far, "assert convert(28) == \"Plong\""));
    }

    #[test]
    fn only_what_the_file_has_is_an_example() {
        let known = BTreeSet::from(["f".to_owned()]);
        let mut found = Found::default();
        let text = "assert f(1) == 2\nassert f(1) == 3\nassert g(1) == 2\nassert f(x) == 2\nassert 1 == 1";
        found.add(Assertion::in_text(Language::Python, text), &known);
        assert_eq!(found.examples, [Example("f(1)".to_owned(), Some("2".to_owned()))]);
    }

    #[test]
    fn sessions_are_taken_out_of_code() {
        let text = "def f():\n    \"\"\"Adds.\n\n    >>> f(1)\n    2\n    \"\"\"\n    assert x == 1\n";
        assert_eq!(sessions(text), "    >>> f(1)\n    2");
    }
}
