use crate::index::{Index, Reference, Symbol};
use crate::lang::{Definition, Language, ParsedFile};
use crate::patch::gate::qualified;
use crate::repo::RepoError;
use crate::text::{LineIndex, RepoPath, TextEdit, TextRange};

use super::call_statement::call_statement;
use super::draft::Drafts;

/// A place that still uses a name that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dangling {
    pub(super) path: RepoPath,
    /// Zero-based.
    pub(super) line: usize,
}

/// Renames every reference outside the places already rewritten; returns the files touched.
pub(super) fn rename(drafts: &mut Drafts<'_>, index: &Index, old: &str, new: &str) -> Result<Vec<RepoPath>, RepoError> {
    let mut touched = Vec::new();
    for reference in index.references_to(old) {
        let is_definition = index
            .in_file(&reference.path)
            .iter()
            .any(|s| s.definition.name_range == reference.range);
        if is_definition || is_outside_code(index, &reference) {
            continue;
        }
        let text = &drafts.source(&reference.path)?.text;
        let stands_there = text.get(reference.range.as_range()) == Some(old);
        if !stands_there || drafts.touches(&reference.path, reference.range) {
            continue;
        }
        let edit = TextEdit {
            range: reference.range,
            replacement: new.to_owned(),
        };
        drafts.edit(&reference.path, edit)?;
        if !touched.contains(&reference.path) {
            touched.push(reference.path);
        }
    }
    Ok(touched)
}

/// Tells whether a use stands in a document, a data file or a style sheet, whose names are their own.
fn is_outside_code(index: &Index, reference: &Reference) -> bool {
    let enclosing = reference.enclosing.map(|id| index.symbol(id));
    enclosing.is_some_and(|symbol| !symbol.definition.kind.is_code())
}

/// Brings declarations up to date with a definition whose signature changed: prototypes that said exactly what the
/// definition said before.
pub(super) fn redeclare(
    drafts: &mut Drafts<'_>,
    index: &Index,
    symbol: &Symbol,
    before: &str,
    after: &str,
) -> Result<(), RepoError> {
    let name = qualified(&symbol.definition);
    let new = ParsedFile::parse(symbol.language, after)
        .definitions(after)
        .into_iter()
        .find(|d| qualified(d) == name && d.body.is_some());
    let (Some(old), Some(new)) = (
        head(before, &symbol.definition),
        new.and_then(|d| head(after, &d).map(str::to_owned)),
    ) else {
        return Ok(());
    };
    if words(old) == words(&new) {
        return Ok(());
    }
    for other in index.declarations_of(symbol) {
        let text = &drafts.source(&other.path)?.text;
        let range = other.definition.range;
        let declared = text[range.as_range()].trim_end().trim_end_matches(';');
        let same = words(declared) == words(old);
        let range = TextRange::new(range.start, range.start + declared.len());
        if same && !drafts.touches(&other.path, range) {
            let replacement = new.clone();
            drafts.edit(&other.path, TextEdit { range, replacement })?;
        }
    }
    Ok(())
}

/// Returns what stands before the body of a definition.
fn head<'a>(text: &'a str, definition: &Definition) -> Option<&'a str> {
    let body = definition.body?;
    Some(text.get(definition.range.start..body.start)?.trim_end())
}

fn words(code: &str) -> Vec<&str> {
    code.split_whitespace().collect()
}

/// Takes a deleted name out of import and export lists, and the statements out that only call it; returns the files
/// touched and the uses that are left.
pub(super) fn forget(
    drafts: &mut Drafts<'_>,
    index: &Index,
    name: &str,
) -> Result<(Vec<RepoPath>, Vec<Dangling>), RepoError> {
    let mut touched = Vec::new();
    let mut dangling = Vec::new();
    for reference in index.references_to(name) {
        if drafts.touches(&reference.path, reference.range) || is_outside_code(index, &reference) {
            continue;
        }
        let source = drafts.source(&reference.path)?;
        let language = Language::of_path(&reference.path);
        let edit = language.and_then(|language| match reference.enclosing {
            None => list_edit(&source.text, language, name, reference.range)
                .or_else(|| call_statement(&source.text, language, reference.range)),
            Some(_) => call_statement(&source.text, language, reference.range),
        });
        match edit {
            Some(edit) => {
                if !drafts.touches(&reference.path, edit.range) {
                    drafts.edit(&reference.path, edit)?;
                }
                if !touched.contains(&reference.path) {
                    touched.push(reference.path);
                }
            }
            None => dangling.push(Dangling {
                path: reference.path,
                line: reference.line,
            }),
        }
    }
    dangling.dedup();
    Ok((touched, dangling))
}

