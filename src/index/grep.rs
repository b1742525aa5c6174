use rayon::prelude::*;
use regex::Regex;

use super::{Index, IndexedFile};
use crate::lang::CodePattern;
use crate::text::{LineIndex, RepoPath, TextRange};

/// The most bytes of a line that are handed on.
const MOST_LINE_BYTES: usize = 240;

/// A place in a file, with the line around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineMatch {
    /// The file.
    pub path: RepoPath,
    /// What matched.
    pub range: TextRange,
    /// The zero-based line on which it begins.
    pub line: usize,
    /// That line without its ending, cut where it is very long.
    pub text: String,
}

impl Index {
    /// Finds where a pattern matches in the texts of all files, in the order of path and position; at most `limit`.
    ///
    /// A file that has changed since it was indexed is left out.
    pub fn matches(&self, pattern: &Regex, limit: usize) -> Vec<LineMatch> {
        let found: Vec<Vec<LineMatch>> = self
            .files()
            .par_iter()
            .map(|file| {
                let Some(text) = self.text_of(file) else {
                    return Vec::new();
                };
                let ranges = pattern.find_iter(&text).filter(|found| !found.is_empty());
                let ranges = ranges.take(limit).map(|found| TextRange::from(found.range()));
                lines_at(&file.path, &text, ranges)
            })
            .collect();
        found.into_iter().flatten().take(limit).collect()
    }

    /// Finds where a piece of code with holes matches in the files of its language, in the order of path and position; at
    /// most `limit`. Of several patterns each is looked for in its own language.
    ///
    /// A file that has changed since it was indexed is left out.
    pub fn code_matches(&self, patterns: &[CodePattern], limit: usize) -> Vec<LineMatch> {
        let found: Vec<Vec<LineMatch>> = self
            .files()
            .par_iter()
            .map(|file| {
                let is_meant = patterns.iter().any(|own| Some(own.language()) == file.language);
                let Some(text) = is_meant.then(|| self.text_of(file)).flatten() else {
                    return Vec::new();
                };
                let Some((found, _)) = CodePattern::all_in(patterns, file.language, &text) else {
                    return Vec::new();
                };
                let ranges = found.into_iter().map(|found| found.range);
                lines_at(&file.path, &text, ranges.take(limit))
            })
            .collect();
        found.into_iter().flatten().take(limit).collect()
    }

    /// Finds the uses of a name, as [`Index::references_to`] does, with their lines; at most `limit`.
    pub fn reference_lines(&self, name: &str, limit: usize) -> Vec<LineMatch> {
        let references = self.references_to(name);
        let mut found = Vec::new();
        for own in references.chunk_by(|a, b| a.path == b.path) {
            let path = &own[0].path;
            let Some(text) = self.file(path).and_then(|file| self.text_of(file)) else {
                continue;
            };
            found.extend(lines_at(path, &text, own.iter().map(|reference| reference.range)));
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        found
    }

    /// Returns the text of a file as it was indexed; none where it has changed since, or cannot be read.
    pub fn text(&self, path: &RepoPath) -> Option<String> {
        self.file(path).and_then(|file| self.text_of(file))
    }

    fn text_of(&self, file: &IndexedFile) -> Option<String> {
        self.texts.read(&file.path, file.blob, self.max_file_bytes)
    }
}

fn lines_at(path: &RepoPath, text: &str, ranges: impl Iterator<Item = TextRange>) -> Vec<LineMatch> {
    let lines = LineIndex::new(text);
    ranges
        .map(|range| {
            let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
            let line = text[start..].split(['\n', '\r']).next().unwrap_or_default();
            LineMatch {
                path: path.clone(),
                range,
                line: lines.line_of(range.start),
                text: line[..line.floor_char_boundary(MOST_LINE_BYTES)].to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;
    use crate::progress::NoProgress;

    fn index() -> Index {
        let texts = [
            ("a.py", "def f():\n    return g(1)\n"),
            ("b.py", "from a import f\r\n# calls f\r\nf(f)\r\n"),
            ("notes.txt", "f is fine\n"),
        ];
        let texts = texts.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
        Index::from_texts(texts.to_vec(), &NoProgress).unwrap()
    }

    fn places(found: &[LineMatch]) -> Vec<(String, usize, usize, &str)> {
        found
            .iter()
            .map(|m| (m.path.to_string(), m.line, m.range.start, m.text.as_str()))
            .collect()
    }

    #[test]
    fn code_is_found_by_its_syntax() {
        let pattern = CodePattern::new(Language::Python, "g($A)").unwrap();
        assert_eq!(
            places(&index().code_matches(&[pattern], 9)),
            [("a.py".to_owned(), 1, 20, "    return g(1)")]
        );
        let pattern = CodePattern::new(Language::Python, "f($_)").unwrap();
        assert_eq!(index().code_matches(std::slice::from_ref(&pattern), 9).len(), 1);
        assert_eq!(index().code_matches(&[pattern], 0), []);
    }

    #[test]
    fn patterns_match_in_every_text() {
        let pattern = Regex::new(r"\bf\b").unwrap();
        let index = index();
        let found = index.matches(&pattern, 100);
        assert_eq!(found.len(), 6);
        assert_eq!(places(&found)[2], ("b.py".to_owned(), 1, 25, "# calls f"));
        assert_eq!(index.matches(&pattern, 2), found[..2]);
        assert!(index.matches(&Regex::new("x*").unwrap(), 9).is_empty());
    }

    #[test]
    fn references_are_uses_in_code() {
        let found = index().reference_lines("f", 100);
        let lines: Vec<usize> = found.iter().map(|found| found.line).collect();
        assert_eq!(lines, [0, 2, 2], "{found:?}");
        assert!(found.iter().all(|found| found.path.as_str() == "b.py"));
    }
}
