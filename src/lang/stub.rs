use super::Definition;

/// What a body says that is still to be written.
const NOTHING: [&str; 8] = [
    "pass",
    "...",
    "raise NotImplementedError",
    "todo!()",
    "unimplemented!()",
    "throw new UnsupportedOperationException",
    "throw new Error",
    "return",
];

impl Definition {
    /// Tells whether the body in `text` does nothing, or says that it is still to be written; of a class, whether this is
    /// so of all its members.
    pub fn is_stub(&self, text: &str) -> bool {
        let Some(body) = self.body else { return false };
        let body = text[body.as_range()].trim();
        let body = body
            .strip_prefix('{')
            .and_then(|body| body.strip_suffix('}'))
            .unwrap_or(body);
        let is_comment = |line: &str| ["#", "//", "--"].iter().any(|mark| line.starts_with(mark));
        let lines = without_doc(body).lines().map(str::trim);
        let mut lines = lines.filter(|line| !line.is_empty() && !is_comment(line));
        lines.all(|line| says_nothing(line) || opens(line))
    }
}

fn says_nothing(line: &str) -> bool {
    NOTHING.iter().any(|nothing| {
        let rest = line.strip_prefix(nothing);
        rest.is_some_and(|rest| rest.is_empty() || rest == ";" || (*nothing != "return" && rest.starts_with('(')))
    })
}

/// Tells whether a line is the head of a member.
fn opens(line: &str) -> bool {
    let word = line.strip_prefix("async ").unwrap_or(line);
    line.starts_with('@') || (word.starts_with("def ") && line.ends_with(':')) || line == "}"
}

/// Takes a doc string off the beginning of a body.
fn without_doc(body: &str) -> &str {
    for mark in ["\"\"\"", "'''"] {
        if let Some((_, rest)) = body.strip_prefix(mark).and_then(|rest| rest.split_once(mark)) {
            return rest;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use crate::lang::{Language, ParsedFile};

    fn is_stub(language: Language, text: &str) -> bool {
        ParsedFile::parse(language, text).definitions(text)[0].is_stub(text)
    }

    #[test]
    fn bodies_that_do_nothing_are_stubs() {
        for text in [
            "def f():\n    pass\n",
            "def f():\n    \"\"\"Says\n    what.\"\"\"\n    raise NotImplementedError(\"later\")\n",
            "def f(a):\n    # later\n    ...\n",
            "class C:\n    def a(self):\n        pass\n\n    @property\n    def b(self):\n        pass\n",
        ] {
            assert!(is_stub(Language::Python, text), "{text}");
        }
        assert!(is_stub(Language::Rust, "fn f() -> u8 {\n    todo!()\n}\n"));
        assert!(is_stub(
            Language::JavaScript,
            "function f() {\n  throw new Error('later');\n}\n"
        ));
    }

    #[test]
    fn bodies_that_do_something_are_none() {
        for text in [
            "def f():\n    return 1\n",
            "def f():\n    passed()\n",
            "class C:\n    def a(self):\n        pass\n\n    def b(self):\n        return 1\n",
        ] {
            assert!(!is_stub(Language::Python, text), "{text}");
        }
        assert!(!is_stub(Language::Rust, "fn f() -> u8 {\n    1\n}\n"));
    }
}
