//! What the lines of a request are: a title, prose, code, a trace, or boilerplate that says nothing of the fault.

/// What a line of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::index) enum Zone {
    /// The first line that says something.
    Title,
    Prose,
    /// A fenced block, an interactive session, an indented block.
    Code,
    /// A stack trace, and what else a program printed.
    Trace,
    /// Templates, checklists, versions, lists of packages.
    Boilerplate,
}

/// A line of a request without its line ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) struct Line<'a> {
    pub(in crate::index) text: &'a str,
    pub(in crate::index) zone: Zone,
}

/// Words that head the part of a report about the reporter's machine.
const MACHINE_WORDS: [&str; 9] = [
    "environment",
    "version",
    "versions",
    "system",
    "platform",
    "dependencies",
    "checklist",
    "installed",
    "setup",
];

/// Tells of every line what it is.
pub(in crate::index) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut reader = Reader {
        closes_comments: text.contains("-->"),
        ..Reader::default()
    };
    text.lines()
        .map(|text| Line {
            text,
            zone: reader.zone(text),
        })
        .collect()
}

#[derive(Default)]
struct Reader {
    titled: bool,
    /// A comment that nothing closes is none.
    closes_comments: bool,
    in_comment: bool,
    in_trace: bool,
    /// The part about the machine that a heading began.
    in_machine: bool,
    /// The mark that closes a fenced block.
    fence: Option<&'static str>,
}

impl Reader {
    fn zone(&mut self, line: &str) -> Zone {
        let trimmed = line.trim();
        if self.in_comment {
            self.in_comment = !trimmed.contains("-->");
            return Zone::Boilerplate;
        }
        if trimmed.starts_with("<!--") && self.closes_comments {
            self.in_comment = !trimmed.contains("-->");
            return Zone::Boilerplate;
        }
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark)) {
            // A fence that opens and closes in one line holds code.
            if trimmed.len() > 3 && trimmed[3..].contains(mark) {
                return Zone::Code;
            }
            self.in_trace = false;
            match self.fence {
                Some(open) if open == mark => self.fence = None,
                Some(_) => {}
                None => self.fence = Some(mark),
            }
            return Zone::Boilerplate;
        }
        if self.fence.is_none() && is_heading(trimmed) {
            self.in_machine = self.titled && heads_machine(trimmed);
            self.in_trace = false;
        }
        if !self.titled && !trimmed.is_empty() {
            self.titled = true;
            return Zone::Title;
        }
        if self.in_machine || is_version(trimmed) || trimmed.starts_with("- [") || trimmed.starts_with("* [") {
            return Zone::Boilerplate;
        }
        self.trace_or_code(line, trimmed)
    }

    fn trace_or_code(&mut self, line: &str, trimmed: &str) -> Zone {
        if super::trace::begins_trace(trimmed) || super::trace::frame(trimmed).is_some() {
            self.in_trace = true;
        } else if self.fence.is_none() && trimmed.is_empty() {
            self.in_trace = false;
        }
        let session = [">>>", "... ", "In [", "Out["]
            .iter()
            .any(|mark| trimmed.starts_with(mark));
        if session {
            self.in_trace = false;
            return Zone::Code;
        }
        if self.in_trace {
            return Zone::Trace;
        }
        let indented = line.starts_with("    ") || line.starts_with('\t');
        if self.fence.is_some() || indented {
            Zone::Code
        } else {
            Zone::Prose
        }
    }
}

fn is_heading(line: &str) -> bool {
    line.starts_with('#')
        || (line.starts_with("**") && (line.ends_with("**") || line.ends_with("**:") || line.ends_with(":**")))
        || line.starts_with("<summary>")
        || line.starts_with("<details>")
}

fn heads_machine(line: &str) -> bool {
    const MOST_WORDS: usize = 6;
    let words = || {
        line.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    words().count() <= MOST_WORDS
        && words().any(|word| MACHINE_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// Tells whether a line is a name with a version, as package managers and `--version` write: `numpy  1.18.1`,
/// `Python: 3.8`, `- OS version = 10.15.2`.
fn is_version(line: &str) -> bool {
    // A row has its name and its version apart; prose does not.
    let apart = line.contains([':', '=', '|', '\t']) || line.contains("  ");
    let most_words = if apart { 5 } else { 2 };
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '|' | ','));
    let mut names = 0;
    let mut words = words
        .by_ref()
        .filter(|word| !word.is_empty() && *word != "-" && *word != "*");
    loop {
        match words.next() {
            Some(word) if is_version_number(word) => return names > 0 && words.count() <= 2,
            Some(word) if word.contains(['(', '`', '"', '\'']) || names == most_words => return false,
            Some(_) => names += 1,
            None => return false,
        }
    }
}

fn is_version_number(word: &str) -> bool {
    let digits = word.trim_start_matches('v');
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.contains('.')
        && digits
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'))
        && digits
            .split('.')
            .take(2)
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(text: &str) -> Vec<Zone> {
        lines(text).into_iter().map(|line| line.zone).collect()
    }

    #[test]
    fn a_report_is_read_in_its_parts() {
        use Zone::{Boilerplate, Code, Prose, Title, Trace};
        for (line, zone) in lines(concat!(
            "\n",
            "Loading fails\n",
            "<!-- thanks\n",
            "for writing -->\n",
            "It fails with numpy.\n",
            "```python\n",
            "load(1)\n",
            "```\n",
            ">>> load(2)\n",
            "    load(3)\n",
            "Traceback (most recent call last):\n",
            "  File \"a.py\", line 1, in load\n",
            "ValueError: no\n",
            "\n",
            "- [x] I have looked\n",
            "numpy     1.18.1\n",
            "**Environment info**\n",
            "- OS: Linux\n",
            "### Expected\n",
            "It works in 2.0 too.\n",
        ))
        .into_iter()
        .map(|line| (line.text, line.zone))
        .zip([
            Prose,
            Title,
            Boilerplate,
            Boilerplate,
            Prose,
            Boilerplate,
            Code,
            Boilerplate,
            Code,
            Code,
            Trace,
            Trace,
            Trace,
            Prose,
            Boilerplate,
            Boilerplate,
            Boilerplate,
            Boilerplate,
            Prose,
            Prose,
        ])
        .map(|((text, zone), expected)| ((text, zone), (text, expected)))
        {
            assert_eq!(line, zone);
        }
    }

    #[test]
    fn what_nothing_closes_hides_nothing() {
        assert_eq!(
            zones("Title\n<!-- open\nprose"),
            [Zone::Title, Zone::Prose, Zone::Prose]
        );
        assert_eq!(
            zones("Title\n```x = 1```\nprose"),
            [Zone::Title, Zone::Code, Zone::Prose]
        );
        assert_eq!(zones("# Version 2"), [Zone::Title]);
    }

    #[test]
    fn versions_are_told_from_prose() {
        for line in [
            "numpy  1.18.1",
            "Python: 3.8",
            "- OS version = 10.15.2",
            "pip 19.0 /usr/lib",
        ] {
            assert!(is_version(line), "{line}");
        }
        for line in [
            "It works in 1.18.1.",
            "It worked in 1.18.1 but it does not work now",
            "1.18.1",
            "f(x) 1.0",
            "",
            "version",
        ] {
            assert!(!is_version(line), "{line}");
        }
    }
}
