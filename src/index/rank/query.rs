//! A request in its parts: weighted words, names, paths and the frames of traces.

use std::collections::BTreeMap;

use super::trace::{self, Frame, FrameOrder};
use super::weights::Weights;
use super::zone::{self, Zone};
use crate::index::terms::each_term;

/// The most of a request that is read; what follows is a log.
const MAX_QUERY_BYTES: usize = 64 << 10;
/// The most names, and frames, of one request that are looked up.
const MAX_NAMES: usize = 400;
const MAX_FRAMES: usize = 100;

/// A request, parsed.
#[derive(Debug, Default)]
pub(in crate::index) struct Query<'a> {
    /// The terms with their weights, sorted by term.
    pub(super) terms: Vec<(Box<str>, f32)>,
    /// What may be a name or a path, in the order of the text, each once.
    pub(super) names: Vec<Name<'a>>,
    /// The frames of all traces, and how far each is from the innermost of its trace.
    pub(super) frames: Vec<(Frame<'a>, usize)>,
    pub(super) asks: Asks,
    pub(super) length: Length,
}

/// A word of a request that may name something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Name<'a> {
    /// A plain word, or words joined by `.`, `::`, `/`, `#`.
    pub(super) text: &'a str,
    pub(super) form: NameForm,
    pub(super) zone: Zone,
    /// The zero-based line that follows a path: `a.py:12`, `a.py#L12`, `a.py line 12`.
    pub(super) line: Option<usize>,
}

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameForm {
    /// A word of prose.
    Plain,
    /// A capitalised word.
    Capitalized,
    /// `snake_case`, `camelCase`, `call()`, in backticks.
    CodeLike,
}

impl<'a> Query<'a> {
    pub(in crate::index) fn parse(text: &'a str, weights: &Weights) -> Self {
        let text = &text[..text.floor_char_boundary(MAX_QUERY_BYTES)];
        let lines = zone::lines(text);
        let mut query = Self::default();
        let mut counts: BTreeMap<Box<str>, f32> = BTreeMap::new();
        for line in &lines {
            let weight = weights.zone(line.zone);
            if weight > 0.0 {
                each_term(line.text, |term| match counts.get_mut(term) {
                    Some(sum) => *sum += weight,
                    None => {
                        counts.insert(term.into(), weight);
                    }
                });
            }
            let is_frame = line.zone == Zone::Trace && trace::frame(line.text).is_some();
            if line.zone != Zone::Boilerplate && !is_frame {
                query.read_names(line.text, line.zone);
            }
        }
        // Occurrences saturate as they do in a document.
        let saturated = |sum: f32| sum * (weights.query_k + 1.0) / (sum + weights.query_k);
        query.terms = counts.into_iter().map(|(term, sum)| (term, saturated(sum))).collect();
        query.frames = frames(&lines);
        let title = lines.iter().find(|line| line.zone == Zone::Title);
        query.asks = title.map_or(Asks::Source, |line| Asks::of(line.text));
        let says = |line: &&zone::Line<'_>| line.zone != Zone::Boilerplate && !line.text.trim().is_empty();
        if lines.iter().filter(says).nth(1).is_some() {
            query.length = Length::Report;
        }
        query
    }

    fn read_names(&mut self, line: &'a str, zone: Zone) {
        let mut backticked = false;
        let mut rest = line;
        while !rest.is_empty() {
            let start = rest.find(is_name_char).unwrap_or(rest.len());
            if rest[..start].matches('`').count() % 2 == 1 {
                backticked = !backticked;
            }
            rest = &rest[start..];
            let end = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            rest = after;
            let (word, at_line) = without_line(word);
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '/' | '~'));
            if !word.contains(char::is_alphabetic) {
                continue;
            }
            let at_line = at_line.or_else(|| line_after(after));
            let code =
                backticked || after.starts_with('(') || zone == Zone::Code && after.trim_start().starts_with('(');
            let form = if code || looks_like_code(word) {
                NameForm::CodeLike
            } else if word.starts_with(char::is_uppercase) {
                NameForm::Capitalized
            } else {
                NameForm::Plain
            };
            self.push_name(Name {
                text: word,
                form,
                zone,
                line: at_line,
            });
        }
    }

    fn push_name(&mut self, name: Name<'a>) {
        if let Some(own) = self.names.iter_mut().find(|own| own.text == name.text) {
            own.form = own.form.max(name.form);
            own.zone = own.zone.min(name.zone);
            own.line = own.line.or(name.line);
        } else if self.names.len() < MAX_NAMES {
            self.names.push(name);
        }
    }
}

/// Returns the frames, each with its distance from the innermost one of the trace it stands in. A trace ends where the
/// order of writing changes, and at a line that begins another one.
fn frames<'a>(lines: &[zone::Line<'a>]) -> Vec<(Frame<'a>, usize)> {
    let mut traces: Vec<Vec<Frame<'a>>> = Vec::new();
    for line in lines.iter().filter(|line| line.zone == Zone::Trace) {
        let begins = trace::begins_trace(line.text.trim());
        let frame = trace::frame(line.text);
        let same = |trace: &Vec<Frame<'_>>| {
            trace
                .last()
                .is_none_or(|last| frame.as_ref().is_none_or(|f| f.order == last.order))
        };
        if begins || !traces.last().is_some_and(same) {
            traces.push(Vec::new());
        }
        if let (Some(frame), Some(trace)) = (frame, traces.last_mut()) {
            trace.push(frame);
        }
    }
    let mut out = Vec::new();
    for mut trace in traces {
        if trace
            .last()
            .is_some_and(|frame| frame.order == FrameOrder::InnermostLast)
        {
            trace.reverse();
        }
        out.extend(trace.into_iter().enumerate().map(|(distance, frame)| (frame, distance)));
    }
    out.truncate(MAX_FRAMES);
    out
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '\\' | '#' | '~' | '-' | '@')
}

