use crate::lang::{Language, ParsedFile, SyntaxErrorKind};
use crate::model::PieceCheck;

/// So many lines that stand no further right must follow an error before it counts: until then the statement may go on, as
/// `try` does with `except`.
const LINES_AFTER: usize = 2;

/// Refuses a statement that does not parse as soon as it is complete, while the answer is still being written.
#[derive(Debug)]
pub(super) struct StatementCheck {
    language: Language,
}

impl StatementCheck {
    /// Returns the check of answers that replace `code`; none where `code` itself does not parse outside of its file.
    pub(super) fn of(language: Option<Language>, code: &str) -> Option<Self> {
        let language = language?;
        let parsed = ParsedFile::parse(language, code);
        (parsed.tree().is_some() && parsed.syntax_errors().is_empty()).then_some(Self { language })
    }
}

impl PieceCheck for StatementCheck {
    fn refused(&self, text: &str) -> Option<usize> {
        if is_inside_text(text) {
            return None;
        }
        let parsed = ParsedFile::parse(self.language, &format!("{text}{}", closing_brackets(text)));
        let error = parsed
            .syntax_errors()
            .into_iter()
            .find(|error| error.kind == SyntaxErrorKind::Error && error.range.end <= text.len())?;
        let start = text[..error.range.start].rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[start..].lines();
        let indent = indentation(lines.next()?);
        let after = lines.filter(|line| !line.trim().is_empty() && indentation(line) <= indent);
        (after.count() >= LINES_AFTER).then_some(start)
    }
}

/// Tells whether the end of a text may lie in a string or a comment of several lines.
fn is_inside_text(text: &str) -> bool {
    let odd = |mark: &str| text.matches(mark).count() % 2 == 1;
    odd("\"\"\"") || odd("'''") || odd("`") || text.matches("/*").count() > text.matches("*/").count()
}

/// Returns the brackets that close what is open at the end of a text.
fn closing_brackets(text: &str) -> String {
    let mut open = Vec::new();
    for character in text.chars() {
        match character {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' => {
                open.pop_if(|wanted| *wanted == character);
            }
            _ => {}
        }
    }
    open.iter().rev().collect()
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the texts at whose end something was refused, and what is left then.
    fn refusals(language: Language, code: &str) -> Vec<(usize, String)> {
        let check = StatementCheck { language };
        let mut at = Vec::new();
        let mut end = 0;
        for (number, line) in code.split_inclusive('\n').enumerate() {
            end += line.len();
            if let Some(start) = check.refused(&code[..end]) {
                at.push((number + 1, code[start..end].lines().next().unwrap_or("").to_owned()));
            }
        }
        at
    }

    #[test]
    fn code_that_is_whole_in_the_end_is_never_refused_on_the_way() {
        for (language, code) in [
            (
                Language::Python,
                "def f(a):\n    \"\"\"Says.\n\n    More (words.\n    \"\"\"\n    try:\n        b = g(\n            a,\n        )\n    \
                 except ValueError:\n        return None\n    else:\n        b += 1\n    finally:\n        done()\n    return {\n        \
                 'a': b,\n    }\n",
            ),
            (
                Language::Rust,
                "/// Says.\nfn f<'a>(x: &'a [u8]) -> usize {\n    let n = match x {\n        [] => 0,\n        [a, ..] => *a as usize,\n    \
                 };\n    // why\n    x.iter()\n        .map(|b| *b as usize)\n        .sum::<usize>()\n        + n\n}\n",
            ),
            (
                Language::C,
                "static int f(const char *s)\n{\n\tint n = 0;\n\tdo {\n\t\tif (*s == '(')\n\t\t\tn++;\n\t\telse\n\t\t\tn--;\n\t} while (*s++);\n\t\
                 switch (n) {\n\tcase 1:\n\t\treturn 2;\n\tdefault:\n\t\tbreak;\n\t}\n\treturn n;\n}\n",
            ),
            (
                Language::JavaScript,
                "function f(a) {\n  const t = `x\n  ${a}`;\n  return a\n    .map((x) => ({\n      x,\n    }))\n    .filter(Boolean);\n}\n",
            ),
            (
                Language::Java,
                "int f(int a) {\n    int b = a > 0\n        ? a\n        : -a;\n    for (int i = 0; i < b; i++) {\n        b += i;\n    }\n    \
                 return b;\n}\n",
            ),
        ] {
            assert_eq!(refusals(language, code), [], "{language:?}");
            assert!(StatementCheck::of(Some(language), code).is_some(), "{language:?}");
        }
    }

    #[test]
    fn a_statement_that_cannot_parse_is_refused_soon_after() {
        let refused = refusals(
            Language::Python,
            "def f(a):\n    b = = a\n    c = 1\n    d = 2\n    return d\n",
        );
        assert_eq!(refused.first(), Some(&(4, "    b = = a".to_owned())));
        let refused = refusals(
            Language::Rust,
            "fn f() {\n    let = 3;\n    g();\n    h();\n    i();\n}\n",
        );
        assert_eq!(refused.first(), Some(&(4, "    let = 3;".to_owned())));
    }

    #[test]
    fn code_that_does_not_stand_alone_has_no_check() {
        assert!(StatementCheck::of(Some(Language::Rust), "} else {").is_none());
        assert!(StatementCheck::of(None, "x").is_none());
    }
}
