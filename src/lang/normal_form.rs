use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tree_sitter::Node;

use super::ParsedFile;

/// Returns what a text says without what does not matter: its syntax tree without comments and layout, with the names
/// that it binds itself and that are not in `known` numbered in the order of their appearance. Two texts with the same form
/// do the same in other words; where it is not clear that a name is bound it counts as it is. None where the text was not
/// parsed.
pub fn normal_form(parsed: &ParsedFile, text: &str, known: &BTreeSet<&str>) -> Option<String> {
    let root = parsed.tree()?.root_node();
    let mut writer = Writer {
        text,
        known,
        bound: BTreeSet::new(),
        numbers: BTreeMap::new(),
        form: String::new(),
    };
    walk(root, |step| {
        if let Step::Leaf(node) = step {
            writer.bind(node);
        }
    });
    walk(root, |step| match step {
        Step::Down => writer.form.push('('),
        Step::Leaf(node) => writer.leaf(node),
        Step::Up => writer.form.push(')'),
    });
    Some(writer.form)
}

struct Writer<'t, 'k> {
    text: &'t str,
    known: &'k BTreeSet<&'k str>,
    bound: BTreeSet<&'t str>,
    numbers: BTreeMap<&'t str, usize>,
    form: String,
}

/// One step of a walk over a tree without its comments.
enum Step<'t> {
    Down,
    Leaf(Node<'t>),
    Up,
}

/// Walks with a cursor, not by recursion: the depth of a tree is the text's.
fn walk<'t>(root: Node<'t>, mut see: impl FnMut(Step<'t>)) {
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        let is_comment = node.kind().contains("comment");
        if !is_comment && cursor.goto_first_child() {
            see(Step::Down);
            continue;
        }
        if !is_comment {
            see(Step::Leaf(node));
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            see(Step::Up);
        }
    }
}

/// Tells whether an identifier stands where a name is bound: left of an assignment, in a pattern, among parameters.
fn is_binding(node: Node<'_>) -> bool {
    let mut node = node;
    while let Some(parent) = node.parent() {
        let kind = parent.kind();
        let at =
            (0..parent.child_count()).find(|at| parent.child(*at as _).is_some_and(|child| child.id() == node.id()));
        let field = at.and_then(|at| parent.field_name_for_child(at));
        match field {
            Some("left") => return kind.contains("assign") || kind.contains("for") || kind.contains("var"),
            Some("pattern" | "declarator" | "alias") => return true,
            Some("name") => return kind.contains("declarator") || kind.contains("parameter"),
            _ if kind.contains("parameters") => return true,
            _ if kind.contains("pattern") || kind == "expression_list" => node = parent,
            _ => return false,
        }
    }
    false
}

impl<'t> Writer<'t, '_> {
    fn word(&self, node: Node<'t>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("").trim()
    }

    fn bind(&mut self, node: Node<'t>) {
        let word = self.word(node);
        if node.kind().contains("identifier") && !self.known.contains(word) && is_binding(node) {
            self.bound.insert(word);
        }
    }

    fn leaf(&mut self, node: Node<'t>) {
        let word = self.word(node);
        if word.is_empty() {
            return;
        }
        let written = match node.kind().contains("identifier") && self.bound.contains(word) {
            true => {
                let next = self.numbers.len();
                let number = *self.numbers.entry(word).or_insert(next);
                write!(self.form, " #{number}")
            }
            false => write!(self.form, " {word}"),
        };
        // A string takes what is written to it.
        written.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn form(known: &[&str], text: &str) -> String {
        let parsed = ParsedFile::parse(Language::Python, text);
        normal_form(&parsed, text, &known.iter().copied().collect()).unwrap()
    }

    #[test]
    fn layout_comments_and_new_names_do_not_matter() {
        let known = ["def", "total", "prices", "pass"];
        let one = "def total(prices):\n    result = 0\n    for price in prices:\n        result += price\n    return result\n";
        let other = "def total(prices):\n    # Adds up.\n    amount = 0\n\n    for item in prices:\n        amount  +=  item\n    return amount\n";
        assert_eq!(form(&known, one), form(&known, other));
    }

    #[test]
    fn structure_and_known_names_matter() {
        let known = ["one", "two"];
        let inside = "def f(one, two):\n    if one:\n        one = 1\n        two = 2\n";
        let outside = "def f(one, two):\n    if one:\n        one = 1\n    two = 2\n";
        assert_ne!(form(&known, inside), form(&known, outside));
        let one = "def f(one, two):\n    return one\n";
        assert_ne!(
            form(&known, one),
            form(&known, &one.replace("return one", "return two"))
        );
    }
}
