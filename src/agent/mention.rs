use crate::text::RepoPath;
use std::path::Path;

/// What a request names: identifiers and paths, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// Words that can only be identifiers: quoted in backticks, called, in snake_case or camelCase, or qualified.
    pub(super) names: Vec<String>,
    /// Other words that stand where a name stands: beside `function` and its like, after `make` or `rename`, before
    /// `should` or `returns`, or capitalised inside a sentence.
    pub(super) words: Vec<String>,
    /// Those of both that the request wants something of, by where they stand.
    pub(super) objects: Vec<String>,
    /// Those of both that are only raised, thrown, or referred to (`as length_cm measures it`).
    pub(super) referred: Vec<String>,
    /// Words that look like paths.
    pub(super) paths: Vec<RepoPath>,
    /// Every word, in lower case.
    prose: Vec<String>,
}

impl Mentions {
    pub(super) fn of(text: &str) -> Self {
        let mut mentions = Self::default();
        let tokens: Vec<Token<'_>> = tokens(text).collect();
        for (i, token) in tokens.iter().enumerate() {
            if let Some(path) = as_path(token.word) {
                push(&mut mentions.paths, path);
                continue;
            }
            let Some(name) = as_identifier(token.word) else {
                continue;
            };
            mentions.prose.push(name.to_lowercase());
            let is_object = is_object(&tokens, i);
            let is_code = token.quoted || token.word.ends_with(')') || looks_like_code(name);
            let is_proper = name.starts_with(char::is_uppercase) && i > 0 && !tokens[i - 1].ends_sentence;
            if is_code {
                push(&mut mentions.names, name.to_owned());
            } else if (is_object || is_proper) && !is_kind(name) && !is_common(name) {
                push(&mut mentions.words, name.to_owned());
            } else {
                continue;
            }
            if is_object {
                push(&mut mentions.objects, name.to_owned());
            }
            let before = &tokens[i.saturating_sub(2)..i];
            let is_raised = before.iter().any(|t| is_one_of(t.word, RAISES));
            if is_raised || is_referred(&tokens[..i]) {
                push(&mut mentions.referred, name.to_owned());
            }
        }
        mentions
    }

    /// Returns every name: the identifiers first.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain(&self.words)
    }

    /// Tells whether the prose has the words of an identifier in a row: `late charge` for `lateCharge`.
    pub(super) fn spells(&self, identifier: &str) -> bool {
        let parts = parts(identifier);
        parts.len() > 1 && self.prose.windows(parts.len()).any(|window| window == parts)
    }

    /// Tells whether a word that is no ordinary one stands anywhere in the request.
    pub(super) fn says_name(&self, name: &str) -> bool {
        !is_common(name) && self.says(name)
    }

    /// Tells whether a word stands anywhere in the request.
    pub(super) fn says(&self, word: &str) -> bool {
        self.prose.iter().any(|own| own == &word.to_lowercase())
    }
}

const RAISES: &[&str] = &["raise", "raises", "raising", "throw", "throws", "throwing"];

