/// The longest word that is indexed, in bytes; longer ones are data, not words.
const MAX_WORD_BYTES: usize = 64;

/// Words that say nothing of what a text is about, in requests and in code.
const STOP_WORDS: [&str; 73] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "because", "been", "but", "by",
    "can", "could", "do", "does", "each", "else", "for", "from", "has", "have", "how", "if", "in", "instead", "into",
    "is", "it", "its", "let", "like", "make", "may", "more", "must", "need", "needs", "no", "of", "on", "only", "or",
    "our", "please", "return", "returns", "self", "shall", "should", "so", "such", "than", "that", "the", "their",
    "then", "there", "these", "this", "to", "want", "was", "when", "where", "which", "will", "with", "would",
];

/// Calls `each` with the terms of a text: every identifier in parts (split at case, underscores and digits) that are
/// lower-cased and stemmed, and identifiers of several parts also whole, without underscores.
pub(super) fn each_term(text: &str, mut each: impl FnMut(&str)) {
    let mut buffer = String::new();
    for (_, word) in words(text) {
        each_term_of_word(word, &mut buffer, &mut each);
    }
}

/// Returns the terms of a text, sorted, each once.
pub(super) fn distinct_terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    each_term(text, |term| terms.push(term.to_owned()));
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Calls `each` with the terms of one word; `buffer` is working space.
pub(super) fn each_term_of_word(word: &str, buffer: &mut String, each: &mut impl FnMut(&str)) {
    let mut parts = 0;
    for part in identifier_parts(word) {
        parts += 1;
        lower_into(buffer, part);
        if buffer.chars().nth(1).is_some() && STOP_WORDS.binary_search(&buffer.as_str()).is_err() {
            stem(buffer);
            each(buffer);
        }
    }
    if parts > 1 {
        lower_into(buffer, word);
        buffer.retain(|c| c != '_');
        each(buffer);
    }
}

/// Returns the words of a text with their byte offsets: runs of letters, digits and underscores that are short enough
/// to be words.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at = word_edge(text, at, Edge::Start);
            if at == text.len() {
                return None;
            }
            let start = at;
            at = word_edge(text, at, Edge::End);
            if at - start <= MAX_WORD_BYTES {
                return Some((start, &text[start..at]));
            }
        }
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

/// Returns the first offset from `at` on where a word starts or ends; the text's length where none does.
fn word_edge(text: &str, mut at: usize, edge: Edge) -> usize {
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        let (in_word, len) = match BYTE_CLASSES[usize::from(byte)] {
            ByteClass::Word => (true, 1),
            ByteClass::Other => (false, 1),
            ByteClass::NotAscii => {
                let c = text[at..].chars().next().unwrap_or(' ');
                (c.is_alphanumeric(), c.len_utf8())
            }
        };
        if in_word == (edge == Edge::Start) {
            return at;
        }
        at += len;
    }
    bytes.len()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteClass {
    Word,
    Other,
    NotAscii,
}

const BYTE_CLASSES: [ByteClass; 256] = {
    let mut classes = [ByteClass::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphanumeric() || c == b'_' {
            classes[byte] = ByteClass::Word;
        } else if !c.is_ascii() {
            classes[byte] = ByteClass::NotAscii;
        }
        byte += 1;
    }
    classes
};

/// Splits an identifier: `parseHTTPHeader2` is `parse`, `HTTP`, `Header`, `2`.
pub(super) fn identifier_parts(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word.trim_start_matches('_');
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = part_end(rest);
        let part = &rest[..end];
        rest = rest[end..].trim_start_matches('_');
        Some(part)
    })
}

fn part_end(rest: &str) -> usize {
    let mut chars = rest.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, next)| *next);
        if let Some(before) = before {
            let digit_edge = before.is_ascii_digit() != c.is_ascii_digit();
            let camel_edge = before.is_lowercase() && c.is_uppercase();
            // The last capital of a run begins the next word, as in `HTTPHeader`.
            let run_edge = before.is_uppercase() && c.is_uppercase() && after.is_some_and(char::is_lowercase);
            if c == '_' || digit_edge || camel_edge || run_edge {
                return at;
            }
        }
        before = Some(c);
    }
    rest.len()
}

fn lower_into(buffer: &mut String, word: &str) {
    buffer.clear();
    if word.is_ascii() {
        buffer.push_str(word);
        buffer.make_ascii_lowercase();
    } else {
        buffer.extend(word.chars().flat_map(char::to_lowercase));
    }
}

/// Takes English inflection off a lower-case word, so that `parses`, `parsed`, `parsing` and `parse` meet. Much
/// lighter than Porter's stemmer: code is full of words that are none.
pub(super) fn stem(word: &mut String) {
    if !word.is_ascii() || word.len() < 4 {
        return;
    }
    if word.ends_with("ies") && word.len() > 4 {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "xes", "ches", "shes", "zes"]
        .iter()
        .any(|end| word.ends_with(end))
    {
        word.truncate(word.len() - 2);
    } else if word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.truncate(word.len() - 1);
    }
    for suffix in ["ing", "ed"] {
        let Some(root) = word.strip_suffix(suffix) else {
            continue;
        };
        if root.len() >= 3 && root.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            word.truncate(root.len());
            let bytes = word.as_bytes();
            let doubled = bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
            if doubled && !word.ends_with(['l', 's', 'z']) {
                word.pop();
            }
            break;
        }
    }
    if word.len() > 6 && (word.ends_with("tion") || word.ends_with("sion")) {
        word.truncate(word.len() - 3);
    }
    if word.len() > 4 && word.ends_with('e') {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        each_term(text, |term| out.push(term.to_owned()));
        out
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn identifiers_are_split_and_kept_whole() {
        assert_eq!(
            identifier_parts("parseHTTPHeader2_xY").collect::<Vec<_>>(),
            ["parse", "HTTP", "Header", "2", "x", "Y"]
        );
        assert_eq!(terms("parse_interval"), ["pars", "interval", "parseinterval"]);
        assert_eq!(terms("parseInterval"), terms("parse_interval"));
        assert_eq!(terms("the __init__ of a"), ["init"]);
    }

    #[test]
    fn inflected_words_meet() {
        for words in [
            ["parse", "parses", "parsed", "parsing"],
            ["entry", "entries", "entry", "entries"],
            ["validate", "validates", "validating", "validation"],
            ["stop", "stops", "stopped", "stopping"],
            ["box", "boxes", "boxed", "boxing"],
        ] {
            let stems: Vec<Vec<String>> = words.iter().map(|word| terms(word)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
        assert_eq!(terms("class status this string"), ["class", "status", "string"]);
    }
}
