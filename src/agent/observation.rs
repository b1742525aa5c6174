//! What a check command said, for a model: the first things that went wrong, without what stands around them.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::shortened;

/// The most tokens of what a check said.
pub(super) const MOST_OUTPUT_TOKENS: usize = 400;

/// What marks a paragraph as one that says what is wrong.
static WRONG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(error|errors|fail|failed|failure|fatal|panicked|exception|traceback|undefined|expected|not ok)\b|\w+(Error|Exception)\b|assert",
    )
    .ok()
});

/// Where output counts its failures.
static COUNTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:failures=|errors=|unexpected successes=)(\d+)|(\d+) (?:failed|failing|failures?|errors?)\b")
        .ok()
});

/// Where output counts its tests, or those that passed.
static TOTALS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"Ran (\d+) tests?\b|\b(\d+) passed\b").ok());

/// Shortens the output of a check command to what says what is wrong, in at most `most_tokens` as `count` counts them:
/// whole paragraphs, the first ones first; of those that end alike only one.
pub(super) fn condense(output: &str, most_tokens: usize, count: &dyn Fn(&str) -> usize) -> String {
    let cleaned = cleaned(output);
    let paragraphs = paragraphs(&cleaned);
    let is_wrong = |paragraph: &String| WRONG.as_ref().is_some_and(|wrong| wrong.is_match(paragraph));
    let mut said: Vec<String> = Vec::new();
    let mut endings: Vec<String> = Vec::new();
    let mut left_out = 0;
    let mut wrong: Vec<&String> = paragraphs.iter().filter(|paragraph| is_wrong(paragraph)).collect();
    if wrong.is_empty() {
        // Whoever says nothing is wrong says it at the end.
        wrong.extend(paragraphs.last());
    }
    for paragraph in wrong {
        let ending = ending(paragraph);
        if endings.contains(&ending) {
            left_out += 1;
            continue;
        }
        let used = count(&said.join("\n\n"));
        if used + count(paragraph) <= most_tokens {
            said.push(paragraph.clone());
            endings.push(ending);
        } else {
            if said.is_empty() {
                said.push(tail(paragraph, most_tokens, count));
            }
            left_out += 1;
        }
    }
    if left_out > 0 {
        said.push(format!("... and {left_out} more like these"));
    }
    said.join("\n\n")
}

/// Returns the first line of what a check said that says what is wrong, or else the last one; none where it said nothing. A long
/// one is cut, and nothing in it moves a cursor.
pub fn telling_line(output: &str) -> Option<String> {
    const MOST_CHARS: usize = 160;
    let cleaned = cleaned(output);
    let mut lines = cleaned.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_wrong = |line: &&str| WRONG.as_ref().is_some_and(|wrong| wrong.is_match(line));
    let line = lines.clone().find(is_wrong).or_else(|| lines.next_back())?;
    let shown: String = line.chars().filter(|c| !c.is_control()).collect();
    Some(shortened(&shown, MOST_CHARS))
}

/// Returns how many failures an output tells of, if it counts them.
pub(super) fn failures(output: &str) -> Option<usize> {
    let counts = COUNTS.as_ref()?;
    let cleaned = cleaned(output);
    // The summary stands at the end.
    let line = cleaned.lines().rev().find(|line| counts.is_match(line))?;
    let numbers = counts.captures_iter(line).filter_map(|found| {
        let number = found.get(1).or(found.get(2))?;
        number.as_str().parse::<usize>().ok()
    });
    Some(numbers.fold(0, usize::saturating_add))
}

/// Returns which part of the tests fail, from 0 to 1, if an output counts both.
pub(super) fn failing_share(output: &str) -> Option<f32> {
    let failed = failures(output)?;
    let totals = TOTALS.as_ref()?;
    let last = totals.captures_iter(output).last()?;
    let number = |at| last.get(at).and_then(|number| number.as_str().parse::<usize>().ok());
    let total = match (number(1), number(2)) {
        (Some(ran), _) => ran,
        (None, Some(passed)) => passed.saturating_add(failed),
        (None, None) => return None,
    };
    (total > 0).then(|| failed as f32 / total as f32)
}

/// Returns the zero-based lines of a file that an output names, in the order of its lines, each once.
pub(super) fn named_lines(output: &str, file_name: &str) -> Vec<usize> {
    let pattern = format!(r#"{}(?:", line |:|\()(\d+)"#, regex::escape(file_name));
    let Ok(pattern) = Regex::new(&pattern) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for found in pattern.captures_iter(output) {
        let line = found.get(1).and_then(|number| number.as_str().parse::<usize>().ok());
        if let Some(line) = line.and_then(|line| line.checked_sub(1))
            && !lines.contains(&line)
        {
            lines.push(line);
        }
    }
    lines
}

/// Removes escape sequences, and what a carriage return took back.
fn cleaned(output: &str) -> String {
    let mut text = String::with_capacity(output.len());
    for line in output.lines() {
        let line = line.trim_end_matches('\r');
        let shown = line.rsplit('\r').next().unwrap_or(line);
        let mut chars = shown.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\u{1b}' if chars.peek() == Some(&'[') => {
                    chars.next();
                    // A sequence ends with a letter or one of a few signs (ECMA-48, final bytes).
                    while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
                }
                '\t' => text.push('\t'),
                c if c.is_control() => {}
                c => text.push(c),
            }
        }
        text.push('\n');
    }
    text
}

