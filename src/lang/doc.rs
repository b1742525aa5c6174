use super::LanguageSpec;
use crate::text::{TextRange, shortened};

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
        let trimmed = ["{", "=>", "->", "=", ":", ";", ","]
            .iter()
            .find_map(|end| line.strip_suffix(end))
            .map(str::trim_end);
        match trimmed {
            Some(trimmed) if !trimmed.is_empty() => line.truncate(trimmed.len()),
            _ => break,
        }
    }
    shortened(&line, MAX_SIGNATURE_CHARS)
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

/// Returns the text of comments, without the markers of their language.
pub(super) fn of_comments(text: &str, comments: &[TextRange], spec: &LanguageSpec) -> Option<String> {
    let texts = || comments.iter().filter_map(|range| text.get(range.as_range()));
    // Julia documents with a string.
    if let Some(string) = texts().next().filter(|text| text.starts_with('"')) {
        return of_string(string);
    }
    joined(
        texts()
            .flat_map(str::lines)
            .map(|line| without_marker(line, spec))
            .filter(|line| !DELIMITERS.contains(line)),
    )
}

/// Returns what documentation a `@doc` capture holds: that of a string, or that of a comment.
pub(super) fn of_capture(written: &str, spec: &LanguageSpec) -> Option<String> {
    let literal = written.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if literal.starts_with(['"', '\'']) {
        return of_string(written);
    }
    of_comments(written, &[TextRange::new(0, written.len())], spec)
}

fn without_marker<'a>(line: &'a str, spec: &LanguageSpec) -> &'a str {
    let line = bare(line.trim(), spec);
    line.strip_prefix("<summary>")
        .and_then(|line| line.strip_suffix("</summary>"))
        .unwrap_or(line)
}

fn bare<'a>(line: &'a str, spec: &LanguageSpec) -> &'a str {
    let (open, close) = spec.block_comment;
    let line = line.strip_suffix(close).unwrap_or(line);
    if let Some(inner) = line.strip_prefix(open) {
        // `/**`, `(**`, `{- |`, `/*!`.
        let inner = inner.trim_start_matches(['*', '!']).trim();
        return inner.strip_prefix('|').unwrap_or(inner).trim_start();
    }
    let marker = spec.line_comment;
    if let Some(inner) = line.strip_prefix(marker).filter(|_| !marker.is_empty()) {
        // `///`, `%%%`, `-- |`, `!>`, `#'`.
        let inner = inner.trim_start_matches(|c| marker.ends_with(c));
        let inner = inner.strip_prefix(['>', '<', '!', '\'']).unwrap_or(inner).trim();
        return inner.strip_prefix("| ").unwrap_or(inner);
    }
    ["//", "*", "#"]
        .iter()
        .find_map(|marker| line.strip_prefix(marker))
        .unwrap_or(line)
        .trim()
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
    use crate::lang::Language;

    #[test]
    fn markers_and_quotes_are_taken_off() {
        let text = "/// One.\n///\n/// Two.\n";
        assert_eq!(
            of_comments(text, &[TextRange::new(0, text.len())], Language::Rust.spec()),
            Some("One.\n\nTwo.".to_owned())
        );
        let text = "/**\n * Adds.\n * @param a first\n */";
        let doc = of_comments(text, &[TextRange::new(0, text.len())], Language::Java.spec());
        assert_eq!(doc, Some("Adds.\n@param a first".to_owned()));
        let text = "--  Adds.\n--\n--  More.\n";
        let doc = of_comments(text, &[TextRange::new(0, text.len())], Language::Ada.spec());
        assert_eq!(doc, Some("Adds.\n\nMore.".to_owned()));
        assert_eq!(
            of_string("r\"\"\"Adds.\n\n    More.\n    \"\"\""),
            Some("Adds.\n\nMore.".to_owned())
        );
        assert_eq!(of_string("''"), None);
        for (language, text, wanted) in [
            (Language::Ruby, "=begin\nAdds.\n=end", "Adds."),
            (Language::Lua, "--[[\nAdds.\n]]", "Adds."),
            (Language::R, "#' Adds.", "Adds."),
            (Language::CSharp, "/// <summary>\n/// Adds.\n/// </summary>", "Adds."),
            (Language::CSharp, "/// <summary>Adds.</summary>", "Adds."),
            #[cfg(feature = "all-languages")]
            (Language::Julia, "\"\"\"\n    f(x)\n\nAdds.\n\"\"\"", "f(x)\n\nAdds."),
        ] {
            let doc = of_comments(text, &[TextRange::new(0, text.len())], language.spec());
            assert_eq!(doc.as_deref(), Some(wanted), "{text}");
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
