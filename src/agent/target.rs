use crate::index::{Index, Symbol, SymbolId};
use crate::lang::Language;
use crate::repo::SourceText;
use crate::text::{LineIndex, RepoPath, TextRange};

use super::draft::{Extent, ExtentKind};

/// One place of a repository that a request touches, and what is to be done there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// The region is written anew.
    Rewrite(Place),
    /// New code follows the place, or goes to the end of it where it is a container.
    Insert(Place),
    /// A new file.
    Create(RepoPath),
    /// The region, or the whole file, goes away.
    Delete(Place),
}

/// A symbol or a whole file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Symbol(SymbolId),
    File(RepoPath),
}

impl Target {
    pub(super) fn path<'a>(&'a self, index: &'a Index) -> &'a RepoPath {
        match self {
            Self::Rewrite(place) | Self::Insert(place) | Self::Delete(place) => place.path(index),
            Self::Create(path) => path,
        }
    }

    /// Returns a name for prompts and reports.
    pub(super) fn name(&self, index: &Index) -> String {
        match self {
            Self::Rewrite(place) | Self::Insert(place) | Self::Delete(place) => place.name(index),
            Self::Create(path) => path.to_string(),
        }
    }
}

impl Place {
    pub(super) fn path<'a>(&'a self, index: &'a Index) -> &'a RepoPath {
        match self {
            Self::Symbol(id) => &index.symbol(*id).path,
            Self::File(path) => path,
        }
    }

    pub(super) fn name(&self, index: &Index) -> String {
        match self {
            Self::Symbol(id) => index.symbol(*id).qualified.clone(),
            Self::File(path) => path.to_string(),
        }
    }

    pub(super) fn symbol<'a>(&self, index: &'a Index) -> Option<&'a Symbol> {
        match self {
            Self::Symbol(id) => Some(index.symbol(*id)),
            Self::File(_) => None,
        }
    }
}

/// The bytes of a place, ready to be shown and replaced.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) path: RepoPath,
    pub(super) language: Option<Language>,
    /// What it is, in words: `function`, `class`, `file`.
    pub(super) kind: String,
    /// The name to show, for example `Stack.push`.
    pub(super) name: String,
    /// Whole lines, without the last line's ending.
    pub(super) range: TextRange,
    /// The white space that every line starts with.
    pub(super) indent: String,
    /// The text without that white space, with `\n` endings.
    pub(super) code: String,
}

impl Region {
    /// Returns the region of `place` in `source`.
    pub(super) fn new(place: &Place, source: &SourceText, index: &Index) -> Self {
        let text = &source.text;
        let (range, kind, name) = match place.symbol(index) {
            Some(symbol) => (
                from_line_start(text, symbol.definition.range),
                symbol.definition.kind.as_str().to_owned(),
                symbol.qualified.clone(),
            ),
            None => (whole_file(text), "file".to_owned(), source.path.to_string()),
        };
        let code = String::new();
        let region = Self {
            path: source.path.clone(),
            language: Language::of_path(&source.path),
            kind,
            name,
            range,
            code,
            indent: String::new(),
        };
        region.at(range, text)
    }

    /// Returns some lines of a file; `range` begins with the first and ends with the last letter of the last.
    pub(super) fn of_lines(source: &SourceText, language: Option<Language>, range: TextRange) -> Self {
        let lines = LineIndex::new(&source.text);
        let (first, last) = (lines.line_of(range.start) + 1, lines.line_of(range.end) + 1);
        let (kind, name) = match first == last {
            true => ("line", format!("line {first}")),
            false => ("lines", format!("lines {first} to {last}")),
        };
        let region = Self {
            path: source.path.clone(),
            language,
            kind: kind.to_owned(),
            name,
            range,
            indent: String::new(),
            code: String::new(),
        };
        region.at(range, &source.text)
    }

    /// Returns the part of the file that it is.
    pub(super) fn extent(&self, place: &Place) -> Extent {
        Extent {
            range: self.range,
            kind: match place {
                Place::File(_) => ExtentKind::File,
                Place::Symbol(_) => ExtentKind::Definition {
                    indent_bytes: self.indent.len(),
                },
            },
        }
    }

    /// Returns the same region where it stands in another state of its file.
    pub(super) fn at(self, range: TextRange, text: &str) -> Self {
        let code = text[range.as_range()].replace("\r\n", "\n");
        let indent = common_indent(&code).to_owned();
        Self {
            range,
            code: unindent(&code, &indent),
            indent,
            ..self
        }
    }
}

/// Widens a range to the start of its line when only white space stands before it.
pub(super) fn from_line_start(text: &str, range: TextRange) -> TextRange {
    let line_start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line_start..range.start];
    match before.trim().is_empty() {
        true => TextRange::new(line_start, range.end),
        false => range,
    }
}

fn whole_file(text: &str) -> TextRange {
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    TextRange::new(start, text.trim_end().len().max(start))
}

/// Returns the longest white space that every non-blank line starts with.
pub(super) fn common_indent(code: &str) -> &str {
    let mut indent: Option<&str> = None;
    for line in code.lines().filter(|line| !line.trim().is_empty()) {
        let own = &line[..line.len() - line.trim_start().len()];
        indent = Some(match indent {
            None => own,
            Some(common) => {
                let shared = common.bytes().zip(own.bytes()).take_while(|(a, b)| a == b).count();
                &common[..shared]
            }
        });
    }
    indent.unwrap_or("")
}

/// Removes `indent` from the start of every line that has it.
pub(super) fn unindent(code: &str, indent: &str) -> String {
    let lines: Vec<&str> = code
        .split('\n')
        .map(|line| line.strip_prefix(indent).unwrap_or(line))
        .collect();
    lines.join("\n")
}

/// Puts `indent` before every line that is not blank.
pub(super) fn reindent(code: &str, indent: &str) -> String {
    let lines: Vec<String> = code
        .split('\n')
        .map(|line| match line.trim().is_empty() {
            true => line.to_owned(),
            false => format!("{indent}{line}"),
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_goes_and_comes_back() {
        let code = "    def f(self):\n\n        return 1";
        assert_eq!(common_indent(code), "    ");
        let bare = unindent(code, "    ");
        assert_eq!(bare, "def f(self):\n\n    return 1");
        assert_eq!(reindent(&bare, "    "), code);
        assert_eq!(common_indent("\tx\n  y"), "");
    }

    #[test]
    fn a_range_grows_to_its_line_start_over_white_space_only() {
        let text = "class A:\n    def f(self): pass\nx = 1; y = 2\n";
        let def = text.find("def").unwrap();
        assert_eq!(from_line_start(text, TextRange::new(def, def + 3)).start, def - 4);
        let y = text.find('y').unwrap();
        assert_eq!(from_line_start(text, TextRange::new(y, y + 1)).start, y);
    }

    #[test]
    fn a_whole_file_leaves_the_byte_order_mark_and_the_last_newline_alone() {
        assert_eq!(whole_file("\u{feff}a\nb\n"), TextRange::new(3, 6));
        assert_eq!(whole_file("\n"), TextRange::new(0, 0));
    }
}
