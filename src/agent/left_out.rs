//! Definitions that an answer left out although nobody asked for that: they are put back where they stood.

use crate::lang::{Definition, Language, ParsedFile};
use crate::patch::gate::qualified;

use super::target::{common_indent, from_line_start, reindent, unindent};

/// An answer with what it left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Restored {
    pub(super) text: String,
    /// The qualified names of what was put back.
    pub(super) names: Vec<String>,
    /// Those of them that were never written: their bodies do nothing.
    pub(super) stubs: Vec<String>,
    /// The lines of the stubs.
    pub(super) code: String,
}

/// Puts back what `new` leaves out of `old`, as it stood; none where it leaves nothing out, or cannot be read. Names that
/// may go are left. Where `old` is one definition, `own` is its name: an answer without it is another one in its place.
pub(super) fn restore(
    language: Language,
    own: Option<&str>,
    old: &str,
    new: &str,
    may_go: &dyn Fn(&str) -> bool,
) -> Option<Restored> {
    let parsed = ParsedFile::parse(language, new);
    if parsed.tree().is_none() || !parsed.syntax_errors().is_empty() {
        return None;
    }
    let mut after = definitions(language, new);
    let is_own = |d: &Definition, own: &str| d.container.is_none() && d.name == own;
    if own.is_some_and(|own| !after.iter().any(|d| is_own(d, own))) {
        return None;
    }
    let before = definitions(language, old);
    let mut restored = Restored {
        text: new.to_owned(),
        names: Vec::new(),
        stubs: Vec::new(),
        code: String::new(),
    };
    for own in &before {
        let name = qualified(own);
        let is_there = |name: &str| after.iter().any(|other| qualified(other) == name);
        if is_there(&name) || may_go(&own.name) {
            continue;
        }
        let Some(text) = put_back(language, old, &before, own, &restored.text, &after) else {
            continue;
        };
        after = definitions(language, &text);
        restored.text = text;
        restored.names.push(name.clone());
        if own.is_stub(old) {
            restored.stubs.push(name);
            let lines = old[from_line_start(old, own.full_range).as_range()].trim_end();
            restored.code = [restored.code.as_str(), lines]
                .join("\n")
                .trim_start_matches('\n')
                .to_owned();
        }
    }
    (!restored.names.is_empty()).then_some(restored)
}

/// Puts definitions into a text in the places of those that have their names: what was asked for because it was left out.
/// A method may come without its class. What is new besides them comes along.
pub(super) fn fill(language: Language, base: &str, part: &str, names: &[String]) -> String {
    let wanted = |definition: &Definition| names.iter().find(|name| name.ends_with(&definition.name)).cloned();
    let mut text = base.to_owned();
    let mut rest = part.to_owned();
    for own in definitions(language, part) {
        let Some(name) = wanted(&own) else { continue };
        let is_it = own.name == name || name.ends_with(&format!(".{}", own.name));
        let place = definitions(language, &text).into_iter().find(|d| qualified(d) == name);
        let (Some(place), true) = (place, is_it) else { continue };
        let lines = from_line_start(part, own.full_range);
        let code = &part[lines.as_range()];
        let there = from_line_start(&text, place.full_range);
        let indent = common_indent(&text[there.as_range()]).to_owned();
        let code = reindent(&unindent(code, common_indent(code)), &indent);
        text = format!("{}{}{}", &text[..there.start], code.trim_end(), &text[there.end..]);
        rest = rest.replace(part[lines.as_range()].trim_end(), "");
    }
    // What is left without definitions is the class around them, or a word too many.
    let known = definitions(language, &text);
    let is_new = |d: &&Definition| d.container.is_none() && known.iter().all(|other| other.name != d.name);
    let more: Vec<String> = definitions(language, &rest)
        .iter()
        .filter(is_new)
        .map(|d| rest[from_line_start(&rest, d.full_range).as_range()].to_owned())
        .collect();
    for code in more {
        text = format!("{}\n\n\n{}\n", text.trim_end(), code.trim_end());
    }
    text
}

