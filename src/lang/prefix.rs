use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tree_sitter::{LogType, ParseOptions, Parser};

use super::{Language, parse::without_macro_lines};

/// How long one text may take.
const BUDGET: Duration = Duration::from_millis(100);

/// Returns the byte after which `text` cannot be the beginning of any text that the grammar accepts; none where it can, or
/// where that cannot be told.
///
/// The parser gives up all readings of a text at a token that none of them allows. If it has not looked at the end of the
/// text by then, no continuation changes that: what has not been closed yet is no error. This holds for every grammar, so
/// nothing here depends on the language.
pub fn dead_end(language: Language, text: &str) -> Option<usize> {
    let spec = language.spec();
    if spec.endless_scan.is_some_and(|trigger| text.contains(trigger)) {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&(spec.grammar)()).ok()?;
    let trail = Arc::new(Mutex::new(Trail::default()));
    let log = Arc::clone(&trail);
    parser.set_logger(Some(Box::new(move |kind, message| {
        if let (LogType::Parse, Ok(mut trail)) = (kind, log.lock()) {
            trail.observe(message);
        }
    })));
    let masked = without_macro_lines(language, text);
    let bytes = masked.as_bytes();
    let deadline = Instant::now() + BUDGET;
    parser.parse_with_options(
        &mut |offset, _| {
            let rest = bytes.get(offset..).unwrap_or_default();
            if let (true, Ok(mut trail)) = (rest.is_empty(), trail.lock()) {
                trail.reach_end();
            }
            // Line by line, so that the end is asked for only when it is looked at.
            let line = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(rest.len(), |at| at + 1);
            &rest[..line]
        },
        None,
        Some(ParseOptions::new().progress_callback(&mut |_| {
            let open = trail.lock().is_ok_and(|trail| matches!(trail.verdict, Verdict::Open));
            match open && Instant::now() < deadline {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })),
    );
    let Verdict::DeadEnd { row, column } = trail.lock().ok()?.verdict else {
        return None;
    };
    let line_start = text.split_inclusive('\n').take(row).map(str::len).sum::<usize>();
    let at = (line_start + column).min(text.len());
    // The position is the end of the last token that was accepted; the next one stands after the space.
    let rest = text.get(at..)?;
    Some(at + rest.len() - rest.trim_start().len())
}

/// What a parser's log says while it works: nothing else tells when a parser begins to mend.
#[derive(Default)]
struct Trail {
    verdict: Verdict,
    /// Row and column of the reading that was worked on last.
    place: (usize, usize),
    /// How many readings there are, and how many of them met a token that they do not allow.
    readings: usize,
    given_up: usize,
}

#[derive(Clone, Copy, Default)]
enum Verdict {
    #[default]
    Open,
    /// It began to mend without having looked at the end.
    DeadEnd { row: usize, column: usize },
    /// It looked at the end first, or mended with something that no tree shows as an error.
    None,
}

impl Trail {
    fn reach_end(&mut self) {
        if matches!(self.verdict, Verdict::Open) {
            self.verdict = Verdict::None;
        }
    }

    fn observe(&mut self, message: &str) {
        match self.verdict {
            Verdict::Open => {}
            Verdict::DeadEnd { .. } => {
                // The mending follows at once. A MISSING node of a hidden rule is in no tree: such a text counts as accepted.
                if message.starts_with("recover_with_missing symbol:_") && self.given_up > 0 {
                    self.verdict = Verdict::None;
                } else if message.starts_with("process ") {
                    self.given_up = 0;
                }
                return;
            }
            Verdict::None => return,
        }
        if message.starts_with("process ") {
            if message.starts_with("process version:0,") {
                self.given_up = 0;
            }
            self.readings = number(message, "version_count:").unwrap_or(usize::MAX);
            if let (Some(row), Some(column)) = (number(message, "row:"), number(message, "col:")) {
                self.place = (row, column);
            }
        } else if message.starts_with("detect_error") {
            self.given_up += 1;
        } else if message.starts_with("resume version") && self.given_up >= self.readings {
            // With fewer it mends its first reading while others go on well.
            let (row, column) = self.place;
            self.verdict = Verdict::DeadEnd { row, column };
        }
    }
}

fn number(message: &str, name: &str) -> Option<usize> {
    let (_, after) = message.rsplit_once(name)?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::ParsedFile;
    use crate::lang::fixture_tests::fixtures;

    #[test]
    fn what_can_still_be_completed_is_no_dead_end() {
        for (language, text) in [
            (Language::Python, "def f():\n    try:\n        g(\n"),
            (Language::Python, "def f():\n    \"\"\"Says (\n    more\n"),
            (Language::Rust, "fn f() {\n    match x {\n        1 => /* a {\n"),
            (Language::JavaScript, "const a = `x ${b}\n  (\n"),
            (Language::C, "int f(void)\n{\n\tif (a)\n\t\tb();\n"),
            (Language::Bash, "f() {\n  cat <<EOF\nif (\n"),
        ] {
            assert_eq!(dead_end(language, text), None, "{text}");
        }
    }

    #[test]
    fn what_nothing_can_complete_ends_where_it_goes_wrong() {
        for (language, text, at) in [
            (Language::Python, "def f(a):\n    b = = a\n    c = 1\n", "= a"),
            (Language::Rust, "fn f() {\n    let = 3;\n    g();\n", "= 3"),
            (Language::C, "int f(void)\n{\n\treturn 1;\n}\n}\nint a;\n", "}\nint"),
            (
                Language::JavaScript,
                "function f() {\n  if (a {\n    b();\n  }\n",
                "{\n    b",
            ),
        ] {
            assert_eq!(dead_end(language, text), text.find(at), "{text}");
        }
    }

    /// Every line of every fixture is one that the text before it may have after it.
    #[test]
    fn accepted_texts_are_no_dead_ends_on_any_line() {
        let mut lines = 0;
        for (language, path, text) in fixtures() {
            assert_eq!(ParsedFile::parse(language, &text).syntax_errors(), [], "{path}");
            let mut end = 0;
            for line in text.split_inclusive('\n') {
                end += line.len();
                lines += 1;
                assert_eq!(dead_end(language, &text[..end]), None, "{path}: {line}");
            }
        }
        assert!(lines > 2_900, "{lines}");
    }
}
