//! Stack traces of the common languages.

/// One frame of a stack trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::index) struct Frame<'a> {
    /// The file as the trace writes it: absolute, relative, or its name alone.
    pub(in crate::index) file: Option<&'a str>,
    /// The zero-based line.
    pub(in crate::index) line: Option<usize>,
    /// The function, qualified where the language does so.
    pub(in crate::index) function: Option<&'a str>,
    /// Which end of its trace is the innermost.
    pub(in crate::index) order: FrameOrder,
}

/// The order in which a language writes the frames of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::index) enum FrameOrder {
    InnermostFirst,
    InnermostLast,
}

/// Tells whether a line is the first one of a trace.
pub(super) fn begins_trace(line: &str) -> bool {
    [
        "Traceback (most recent call last)",
        "stack backtrace:",
        "Exception in thread",
        "goroutine ",
        "panic: ",
        "Caused by: ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || (line.starts_with("thread '") && line.contains("panicked at"))
}

/// Reads one line of a trace; none when it is no frame.
pub(in crate::index) fn frame(line: &str) -> Option<Frame<'_>> {
    let line = line.trim().trim_start_matches("E   ").trim_start();
    python(line)
        .or_else(|| at(line))
        .or_else(|| debugger(line))
        .or_else(|| rust(line))
        .or_else(|| go(line))
        .or_else(|| diagnostic(line))
}

/// `File "a/b.py", line 12, in name`.
fn python(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("File \"").or_else(|| line.strip_prefix("File '"))?;
    let (file, rest) = rest.split_once(['"', '\''])?;
    let rest = rest.strip_prefix(", line ")?;
    let (digits, rest) = rest.split_at(digits_end(rest));
    let function = rest
        .strip_prefix(", in ")
        .map(|name| name.trim().trim_end_matches("()"));
    Some(Frame {
        file: Some(file),
        line: line_number(digits),
        function: function.filter(|name| is_name(name)),
        order: FrameOrder::InnermostLast,
    })
}

/// Java `at a.b.C.run(C.java:12)`, JavaScript `at run (/a/b.js:12:5)` and `at /a/b.js:12:5`, Rust `at ./src/a.rs:12:5`.
fn at(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("at ")?.trim();
    if let Some((function, place)) = rest.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        let function = function.trim();
        let (file, line) = place_of(place);
        let plain = function
            .strip_prefix("async ")
            .or_else(|| function.strip_prefix("new "))
            .unwrap_or(function);
        return Some(Frame {
            file: file.filter(|file| file.contains('.')),
            line,
            function: Some(plain).filter(|name| is_name(name)),
            order: FrameOrder::InnermostFirst,
        });
    }
    let (file, line) = place_of(rest);
    line.is_some().then_some(Frame {
        file,
        line,
        function: None,
        order: FrameOrder::InnermostFirst,
    })
}

/// gdb and lldb: `#3 0x00007f in run (argc=1) at src/a.c:12`, `frame #0: 0x1 a.out run(x=1) at a.c:12:5`; a sanitizer:
/// `#1 0x4f in run /src/a.cc:12:5`.
fn debugger(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("frame ").unwrap_or(line).strip_prefix('#')?;
    let rest = rest[digits_end(rest)..].trim_start_matches(':').trim_start();
    let rest = match rest.strip_prefix("0x") {
        Some(address) => address.split_once(' ').map_or("", |(_, rest)| rest),
        None => rest,
    };
    let rest = rest.strip_prefix("in ").unwrap_or(rest);
    let place = rest.rsplit([' ']).next().unwrap_or(rest);
    let (file, at_line) = place_of(place);
    let head = rest.split_once(" at ").map_or(rest, |(head, _)| head);
    let function = head.split(['(', ' ']).next().filter(|name| is_name(name));
    at_line.is_some().then_some(Frame {
        file,
        line: at_line,
        function,
        order: FrameOrder::InnermostFirst,
    })
}

/// `thread 'main' panicked at src/a.rs:12:5:`, and `3: krate::module::name` of a backtrace.
fn rust(line: &str) -> Option<Frame<'_>> {
    if let Some((_, rest)) = line.split_once("panicked at ") {
        let place = rest.rsplit(", ").next().unwrap_or(rest);
        let (file, line) = place_of(place.trim_end_matches(':'));
        return line.is_some().then_some(Frame {
            file,
            line,
            function: None,
            order: FrameOrder::InnermostFirst,
        });
    }
    let (number, rest) = line.split_once(": ")?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let rest = match rest.trim().strip_prefix("0x") {
        Some(address) => address.split_once(" - ").map_or("", |(_, rest)| rest),
        None => rest.trim(),
    };
    // The hash that the compiler puts behind a name.
    let name = match rest.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => rest,
    };
    (numbered && name.contains("::") && !name.contains(' ')).then_some(Frame {
        file: None,
        line: None,
        function: Some(name),
        order: FrameOrder::InnermostFirst,
    })
}

/// `/src/a/b.go:12 +0x1d`.
fn go(line: &str) -> Option<Frame<'_>> {
    let (place, offset) = line.split_once(' ')?;
    let (file, at_line) = place_of(place);
    (offset.trim().starts_with("+0x") && at_line.is_some()).then_some(Frame {
        file,
        line: at_line,
        function: None,
        order: FrameOrder::InnermostFirst,
    })
}

