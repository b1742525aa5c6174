use super::TextRange;

/// The line ending that a text uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Eol {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    Crlf,
}

impl Eol {
    /// Returns the ending that most lines of `text` have; [`Eol::Lf`] for a text of one line.
    pub fn of(text: &str) -> Self {
        let crlf = text.matches("\r\n").count();
        let lf = text.matches('\n').count() - crlf;
        if crlf > lf { Self::Crlf } else { Self::Lf }
    }

    /// Returns `text` with every line ending turned into this one.
    pub fn normalize(self, text: &str) -> String {
        let lf = text.replace("\r\n", "\n");
        match self {
            Self::Lf => lf,
            Self::Crlf => lf.replace('\n', "\r\n"),
        }
    }
}

/// The starts of a text's lines, for turning byte offsets into lines and back.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
    len: usize,
}

impl LineIndex {
    /// Scans `text` once.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, b)| *b == b'\n')
                .map(|(i, _)| i + 1),
        );
        Self {
            starts,
            len: text.len(),
        }
    }

    /// Returns the number of lines; a final line ending opens one more, empty, line.
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// Returns the zero-based line that holds `offset`.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the bytes of a zero-based line, its line ending included; empty past the end.
    pub fn line_range(&self, line: usize) -> TextRange {
        let start = self.starts.get(line).copied().unwrap_or(self.len);
        let end = self.starts.get(line + 1).copied().unwrap_or(self.len);
        TextRange::new(start, end)
    }

    /// Widens `range` to whole lines, the last line's ending included.
    pub fn whole_lines(&self, range: TextRange) -> TextRange {
        let start = self.line_range(self.line_of(range.start)).start;
        let last = self.line_of(range.end.saturating_sub(1).max(range.start));
        TextRange::new(start, self.line_range(last).end.max(range.end))
    }
}

/// Widens a range to whole lines, without the white space and the ending of the last.
pub fn lines_around(text: &str, range: TextRange) -> TextRange {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at);
    TextRange::new(start, start + text[start..end].trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_lines_agree() {
        let index = LineIndex::new("ab\ncd\n\nx");
        assert_eq!(index.line_count(), 4);
        assert_eq!([0, 2, 3, 6, 7].map(|o| index.line_of(o)), [0, 0, 1, 2, 3]);
        assert_eq!(index.line_range(1), TextRange::new(3, 6));
        assert_eq!(index.whole_lines(TextRange::new(4, 5)), TextRange::new(3, 6));
        assert_eq!(index.whole_lines(TextRange::new(1, 4)), TextRange::new(0, 6));
        assert_eq!(index.line_range(9), TextRange::new(8, 8));
    }

    #[test]
    fn the_commoner_line_ending_wins() {
        assert_eq!(Eol::of("a\r\nb\r\nc\n"), Eol::Crlf);
        assert_eq!(Eol::of("a"), Eol::Lf);
        assert_eq!(Eol::Crlf.normalize("a\nb\r\n"), "a\r\nb\r\n");
    }
}
