//! What one change tells about those to come: a new name, another indentation.

/// Returns the words around two texts that differ, where that makes the difference the change of one identifier.
///
/// `before` and `after` are the whole texts, the ranges what differs in them. The bytes outside agree next to the ranges.
pub(super) fn renamed<'t>(
    before: &'t [u8],
    range_before: std::ops::Range<usize>,
    after: &'t [u8],
    range_after: std::ops::Range<usize>,
) -> Option<(&'t [u8], &'t [u8])> {
    let old = word_around(before, range_before)?;
    let new = word_around(after, range_after)?;
    (old != new && !old[0].is_ascii_digit() && !new[0].is_ascii_digit()).then_some((old, new))
}

/// Replaces every whole word `old` of `text` by `new`.
pub(super) fn replace_words(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| is_word(**byte)).count();
        if length == 0 {
            replaced.push(text[at]);
            at += 1;
            continue;
        }
        let word = &text[at..at + length];
        replaced.extend_from_slice(if word == old { new } else { word });
        at += length;
    }
    replaced
}

/// Moves the lines of a block from the indentation `from` to `to`: those after the first line end of `text`, up to a
/// line that stands further left than `from`. Returns `None` when neither is the other with more in front.
pub(super) fn reindent(text: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    if !to.starts_with(from) && !from.starts_with(to) {
        return None;
    }
    let first_end = text.iter().position(|byte| *byte == b'\n')? + 1;
    let mut moved = text[..first_end].to_vec();
    let mut lines = text[first_end..].split_inclusive(|byte| *byte == b'\n');
    for line in lines.by_ref() {
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if !blank && !line.starts_with(from) {
            moved.extend_from_slice(line);
            break;
        }
        match (blank, line.strip_prefix(from)) {
            (false, Some(rest)) => {
                moved.extend_from_slice(to);
                moved.extend_from_slice(rest);
            }
            _ => moved.extend_from_slice(line),
        }
    }
    for line in lines {
        moved.extend_from_slice(line);
    }
    Some(moved)
}

/// Returns the white space that the line around `at` begins with, if there is nothing else before `at`.
pub(super) fn indentation_at(text: &[u8], at: usize) -> Option<&[u8]> {
    let start = text[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let blanks = text[start..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    (at <= start + blanks).then(|| &text[start..start + blanks])
}

fn word_around(text: &[u8], range: std::ops::Range<usize>) -> Option<&[u8]> {
    let before = text[..range.start]
        .iter()
        .rev()
        .take_while(|byte| is_word(**byte))
        .count();
    let after = text[range.end..].iter().take_while(|byte| is_word(**byte)).count();
    let word = &text[range.start - before..range.end + after];
    (!word.is_empty() && word.iter().all(|byte| is_word(*byte))).then_some(word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_inside_a_word_is_a_rename() {
        let (old, new) = renamed(b"x = load_item(1)", 9..13, b"x = load_entry(1)", 9..14).unwrap();
        assert_eq!((old, new), (&b"load_item"[..], &b"load_entry"[..]));
        assert_eq!(renamed(b"f(1)", 2..3, b"f(22)", 2..4), None);
        assert_eq!(renamed(b"a + b", 1..4, b"a - b", 1..4), None);
    }

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(replace_words(b"item items item", b"item", b"it"), b"it items it");
    }

    #[test]
    fn a_block_moves_until_a_line_further_left() {
        let text = b"a()\n    b()\n\n        c()\n    d()\ne()\n    f()\n";
        let moved = reindent(text, b"    ", b"        ").unwrap();
        assert_eq!(
            moved,
            b"a()\n        b()\n\n            c()\n        d()\ne()\n    f()\n"
        );
        assert_eq!(reindent(&moved, b"        ", b"    ").unwrap(), text);
        assert_eq!(reindent(text, b"\t", b"  "), None);
    }
}