/// Splits `a.py:12`, `a.py:12:5` and `a.py#L12-L15` into path and zero-based line.
fn without_line(word: &str) -> (&str, Option<usize>) {
    if let Some((path, anchor)) = word.split_once("#L") {
        let digits = anchor.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(anchor);
        return (path, trace::line_number(digits));
    }
    let digits = |part: &str| trace::line_number(part.trim_end_matches(['.', ':']));
    let mut parts = word.trim_end_matches(':').splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(path), Some(line), _) if path.contains('.') && digits(line).is_some() => (path, digits(line)),
        _ => (word, None),
    }
}

/// Reads the line of `a.py, line 12` and `"a.py" line 12`.
fn line_after(rest: &str) -> Option<usize> {
    let rest = rest.trim_start_matches([' ', ',', '"', '\'', '`', ')']);
    let rest = rest.strip_prefix("line ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    trace::line_number(&rest[..end])
}

/// Tells whether a word is written as only code writes it.
fn looks_like_code(word: &str) -> bool {
    let inner = word.trim_matches('_');
    inner.contains('_')
        || inner.len() < word.len()
        || word.contains("::")
        || word.trim_end_matches('.').contains('.')
        || word.contains(|c: char| c.is_ascii_digit())
        || word
            .chars()
            .zip(word.chars().skip(1))
            .any(|(a, b)| a.is_lowercase() && b.is_uppercase())
}

/// How much a request says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Length {
    /// One line.
    #[default]
    Line,
    Report,
}

/// What kind of file a request asks for, by the words of its title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asks {
    #[default]
    Source,
    Tests,
    Documents,
}

impl Asks {
    fn of(title: &str) -> Self {
        let says = |words: &[&str]| {
            title
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| words.iter().any(|own| own.eq_ignore_ascii_case(word)))
        };
        if says(&["test", "tests", "testing", "tested", "spec", "specs"]) {
            Self::Tests
        } else if says(&["readme", "changelog", "docs", "documentation", "tutorial", "license"]) {
            Self::Documents
        } else {
            Self::Source
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::WEIGHTS;
    use super::*;

    fn name<'a>(query: &'a Query<'_>, text: &str) -> &'a Name<'a> {
        query.names.iter().find(|name| name.text == text).unwrap()
    }

    #[test]
    fn names_are_read_with_form_and_line() {
        let query = Query::parse(
            "Expr.args fails in lib/expr.py:12\nuse `load` or save() of Store, see x/a.py#L7-L9 and b.py, line 3.",
            &WEIGHTS,
        );
        assert_eq!(name(&query, "Expr.args").form, NameForm::CodeLike);
        assert_eq!(name(&query, "Expr.args").zone, Zone::Title);
        assert_eq!(name(&query, "load").form, NameForm::CodeLike);
        assert_eq!(name(&query, "save").form, NameForm::CodeLike);
        assert_eq!(name(&query, "Store").form, NameForm::Capitalized);
        assert_eq!(name(&query, "use").form, NameForm::Plain);
        assert_eq!(name(&query, "lib/expr.py").line, Some(11));
        assert_eq!(name(&query, "x/a.py").line, Some(6));
        assert_eq!(name(&query, "b.py").line, Some(2));
    }

    #[test]
    fn the_title_counts_more_and_repetition_saturates() {
        let query = Query::parse("alpha\nbeta gamma gamma gamma gamma", &WEIGHTS);
        let weight = |term: &str| query.terms.iter().find(|(own, _)| &**own == term).unwrap().1;
        assert!(weight("alpha") > weight("beta"));
        assert!(weight("gamma") > weight("beta") && weight("gamma") < 4.0 * weight("beta"));
        assert_eq!(query.length, Length::Report);
        assert_eq!(Query::parse("alpha", &WEIGHTS).length, Length::Line);
    }

    #[test]
    fn boilerplate_is_not_searched_for() {
        let query = Query::parse("alpha\n<!-- beta -->\nnumpy 1.18.1", &WEIGHTS);
        let terms: Vec<&str> = query.terms.iter().map(|(term, _)| &**term).collect();
        assert_eq!(terms, ["alpha"]);
        assert_eq!(query.names.len(), 1);
    }

    #[test]
    fn frames_are_numbered_from_the_innermost() {
        let query = Query::parse(
            concat!(
                "It fails\n",
                "Traceback (most recent call last):\n",
                "  File \"a.py\", line 1, in outer\n",
                "  File \"b.py\", line 2, in inner\n",
                "\n",
                "Exception in thread main\n",
                "  at a.B.inner(B.java:1)\n",
                "  at a.B.outer(B.java:2)\n",
            ),
            &WEIGHTS,
        );
        let order: Vec<_> = query
            .frames
            .iter()
            .map(|(frame, at)| (frame.function.unwrap(), *at))
            .collect();
        assert_eq!(order, [("inner", 0), ("outer", 1), ("a.B.inner", 0), ("a.B.outer", 1)]);
    }

    #[test]
    fn the_title_says_what_is_asked_for() {
        for (title, asks) in [
            ("add tests for the parser", Asks::Tests),
            ("typo in the README", Asks::Documents),
            ("attest the signature\nwith tests", Asks::Source),
        ] {
            assert_eq!(Query::parse(title, &WEIGHTS).asks, asks, "{title}");
        }
    }
}
