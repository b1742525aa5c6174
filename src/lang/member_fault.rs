use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{Language, ParsedFile};
use crate::text::TextRange;

/// A use of an attribute of `self` that fails when it runs (Python).
///
/// An attribute hides a method of the same name, so that a call of it calls the value; a property without a setter refuses
/// it; what nobody assigned is not there (The Python Language Reference, sections 3.2.8.2 and 3.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFault {
    /// The class.
    pub class: String,
    /// The name of the attribute.
    pub name: String,
    /// What is wrong.
    pub kind: MemberFaultKind,
    /// The attribute with what stands before the dot.
    pub range: TextRange,
}

/// What is wrong with an attribute of `self`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberFaultKind {
    /// It is assigned, and a method has its name.
    HidesMethod,
    /// It is assigned, and is a property without a setter.
    AssignsProperty,
    /// It is read, and nothing in the file assigns it or defines it: of classes with a constructor and without a base, whose
    /// attributes are all written down.
    NeverAssigned,
}

/// How deep statements may be nested; deeper ones are not looked at.
const MOST_LEVELS: usize = 200;

impl MemberFault {
    /// Returns all of a text, class by class in the order of the text.
    pub fn all_in(parsed: &ParsedFile, text: &str) -> Vec<Self> {
        let mut found = Vec::new();
        if parsed.language() != Language::Python {
            return found;
        }
        let Some(root) = parsed.tree().map(|tree| tree.root_node()) else {
            return found;
        };
        let mut assigned = BTreeSet::new();
        each(root, 0, &mut |node| {
            if node.kind() == "attribute" && is_assigned(node) {
                let name = node.child_by_field_name("attribute");
                assigned.extend(name.and_then(|name| text.get(name.byte_range())));
            }
            true
        });
        each(root, 0, &mut |node| {
            if node.kind() == "class_definition" {
                of_class(node, text, &assigned, &mut found);
            }
            true
        });
        found
    }
}

/// A function of a class.
struct Member<'t> {
    name: &'t str,
    function: Node<'t>,
    decorators: Vec<&'t str>,
}

fn of_class(class: Node<'_>, text: &str, assigned: &BTreeSet<&str>, found: &mut Vec<MemberFault>) {
    let word = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let Some((name, members)) = class.child_by_field_name("name").map(word).zip(members(class, text)) else {
        return;
    };
    let kind_of = |attribute: &str| {
        let own = members.iter().filter(|member| member.name == attribute);
        let mut kind = None;
        for member in own {
            kind = match member.decorators[..] {
                [] => Some(MemberFaultKind::HidesMethod),
                ["property"] => Some(MemberFaultKind::AssignsProperty),
                // A setter, or something that only its author knows.
                _ => return None,
            };
        }
        kind
    };
    let has_constructor = members.iter().any(|member| member.name == "__init__");
    let is_complete = has_constructor && is_complete(class, text);
    let known: BTreeSet<&str> = members
        .iter()
        .map(|member| member.name)
        .chain(class_names(class, text))
        .collect();
    for member in &members {
        let parameters = member.function.child_by_field_name("parameters");
        let first = parameters.and_then(|parameters| parameters.named_child(0));
        let Some(receiver) = first.filter(|first| first.kind() == "identifier").map(word) else {
            continue;
        };
        let Some(body) = member.function.child_by_field_name("body") else {
            continue;
        };
        each(body, 0, &mut |node| {
            if node.kind() == "attribute"
                && node.child_by_field_name("object").map(word) == Some(receiver)
                && let Some(attribute) = node.child_by_field_name("attribute").map(word)
            {
                let is_unknown = is_complete
                    && !known.contains(attribute)
                    && !assigned.contains(attribute)
                    && !attribute.starts_with("__");
                let kind = match (is_assigned(node), is_unknown) {
                    (true, _) => kind_of(attribute),
                    (false, true) => Some(MemberFaultKind::NeverAssigned),
                    (false, false) => None,
                };
                found.extend(kind.map(|kind| MemberFault {
                    class: name.to_owned(),
                    name: attribute.to_owned(),
                    kind,
                    range: node.byte_range().into(),
                }));
            }
            // Another `self` may be meant there.
            !matches!(node.kind(), "class_definition" | "function_definition" | "lambda")
        });
    }
}

/// Tells whether an attribute stands where something is bound or deleted.
fn is_assigned(attribute: Node<'_>) -> bool {
    attribute.parent().is_some_and(|parent| match parent.kind() {
        "assignment" | "augmented_assignment" | "for_statement" => {
            parent.child_by_field_name("left") == Some(attribute)
        }
        kind => kind.ends_with("pattern") || kind.starts_with("pattern") || kind == "as_pattern_target",
    })
}

