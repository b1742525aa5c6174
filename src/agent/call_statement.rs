use crate::lang::{Language, ParsedFile};
use crate::text::{LineIndex, TextEdit, TextRange};

/// Returns the edit that takes a statement out which is nothing but a call of the name at `at`.
///
/// None where the call's value is used, where its arguments do something themselves, where the statement is the whole of
/// a branch without a block, and where what is left would not parse as well as before.
pub(super) fn call_statement(text: &str, language: Language, at: TextRange) -> Option<TextEdit> {
    let before = ParsedFile::parse(language, text);
    let mut node = before.tree()?.root_node().descendant_for_byte_range(at.start, at.end)?;
    let mut call = None;
    let block = loop {
        let parent = node.parent()?;
        let written = text.get(parent.byte_range())?.trim_end_matches(';').trim_end();
        match call {
            // `set.add` up to the name, then the call.
            None if parent.end_byte() == at.end => {}
            None if is_call(&text[at.end..], written) && parent.start_byte() <= at.start => call = Some(written),
            Some(call) if written == call => {}
            Some(_) => break parent,
            None => return None,
        }
        node = parent;
    };
    let statement = TextRange::from(node.byte_range());
    let ended = language != Language::Rust || text[statement.as_range()].ends_with(';');
    let plain = {
        let arguments = text[at.end..statement.end].trim_end_matches([';', ' ']);
        let inner = arguments.trim_start().strip_prefix('(')?.strip_suffix(')')?;
        !inner.contains(['(', '=', '{']) && !inner.contains("++") && !inner.contains("--")
    };
    if !ended || !plain || !is_block(block.kind(), block.parent().is_none()) {
        return None;
    }
    let lines = LineIndex::new(text).whole_lines(statement);
    let alone = text[lines.as_range()].trim() == text[statement.as_range()].trim();
    let edit = TextEdit {
        range: if alone { lines } else { statement },
        replacement: String::new(),
    };
    let after = TextEdit::apply_all(text, std::slice::from_ref(&edit)).ok()?;
    let worse = ParsedFile::parse(language, &after).syntax_errors().len() > before.syntax_errors().len();
    (!worse).then_some(edit)
}

/// Tells whether an expression that ends the text `written` goes on after its name with nothing but arguments.
fn is_call(rest: &str, written: &str) -> bool {
    rest.trim_start().starts_with('(') && written.ends_with(')')
}

/// Tells by its kind whether a node holds statements one after the other.
fn is_block(kind: &str, is_root: bool) -> bool {
    is_root
        || ["block", "compound", "body", "statements", "statement_list"]
            .iter()
            .any(|part| kind.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(language: Language, text: &str) -> Option<String> {
        let start = text.find("trace").unwrap();
        let edit = call_statement(text, language, TextRange::new(start, start + 5))?;
        Some(TextEdit::apply_all(text, &[edit]).unwrap())
    }

    #[test]
    fn calls_for_their_own_sake_go() {
        let cases = [
            (
                Language::C,
                "void f(void)\n{\n    trace(a, \"x\");\n    g();\n}\n",
                "void f(void)\n{\n    g();\n}\n",
            ),
            (
                Language::Python,
                "def f():\n    log.trace('x')\n    g()\n",
                "def f():\n    g()\n",
            ),
            (
                Language::Rust,
                "fn f() {\n    self.trace(1);\n    g()\n}\n",
                "fn f() {\n    g()\n}\n",
            ),
            (Language::JavaScript, "trace(1)\ng();\n", "g();\n"),
            (
                Language::Java,
                "class A { void f() { trace(); g(); } }\n",
                "class A { void f() {  g(); } }\n",
            ),
            (
                Language::Go,
                "package a\n\nfunc f() {\n\ttrace(1)\n\tg()\n}\n",
                "package a\n\nfunc f() {\n\tg()\n}\n",
            ),
        ];
        for (language, text, expected) in cases {
            assert_eq!(without(language, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_uses_stay() {
        let cases = [
            (Language::C, "int f(void) { return trace(1); }\n"),
            (Language::C, "void f(void) { if (a)\n trace(1);\n g(); }\n"),
            (Language::C, "void f(void) { trace(next(a)); }\n"),
            (Language::C, "void f(void) { x = trace; }\n"),
            (Language::Python, "def f():\n    trace()\n"),
            (Language::Python, "x = trace(1)\n"),
            (Language::Rust, "fn f() -> u8 {\n    trace(1)\n}\n"),
            (Language::JavaScript, "trace(1).then(g);\n"),
        ];
        for (language, text) in cases {
            assert_eq!(without(language, text), None, "{text}");
        }
    }
}
