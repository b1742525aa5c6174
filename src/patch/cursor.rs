use super::mail::SourceLine;
use super::parse::{ParseError, ParseFault};

/// A place among the lines of a patch file.
pub(super) struct Cursor<'a> {
    lines: &'a [SourceLine<'a>],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts before the first line.
    pub(super) fn new(lines: &'a [SourceLine<'a>]) -> Self {
        Self { lines, at: 0 }
    }

    /// Returns the next line with its ending.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        self.peek_past(0)
    }

    /// Returns the line after so many others.
    pub(super) fn peek_past(&self, lines: usize) -> Option<&'a [u8]> {
        self.lines.get(self.at + lines).map(|line| line.bytes.as_ref())
    }

    /// Goes past the next line.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Returns the number of the next line in the file, from 1; of the last where none is left.
    pub(super) fn number(&self) -> usize {
        let line = self.lines.get(self.at).or(self.lines.last());
        line.map_or(1, |line| line.number)
    }

    /// Says what is wrong with the next line.
    pub(super) fn fault(&self, fault: ParseFault) -> ParseError {
        let line = self.number();
        ParseError::At { line, fault }
    }

    /// Returns the next line without its ending.
    ///
    /// # Errors
    /// [`ParseFault::CarriageReturn`]: names with one are quoted, so that it is nobody's.
    pub(super) fn header_line(&self) -> Result<Option<&'a [u8]>, ParseError> {
        let Some(line) = self.peek() else {
            return Ok(None);
        };
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match line.ends_with(b"\r") {
            true => Err(self.fault(ParseFault::CarriageReturn)),
            false => Ok(Some(line)),
        }
    }
}
