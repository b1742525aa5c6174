//! What a failure names that the code does not have.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// More of them would be a list of everything.
const MOST: usize = 8;
/// A longer text is what code makes, not what stands in it.
const MOST_BYTES: usize = 120;

/// Where interpreters, compilers and linkers say which name they miss.
static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?: has\ no\ attribute | cannot\ import\ name | unexpected\ keyword\ argument ) \s+ ['"] (?<a>\w+) ['"]
        | \b name\ ['"] (?<b>\w+) ['"]\ is\ not\ defined
        | (?<c>\w+)\ is\ not\ (?: a\ function | a\ constructor | defined )
        | no\ (?: method | field | function | variant ) [^`'\n]{0,60} \ named\ [`'] (?<d>\w+)
        | cannot\ find\ (?: function | value | type | macro | struct | trait ) [^`'\n]{0,40} [`'] (?<e>\w+)
        | undefined\ reference\ to\ [`'] (?<f>\w+)
        | implicit\ declaration\ of\ function\ ['‘`] (?<g>\w+)
        "#,
    )
    .ok()
});

/// Where test frameworks set two texts against each other.
static TEXTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        (?: left: | Expected: )? \s* (?: '(?<a>[^'\n]+)' | "(?<b>[^"\n]+)" )
        \s* (?: != | == | right: | Received: ) \s*
        (?: '(?<c>[^'\n]+)' | "(?<d>[^"\n]+)" )
        "#,
    )
    .ok()
});

/// Something that a failure names and the code does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    /// A name that something else uses.
    Name(String),
    /// A text that should be there in place of one that is.
    Text(String),
}

impl Lacking {
    /// Returns what a failure names that the code does not have, in the order of the failure: names that nothing
    /// defines, and messages that are expected in place of one of the code's own.
    pub(super) fn of(failure: &str, code: &str) -> Vec<Self> {
        let mut found: Vec<(usize, Self)> = Vec::new();
        let mut add = |at: usize, lacking: Self| {
            if !lacking.is_in(code) && found.iter().all(|(_, known)| *known != lacking) {
                found.push((at, lacking));
            }
        };
        for named in NAMES.iter().flat_map(|names| names.captures_iter(failure)) {
            if let Some((at, name)) = group(&named, &["a", "b", "c", "d", "e", "f", "g"]) {
                add(at, Self::Name(name.to_owned()));
            }
        }
        for pair in TEXTS.iter().flat_map(|texts| texts.captures_iter(failure)) {
            let (Some((at, one)), Some((_, other))) = (group(&pair, &["a", "b"]), group(&pair, &["c", "d"])) else {
                continue;
            };
            match (code.contains(one), code.contains(other)) {
                (true, false) if is_message(one) && is_message(other) => add(at, Self::Text(other.to_owned())),
                (false, true) if is_message(one) && is_message(other) => add(at, Self::Text(one.to_owned())),
                _ => {}
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().take(MOST).map(|(_, lacking)| lacking).collect()
    }

    /// Tells whether code has it.
    pub(super) fn is_in(&self, code: &str) -> bool {
        match self {
            Self::Text(text) => code.contains(text.as_str()),
            Self::Name(name) => code.match_indices(name.as_str()).any(|(at, _)| {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                !code[..at].ends_with(is_part) && !code[at + name.len()..].starts_with(is_part)
            }),
        }
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}`"),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}

/// Tells a message, which somebody wrote into the code, from a value, which the code makes.
fn is_message(text: &str) -> bool {
    text.len() <= MOST_BYTES && text.trim().contains(' ') && !text.contains('\\')
}

fn group<'t>(found: &Captures<'t>, names: &[&str]) -> Option<(usize, &'t str)> {
    let found = names.iter().find_map(|name| found.name(name))?;
    Some((found.start(), found.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(failure: &str, code: &str) -> Vec<String> {
        Lacking::of(failure, code).iter().map(Lacking::to_string).collect()
    }

    #[test]
    fn names_that_something_misses_are_lacking() {
        let failure = "AttributeError: 'Robot' object has no attribute 'move'\n\
            AttributeError: 'Robot' object has no attribute 'x'. Did you mean: 'y'?\n\
            ImportError: cannot import name 'EAST' from 'robot'\n\
            TypeError: f() got an unexpected keyword argument 'deep'\n\
            TypeError: cart.total is not a function\n\
            error[E0599]: no method named `push_back` found for struct `Stack` in the current scope\n\
            error[E0425]: cannot find function `area` in this scope\n\
            x.c:3: undefined reference to `queue_init'\n\
            AttributeError: 'Robot' object has no attribute 'move'\n";
        let found = lacking(failure, "class Robot:\n    x = 1\n    def moves(self): pass\n");
        assert_eq!(
            found,
            [
                "`move`",
                "`EAST`",
                "`deep`",
                "`total`",
                "`push_back`",
                "`area`",
                "`queue_init`"
            ]
        );
    }

    #[test]
    fn a_message_in_place_of_one_of_the_code_is_lacking() {
        let code = "raise ValueError('not on the board')\nreturn 'Pling'\n";
        assert_eq!(
            lacking("AssertionError: 'not on the board' != \"row isn't positive\"", code),
            ["\"row isn't positive\""]
        );
        assert_eq!(
            lacking("  left: \"row is odd\"\n right: \"not on the board\"", code),
            ["\"row is odd\""]
        );
        // Values are made, not written down.
        assert!(lacking("AssertionError: 'Pling' != 'PlingPlang'", code).is_empty());
        assert!(lacking("AssertionError: 'one for you' != 'one for me'", code).is_empty());
    }
}
