use super::{Language, ParsedFile};
use crate::text::TextRange;

/// A line that imports a name from the standard library of its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportLine {
    /// The line.
    pub line: String,
    /// Why it must be this one.
    pub known_by: KnownBy,
}

/// What tells which import a name wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// The module has what is asked of it.
    Member,
    /// The name alone, which has one home in the standard library; a repository may have another of that name.
    Name,
}

impl ImportLine {
    /// Returns the line that imports what is used as `name`, or as `name.member`; none where it is not clear.
    pub fn of(language: Language, name: &str, member: Option<&str>) -> Option<Self> {
        let spec = language.spec();
        if let Some(member) = member {
            let homes = rows(spec.modules).filter(|(_, names)| names.split(' ').any(|own| own == member));
            for (home, _) in homes {
                let line = match home.rsplit_once('.') {
                    None if home == name => format!("import {name}"),
                    Some((module, class)) if class == name => format!("from {module} import {name}"),
                    _ => continue,
                };
                let known_by = KnownBy::Member;
                return Some(Self { line, known_by });
            }
        }
        let (module, _) = rows(spec.imported_names).find(|(_, names)| names.split(' ').any(|own| own == name))?;
        Some(Self {
            line: format!("from {module} import {name}"),
            known_by: KnownBy::Name,
        })
    }
}

/// Returns the module that a name is imported from under its own name, as written there: `a.b` of `from a.b import name`.
pub fn imported_from<'t>(parsed: &ParsedFile, text: &'t str, name_range: TextRange) -> Option<&'t str> {
    let root = parsed.tree()?.root_node();
    let name = root.descendant_for_byte_range(name_range.start, name_range.end)?;
    let statement = name.parent()?.parent()?;
    if statement.kind() != "import_from_statement" {
        return None;
    }
    text.get(statement.child_by_field_name("module_name")?.byte_range())
}

/// Returns the rows of a table: what stands before the colon and what stands after it.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter_map(|line| line.split_once(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, member: Option<&str>) -> Option<String> {
        ImportLine::of(Language::Python, name, member).map(|import| import.line)
    }

    #[test]
    fn a_module_is_known_by_what_is_asked_of_it() {
        assert_eq!(line("re", Some("sub")).as_deref(), Some("import re"));
        assert_eq!(line("os", Some("path")).as_deref(), Some("import os"));
        assert_eq!(line("queue", Some("append")), None);
        assert_eq!(line("time", None), None);
        assert_eq!(line("datetime", Some("timedelta")).as_deref(), Some("import datetime"));
        assert_eq!(
            line("datetime", Some("now")).as_deref(),
            Some("from datetime import datetime")
        );
    }

    #[test]
    fn a_name_with_one_home_is_known_by_itself() {
        let line_of = |name| line(name, None);
        assert_eq!(
            line_of("defaultdict").as_deref(),
            Some("from collections import defaultdict")
        );
        assert_eq!(
            line("chain", Some("from_iterable")).as_deref(),
            Some("from itertools import chain")
        );
        assert_eq!(line_of("datetime"), None);
        assert_eq!(line_of("helper"), None);
        assert_eq!(ImportLine::of(Language::Go, "re", Some("sub")), None);
    }
}
