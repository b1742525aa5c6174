//! The lines of a patch file, and of the mails that it may consist of.

use std::borrow::Cow;
use std::ops::Range;

use super::parse::{ParseError, ParseFault};

/// What follows the commit in the first line of a mail that git wrote.
const SEPARATOR_DATE: &[u8] = b" Mon Sep 17 00:00:00 2001";

/// One mail of a patch file, or all of a file that is none.
pub(super) struct Message<'a> {
    pub(super) kind: MessageKind,
    /// The body of a mail, without what was done to it for its transfer.
    pub(super) lines: Vec<SourceLine<'a>>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MessageKind {
    /// A diff, perhaps with text around it.
    Plain,
    /// A mail: what stands before the diff is the message of a commit.
    Mail,
}

/// One line with its ending.
pub(super) struct SourceLine<'a> {
    /// Where it begins in the file, from 1.
    pub(super) number: usize,
    pub(super) bytes: Cow<'a, [u8]>,
}

/// Cuts a patch file into its mails, and takes back their transfer encoding.
///
/// # Errors
/// [`ParseFault::Encoding`], [`ParseFault::QuotedPrintable`].
pub(super) fn messages(bytes: &[u8]) -> Result<Vec<Message<'_>>, ParseError> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let separators = (0..lines.len()).filter(|at| is_separator(lines[*at]));
    let mut starts: Vec<usize> = separators.collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let ranges = starts.iter().copied().zip(ends).map(|(start, end)| start..end);
    ranges.map(|range| message(&lines, range)).collect()
}

/// Tells whether a mail of `git format-patch` begins at a line: the name of a commit and a date that is always the same.
fn is_separator(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    matches!(digits, 40 | 64) && rest[digits..].trim_ascii_end() == SEPARATOR_DATE
}

fn message<'a>(lines: &[&'a [u8]], range: Range<usize>) -> Result<Message<'a>, ParseError> {
    let Some(body) = body_of(&lines[range.clone()]).map(|length| range.start + length) else {
        let lines = plain(lines, range);
        let kind = MessageKind::Plain;
        return Ok(Message { kind, lines });
    };
    let headers = &lines[range.start..body];
    let refused = |value: &str| ParseError::At {
        line: range.start + 1,
        fault: ParseFault::Encoding(value.to_owned()),
    };
    let media_type = value_of(headers, "content-type").unwrap_or_default();
    if media_type.starts_with("multipart/") {
        return Err(refused("multipart"));
    }
    let encoding = value_of(headers, "content-transfer-encoding").unwrap_or_default();
    let lines = match encoding.as_str() {
        "" | "7bit" | "8bit" | "binary" => plain(lines, body..range.end),
        "quoted-printable" => decoded(lines, body..range.end)?,
        other => return Err(refused(other)),
    };
    let kind = MessageKind::Mail;
    Ok(Message { kind, lines })
}

fn plain<'a>(lines: &[&'a [u8]], range: Range<usize>) -> Vec<SourceLine<'a>> {
    let line = |at: usize| SourceLine {
        number: at + 1,
        bytes: Cow::Borrowed(lines[at]),
    };
    range.map(line).collect()
}

/// Returns how many lines the headers of a mail have, with the empty one behind them; none where there are no headers.
fn body_of(lines: &[&[u8]]) -> Option<usize> {
    let first = usize::from(lines.first().is_some_and(|line| is_separator(line)));
    for (at, line) in lines.iter().enumerate().skip(first) {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        match line.trim_ascii_end() {
            [] => return (at > first).then_some(at + 1),
            _ if folded && at > first => {}
            _ if header(line).is_some() => {}
            _ => return None,
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

/// Decodes quoted-printable (RFC 2045, 6.7). A line that was broken for the mail has the number of its first part.
fn decoded(lines: &[&[u8]], range: Range<usize>) -> Result<Vec<SourceLine<'static>>, ParseError> {
    let mut out = Vec::new();
    let mut line: Vec<u8> = Vec::new();
    let mut number = range.start + 1;
    for at in range {
        let mut rest = lines[at];
        while let Some((&first, after)) = rest.split_first() {
            if line.is_empty() {
                number = at + 1;
            }
            rest = match (first, after) {
                (b'=', [b'\n'] | [b'\r', b'\n']) => break,
                (b'=', [high, low, after @ ..]) => {
                    let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
                    line.push(byte.ok_or(ParseError::At {
                        line: at + 1,
                        fault: ParseFault::QuotedPrintable,
                    })?);
                    after
                }
                (b'=', _) => {
                    return Err(ParseError::At {
                        line: at + 1,
                        fault: ParseFault::QuotedPrintable,
                    });
                }
                // The line ending of the mail; one of the text is written `=0D`.
                (b'\r', [b'\n']) => after,
                _ => {
                    line.push(first);
                    after
                }
            };
            if line.ends_with(b"\n") {
                let bytes = Cow::Owned(std::mem::take(&mut line));
                out.push(SourceLine { number, bytes });
            }
        }
    }
    if !line.is_empty() {
        let bytes = Cow::Owned(line);
        out.push(SourceLine { number, bytes });
    }
    Ok(out)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(text: &str) -> Vec<(MessageKind, Vec<(usize, String)>)> {
        let line = |line: &SourceLine<'_>| (line.number, String::from_utf8(line.bytes.to_vec()).unwrap());
        let messages = messages(text.as_bytes()).unwrap();
        messages
            .iter()
            .map(|message| (message.kind, message.lines.iter().map(line).collect()))
            .collect()
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
