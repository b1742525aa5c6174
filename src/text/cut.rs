/// Returns the first characters of a text, at most `most_chars`.
pub fn head(text: &str, most_chars: usize) -> &str {
    text.char_indices()
        .nth(most_chars)
        .map_or(text, |(end, _)| &text[..end])
}

/// Returns a text of at most `most_chars` characters, with `…` behind it where it was cut.
pub fn shortened(text: &str, most_chars: usize) -> String {
    let head = head(text, most_chars);
    match head.len() < text.len() {
        true => format!("{head}…"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (most_chars, expected) in [(0, ""), (1, "ä"), (2, "äb"), (3, "äbç"), (4, "äbç")] {
            assert_eq!(head("äbç", most_chars), expected);
        }
        assert_eq!(head("", 0), "");
        assert_eq!([shortened("äbç", 2), shortened("äbç", 3)], ["äb…", "äbç"]);
    }
}
