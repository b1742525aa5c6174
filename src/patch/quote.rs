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

/// Reads a name in double quotes, as [`quoted`] and git write it; returns its bytes and what follows the closing quote.
pub(super) fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (byte, after) = escaped(rest)?;
                name.push(byte);
                rest = after;
            }
            _ if byte.is_ascii_control() => return None,
            _ => name.push(byte),
        }
    }
}

/// Reads what stands behind a backslash: a letter, or three octal digits.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, rest) = text.split_first()?;
    let byte = match first {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        b'"' | b'\\' => first,
        b'0'..=b'3' => {
            let [second @ b'0'..=b'7', third @ b'0'..=b'7', rest @ ..] = rest else {
                return None;
            };
            let byte = (first - b'0') << 6 | (second - b'0') << 3 | (third - b'0');
            return Some((byte, rest));
        }
        _ => return None,
    };
    Some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::{quoted, unquoted};

    #[test]
    fn names_are_quoted_as_git_quotes_them() {
        assert_eq!(quoted("a/b c.txt"), "a/b c.txt");
        assert_eq!(quoted("a/ü"), "\"a/\\303\\274\"");
        assert_eq!(quoted("q\"\\\n\u{1}\u{7f}"), "\"q\\\"\\\\\\n\\001\\177\"");
    }

    #[test]
    fn quoted_names_are_read_back() {
        for name in [
            "\u{fc}",
            "\"",
            "\\",
            "a\u{7}\u{8}\t\n\u{b}\u{c}\rb",
            "\u{0}\u{7f}",
            "\\303",
        ] {
            let text = quoted(name);
            let after = format!("{text}\tx");
            assert_eq!(
                unquoted(after.as_bytes()),
                Some((name.as_bytes().to_vec(), &b"\tx"[..])),
                "{text}"
            );
        }
        for wrong in [
            "",
            "a",
            "\"",
            "\"a",
            "\"\\",
            "\"\\x\"",
            "\"\\40\"",
            "\"\\400\"",
            "\"\\08\"",
            "\"\n\"",
        ] {
            assert_eq!(unquoted(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
