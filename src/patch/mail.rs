//! The lines of a patch file, and of the mails that it may consist of.

use std::borrow::Cow;

use super::parse::{ParseError, ParseFault};

/// What follows the commit in the first line of a mail that git wrote.
const SEPARATOR_DATE: &[u8] = b" Mon Sep 17 00:00:00 2001";

/// One mail of a patch file, or all of a file that is none.
pub(super) struct Message<'a> {
    pub(super) kind: MessageKind,
    /// The body of a mail, without what was done to it for its transfer.
    pub(super) text: Cow<'a, [u8]>,
    pub(super) numbers: Numbers,
}

/// The numbers of the lines of a message in the file, from 1.
pub(super) enum Numbers {
    /// One after the other from this one.
    From(usize),
    /// That of each line.
    Each(Vec<usize>),
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    /// A diff, perhaps with text around it.
    Plain,
    /// A mail: what stands before the diff is the message of a commit.
    Mail,
}

/// Cuts a patch file into its mails, and takes back their transfer encoding.
///
/// # Errors
/// [`ParseFault::Encoding`], [`ParseFault::QuotedPrintable`].
pub(super) fn messages(bytes: &[u8]) -> Result<Vec<Message<'_>>, ParseError> {
    // Where each begins: the byte, and the number of the line.
    let mut starts = vec![(0, 1)];
    let mut at = 0;
    for (number, line) in (1..).zip(lines(bytes)) {
        if at > 0 && is_separator(line) {
            starts.push((at, number));
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([bytes.len()]);
    let texts = starts.iter().zip(ends);
    texts
        .map(|((start, number), end)| message(&bytes[*start..end], *number))
        .collect()
}

/// Returns the lines of a text with their endings.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Tells whether a mail of `git format-patch` begins at a line: the name of a commit and a date that is always the same.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    matches!(digits, 40 | 64) && rest[digits..].trim_ascii_end() == SEPARATOR_DATE
}

/// Takes a message apart that begins on the line `first`.
fn message(text: &[u8], first: usize) -> Result<Message<'_>, ParseError> {
    let Some(headers) = headers_of(text) else {
        return Ok(Message {
            kind: MessageKind::Plain,
            text: Cow::Borrowed(text),
            numbers: Numbers::From(first),
        });
    };
    let length = headers.iter().map(|line| line.len()).sum::<usize>();
    let (body, number) = (&text[length..], first + headers.len());
    let refused = |value: &str| ParseError::At {
        line: first,
        fault: ParseFault::Encoding(value.to_owned()),
    };
    let media_type = value_of(&headers, "content-type").unwrap_or_default();
    if media_type.starts_with("multipart/") {
        return Err(refused("multipart"));
    }
    let encoding = value_of(&headers, "content-transfer-encoding").unwrap_or_default();
    let (text, numbers) = match encoding.as_str() {
        "" | "7bit" | "8bit" | "binary" => (Cow::Borrowed(body), Numbers::From(number)),
        "quoted-printable" => {
            let (text, numbers) = decoded(body, number)?;
            (Cow::Owned(text), Numbers::Each(numbers))
        }
        other => return Err(refused(other)),
    };
    let kind = MessageKind::Mail;
    Ok(Message { kind, text, numbers })
}

/// Returns the lines of the headers of a mail, with the empty one behind them; none where there are no headers.
fn headers_of(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut headers: Vec<&[u8]> = Vec::new();
    let mut fields = 0;
    for line in lines(text) {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let ends = line.trim_ascii_end().is_empty();
        let first = headers.is_empty() && is_separator(line);
        let of_headers = ends || first || folded && fields > 0 || header(line).is_some();
        if !of_headers {
            return None;
        }
        fields += usize::from(!first);
        headers.push(line);
        if ends {
            return (fields > 1).then_some(headers);
        }
    }
    None
}

/// Splits a line at the colon behind the name of a header.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b':')?;
    let name = &line[..at];
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (!name.is_empty() && name.iter().all(plain)).then_some((name, &line[at + 1..]))
}