/// Splits output where a line is blank or a rule of `=`, `_` or `*`; a rule of `-` is part of what it stands in. Lines that
/// only say that a list of calls follows are left out.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        let bare = line.trim();
        if bare.is_empty() || is_rule(bare, &['=', '_', '*']) {
            if !lines.is_empty() {
                paragraphs.push(std::mem::take(&mut lines).join("\n"));
            }
        } else if !is_rule(bare, &['-', '~', '^']) && bare != "Traceback (most recent call last):" {
            lines.push(line.trim_end());
        }
    }
    paragraphs
}

fn is_rule(line: &str, marks: &[char]) -> bool {
    line.len() >= 3 && line.chars().all(|c| c == ' ' || marks.contains(&c))
}

/// Returns by what two paragraphs are alike: their last two lines.
fn ending(paragraph: &str) -> String {
    let lines: Vec<&str> = paragraph.lines().rev().take(2).map(str::trim).collect();
    lines.join("\n")
}

/// Returns as many of the last lines as fit.
fn tail(paragraph: &str, most_tokens: usize, count: &dyn Fn(&str) -> usize) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut used = 0;
    for line in paragraph.lines().rev() {
        used += count(line) + 1;
        if used > most_tokens {
            break;
        }
        kept.insert(0, line);
    }
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITTEST: &str = r#"FF.
======================================================================
FAIL: test_divisible_by_4 (leap_test.LeapTest.test_divisible_by_4)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/tmp/x/leap_test.py", line 14, in test_divisible_by_4
    self.assertIs(leap_year(1996), True)
    ~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^
AssertionError: False is not True

======================================================================
ERROR: test_other (leap_test.LeapTest.test_other)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/tmp/x/leap.py", line 3, in leap_year
    return year % foor == 0
NameError: name 'foor' is not defined

----------------------------------------------------------------------
Ran 3 tests in 0.001s

FAILED (failures=1, errors=1)
"#;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn the_line_that_tells_is_the_first_that_says_what_is_wrong() {
        let rustc = "    Checking q v0.1.0\n\u{1b}[1merror[E0277]\u{1b}[0m: no `?` here\n --> src/lib.rs\nerror: could not compile\n";
        assert_eq!(telling_line(rustc).as_deref(), Some("error[E0277]: no `?` here"));
        assert_eq!(telling_line("one\n two \n\n").as_deref(), Some("two"));
        assert_eq!(telling_line("\n"), None);
        assert_eq!(
            telling_line(&"x".repeat(500)).map(|line| line.chars().count()),
            Some(161)
        );
    }

    #[test]
    fn what_is_wrong_is_kept_and_what_is_not_goes() {
        insta::assert_snapshot!(condense(UNITTEST, 200, &words), @r#"
        FAIL: test_divisible_by_4 (leap_test.LeapTest.test_divisible_by_4)
          File "/tmp/x/leap_test.py", line 14, in test_divisible_by_4
            self.assertIs(leap_year(1996), True)
        AssertionError: False is not True

        ERROR: test_other (leap_test.LeapTest.test_other)
          File "/tmp/x/leap.py", line 3, in leap_year
            return year % foor == 0
        NameError: name 'foor' is not defined

        FAILED (failures=1, errors=1)
        "#);
    }

    #[test]
    fn a_budget_holds_and_what_is_alike_is_said_once() {
        let block = "error: cannot find `x`\n --> a.rs:1:2\n\n";
        let text = block.repeat(50);
        assert_eq!(
            condense(&text, 40, &words),
            "error: cannot find `x`\n --> a.rs:1:2\n\n... and 49 more like these"
        );
        let long = (0..500).map(|at| format!("error {at}\n")).collect::<String>();
        let short = condense(&long, 20, &words);
        assert!(words(&short) <= 20 + 6, "{short}");
        assert!(short.contains("error 499"));
    }

    #[test]
    fn output_without_an_error_keeps_its_end() {
        assert_eq!(condense("one\n\ntwo\n", 10, &words), "two");
        assert_eq!(condense("", 10, &words), "");
    }

    #[test]
    fn escapes_and_progress_are_no_text() {
        let text = "10%\r20%\rerror: \u{1b}[31mred\u{1b}[0m\u{7}\n";
        assert_eq!(condense(text, 10, &words), "error: red");
    }

    #[test]
    fn failures_are_counted_from_the_summary() {
        assert_eq!(failures(UNITTEST), Some(2));
        assert_eq!(failures("test result: FAILED. 3 passed; 2 failed; 0 ignored"), Some(2));
        assert_eq!(failures("=== 1 failed, 4 passed, 2 errors in 0.1s ==="), Some(3));
        assert_eq!(failures("nothing"), None);
        assert_eq!(failing_share(UNITTEST), Some(2.0 / 3.0));
        assert_eq!(failing_share("=== 1 failed, 3 passed in 0.1s ==="), Some(0.25));
        assert_eq!(failing_share("FAILED (failures=1)"), None);
    }

    #[test]
    fn lines_of_a_file_are_found_in_the_spellings_of_tools() {
        let output =
            "leap.py:7:1: E1\n  File \"/tmp/leap.py\", line 3, in f\nleap.py(9): x\nleap.py:7: again\nother.py:1";
        assert_eq!(named_lines(output, "leap.py"), [6, 2, 8]);
    }
}
