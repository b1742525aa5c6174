use super::answer::Answer;
use super::placement::inner_indent;
use super::target::{Region, reindent};
use crate::lang::{Language, dead_end};
use crate::model::PieceCheck;

/// Before a region with more text than this above it, only what is wrong by itself is seen: the text is read anew for
/// every line.
const MAX_ABOVE_BYTES: usize = 100_000;

/// Refuses the statement with which an answer stops being code, while it is still being written.
///
/// It refuses nothing that could still be completed, and nothing in a region that the grammar did not accept as it was.
#[derive(Debug)]
pub(super) struct StatementCheck<'a> {
    language: Language,
    /// How imports above the code are told, where the answer may have some.
    imports_of: Option<Language>,
    region: &'a Region,
    /// The text of the file before the region.
    above: &'a str,
}

impl<'a> StatementCheck<'a> {
    /// Returns the check of answers that replace a region of `text`; none where the grammar does not accept what is there.
    pub(super) fn of(region: &'a Region, imports_of: Option<Language>, text: &'a str) -> Option<Self> {
        let language = region.language?;
        let above = &text[..region.range.start];
        if above.len() > MAX_ABOVE_BYTES || dead_end(language, &text[..region.range.end]).is_some() {
            return None;
        }
        Some(Self {
            language,
            imports_of,
            region,
            above,
        })
    }

    /// Returns how many lines from the end it goes wrong, whichever way the answer is read.
    fn lines_after_dead_end(&self, text: &str) -> Option<usize> {
        let answer = Answer::new(text, self.imports_of);
        if answer.code.is_empty() {
            return None;
        }
        let mut fewest = usize::MAX;
        for reading in answer.readings(&self.region.indent, inner_indent(&self.region.code)) {
            // By itself first: that is short, and the model may have written the container around it.
            let alone = format!("{reading}\n");
            fewest = fewest.min(after(&alone, dead_end(self.language, &alone)?));
            let placed = format!("{}{}\n", self.above, reindent(&reading, &self.region.indent));
            fewest = fewest.min(after(&placed, dead_end(self.language, &placed)?));
        }
        Some(fewest)
    }
}

impl PieceCheck for StatementCheck<'_> {
    fn refused(&self, text: &str) -> Option<usize> {
        let after = self.lines_after_dead_end(text)?;
        let text = text.trim_end();
        let starts: Vec<usize> = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let line = starts.len().checked_sub(after + 1)?;
        // What is missing at the end of a line is missed on the next.
        let before = starts[..line]
            .iter()
            .rfind(|start| !text[**start..].lines().next().unwrap_or("").trim().is_empty());
        Some(before.copied().unwrap_or(starts[line]))
    }
}

/// Returns the number of line ends after a byte, the last one left out.
fn after(text: &str, at: usize) -> usize {
    text[at..].trim_end().matches('\n').count()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::super::target::{common_indent, from_line_start, unindent};
    use super::*;
    use crate::lang::ParsedFile;
    use crate::text::{RepoPath, TextRange};

    fn region(language: Language, text: &str, range: TextRange) -> Region {
        let range = from_line_start(text, range);
        let code = &text[range.as_range()];
        let indent = common_indent(code).to_owned();
        Region {
            path: RepoPath::new("a").unwrap(),
            language: Some(language),
            kind: "function".to_owned(),
            name: "f".to_owned(),
            range,
            code: unindent(code, &indent),
            indent,
        }
    }

    /// Returns what is left at the first line after which an answer is refused, and that line's number from one.
    fn refusal(check: &StatementCheck<'_>, answer: &str) -> Option<(usize, String)> {
        let mut end = 0;
        for (number, line) in answer.split_inclusive('\n').enumerate() {
            end += line.len();
            if let Some(start) = check.refused(&answer[..end]) {
                return Some((number + 1, answer[start..end].to_owned()));
            }
        }
        None
    }

    fn first_definition(language: Language, text: &str) -> Region {
        let definitions = ParsedFile::parse(language, text).definitions(text);
        region(language, text, definitions.last().unwrap().full_range)
    }

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// Every definition of the fixtures, in all languages, is written line by line without a refusal.
    #[test]
    fn code_that_is_accepted_in_the_end_is_never_refused_on_the_way() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let mut paths = Vec::new();
        for folder in ["lang", "demo", "tasks-dev"] {
            files(&root.join(folder), &mut paths);
        }
        let (mut checked, mut lines) = (0, 0);
        for path in paths {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let path = RepoPath::new(path.strip_prefix(&root).unwrap().to_str().unwrap()).unwrap();
            let Some(language) = Language::detect(&path, &text) else {
                continue;
            };
            for definition in ParsedFile::parse(language, &text).definitions(&text) {
                let region = region(language, &text, definition.full_range);
                let Some(check) = StatementCheck::of(&region, Some(language), &text) else {
                    continue;
                };
                checked += 1;
                lines += region.code.lines().count();
                assert_eq!(
                    refusal(&check, &format!("{}\n", region.code)),
                    None,
                    "{path}: {}",
                    definition.name
                );
            }
        }
        assert!(
            checked > 1_000 && lines > 10_000,
            "{checked} definitions, {lines} lines"
        );
    }

    #[test]
    fn a_statement_that_nothing_can_mend_is_refused_at_once() {
        let text = "class A:\n    def f(self, a):\n        return a\n";
        let region = first_definition(Language::Python, text);
        let check = StatementCheck::of(&region, region.language, text).unwrap();
        let refused = refusal(&check, "def f(self, a):\n    # why\n    b = = a\n    return b\n");
        assert_eq!(refused, Some((3, "    # why\n    b = = a\n".to_owned())));
        let text = "class A {\n  f(a) {\n    return a;\n  }\n}\n";
        let region = first_definition(Language::JavaScript, text);
        let check = StatementCheck::of(&region, region.language, text).unwrap();
        let refused = refusal(&check, "f(a) {\n  if (a {\n    b();\n  }\n  return a;\n}\n");
        assert_eq!(refused, Some((2, "f(a) {\n  if (a {\n".to_owned())));
    }

    #[test]
    fn what_the_placement_mends_is_not_refused() {
        let text = "class A {\n  f(a) {\n    return a;\n  }\n}\n";
        let region = first_definition(Language::JavaScript, text);
        let check = StatementCheck::of(&region, region.language, text).unwrap();
        for answer in [
            "class A {\n  f(a) {\n    return 1;\n  }\n}\n",
            "const b = require('b');\n\nf(a) {\n  return b(a);\n}\n",
            "```js\nf(a) {\n  return 1;\n}\n```\nThe function (now) returns 1.\n",
            "f(a) {\n    return 1;\n  }\n",
        ] {
            assert_eq!(refusal(&check, answer), None, "{answer}");
        }
        let text = "class A:\n    @property\n    def f(self):\n        return 1\n";
        let region = first_definition(Language::Python, text);
        let check = StatementCheck::of(&region, region.language, text).unwrap();
        let shifted = "@property\n    def f(self):\n        if self:\n            return 2\n        return 1\n";
        assert_eq!(refusal(&check, shifted), None);
    }

    #[test]
    fn a_region_that_is_not_accepted_has_no_check() {
        let text = "int f(void)\n{\n\tLOOP_OVER (a in) b\n\t\tc(;\n}\n";
        let region = region(Language::C, text, TextRange::new(0, text.len() - 1));
        assert!(StatementCheck::of(&region, None, text).is_none());
        let none = Region {
            language: None,
            ..region
        };
        assert!(StatementCheck::of(&none, None, text).is_none());
    }
}