/// Tells whether all attributes of a class are written down in its file: it has no base, nothing decorates it, and nothing
/// in it makes attributes by name.
fn is_complete(class: Node<'_>, text: &str) -> bool {
    const MAKERS: [&str; 6] = ["setattr", "__dict__", "__slots__", "__getattr", "vars(", "update("];
    let word = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let bases = class.child_by_field_name("superclasses").map(word);
    let is_decorated = class
        .parent()
        .is_some_and(|parent| parent.kind() == "decorated_definition");
    let is_mixin = class
        .child_by_field_name("name")
        .is_some_and(|name| word(name).ends_with("Mixin"));
    let has_bases = bases.is_some_and(|bases| !matches!(bases, "()" | "(object)"));
    !has_bases && !is_decorated && !is_mixin && !MAKERS.iter().any(|maker| word(class).contains(maker))
}

/// Returns the names that statements in the body of a class bind.
fn class_names<'t>(class: Node<'t>, text: &'t str) -> Vec<&'t str> {
    let mut names = Vec::new();
    if let Some(body) = class.child_by_field_name("body") {
        each(body, 0, &mut |node| {
            if node.kind() == "identifier" {
                names.extend(text.get(node.byte_range()));
            }
            !matches!(node.kind(), "block" | "function_definition") || node == body
        });
    }
    names
}

/// Returns the functions that stand in the body of a class.
fn members<'t>(class: Node<'t>, text: &'t str) -> Option<Vec<Member<'t>>> {
    let word = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let body = class.child_by_field_name("body")?;
    let mut members = Vec::new();
    for at in 0..body.named_child_count() {
        let node = body.named_child(at as _)?;
        let (function, decorators) = match node.kind() {
            "function_definition" => (node, Vec::new()),
            "decorated_definition" => {
                let children = (0..node.named_child_count()).filter_map(|at| node.named_child(at as _));
                let decorators = children.filter(|child| child.kind() == "decorator");
                let names = decorators.map(|decorator| word(decorator).trim_start_matches('@').trim());
                (node.child_by_field_name("definition")?, names.collect())
            }
            _ => continue,
        };
        if function.kind() == "function_definition"
            && let Some(name) = function.child_by_field_name("name")
        {
            members.push(Member {
                name: word(name),
                function,
                decorators,
            });
        }
    }
    Some(members)
}

/// Shows a node and what is inside of it, as far as `see` asks for that.
fn each<'t>(node: Node<'t>, level: usize, see: &mut dyn FnMut(Node<'t>) -> bool) {
    if !see(node) || level == MOST_LEVELS {
        return;
    }
    for at in 0..node.named_child_count() {
        if let Some(child) = node.named_child(at as _) {
            each(child, level + 1, see);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, MemberFaultKind, &str)> {
        let parsed = ParsedFile::parse(Language::Python, text);
        let found = MemberFault::all_in(&parsed, text).into_iter();
        found
            .map(|own| {
                (
                    format!("{}.{}", own.class, own.name),
                    own.kind,
                    &text[own.range.as_range()],
                )
            })
            .collect()
    }

    #[test]
    fn attributes_that_hide_members_are_faults() {
        let text = "\
class Node:
    def __init__(self, value):
        self.value = value
        self.other = value
        if value:
            self.count += 1

    def value(self):
        return self.value

    @property
    def count(this):
        this.other = 2
";
        let found = [
            ("Node.value".to_owned(), MemberFaultKind::HidesMethod, "self.value"),
            ("Node.count".to_owned(), MemberFaultKind::AssignsProperty, "self.count"),
        ];
        assert_eq!(faults(text), found);
    }

    #[test]
    fn what_nobody_assigns_is_not_there() {
        let text = "\
class Queen:
    kind = 1

    def __init__(self, row):
        if row < 0:
            raise ValueError('row')

    def attacks(self, other):
        self.a, self.b = 1, 2
        return self.row == other.row or self.kind or self.attacks or self.a or self.other or self.__class__

q = Queen(1)
q.other = 1
";
        let found = [("Queen.row".to_owned(), MemberFaultKind::NeverAssigned, "self.row")];
        assert_eq!(faults(text), found);
        for class in ["class Queen(Piece):", "@dataclass\nclass Queen:", "class QueenMixin:"] {
            assert_eq!(faults(&text.replace("class Queen:", class)), [], "{class}");
        }
        assert_eq!(
            faults(&text.replace("raise", "setattr(self, 'row', 1)\n            raise")),
            []
        );
    }

    #[test]
    fn what_may_be_meant_so_is_left_alone() {
        let text = "\
class Node:
    def __init__(self, value):
        self.value = value
        self.cached = 1
        value.next = 2

        class Inner:
            def set(self):
                self.next = 1

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, value):
        self._value = value

    @functools.cached_property
    def cached(self):
        return 1

    def next(self):
        return None

    @staticmethod
    def make(*args):
        self.next = 1
";
        assert_eq!(faults(text), []);
        assert_eq!(faults(&format!("class A:\n{}", "    if x:\n".repeat(3))), []);
    }
}
