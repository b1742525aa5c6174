use super::lookup::segments;
use super::{Index, SymbolId};
use crate::lang::SymbolKind;

/// What a query names outright.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// Symbols, and how sure it is that they are meant, in 0..=1.5.
    pub(super) symbols: Vec<(SymbolId, f32)>,
    /// Files by index, with the zero-based line where one is given (`a.py:12`, `"a.py", line 12`).
    pub(super) files: Vec<(usize, Option<usize>)>,
}

/// A name with qualifiers that fit.
const QUALIFIED: f32 = 1.5;
/// A name that looks like one: `snake_case`, `camelCase`, `call()`, in backticks.
const CODE_LIKE: f32 = 1.0;
/// A type whose name is a capitalised word.
const CAPITALIZED: f32 = 0.7;
/// A plain word that happens to be a name.
const PLAIN: f32 = 0.25;

impl Mentions {
    pub(super) fn of(index: &Index, query: &str) -> Self {
        let mut mentions = Self::default();
        let mut words = query.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let backticked = word.contains('`');
            let token = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '/' | '~' | '(' | ')'));
            let token = token.trim_start_matches("./");
            if let Some((files, mut line)) = files_named(index, token) {
                if line.is_none() && words.peek() == Some(&"line") {
                    words.next();
                    line = words
                        .peek()
                        .and_then(|word| line_number(word.trim_end_matches([',', ':', '.'])));
                }
                mentions.files.extend(files.into_iter().map(|file| (file, line)));
                continue;
            }
            let name = token.split('(').next().unwrap_or(token).trim_end_matches(')');
            mentions.add_symbols(index, name, backticked || token.contains("("));
        }
        mentions.symbols.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        mentions.symbols.dedup_by_key(|(symbol, _)| *symbol);
        mentions.files.sort_unstable();
        mentions.files.dedup();
        mentions
    }

    fn add_symbols(&mut self, index: &Index, name: &str, marked: bool) {
        if name.is_empty() {
            return;
        }
        let parts = segments(name);
        let code_like = marked || looks_like_code(name);
        let capitalized = name.starts_with(char::is_uppercase);
        for symbol in index.ids_named(name) {
            let kind = index.flags(symbol).kind();
            let strength = if parts.len() > 1 {
                QUALIFIED
            } else if code_like {
                CODE_LIKE
            } else if capitalized && kind.is_some_and(|kind| kind.has_methods() || kind == SymbolKind::Type) {
                CAPITALIZED
            } else {
                PLAIN
            };
            self.symbols.push((symbol, strength));
        }
    }
}

/// Tells whether a word is written as only code writes it.
fn looks_like_code(word: &str) -> bool {
    let inner = word.trim_matches('_');
    inner.contains('_')
        || inner.len() < word.len()
        || word.contains(|c: char| c.is_ascii_digit())
        || word
            .chars()
            .zip(word.chars().skip(1))
            .any(|(a, b)| a.is_lowercase() && b.is_uppercase())
}

/// Returns the files that a token names by path, by the end of a path, or by file name.
fn files_named(index: &Index, token: &str) -> Option<(Vec<usize>, Option<usize>)> {
    let (path, line) = match token.split_once(':') {
        Some((path, rest)) => (path, line_number(rest.split(':').next().unwrap_or(rest))),
        None => (token, None),
    };
    if !path.contains(['.', '/']) {
        return None;
    }
    let files: Vec<usize> = (0..index.files.len())
        .filter(|at| {
            let known = index.files[*at].path.as_str();
            known == path || known.strip_suffix(path).is_some_and(|before| before.ends_with('/'))
        })
        .collect();
    (!files.is_empty()).then_some((files, line))
}

/// Parses a one-based line number.
fn line_number(digits: &str) -> Option<usize> {
    digits.parse::<usize>().ok()?.checked_sub(1)
}
