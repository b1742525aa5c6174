use crate::text::RepoPath;
use std::path::Path;

/// What a request names: identifiers and paths, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentions {
    /// Words that can only be identifiers: quoted in backticks, called, in snake_case or camelCase, or qualified.
    pub(super) names: Vec<String>,
    /// Plain words beside `function`, `class` and their like.
    pub(super) words: Vec<String>,
    /// Words that look like paths.
    pub(super) paths: Vec<RepoPath>,
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
            let beside_kind = [i.checked_sub(1), Some(i + 1)]
                .into_iter()
                .flatten()
                .filter_map(|j| tokens.get(j))
                .any(|near| is_kind(near.word));
            if token.quoted || token.word.ends_with(')') || looks_like_code(name) {
                push(&mut mentions.names, name.to_owned());
            } else if beside_kind && !is_kind(name) && !is_common(name) {
                push(&mut mentions.words, name.to_owned());
            }
        }
        mentions
    }
}

struct Token<'a> {
    word: &'a str,
    quoted: bool,
}

/// Splits on white space and backticks; what stands between a pair of backticks is quoted.
fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    text.split('`').enumerate().flat_map(|(i, part)| {
        part.split_whitespace().map(move |word| Token {
            word: word
                .trim_matches(|c: char| ",;:!?\"'“”‘’[]{}<>".contains(c))
                .trim_end_matches('.'),
            quoted: i % 2 == 1,
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
    (known && !word.contains('(')).then_some(path)
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
        "struct's",
        "class's",
    ];
    KINDS.contains(&word.to_lowercase().as_str())
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
    COMMON.contains(&word.to_lowercase().as_str())
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
    fn plain_words_count_beside_a_kind() {
        let mentions = Mentions::of("The total method of the class Cart should round");
        assert_eq!(mentions.words, ["total", "Cart"]);
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
        assert_eq!(paths("look at ../../etc/x.py or /etc/y.py or version 1.2"), [""; 0]);
    }
}
