use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::Patch;

/// Longest line of a quoted-printable body (RFC 2045, 6.7) and of a folded header (RFC 2047, 2), in bytes.
const MAX_ENCODED_BYTES: usize = 76;

/// Longest line that may be mailed as it is (RFC 5322, 2.1.1), in bytes.
const MAX_PLAIN_BYTES: usize = 998;

/// What a mailed patch says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The commit's subject; line breaks become spaces.
    pub subject: String,
    /// The commit's message below the subject; may be empty.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The author's date, in seconds since 1970 UTC.
    pub date_unix_s: i64,
    /// The trailers, such as `Assisted-by: skiff (model)`, one line each.
    pub trailers: Vec<String>,
}

impl Patch {
    /// Renders the patch as one message of a mailbox, for `git am`.
    ///
    /// The body is quoted-printable where plain text would not survive: `git am` drops a CR at the end of a plain line,
    /// and mail has a limit on the length of lines. Nothing that the envelope says can add a header, end the message or be
    /// taken for the patch.
    pub fn mbox(&self, envelope: &Envelope) -> String {
        let content = self.content(envelope);
        let plain = !content.contains('\r') && content.lines().all(|line| line.len() <= MAX_PLAIN_BYTES);
        let mut out = String::new();
        // The date is the one by which git tells its own mailboxes from others. Writing to a string cannot fail.
        let _ = writeln!(out, "From {} Mon Sep 17 00:00:00 2001", "0".repeat(40));
        let author = encoded_header("From: ", &name(&envelope.author), Words::Phrase);
        let _ = writeln!(out, "{author} <{}>", address(&envelope.email));
        let _ = writeln!(out, "Date: {}", date(envelope.date_unix_s));
        let subject = one_line(&envelope.subject);
        let _ = writeln!(out, "{}", encoded_header("Subject: [PATCH] ", &subject, Words::Text));
        out.push_str("MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n");
        if plain {
            out.push_str("Content-Transfer-Encoding: 8bit\n\n");
            out.push_str(&content);
        } else {
            out.push_str("Content-Transfer-Encoding: quoted-printable\n\n");
            quoted_printable(&content, &mut out);
        }
        out.push('\n');
        out
    }

    fn content(&self, envelope: &Envelope) -> String {
        let mut out = String::new();
        let body = envelope.body.replace("\r\n", "\n").replace(['\r', '\0'], " ");
        for (number, line) in body.trim_matches('\n').lines().enumerate() {
            if ends_message(line) || number == 0 && opens_header(line) {
                out.push(' ');
            }
            out.push_str(&without_scissors(line.trim_end()));
            out.push('\n');
        }
        if !out.is_empty() && !envelope.trailers.is_empty() {
            out.push('\n');
        }
        for trailer in &envelope.trailers {
            let line = one_line(trailer);
            if ends_message(&line) || opens_header(&line) {
                out.push(' ');
            }
            out.push_str(&line);
            out.push('\n');
        }
        let _ = write!(out, "---\n{}\n{}", self.stat(), self.unified());
        let _ = write!(out, "-- \nskiff {}\n", env!("CARGO_PKG_VERSION"));
        out
    }
}

/// Tells whether `git am` or a mail reader would end the commit message at a line of it (`patchbreak` of `git mailinfo`,
/// the separator of mbox).
fn ends_message(line: &str) -> bool {
    let starts = ["From ", ">From ", "diff ", "Index: ", "---"];
    starts.iter().any(|start| line.starts_with(start))
}

/// Takes the scissors out of a line that `git am --scissors` would cut the message at (`is_scissors_line` of
/// `git mailinfo`): one of which at least a third is hyphens and scissors.
fn without_scissors(line: &str) -> Cow<'_, str> {
    const MARKS: [(&str, &str); 4] = [("8<", "8 <"), (">8", "> 8"), ("%<", "% <"), (">%", "> %")];
    let marks: usize = MARKS.iter().map(|(mark, _)| line.matches(mark).count()).sum();
    let visible = line.chars().filter(|c| !c.is_whitespace()).count();
    if marks == 0 || 3 * (line.matches('-').count() + 2 * marks) < visible {
        return Cow::Borrowed(line);
    }
    let cut = |line: String, (mark, apart): &(&str, &str)| line.replace(mark, apart);
    Cow::Owned(MARKS.iter().fold(line.to_owned(), cut))
}

/// Tells whether `git am` would take the first line of a message for a header of it.
fn opens_header(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let headers = ["from:", "subject:", "date:", "[patch]", ">from"];
    headers.iter().any(|header| lower.starts_with(header))
}

/// Folds every run of white space and control characters into one space.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Keeps of a name what git keeps; with an angle bracket in it, `git am` would take the address in its place.
fn name(author: &str) -> String {
    one_line(&author.replace(['<', '>'], " "))
}

/// Keeps of an address what can stand between angle brackets.
fn address(email: &str) -> String {
    let fits = |c: &char| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>');
    email.chars().filter(fits).collect()
}

fn date(unix_s: i64) -> String {
    let timestamp = Timestamp::from_second(unix_s).unwrap_or(Timestamp::UNIX_EPOCH);
    // RFC 2822 has no year beyond 9999, nor has jiff: what a timestamp can be, it can print.
    let printed = DateTimePrinter::new().timestamp_to_string(&timestamp);
    printed.unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// Which characters a header may hold as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Unstructured text.
    Text,
    /// A name before an address, where punctuation has a meaning.
    Phrase,
}

/// Renders a header; text that is not plain ASCII becomes encoded words (RFC 2047, encoding Q) on folded lines.
fn encoded_header(start: &str, text: &str, words: Words) -> String {
    let plain = |c: char| match words {
        Words::Text => matches!(c, ' '..='~'),
        Words::Phrase => c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\''),
    };
    let encoded_word = text.contains("=?");
    if text.chars().all(plain) && !encoded_word && start.len() + text.len() <= MAX_PLAIN_BYTES {
        return format!("{start}{text}");
    }
    const OPEN: &str = "=?UTF-8?q?";
    let mut out = format!("{start}{OPEN}");
    let mut column = out.len();
    for c in text.chars() {
        let encoded = if c.is_ascii_alphanumeric() {
            c.to_string()
        } else if c == ' ' {
            "_".to_owned()
        } else {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().map(|b| format!("={b:02X}")).collect()
        };
        if column + encoded.len() + "?=".len() > MAX_ENCODED_BYTES {
            out.push_str("?=\n ");
            out.push_str(OPEN);
            column = 1 + OPEN.len();
        }
        column += encoded.len();
        out.push_str(&encoded);
    }
    out.push_str("?=");
    out
}

/// Encodes text as quoted-printable (RFC 2045, 6.7).
fn quoted_printable(text: &str, out: &mut String) {
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        let mut column = 0;
        let last = line.len().saturating_sub(1);
        for (at, byte) in line.bytes().enumerate() {
            // White space at the end of a line may be lost on the way, and "From " at its start ends the message.
            let literal = match byte {
                b'=' => false,
                b' ' | b'\t' => at != last,
                b'F' => !line.as_bytes()[at..].starts_with(b"From "),
                _ => byte.is_ascii_graphic(),
            };
            let encoded_bytes = if literal { 1 } else { 3 };
            if column + encoded_bytes > MAX_ENCODED_BYTES - 1 {
                out.push_str("=\n");
                column = 0;
            }
            column += encoded_bytes;
            if literal {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "={byte:02X}");
            }
        }
        out.push_str(end);
    }
}
