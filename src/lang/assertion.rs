//! What statements of tests say of expressions, as `grammars/<language>/assertions.scm` tells them.

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Instant;

use tree_sitter::Query;

use super::{Language, PARSE_BUDGET, ParsedFile, Scopes, matches};

/// A longer line is no example that a person wrote to be read.
const MOST_LINE_BYTES: usize = 500;

/// An expression, and the one that it equals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The expression.
    pub value: String,
    /// What it equals.
    pub expected: String,
    /// The names that both use and that neither binds, nor the language.
    pub names: BTreeSet<String>,
}

impl Assertion {
    /// Returns what a text asserts: in statements of one line, wherever they stand and whatever marks them (`>` of
    /// pytest), and in examples of an interactive session (`>>>`). None for a language without a query of assertions.
    pub fn in_text(language: Language, text: &str) -> Vec<Self> {
        let Some(query) = compiled(language) else {
            return Vec::new();
        };
        let mut found: Vec<Self> = Vec::new();
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let assertion = match line.strip_prefix(">>> ") {
                Some(value) => lines
                    .peek()
                    .filter(|shown| !shown.is_empty() && !shown.starts_with(">>>"))
                    .and_then(|shown| Self::of(language, value, shown)),
                None => Self::in_line(language, query, line.trim_start_matches(['>', '-', '*', '`', ' '])),
            };
            found.extend(assertion.filter(|assertion| !found.contains(assertion)));
        }
        found
    }

    /// Takes a line that is one statement.
    fn in_line(language: Language, query: &Query, line: &str) -> Option<Self> {
        let line = line.trim_end_matches('`');
        if !line.contains("assert") || line.len() > MOST_LINE_BYTES {
            return None;
        }
        let parsed = ParsedFile::parse(language, line);
        let tree = parsed.tree().filter(|tree| !tree.root_node().has_error())?;
        let names = query.capture_names();
        let mut sides = None;
        matches::for_each(query, Instant::now() + PARSE_BUDGET, tree, line, |found| {
            let side = |name: &str| {
                let capture = found
                    .captures
                    .iter()
                    .find(|c| names.get(usize::from(c.index)) == Some(&name))?;
                Some(&line[capture.range.as_range()])
            };
            sides = match (side("value"), side("expected"), side("true"), side("false")) {
                (Some(value), Some(expected), _, _) => Some((value.to_owned(), expected)),
                (_, _, Some(holds), _) => Some((format!("bool({holds})"), "True")),
                (_, _, _, Some(fails)) => Some((format!("bool({fails})"), "False")),
                _ => return,
            };
        });
        let (value, expected) = sides?;
        Self::of(language, &value, expected)
    }

    fn of(language: Language, value: &str, expected: &str) -> Option<Self> {
        if value.len() + expected.len() > MOST_LINE_BYTES {
            return None;
        }
        let mut sides = [value, expected].map(|side| (side.to_owned(), free_names(language, side)));
        if matches!(&sides[0].1, Some(names) if names.is_empty()) {
            // `assert 2 == f(1)`
            sides.reverse();
        }
        let [(value, asked), (expected, told)] = sides;
        Some(Self {
            value,
            expected,
            names: asked?.into_iter().chain(told?).collect(),
        })
    }
}

/// Tells whether a text is an expression that needs no name from outside.
pub fn is_literal(language: Language, text: &str) -> bool {
    free_names(language, text).is_some_and(|names| names.is_empty())
}

/// Returns the names that an expression takes from outside; none where the text is no expression.
fn free_names(language: Language, text: &str) -> Option<BTreeSet<String>> {
    let parsed = ParsedFile::parse(language, text);
    let root = parsed.tree()?.root_node();
    let only = root.named_child(0).filter(|_| root.named_child_count() == 1)?;
    if root.has_error() || only.kind() != "expression_statement" {
        return None;
    }
    let unbound = Scopes::of(&parsed, text)?.unbound().into_iter();
    Some(unbound.map(|unbound| unbound.name).collect())
}

/// Returns the query of assertions, compiled at the first call; none where the language has none.
fn compiled(language: Language) -> Option<&'static Query> {
    const COUNT: usize = Language::ALL.len();
    static COMPILED: [OnceLock<Option<Query>>; COUNT] = [const { OnceLock::new() }; COUNT];
    COMPILED[language as usize]
        .get_or_init(|| compile(language).ok().flatten())
        .as_ref()
}

/// Compiles the query of assertions; none where the language has none.
///
/// # Errors
/// What the grammar refuses.
pub(super) fn compile(language: Language) -> Result<Option<Query>, tree_sitter::QueryError> {
    let spec = language.spec();
    match spec.assertions {
        "" => Ok(None),
        source => Query::new(&(spec.grammar)(), source).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let found = Assertion::in_text(Language::Python, text).into_iter();
        found
            .map(|found| format!("{} == {} {:?}", found.value, found.expected, found.names))
            .collect()
    }

    #[test]
    fn statements_are_found_in_what_tests_print() {
        let output = r#"
FAIL: test_year (leap_test.LeapTest.test_year)
Traceback (most recent call last):
  File "leap_test.py", line 14, in test_year
    self.assertIs(leap_year(1996), True)
    ~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^
AssertionError: False is not True
    self.assertEqual(Clock(8, 0) + 3, Clock(8, 3))
    self.assertTrue(is_isogram("abc"))
    self.assertFalse(is_isogram("aa"), "said so")
    self.assertEqual(
    self.assertEqual(two_fer(), "One for you", msg="x")
>       assert sum_of([1, 2]) == 3
    assert 5 == sum_of([5])
"#;
        insta::assert_snapshot!(found(output).join("\n"), @r#"
        leap_year(1996) == True {"leap_year"}
        Clock(8, 0) + 3 == Clock(8, 3) {"Clock"}
        bool(is_isogram("abc")) == True {"is_isogram"}
        bool(is_isogram("aa")) == False {"is_isogram"}
        two_fer() == "One for you" {"two_fer"}
        sum_of([1, 2]) == 3 {"sum_of"}
        sum_of([5]) == 5 {"sum_of"}
        "#);
    }

    #[test]
    fn sessions_are_found_in_prose() {
        let text = "For example:\n\n    >>> area(2, 3)\n    6\n    >>> x = 1\n    >>> area(\n    2\n    >>> area(1, 1)\n\n- `assert area(1, 2) == 2`\n";
        assert_eq!(
            found(text),
            ["area(2, 3) == 6 {\"area\"}", "area(1, 2) == 2 {\"area\"}"]
        );
    }

    #[test]
    fn what_is_no_assertion_is_left() {
        for text in [
            "assert",
            "assert x > 1",
            "self.assertRaises(ValueError)",
            "an assertion == 3",
            "assert f(1) ==",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert_eq!(Assertion::in_text(Language::Rust, "assert_eq!(f(1), 2);"), []);
    }
}