/// Returns the edit that takes one name out of a list in an import or an export; the whole statement goes where the
/// list holds nothing else. None where the result would not parse as well as before.
fn list_edit(text: &str, language: Language, name: &str, at: TextRange) -> Option<TextEdit> {
    let before = ParsedFile::parse(language, text);
    let root = before.tree()?.root_node();
    let mut statement = root.descendant_for_byte_range(at.start, at.end)?;
    while let Some(parent) = statement.parent().filter(|parent| parent.id() != root.id()) {
        statement = parent;
    }
    let code = &text[statement.byte_range()];
    let names_others = code
        .split(|c: char| !(c == '_' || c.is_alphanumeric()))
        .filter(|word| !word.is_empty() && *word != name)
        .count();
    let is_list = code.contains(',');
    let edit = match is_list && names_others > 0 {
        true => TextEdit {
            range: with_comma(text, at),
            replacement: String::new(),
        },
        false if statement.kind().contains("import") || statement.kind() == "use_declaration" => TextEdit {
            range: LineIndex::new(text).whole_lines(statement.byte_range().into()),
            replacement: String::new(),
        },
        false => return None,
    };
    let after = TextEdit::apply_all(text, std::slice::from_ref(&edit)).ok()?;
    let worse = ParsedFile::parse(language, &after).syntax_errors().len() > before.syntax_errors().len();
    (!worse).then_some(edit)
}

/// Widens the range of a list item to its comma and to the line it stands on alone.
fn with_comma(text: &str, item: TextRange) -> TextRange {
    let after = &text[item.end..];
    let spaces = after.len() - after.trim_start_matches([' ', '\t']).len();
    if after[spaces..].starts_with(',') {
        let rest = &after[spaces + 1..];
        let more = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let end = item.end + spaces + 1 + more;
        let before = text[..item.start].trim_end_matches([' ', '\t']);
        if before.ends_with('\n') && text[end..].starts_with(['\n', '\r']) {
            let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
            return TextRange::new(before.len(), line_end);
        }
        return TextRange::new(item.start, end);
    }
    let before = text[..item.start].trim_end();
    match before.ends_with(',') {
        true => TextRange::new(before.len() - 1, item.end),
        false => item,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str, language: Language, name: &str) -> Option<String> {
        let start = text.find(name).unwrap();
        let edit = list_edit(text, language, name, TextRange::new(start, start + name.len()))?;
        Some(TextEdit::apply_all(text, &[edit]).unwrap())
    }

    #[test]
    fn names_leave_import_and_export_lists() {
        let cases = [
            (
                Language::Python,
                "from m import alpha, beta\nx = 1\n",
                "alpha",
                "from m import beta\nx = 1\n",
            ),
            (
                Language::Python,
                "from m import alpha, beta\nx = 1\n",
                "beta",
                "from m import alpha\nx = 1\n",
            ),
            (
                Language::JavaScript,
                "module.exports = {\n  alpha,\n  beta,\n};\n",
                "beta",
                "module.exports = {\n  alpha,\n};\n",
            ),
            (
                Language::JavaScript,
                "module.exports = { alpha, beta };\n",
                "beta",
                "module.exports = { alpha };\n",
            ),
            (Language::Rust, "use m::{alpha, beta};\n", "alpha", "use m::{beta};\n"),
        ];
        for (language, text, name, expected) in cases {
            assert_eq!(without(text, language, name).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_import_of_the_name_alone_goes_away() {
        let text = "import os\nimport alpha\nx = 1\n";
        assert_eq!(
            without(text, Language::Python, "alpha").as_deref(),
            Some("import os\nx = 1\n")
        );
    }
}
