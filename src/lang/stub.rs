use super::{Definition, Indentation, ParsedFile};

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

/// Returns a text with what its functions do taken out: their heads and doc strings stay. None for a language whose blocks
/// are not made of indentation, and where there is nothing to take out.
pub fn skeleton(parsed: &ParsedFile, text: &str) -> Option<String> {
    if parsed.language().spec().indentation != Indentation::Significant {
        return None;
    }
    let mut bodies: Vec<_> = parsed
        .definitions(text)
        .into_iter()
        .filter(|definition| definition.kind.is_callable() && !definition.is_stub(text))
        .filter_map(|definition| definition.body)
        .collect();
    bodies.sort_by_key(|body| body.start);
    let mut skeleton = String::new();
    let mut at = 0;
    for body in bodies {
        if body.start < at {
            continue;
        }
        let inside = &text[body.as_range()];
        let kept = inside.len() - without_doc(inside).len();
        skeleton.push_str(&text[at..body.start + kept]);
        if kept > 0 {
            let line = text[..body.start].rfind('\n').map_or(0, |line| line + 1);
            skeleton.push('\n');
            skeleton.push_str(&text[line..body.start]);
        }
        skeleton.push_str("pass");
        at = body.end;
    }
    skeleton.push_str(&text[at..]);
    (at > 0).then_some(skeleton)
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
    fn a_skeleton_keeps_heads_and_docs() {
        let text = "import os\n\n\nclass C:\n    LIMIT = 1\n\n    def a(self):\n        \"\"\"Says.\"\"\"\n        def inner():\n            return 1\n        return inner()\n\n    def b(self): return 2\n\n\ndef f(x):\n    if x:\n        return 1\n    return 2\n";
        let skeleton = super::skeleton(&ParsedFile::parse(Language::Python, text), text).unwrap();
        insta::assert_snapshot!(skeleton, @r#"
        import os


        class C:
            LIMIT = 1

            def a(self):
                """Says."""
                pass

            def b(self): pass


        def f(x):
            pass
        "#);
        let bare = super::skeleton(&ParsedFile::parse(Language::Python, &skeleton), &skeleton);
        assert_eq!(bare, None);
        let rust = "fn f() -> u8 {\n    1\n}\n";
        assert_eq!(super::skeleton(&ParsedFile::parse(Language::Rust, rust), rust), None);
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
