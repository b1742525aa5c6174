use std::fmt::Write as _;

/// Quotes a file name as git does (`quote_c_style` with `core.quotePath` on): a name with a control character, `"`,
/// `\` or a byte outside ASCII is put in double quotes with C escapes.
pub(super) fn quoted(name: &str) -> String {
    let plain = |b: u8| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\';
    if name.bytes().all(plain) {
        return name.to_owned();
    }
    let mut out = String::from("\"");
    for byte in name.bytes() {
        match byte {
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0b => out.push_str("\\v"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            _ if plain(byte) => out.push(char::from(byte)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_as_git_quotes_them() {
        assert_eq!(quoted("a/b c.txt"), "a/b c.txt");
        assert_eq!(quoted("a/ü"), "\"a/\\303\\274\"");
        assert_eq!(quoted("q\"\\\n\u{1}\u{7f}"), "\"q\\\"\\\\\\n\\001\\177\"");
    }
}
