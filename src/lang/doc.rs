use crate::text::TextRange;

/// What opens a comment or a line of one, longer before shorter.
const MARKERS: [&str; 11] = ["/**", "/*", "///", "//", "*", "#'", "#=", "#", "--[[", "---", "--"];

/// The most characters of a signature.
const MAX_SIGNATURE_CHARS: usize = 200;

/// Returns what stands in `head` without the `skipped` ranges, on one line.
pub(super) fn signature(text: &str, head: TextRange, skipped: &[TextRange]) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut at = head.start;
    for gap in skipped.iter().copied().chain([TextRange::empty(head.end)]) {
        words.extend(text.get(at..gap.start).unwrap_or_default().split_whitespace());
        at = gap.end;
    }
    let mut line = words.join(" ");
    loop {
        let trimmed = ["{", "=>", "=", ":", ";"]
            .iter()
            .find_map(|end| line.strip_suffix(end))
            .map(str::trim_end);
        match trimmed {
            Some(trimmed) if !trimmed.is_empty() => line.truncate(trimmed.len()),
            _ => break,
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(MAX_SIGNATURE_CHARS) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// Returns the text of a string literal used as documentation.
pub(super) fn of_string(literal: &str) -> Option<String> {
    let literal = literal.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let inner = ["\"\"\"", "'''", "\"", "'"]
        .iter()
        .find_map(|quote| literal.strip_prefix(quote)?.strip_suffix(quote))?;
    joined(inner.lines().map(str::trim))
}

/// Lines that only open or close a comment.
const DELIMITERS: [&str; 7] = ["=begin", "=end", "=pod", "=cut", "]]", "<summary>", "</summary>"];

/// Returns the text of comments, without their markers.
pub(super) fn of_comments(text: &str, comments: &[TextRange]) -> Option<String> {
    let texts = || comments.iter().filter_map(|range| text.get(range.as_range()));
    // Julia documents with a string.
    if let Some(string) = texts().next().filter(|text| text.starts_with('"')) {
        return of_string(string);
    }
    joined(
        texts()
            .flat_map(str::lines)
            .map(without_marker)
            .filter(|line| !DELIMITERS.contains(line)),
    )
}

fn without_marker(line: &str) -> &str {
    let line = line.trim();
    let line = line.strip_suffix("*/").unwrap_or(line);
    let line = MARKERS
        .iter()
        .find_map(|marker| line.strip_prefix(marker))
        .unwrap_or(line)
        .trim();
    line.strip_prefix("<summary>")
        .and_then(|line| line.strip_suffix("</summary>"))
        .unwrap_or(line)
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let lines: Vec<&str> = lines.collect();
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_and_quotes_are_taken_off() {
        let text = "/// One.\n///\n/// Two.\n";
        assert_eq!(
            of_comments(text, &[TextRange::new(0, text.len())]),
            Some("One.\n\nTwo.".to_owned())
        );
        let text = "/**\n * Adds.\n * @param a first\n */";
        let doc = of_comments(text, &[TextRange::new(0, text.len())]);
        assert_eq!(doc, Some("Adds.\n@param a first".to_owned()));
        assert_eq!(
            of_string("r\"\"\"Adds.\n\n    More.\n    \"\"\""),
            Some("Adds.\n\nMore.".to_owned())
        );
        assert_eq!(of_string("''"), None);
        for (text, wanted) in [
            ("=begin\nAdds.\n=end", "Adds."),
            ("--[[\nAdds.\n]]", "Adds."),
            ("#' Adds.", "Adds."),
            ("/// <summary>\n/// Adds.\n/// </summary>", "Adds."),
            ("/// <summary>Adds.</summary>", "Adds."),
            ("\"\"\"\n    f(x)\n\nAdds.\n\"\"\"", "f(x)\n\nAdds."),
        ] {
            let doc = of_comments(text, &[TextRange::new(0, text.len())]);
            assert_eq!(doc.as_deref(), Some(wanted));
        }
    }

    #[test]
    fn signatures_are_one_line() {
        let text = "#[x] pub fn a(\n    b: u8, // why\n) -> u8 {";
        let skipped = [TextRange::new(0, 4), TextRange::new(26, 32)];
        assert_eq!(
            signature(text, TextRange::new(0, text.len()), &skipped),
            "pub fn a( b: u8, ) -> u8"
        );
    }
}