/// Returns what a header says, in lower case.
fn value_of(headers: &[&[u8]], name: &str) -> Option<String> {
    let mut named = headers.iter().filter_map(|line| header(line));
    let (_, value) = named.find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    Some(String::from_utf8_lossy(value.trim_ascii()).to_ascii_lowercase())
}

/// Decodes quoted-printable (RFC 2045, 6.7) from the line `first` on, and returns the number of every line that comes of it. A
/// line that was broken for the mail has the number of its first part.
fn decoded(text: &[u8], first: usize) -> Result<(Vec<u8>, Vec<usize>), ParseError> {
    let mut out = Vec::with_capacity(text.len());
    let mut numbers = Vec::new();
    for (number, line) in (first..).zip(lines(text)) {
        let wrong = || ParseError::At {
            line: number,
            fault: ParseFault::QuotedPrintable,
        };
        let mut rest = line;
        while let Some((&byte, after)) = rest.split_first() {
            let (byte, after) = match (byte, after) {
                (b'=', [b'\n'] | [b'\r', b'\n']) => break,
                (b'=', [high, low, after @ ..]) => {
                    let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
                    (byte.ok_or_else(wrong)?, after)
                }
                (b'=', _) => return Err(wrong()),
                // The line ending of the mail; one of the text is written `=0D`.
                (b'\r', [b'\n']) => (b'\n', &[][..]),
                _ => (byte, after),
            };
            if out.last().is_none_or(|last| *last == b'\n') {
                numbers.push(number);
            }
            out.push(byte);
            rest = after;
        }
    }
    Ok((out, numbers))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::cursor::Cursor;

    fn bodies(text: &str) -> Vec<(MessageKind, Vec<(usize, String)>)> {
        let body = |message: &Message<'_>| {
            let mut cursor = Cursor::new(message);
            let mut lines = Vec::new();
            while let Some(line) = cursor.peek() {
                lines.push((cursor.number(), String::from_utf8(line.to_vec()).unwrap()));
                cursor.advance();
            }
            (message.kind, lines)
        };
        messages(text.as_bytes()).unwrap().iter().map(body).collect()
    }

    #[test]
    fn a_mailbox_is_cut_into_mails() {
        let separator = format!("From {}{}\n", "0".repeat(40), String::from_utf8_lossy(SEPARATOR_DATE));
        let text = format!("text\n{separator}Subject: a\n b\n\nbody\n{separator}Subject: c\n\nlast");
        let found = bodies(&text);
        assert_eq!(found[0], (MessageKind::Plain, vec![(1, "text\n".to_owned())]));
        assert_eq!(found[1], (MessageKind::Mail, vec![(6, "body\n".to_owned())]));
        assert_eq!(found[2], (MessageKind::Mail, vec![(10, "last".to_owned())]));
        for plain in ["Index: a\n====\n\nx\n", "diff --git a/f: b/f:\n\n", "a: b\n", ""] {
            assert!(
                bodies(plain).iter().all(|(kind, _)| *kind == MessageKind::Plain),
                "{plain}"
            );
        }
    }

    #[test]
    fn quoted_printable_lines_keep_their_numbers() {
        let head = "Subject: x\nContent-Transfer-Encoding: Quoted-Printable\n\n";
        let found = bodies(&format!("{head}a=3Db=\n=0D\nc=0Ad\r\ne=C3=\n=bc"));
        let lines = [(4, "a=b\r\n"), (6, "c\n"), (6, "d\n"), (7, "e\u{fc}")];
        assert_eq!(found[0].1, lines.map(|(number, text)| (number, text.to_owned())));
        for wrong in ["=", "=4", "=zz\n", "a=\r"] {
            let error = messages(format!("{head}{wrong}").as_bytes()).err();
            let fault = ParseFault::QuotedPrintable;
            assert_eq!(error, Some(ParseError::At { line: 4, fault }), "{wrong:?}");
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        for header in [
            "Content-Transfer-Encoding: base64",
            "content-type: Multipart/mixed; boundary=x",
        ] {
            assert!(
                messages(format!("Subject: x\n{header}\n\n").as_bytes()).is_err(),
                "{header}"
            );
        }
    }
}
