use std::collections::BTreeSet;
use std::fmt;

use tree_sitter::Node;

use super::{Language, ParsedFile};
use crate::text::TextRange;

/// How a function may be called, where its definition says so: plain functions of Python without decorators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arity {
    /// The parameters that take positional arguments, in their order.
    positional: Vec<Parameter>,
    /// The parameters that take an argument by name only.
    by_name: Vec<Parameter>,
    takes_more: bool,
    takes_any_name: bool,
    /// How many of the first parameters take no argument by name.
    nameless: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    has_default: bool,
}

/// A call of a function by its bare name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name.
    pub name: String,
    /// The whole call.
    pub range: TextRange,
    /// Where the name stands.
    pub name_range: TextRange,
    /// How many arguments stand without a name.
    pub positional: usize,
    /// The names of the others.
    pub named: Vec<String>,
}

/// Why a call does not fit its function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// There are more positional arguments than the function takes.
    TooMany {
        /// The most it takes.
        most: usize,
        /// How many there are.
        given: usize,
    },
    /// Parameters without a default get no argument.
    Missing(Vec<String>),
    /// No parameter has this name.
    Unknown(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { most, given } => {
                write!(f, "takes at most {most} positional arguments, and {given} are given")
            }
            Self::Missing(names) => write!(f, "is called without {}", quoted(names)),
            Self::Unknown(name) => write!(f, "has no parameter `{name}`"),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

impl Arity {
    /// Returns how the function is called whose name stands at `name_range`. None for anything but a function that is
    /// exactly what is written there: no decorator, no class around it.
    pub fn of(parsed: &ParsedFile, text: &str, name_range: TextRange) -> Option<Self> {
        if parsed.language() != Language::Python {
            return None;
        }
        let root = parsed.tree()?.root_node();
        let name = root.descendant_for_byte_range(name_range.start, name_range.end)?;
        let function = name.parent().filter(|node| node.kind() == "function_definition")?;
        let is_name = function.child_by_field_name("name") == Some(name);
        let above = function.parent()?;
        let owner = above.parent();
        let is_plain = above.kind() != "decorated_definition" && owner.is_none_or(|o| o.kind() != "class_definition");
        if !is_name || !is_plain || function.has_error() {
            return None;
        }
        let mut arity = Self::default();
        let parameters = function.child_by_field_name("parameters")?;
        let mut cursor = parameters.walk();
        let mut names_only = false;
        for node in parameters.named_children(&mut cursor) {
            let word = |node: Node<'_>| text.get(node.byte_range()).map(str::to_owned);
            let (name, has_default) = match node.kind() {
                // Comments, and backslashes at the end of a line.
                _ if node.is_extra() => continue,
                "keyword_separator" => {
                    names_only = true;
                    continue;
                }
                "positional_separator" => {
                    arity.nameless = arity.positional.len();
                    continue;
                }
                "identifier" => (word(node)?, false),
                "default_parameter" | "typed_default_parameter" => (word(node.child_by_field_name("name")?)?, true),
                "typed_parameter" if node.named_child(0)?.kind() == "identifier" => {
                    (word(node.named_child(0)?)?, false)
                }
                kind => {
                    let splat = match kind {
                        "typed_parameter" => node.named_child(0)?.kind(),
                        kind => kind,
                    };
                    match splat {
                        "list_splat_pattern" => {
                            arity.takes_more = true;
                            names_only = true;
                        }
                        "dictionary_splat_pattern" => arity.takes_any_name = true,
                        _ => return None,
                    }
                    continue;
                }
            };
            let parameter = Parameter { name, has_default };
            match names_only {
                true => arity.by_name.push(parameter),
                false => arity.positional.push(parameter),
            }
        }
        Some(arity)
    }

    /// Returns why a call does not fit, if it does not.
    pub fn mismatch(&self, call: &Call) -> Option<Mismatch> {
        if call.positional > self.positional.len() && !self.takes_more {
            return Some(Mismatch::TooMany {
                most: self.positional.len(),
                given: call.positional,
            });
        }
        let named_positional = &self.positional[self.nameless.min(self.positional.len())..];
        let known: BTreeSet<&str> = named_positional
            .iter()
            .chain(&self.by_name)
            .map(|parameter| parameter.name.as_str())
            .collect();
        let unknown = call.named.iter().find(|name| !known.contains(name.as_str()));
        if let Some(name) = unknown.filter(|_| !self.takes_any_name) {
            return Some(Mismatch::Unknown(name.clone()));
        }
        let not_reached = self.positional.iter().skip(call.positional).chain(&self.by_name);
        let missing: Vec<String> = not_reached
            .filter(|parameter| !parameter.has_default && !call.named.contains(&parameter.name))
            .map(|parameter| parameter.name.clone())
            .collect();
        (!missing.is_empty()).then_some(Mismatch::Missing(missing))
    }
}

impl Call {
    /// Returns the calls in `within` of which every argument is told: no `*list`, no `**dictionary`.
    pub fn all_in(parsed: &ParsedFile, text: &str, within: TextRange) -> Vec<Self> {
        let mut calls = Vec::new();
        let Some(root) = parsed.tree().map(|tree| tree.root_node()) else {
            return calls;
        };
        if parsed.language() != Language::Python {
            return calls;
        }
        let mut cursor = root.walk();
        loop {
            let node = cursor.node();
            let is_near = within.overlaps(node.byte_range().into());
            if node.kind() == "call" && is_near {
                calls.extend(Self::of(node, text).filter(|call| within.contains(call.name_range)));
            }
            if is_near && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return calls;
                }
            }
        }
    }

    fn of(node: Node<'_>, text: &str) -> Option<Self> {
        let function = node.child_by_field_name("function")?;
        let arguments = node.child_by_field_name("arguments")?;
        if function.kind() != "identifier" {
            return None;
        }
        let word = |node: Node<'_>| text.get(node.byte_range()).map(str::to_owned);
        let mut call = Self {
            name: word(function)?,
            range: node.byte_range().into(),
            name_range: function.byte_range().into(),
            positional: 0,
            named: Vec::new(),
        };
        if arguments.kind() == "generator_expression" {
            call.positional = 1;
            return Some(call);
        }
        let mut cursor = arguments.walk();
        for argument in arguments.named_children(&mut cursor) {
            match argument.kind() {
                _ if argument.is_extra() => {}
                "list_splat" | "dictionary_splat" | "parenthesized_list_splat" => return None,
                "keyword_argument" => call.named.push(word(argument.child_by_field_name("name")?)?),
                _ => call.positional += 1,
            }
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch(parameters: &str, arguments: &str) -> Option<String> {
        let text = format!("def f({parameters}):\n    pass\n\n\nf({arguments})\n");
        let parsed = ParsedFile::parse(Language::Python, &text);
        let arity = Arity::of(&parsed, &text, TextRange::new(4, 5)).unwrap();
        let calls = Call::all_in(&parsed, &text, TextRange::new(0, text.len()));
        calls
            .first()
            .and_then(|call| arity.mismatch(call))
            .map(|m| m.to_string())
    }

    #[test]
    fn calls_that_fit_are_left_alone() {
        for (parameters, arguments) in [
            ("", ""),
            ("a, b=1", "1"),
            ("a, b=1", "b=2, a=1"),
            ("a: int, b: int = 1", "1, 2"),
            ("a, *rest", "1, 2, 3"),
            ("a, *rest: int, key", "1, 2, key=3"),
            ("a, **more", "1, x=2"),
            ("a, /, b", "1, b=2"),
            ("a, /, **more", "1, a=2"),
            ("a, *, key=1", "1"),
            ("a", "x for x in y"),
            ("a, # why\n    b", "1, # so\n    2"),
            ("a, \\\n    b", "1, \\\n    2"),
            ("a, b", "*both"),
            ("a, b", "**both"),
        ] {
            assert_eq!(mismatch(parameters, arguments), None, "({parameters}) ({arguments})");
        }
    }

    #[test]
    fn calls_that_do_not_fit_say_why() {
        let said = |parameters, arguments| mismatch(parameters, arguments).unwrap();
        assert_eq!(
            said("a", "1, 2"),
            "takes at most 1 positional arguments, and 2 are given"
        );
        assert_eq!(said("a, b", "1"), "is called without `b`");
        assert_eq!(said("a, *, key", "1"), "is called without `key`");
        assert_eq!(said("a, b=1", "1, c=2"), "has no parameter `c`");
        assert_eq!(said("a, /", "a=1"), "has no parameter `a`");
        assert_eq!(
            said("a, *, key", "1, 2"),
            "takes at most 1 positional arguments, and 2 are given"
        );
    }

    #[test]
    fn what_a_decorator_or_a_class_makes_of_a_function_is_not_known() {
        let none = |text: &str| {
            let parsed = ParsedFile::parse(Language::Python, text);
            let at = text.find("f(").unwrap();
            Arity::of(&parsed, text, TextRange::new(at, at + 1)).is_none()
        };
        assert!(none("@cache\ndef f(a):\n    pass\n"));
        assert!(none("class A:\n    def f(a):\n        pass\n"));
        assert!(none("class f(a):\n    pass\n"));
        assert!(!none("if a:\n    def f(a):\n        pass\n"));
    }
}
