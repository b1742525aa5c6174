use super::mail::{Message, Numbers, lines};
use super::parse::{ParseError, ParseFault};

/// A place among the lines of a message.
pub(super) struct Cursor<'a> {
    /// The next line; empty at the end.
    line: &'a [u8],
    /// What follows it.
    rest: &'a [u8],
    /// How many lines are behind.
    passed: usize,
    numbers: &'a Numbers,
}

impl<'a> Cursor<'a> {
    /// Starts before the first line.
    pub(super) fn new(message: &'a Message<'_>) -> Self {
        let mut cursor = Self {
            line: &[],
            rest: &message.text,
            passed: 0,
            numbers: &message.numbers,
        };
        cursor.step();
        cursor
    }

    /// Returns the next line with its ending.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        (!self.line.is_empty()).then_some(self.line)
    }

    /// Returns the line after the next.
    pub(super) fn peek_second(&self) -> Option<&'a [u8]> {
        lines(self.rest).next()
    }

    /// Goes past the next line.
    pub(super) fn advance(&mut self) {
        self.passed += usize::from(!self.line.is_empty());
        self.step();
    }

    fn step(&mut self) {
        self.line = lines(self.rest).next().unwrap_or_default();
        self.rest = &self.rest[self.line.len()..];
    }

    /// Returns the number of the next line in the file, from 1; of the last where none is left.
    pub(super) fn number(&self) -> usize {
        let at = match self.line {
            [] => self.passed.saturating_sub(1),
            _ => self.passed,
        };
        match self.numbers {
            Numbers::From(first) => first + at,
            Numbers::Each(numbers) => numbers.get(at).copied().unwrap_or(1),
        }
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