/// Tells by what stands before a word whether it is only what something else is done with, or compared to.
fn is_referred(before: &[Token<'_>]) -> bool {
    const PREPOSITIONS: &[&str] = &["than", "as", "like", "unlike", "by", "via", "using", "with", "through"];
    let mut before = before
        .iter()
        .rev()
        .filter(|token| !is_one_of(token.word, &["the", "our", "its", "what", "calling"]) && !is_kind(token.word));
    let previous = before.next();
    // `as well as b` names b beside what came before.
    let is_list = before
        .next()
        .is_some_and(|token| is_one_of(token.word, &["well", "along", "together"]));
    previous.is_some_and(|token| !token.ends_sentence && is_one_of(token.word, PREPOSITIONS)) && !is_list
}

/// Tells by its neighbours whether a word is what the request wants changed.
fn is_object(tokens: &[Token<'_>], i: usize) -> bool {
    const BEFORE: &[&str] = &[
        "make", "makes", "give", "gives", "let", "lets", "have", "change", "update", "fix", "extend", "teach",
        "rename", "delete", "remove", "drop", "rewrite", "refactor", "call",
    ];
    const AFTER: &[&str] = &[
        "should",
        "must",
        "returns",
        "accepts",
        "takes",
        "raises",
        "throws",
        "ignores",
        "silently",
        "crashes",
        "fails",
        "currently",
    ];
    let mut before = tokens[..i]
        .iter()
        .rev()
        .filter(|token| !is_one_of(token.word, &["the", "our", "its"]));
    let previous = before.next();
    let next = tokens.get(i + 1).filter(|_| !tokens[i].ends_sentence);
    previous.is_some_and(|t| !t.ends_sentence && (is_kind(t.word) || is_one_of(t.word, BEFORE)))
        || next.is_some_and(|t| is_kind(t.word) || is_one_of(t.word, AFTER))
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.contains(&word.to_lowercase().as_str())
}

/// Splits an identifier at underscores and capitals, in lower case.
fn parts(identifier: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut after_lower = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && after_lower) {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut().filter(|_| c != '_') {
            last.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

struct Token<'a> {
    word: &'a str,
    quoted: bool,
    ends_sentence: bool,
}

/// Splits on white space and backticks; what stands between a pair of backticks is quoted.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    text.split('`').enumerate().flat_map(|(i, part)| {
        part.split_whitespace().map(move |word| Token {
            word: word
                .trim_matches(|c: char| ",;:!?\"'“”‘’[]{}<>".contains(c))
                .trim_end_matches('.'),
            quoted: i % 2 == 1,
            ends_sentence: word.ends_with(['.', '!', '?', ';', ':']),
        })
    })
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Returns the identifier, or the qualified name, that a word starts with; arguments are dropped.
fn as_identifier(word: &str) -> Option<&str> {
    let word = word.trim_start_matches('(');
    let name = word.split('(').next().unwrap_or("").trim_end_matches(')');
    let name = name.strip_suffix("'s").unwrap_or(name);
    let mut parts = name.split(['.', ':', '#']).filter(|part| !part.is_empty()).peekable();
    parts.peek()?;
    let sound = parts.all(|part| {
        part.chars().all(|c| c == '_' || c == '$' || c.is_alphanumeric())
            && part.starts_with(|c: char| c == '_' || c == '$' || c.is_alphabetic())
    });
    sound.then_some(name)
}

fn looks_like_code(name: &str) -> bool {
    let inner_upper = name
        .char_indices()
        .skip(1)
        .any(|(i, c)| c.is_uppercase() && name[..i].ends_with(|before: char| before.is_lowercase()));
    name.trim_matches('_').contains('_') || inner_upper || name.contains("::") || name.contains('#') || dotted(name)
}

/// Tells `Stack.push` from an abbreviation such as `e.g`.
fn dotted(name: &str) -> bool {
    name.contains('.') && name.split('.').all(|part| part.len() > 1)
}

fn as_path(word: &str) -> Option<RepoPath> {
    const EXTENSIONS: &[&str] = &[
        "rs", "py", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "c", "h", "cc", "cpp", "cxx", "hpp", "java", "md",
        "txt", "toml", "yaml", "yml", "json", "cfg", "ini", "html", "css", "sh", "sql", "xml", "csv", "rst",
    ];
    let path = RepoPath::normalize(Path::new(word)).ok()?;
    let known = path
        .extension()
        .is_some_and(|extension| EXTENSIONS.contains(&extension));
    let is_elsewhere = word.contains("://");
    (known && !is_elsewhere && !word.contains('(')).then_some(path)
}

fn is_kind(word: &str) -> bool {
    const KINDS: &[&str] = &[
        "function",
        "functions",
        "method",
        "methods",
        "class",
        "classes",
        "struct",
        "enum",
        "trait",
        "interface",
        "type",
        "constant",
        "macro",
        "helper",
        "constructor",
        "named",
        "called",
    ];
    is_one_of(word, KINDS)
}

/// Words that stand beside `function` and its like in any sentence.
fn is_common(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "a", "add", "all", "also", "an", "and", "another", "any", "as", "at", "be", "both", "by", "can", "create",
        "delete", "does", "drop", "each", "every", "existing", "for", "from", "has", "have", "in", "into", "is", "it",
        "its", "make", "module", "must", "new", "no", "not", "of", "on", "one", "only", "or", "other", "our",
        "private", "public", "remove", "rename", "second", "should", "small", "so", "static", "takes", "test", "that",
        "the", "their", "these", "this", "those", "to", "two", "unused", "use", "used", "when", "which", "while",
        "with", "write", "you",
    ];
    is_one_of(word, COMMON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Mentions::of(text).names
    }

    #[test]
    fn identifiers_are_told_from_prose() {
        assert_eq!(
            names("Make parse_interval reject reversed ranges, e.g. 5-3."),
            ["parse_interval"]
        );
        assert_eq!(
            names("`push` and Stack.pop, also readLine() must not fail"),
            ["push", "Stack.pop", "readLine"]
        );
        assert_eq!(names("Use `Stack::push(x)` in lib"), ["Stack::push"]);
        assert_eq!(names("Nothing here. I.e. nothing."), [""; 0]);
    }

    #[test]
    fn plain_words_count_where_a_name_stands() {
        let words = |text: &str| Mentions::of(text).words;
        assert_eq!(
            words("The total method of the class Cart should round"),
            ["total", "Cart"]
        );
        assert_eq!(
            words("In a.py give mark a second parameter, and make the shipping use it."),
            ["mark", "shipping"]
        );
        assert_eq!(words("Nothing. Round the totals. push must not fail"), ["push"]);
    }

    #[test]
    fn what_is_raised_is_told_from_what_is_changed() {
        let mentions = Mentions::of("Raise a ParseError when `read_line` fails, then let read_all go on");
        assert_eq!(mentions.referred, ["ParseError"]);
        assert_eq!(mentions.objects, ["read_line", "read_all"]);
    }

    #[test]
    fn what_is_referred_to_is_told_from_what_is_changed() {
        let referred = |text: &str| Mentions::of(text).referred;
        assert_eq!(
            referred("Track::join ignores the limit: longer than max_length_cm, as the method length_cm measures it"),
            ["max_length_cm", "length_cm"]
        );
        assert_eq!(
            referred("read_all as well as read_line, together with read_byte"),
            [""; 0]
        );
        assert_eq!(
            referred("use open_at like open_new. As for `push`, let push_all go"),
            ["open_new"]
        );
    }

    #[test]
    fn prose_spells_identifiers() {
        let mentions = Mentions::of("Readers get a negative late charge.");
        assert!(mentions.spells("lateCharge") && mentions.spells("LATE_CHARGE"));
        assert!(!mentions.spells("charge_late") && !mentions.spells("late"));
        assert!(mentions.says("Readers"));
    }

    #[test]
    fn paths_are_found_and_never_leave_the_repository() {
        let paths = |text: &str| {
            Mentions::of(text)
                .paths
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            paths("Add src/util/text.py, and fix ./main.c."),
            ["src/util/text.py", "main.c"]
        );
        assert_eq!(
            paths("see https://example.org/lib/math.html, [this](file://a/b.py), [m]: http://a.example/c.py"),
            [""; 0]
        );
        assert_eq!(paths("look at ../../etc/x.py or /etc/y.py or version 1.2"), [""; 0]);
    }
}
