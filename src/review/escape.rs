use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::text::is_default_ignorable;

/// Text from a repository, a model or a file name, shown so that it cannot act on a terminal or deceive a reader.
///
/// Control characters, bidirectional controls, zero-width and tag characters appear as `\u{202e}`; the carriage return
/// as `\r`. Tabs and line feeds stay.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            f.write_str(&rest[..at])?;
            match c {
                '\r' => f.write_str("\\r")?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Returns `text` as [`Escaped`] shows it.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    // Writing to a String cannot fail.
    let _ = write!(shown, "{}", Escaped(text));
    Cow::Owned(shown)
}

/// Returns `text` as [`escape`] does, on one line: line feeds and tabs are spelled out too.
pub fn escape_line(text: &str) -> String {
    escape(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Returns a JSON text of the same value, with what [`Escaped`] spells out spelled as JSON does: `\u202e`.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match is_hidden(c) {
            // Writing to a String cannot fail.
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(shown, "\\u{unit:04x}");
            }),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Tells whether a terminal would act on `c`, or show nothing where it stands.
///
/// C0, DEL and C1 controls; the `Default_Ignorable_Code_Point` characters of Unicode 16 (zero-width, bidirectional,
/// tags, variation selectors other than the emoji's own U+FE0F); and the line and paragraph separators, which some terminals and
/// editors break lines at.
pub(super) fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        _ if c.is_control() => true,
        // The emoji's own variation selector.
        '\u{fe0f}' => false,
        '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' => true,
        _ => is_default_ignorable(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_or_hides_is_spelled_out() {
        let cases = [
            ("plain ü 漢 🦀\tx\n", "plain ü 漢 🦀\tx\n"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\r\nb", "a\\r\nb"),
            ("if x \u{202e}} \u{2066}", "if x \\u{202e}} \\u{2066}"),
            ("ze\u{200b}ro\u{feff}", "ze\\u{200b}ro\\u{feff}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("\u{9b}31m\u{7f}\0", "\\u{9b}31m\\u{7f}\\u{0}"),
        ];
        for (text, shown) in cases {
            assert_eq!(escape(text), shown);
        }
        assert!(matches!(escape("nothing to do"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            let json = serde_json::to_string_pretty(&[&text, "\u{9b}\u{202e}\u{e0041}"]).unwrap();
            let shown = escape_json(&json);
            prop_assert!(!shown.contains(is_hidden));
            let read: Vec<String> = serde_json::from_str(&shown).unwrap();
            prop_assert_eq!(&read[0], &text);
            let shown = escape(&text);
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
        }
    }
}
