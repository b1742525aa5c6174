use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::lang::{Language, ParsedFile};
use crate::repo::{RepoError, Snapshot, SourceText};
use crate::text::{EditError, Eol, RepoPath, SourceChange, TextEdit, TextRange};

use super::answer::is_import;

/// What a run has changed so far, file by file.
#[derive(Clone)]
pub(super) struct Drafts<'a> {
    snapshot: &'a Snapshot,
    files: BTreeMap<RepoPath, FileDraft>,
    change: SourceChange,
}

#[derive(Clone)]
struct FileDraft {
    source: SourceText,
    edits: Vec<TextEdit>,
    imports: Vec<String>,
}

impl<'a> Drafts<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            files: BTreeMap::new(),
            change: SourceChange::default(),
        }
    }

    /// Returns the file as it is in the work tree, read once for the whole run.
    pub(super) fn source(&mut self, path: &RepoPath) -> Result<&SourceText, RepoError> {
        Ok(&self.file(path)?.source)
    }

    /// Adds an edit; two insertions at one place follow each other.
    pub(super) fn edit(&mut self, path: &RepoPath, edit: TextEdit) -> Result<(), RepoError> {
        let edits = &mut self.file(path)?.edits;
        match edits
            .iter_mut()
            .find(|other| other.range == edit.range && edit.range.is_empty())
        {
            Some(other) => other.replacement.push_str(&edit.replacement),
            None => edits.push(edit),
        }
        Ok(())
    }

    /// Tells whether an earlier edit shares bytes with `range`.
    pub(super) fn touches(&self, path: &RepoPath, range: TextRange) -> bool {
        self.files
            .get(path)
            .is_some_and(|file| file.edits.iter().any(|e| e.range.overlaps(range)))
    }

    /// Returns the import lines that are added to a file so far.
    pub(super) fn imports(&self, path: &RepoPath) -> &[String] {
        self.files.get(path).map_or(&[], |file| &file.imports)
    }

    /// Adds import lines, at the end of the file's own imports.
    pub(super) fn import(&mut self, path: &RepoPath, lines: &[String]) -> Result<(), RepoError> {
        let file = self.file(path)?;
        for line in lines {
            if !file.imports.contains(line) && !file.source.text.lines().any(|own| own.trim() == line) {
                file.imports.push(line.clone());
            }
        }
        Ok(())
    }

    pub(super) fn create(&mut self, path: RepoPath, text: String) -> Result<(), EditError> {
        self.change.create(path, text)
    }

    pub(super) fn delete(&mut self, path: RepoPath) -> Result<(), EditError> {
        self.change.delete(path)
    }

    /// Returns everything as one change.
    pub(super) fn into_change(self) -> Result<SourceChange, EditError> {
        let mut change = self.change;
        for (path, file) in self.files {
            let mut edits = file.edits;
            if !file.imports.is_empty() {
                edits.push(import_edit(&file.source.path, &file.source.text, &file.imports));
            }
            for edit in edits {
                change.edit(path.clone(), edit)?;
            }
        }
        Ok(change)
    }

    fn file(&mut self, path: &RepoPath) -> Result<&mut FileDraft, RepoError> {
        match self.files.entry(path.clone()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(FileDraft {
                source: self.snapshot.read(path)?,
                edits: Vec::new(),
                imports: Vec::new(),
            })),
        }
    }
}

/// Returns the insertion of import lines at the end of a file's own imports.
pub(super) fn import_edit(path: &RepoPath, text: &str, imports: &[String]) -> TextEdit {
    let at = Language::of_path(path).map_or(0, |language| import_offset(text, language));
    let is_import_before = text[..at].lines().next_back().zip(Language::of_path(path));
    let joins = is_import_before.is_some_and(|(line, language)| is_import(line, language) || line.ends_with(')'));
    let mut lines = imports.join("\n");
    lines.push('\n');
    if at > 0 && !text[..at].ends_with(['\n', '\u{feff}']) {
        lines.insert(0, '\n');
    } else if !joins && text[..at].ends_with('\n') {
        // A docstring or a licence keeps its distance.
        lines.insert(0, '\n');
    } else if !joins && !text[at..].starts_with(['\n', '\r']) {
        lines.push('\n');
    }
    TextEdit {
        range: TextRange::empty(at),
        replacement: Eol::of(text).normalize(&lines),
    }
}

/// Returns the start of the line after the last top-level import, or after what must stand first: comments, a module's
/// docstring, a package clause, `"use strict"`.
fn import_offset(text: &str, language: Language) -> usize {
    let parsed = ParsedFile::parse(language, text);
    let mut offset = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let Some(root) = parsed.tree().map(|tree| tree.root_node()) else {
        return offset;
    };
    let mut cursor = root.walk();
    let mut leading = true;
    for child in root.named_children(&mut cursor) {
        let code = &text[child.byte_range()];
        let import = is_import(code.lines().next().unwrap_or(""), language)
            || matches!(
                child.kind(),
                "import_statement" | "import_from_statement" | "import_declaration" | "use_declaration"
            );
        leading &= match child.kind() {
            "package_declaration" | "package_clause" | "package_header" | "library_name" | "inner_attribute_item" => {
                true
            }
            // A comment right above code belongs to that code.
            "comment" | "line_comment" | "block_comment" => {
                let rest = text[child.end_byte()..].trim_start_matches('\r');
                code.starts_with("#!") || code.ends_with('\n') || blank_line_follows(rest)
            }
            "expression_statement" => code.starts_with(['"', '\'', 'r']),
            _ => false,
        };
        if import || leading {
            let end = child.end_byte();
            let at_line_end = text[..end].ends_with('\n');
            offset = match text[end..].find('\n') {
                _ if at_line_end => end,
                Some(newline) => end + newline + 1,
                None => text.len(),
            };
        }
    }
    offset
}

fn blank_line_follows(rest: &str) -> bool {
    let mut lines = rest.split('\n').skip(1);
    lines.next().is_none_or(|line| line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset_line(text: &str, language: Language) -> usize {
        text[..import_offset(text, language)].lines().count()
    }

    #[test]
    fn imports_go_after_the_last_import() {
        assert_eq!(
            offset_line("import a\nfrom b import (\n  c,\n)\n\nx = 1\n", Language::Python),
            4
        );
        assert_eq!(offset_line("//! doc\n\nuse a::b;\n\nfn f() {}\n", Language::Rust), 3);
        assert_eq!(offset_line("#include <a.h>\n#include <b.h>\nint x;\n", Language::C), 2);
        assert_eq!(
            offset_line("'use strict';\nconst a = require('a');\nf();\n", Language::JavaScript),
            2
        );
    }

    #[test]
    fn without_imports_they_go_after_what_must_stand_first() {
        assert_eq!(offset_line("\"\"\"Doc.\"\"\"\n\nx = 1\n", Language::Python), 1);
        assert_eq!(offset_line("package a;\n\nclass B {}\n", Language::Java), 1);
        assert_eq!(import_offset("x = 1\n", Language::Python), 0);
    }
}