/// `src/a.c:12:5: error: …` of compilers, `a/b.py:12: ValueError` of test runners. The file must have a suffix and the
/// line must come directly after it.
fn diagnostic(line: &str) -> Option<Frame<'_>> {
    let (place, rest) = line
        .split_once(": ")
        .or_else(|| line.strip_suffix(':').map(|place| (place, "")))?;
    let (file, at_line) = place_of(place.trim_start_matches("--> "));
    let path = file.filter(|file| !file.contains(' ') && has_suffix(file))?;
    (at_line.is_some() && (rest.is_empty() || rest.starts_with(char::is_alphabetic))).then_some(Frame {
        file: Some(path),
        line: at_line,
        function: None,
        order: FrameOrder::InnermostLast,
    })
}

/// Splits `file:12:5`, `file:12` and `file`.
fn place_of(place: &str) -> (Option<&str>, Option<usize>) {
    let place = place.trim();
    let place = place.strip_prefix("file://").unwrap_or(place);
    let mut parts = place.rsplitn(3, ':');
    let (last, middle, first) = (parts.next(), parts.next(), parts.next());
    match (first, middle.and_then(line_number), last.and_then(line_number)) {
        (Some(file), Some(line), Some(_)) => (Some(file), Some(line)),
        (_, _, Some(line)) => (place.rsplit_once(':').map(|(file, _)| file), Some(line)),
        _ => (Some(place), None),
    }
}

fn has_suffix(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, suffix)| {
        !stem.is_empty() && suffix.starts_with(char::is_alphabetic) && suffix.chars().all(char::is_alphanumeric)
    })
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '$' | '~' | '/' | '<' | '>' | '#');
    name.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$' | '<')) && name.chars().all(plain)
}

fn digits_end(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
}

/// Parses a one-based line number.
pub(super) fn line_number(digits: &str) -> Option<usize> {
    digits.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns file, one-based line and function.
    fn read(line: &str) -> Option<(Option<&str>, Option<usize>, Option<&str>)> {
        frame(line).map(|frame| (frame.file, frame.line.map(|line| line + 1), frame.function))
    }

    #[test]
    fn frames_of_each_language_are_read() {
        for (line, file, at, function) in [
            (
                r#"  File "/usr/lib/a/b.py", line 12, in load"#,
                Some("/usr/lib/a/b.py"),
                Some(12),
                Some("load"),
            ),
            (
                r#"  File "C:\a\b.py", line 7, in <module>"#,
                Some(r"C:\a\b.py"),
                Some(7),
                Some("<module>"),
            ),
            ("src/a/b.py:31: in load", Some("src/a/b.py"), Some(31), None),
            ("a/b.py:4: ValueError", Some("a/b.py"), Some(4), None),
            (
                "\tat org.a.Cart.add(Cart.java:44)",
                Some("Cart.java"),
                Some(44),
                Some("org.a.Cart.add"),
            ),
            ("at org.a.Cart.add(Native Method)", None, None, Some("org.a.Cart.add")),
            (
                "    at Cart.add (/srv/a/cart.js:3:15)",
                Some("/srv/a/cart.js"),
                Some(3),
                Some("Cart.add"),
            ),
            (
                "    at async run (file:///srv/a.mjs:9:1)",
                Some("/srv/a.mjs"),
                Some(9),
                Some("run"),
            ),
            ("    at /srv/a/cart.js:3:15", Some("/srv/a/cart.js"), Some(3), None),
            ("             at ./src/a.rs:5:9", Some("./src/a.rs"), Some(5), None),
            (
                "thread 'main' panicked at src/a.rs:5:9:",
                Some("src/a.rs"),
                Some(5),
                None,
            ),
            (
                "thread 'x' panicked at 'oh, no', src/a.rs:5:9",
                Some("src/a.rs"),
                Some(5),
                None,
            ),
            ("   3: app::store::open", None, None, Some("app::store::open")),
            (
                "  3: 0x55d0 - app::open::h0123456789abcdef",
                None,
                None,
                Some("app::open"),
            ),
            (
                "\t/src/cache/cache.go:66 +0x1d",
                Some("/src/cache/cache.go"),
                Some(66),
                None,
            ),
            (
                "#3  0x00007f12 in ring_push (r=0x0) at src/ring.c:21",
                Some("src/ring.c"),
                Some(21),
                Some("ring_push"),
            ),
            (
                "#1 0x4f5e in ring_push /src/ring.cc:21:3",
                Some("/src/ring.cc"),
                Some(21),
                Some("ring_push"),
            ),
            (
                "src/ring.c:21:3: error: expected ';'",
                Some("src/ring.c"),
                Some(21),
                None,
            ),
        ] {
            assert_eq!(read(line), Some((file, at, function)), "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_frames() {
        for line in [
            "",
            "at",
            "at the end of the day",
            "see the file: it is broken",
            "12: 13",
            "#",
            "#12 is a duplicate",
            "10:30: meeting",
            "frame ",
            "File \"",
            "é: ü",
            "   3: not a name",
        ] {
            assert_eq!(frame(line), None, "{line}");
        }
    }
}
