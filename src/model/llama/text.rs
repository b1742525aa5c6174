use llama_cpp_2::{model::LlamaModel, token::LlamaToken};

/// Returns the text of a special token as a template writes it; empty where the vocabulary has none.
pub(super) fn special(model: &LlamaModel, token: LlamaToken) -> String {
    if token.0 < 0 {
        return String::new();
    }
    String::from_utf8_lossy(&model.vocab().token_to_piece(token, true, None)).into_owned()
}

/// Returns where the first of the stop texts begins, if one ends in `bytes[from..]`.
pub(super) fn find_stop(bytes: &[u8], from: usize, stops: &[&str]) -> Option<usize> {
    stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| {
            let stop = stop.as_bytes();
            // It may have begun before the last token.
            let start = from.saturating_sub(stop.len() - 1);
            bytes[start..]
                .windows(stop.len())
                .position(|window| window == stop)
                .map(|at| start + at)
        })
        .min()
}

/// The bytes of a character whose end is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenCharacter {
    bytes: [u8; 3],
    len: usize,
}

impl OpenCharacter {
    /// Returns what is open after `piece`; nothing if the two are not the beginning of a text, or have a zero byte.
    pub(super) fn after(self, piece: &[u8]) -> Option<Self> {
        if piece.contains(&0) {
            return None;
        }
        let joined;
        let bytes = match self.len {
            0 => piece,
            len => {
                joined = [&self.bytes[..len], piece].concat();
                joined.as_slice()
            }
        };
        let rest = match std::str::from_utf8(bytes) {
            Ok(_) => &[],
            Err(error) if error.error_len().is_none() => &bytes[error.valid_up_to()..],
            Err(_) => return None,
        };
        let mut bytes = [0; 3];
        bytes.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Self { bytes, len: rest.len() })
    }
}

/// Turns decoded bytes into text; a character that was cut off at the end is dropped, invalid bytes are replaced.
pub(super) fn finish_text(bytes: &[u8]) -> String {
    let end = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_is_found_across_tokens() {
        assert_eq!(find_stop(b"ab``", 3, &["```"]), None);
        assert_eq!(find_stop(b"ab```py", 4, &["```"]), Some(2));
        assert_eq!(find_stop(b"xENDyz", 1, &["yz", "END", ""]), Some(1));
    }

    #[test]
    fn only_what_can_become_text_follows() {
        let none = OpenCharacter::default();
        assert_eq!(none.after("né".as_bytes()), Some(none));
        let open = none.after(b"n\xE2\x82").unwrap();
        assert_ne!(open, none);
        assert_eq!(open.after(b"\xACx"), Some(none));
        assert_eq!(open.after(b"x"), None);
        // Overlong, half of a surrogate pair, beyond Unicode, zero.
        for bytes in [&b"\xE0\x82"[..], b"\xC0", b"\xED\xA0", b"\xF4\x90", b"a\0"] {
            assert_eq!(none.after(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_cut_character_is_dropped_and_a_wrong_byte_replaced() {
        assert_eq!(finish_text("né".as_bytes()), "né");
        assert_eq!(finish_text(&"né".as_bytes()[..2]), "n");
        assert_eq!(finish_text(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(finish_text(b"a\xFFb\xC3"), "a\u{FFFD}b\u{FFFD}");
    }
}