fn put_back(
    language: Language,
    old: &str,
    before: &[Definition],
    own: &Definition,
    new: &str,
    after: &[Definition],
) -> Option<String> {
    let lines = from_line_start(old, own.full_range);
    let code = old[lines.as_range()].trim_end();
    let gap = match (language, own.container.is_none()) {
        (Language::Python, true) => "\n\n\n",
        _ => "\n\n",
    };
    let is_sibling = |other: &&Definition| other.container == own.container && other.name_range != own.name_range;
    let there = |other: &Definition| after.iter().find(|d| qualified(d) == qualified(other));
    let above = before
        .iter()
        .filter(is_sibling)
        .filter(|d| d.range.start < own.range.start);
    if let Some(above) = above.rev().find_map(there) {
        let at = line_end(new, above.range.end);
        return Some(format!("{}{gap}{code}{}", &new[..at], &new[at..]));
    }
    let below = before
        .iter()
        .filter(is_sibling)
        .filter(|d| d.range.start > own.range.start);
    if let Some(below) = below.clone().find_map(there) {
        let at = from_line_start(new, below.full_range).start;
        return Some(format!("{}{code}{gap}{}", &new[..at], &new[at..]));
    }
    match &own.container {
        None => Some(format!("{}{gap}{code}\n", new.trim_end())),
        // The class is gone too, and comes back whole, or it has nothing left by which its members would be found.
        Some(_) => None,
    }
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |line| at + line)
}

/// Returns the definitions of a text that stand in no function.
fn definitions(language: Language, text: &str) -> Vec<Definition> {
    let mut all = ParsedFile::parse(language, text).definitions(text);
    all.sort_by_key(|definition| definition.range.start);
    let functions: Vec<_> = all.iter().filter(|d| d.kind.is_callable()).map(|d| d.range).collect();
    all.retain(|d| {
        !functions
            .iter()
            .any(|outer| *outer != d.range && outer.contains(d.range))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "class C:\n    def __init__(self, n):\n        pass\n\n    def __abs__(self):\n        pass\n\n    def exp(self):\n        pass\n\n\nLIMIT = 3\n\n\ndef modifier(value):\n    return value + 1\n";

    fn restored(new: &str) -> Restored {
        restore(Language::Python, None, OLD, new, &|_| false).unwrap()
    }

    #[test]
    fn what_was_left_out_stands_where_it_stood() {
        let new = "class C:\n    def __init__(self, n):\n        self.n = n\n\n    def exp(self):\n        return 2\n\nLIMIT = 3\n";
        let restored = restored(new);
        insta::assert_snapshot!(restored.text, @r"
        class C:
            def __init__(self, n):
                self.n = n

            def __abs__(self):
                pass

            def exp(self):
                return 2

        LIMIT = 3


        def modifier(value):
            return value + 1
        ");
        assert_eq!(restored.names, ["C.__abs__", "modifier"]);
        assert_eq!(restored.stubs, ["C.__abs__"]);
    }

    #[test]
    fn a_part_for_the_whole_keeps_the_rest() {
        let restored = restored("def modifier(value):\n    return value * 2\n");
        assert_eq!(restored.names, ["C", "LIMIT"]);
        assert_eq!(restored.stubs, ["C"]);
        assert!(
            restored.text.starts_with("class C:\n    def __init__"),
            "{}",
            restored.text
        );
        assert!(restored.text.contains("LIMIT = 3\n"), "{}", restored.text);
        assert!(restored.text.ends_with("    return value * 2\n"), "{}", restored.text);
        assert_eq!(restore(Language::Python, None, OLD, OLD, &|_| false), None);
        let gone = restore(Language::Python, None, OLD, "class C:\n    pass\n", &|name| {
            name != "modifier"
        });
        assert_eq!(gone.unwrap().names, ["modifier"]);
    }

    #[test]
    fn what_was_asked_for_goes_to_its_place() {
        let names = ["C.__abs__".to_owned()];
        for part in [
            "def __abs__(self):\n    return self.n",
            "    def __abs__(self):\n        return self.n\n",
            "class C:\n    def __abs__(self):\n        return self.n\n",
        ] {
            let filled = fill(Language::Python, OLD, part, &names);
            let wanted = OLD.replacen(
                "def __abs__(self):\n        pass",
                "def __abs__(self):\n        return self.n",
                1,
            );
            assert_eq!(filled, wanted, "{part}");
        }
        let part = "def helper():\n    return 1\n\n\ndef modifier(value):\n    return helper()\n";
        let filled = fill(Language::Python, OLD, part, &["modifier".to_owned()]);
        assert!(
            filled.ends_with("def modifier(value):\n    return helper()\n\n\ndef helper():\n    return 1\n"),
            "{filled}"
        );
    }
}
