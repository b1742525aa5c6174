use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::lang::{Language, ParsedFile};
use crate::repo::{RepoError, Snapshot, SourceText};
use crate::text::{EditError, Eol, FileChange, RepoPath, SourceChange, TextEdit, TextRange};

use super::AgentError;
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

    /// Takes the making of a new file back.
    pub(super) fn uncreate(&mut self, path: &RepoPath) {
        if self.created(path).is_some() {
            self.change.forget(path);
        }
    }

    /// Takes all edits of a file back.
    pub(super) fn revert(&mut self, path: &RepoPath) {
        self.files.remove(path);
    }

    /// Takes the edits inside of a part back.
    pub(super) fn drop_within(&mut self, path: &RepoPath, extent: Extent) {
        if let Some(file) = self.files.get_mut(path) {
            file.edits.retain(|edit| !extent.has(edit));
        }
    }

    /// Returns the text of a new file.
    pub(super) fn created(&self, path: &RepoPath) -> Option<&str> {
        self.change.files().find_map(|(own, change)| match change {
            FileChange::Create(text) if own == path => Some(text.as_str()),
            FileChange::Create(_) | FileChange::Edit(_) | FileChange::Delete => None,
        })
    }

    /// Returns a file as it is now; none where it was deleted.
    pub(super) fn text(&mut self, path: &RepoPath) -> Result<Option<String>, AgentError> {
        if let Some(text) = self.created(path) {
            return Ok(Some(text.to_owned()));
        }
        if self.change.files().any(|(own, _)| own == path) {
            return Ok(None);
        }
        let file = self.file(path)?;
        Ok(Some(TextEdit::apply_all(&file.source.text, &file.all_edits())?))
    }

    /// Returns where a part of a file as it was stands now; none where an edit took it, or a piece of it, away.
    pub(super) fn moved(&self, path: &RepoPath, extent: Extent) -> Option<TextRange> {
        let range = extent.range;
        let edits = self.files.get(path).map_or_else(Vec::new, FileDraft::all_edits);
        let (mut start, mut end) = (range.start, range.end);
        for edit in edits {
            if edit.range.end <= range.start && !extent.has(&edit) {
                start = start + edit.replacement.len() - edit.range.len();
                end = end + edit.replacement.len() - edit.range.len();
            } else if edit.range == range && !edit.replacement.is_empty() || extent.has(&edit) && edit.range != range {
                end = end + edit.replacement.len() - edit.range.len();
            } else if edit.range.overlaps(range) {
                return None;
            }
        }
        Some(TextRange::new(start, end))
    }

    /// Returns the files that are edited.
    pub(super) fn touched(&self) -> Vec<RepoPath> {
        let edited = self.files.iter().filter(|(_, file)| !file.edits.is_empty());
        edited.map(|(path, _)| path.clone()).collect()
    }

    /// Returns a file with only those edits carried out that lie inside of a part of it, and where the part ends then;
    /// none where no edit does.
    pub(super) fn within(
        &mut self,
        path: &RepoPath,
        extent: Extent,
    ) -> Result<Option<(SourceText, usize)>, AgentError> {
        let file = self.file(path)?;
        let edits: Vec<TextEdit> = file.edits_within(extent);
        if edits.is_empty() {
            return Ok(None);
        }
        let text = TextEdit::apply_all(&file.source.text, &edits)?;
        let end = match extent.kind {
            ExtentKind::File => text.trim_end().len().max(extent.range.start),
            ExtentKind::Definition { .. } => extent.range.end + text.len() - file.source.text.len(),
        };
        let source = SourceText {
            text,
            ..file.source.clone()
        };
        Ok(Some((source, end)))
    }

    /// Adds an edit of what [`Drafts::within`] returned for a part; it takes the place of the edits inside of that.
    pub(super) fn edit_again(&mut self, path: &RepoPath, extent: Extent, edit: TextEdit) -> Result<(), AgentError> {
        let Some((source, end)) = self.within(path, extent)? else {
            return Ok(self.edit(path, edit)?);
        };
        let start = extent.range.start;
        let file = self.file(path)?;
        // Of a whole file the rest behind the last line is what an edit may have reached into.
        let (range, own) = match extent.kind {
            ExtentKind::File => (
                TextRange::new(start, file.source.text.len()),
                TextRange::new(start, source.text.len()),
            ),
            ExtentKind::Definition { .. } => (extent.range, TextRange::new(start, end)),
        };
        if !own.contains(edit.range) {
            return Err(AgentError::Edit(EditError::Overlap {
                path: path.clone(),
                first: own,
                second: edit.range,
            }));
        }
        let head = &source.text[own.start..edit.range.start];
        let tail = &source.text[edit.range.end..own.end];
        let replacement = [head, &edit.replacement, tail].concat();
        if extent.kind == ExtentKind::File {
            file.imports.clear();
        }
        file.edits.retain(|edit| !extent.has(edit));
        file.edits.push(TextEdit { range, replacement });
        Ok(())
    }

    /// Returns everything as one change.
    pub(super) fn into_change(self) -> Result<SourceChange, EditError> {
        let mut change = self.change;
        for (path, file) in self.files {
            for edit in file.all_edits() {
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

impl FileDraft {
    /// Returns the edits, that of the imports among them, in the order of the text.
    fn all_edits(&self) -> Vec<TextEdit> {
        let mut edits = self.edits.clone();
        edits.extend(self.import_edit());
        edits.sort_by_key(|edit| edit.range);
        edits
    }

    /// Returns those inside of a part, in the order of the text.
    fn edits_within(&self, extent: Extent) -> Vec<TextEdit> {
        let mut edits: Vec<TextEdit> = self.edits.iter().filter(|edit| extent.has(edit)).cloned().collect();
        edits.extend(self.import_edit().filter(|_| extent.kind == ExtentKind::File));
        edits.sort_by_key(|edit| edit.range);
        edits
    }

    fn import_edit(&self) -> Option<TextEdit> {
        let edit = || import_edit(&self.source.path, &self.source.text, &self.imports);
        (!self.imports.is_empty()).then(edit)
    }
}

/// A part of a file as it was, and what stands at its end and still belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) range: TextRange,
    pub(super) kind: ExtentKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExtentKind {
    /// All of the file, with its imports.
    File,
    /// A definition that is indented by so many bytes.
    Definition { indent_bytes: usize },
}

impl Extent {
    /// Tells whether an edit lies inside. An insertion behind a definition belongs to it where it is indented deeper:
    /// that is how a class ends in some languages.
    fn has(&self, edit: &TextEdit) -> bool {
        let is_inside = self.range.contains(edit.range);
        match self.kind {
            ExtentKind::File => true,
            _ if !edit.range.is_empty() => is_inside,
            ExtentKind::Definition { .. } if edit.range.start == self.range.start => false,
            ExtentKind::Definition { indent_bytes } if edit.range.start == self.range.end => {
                let first = edit.replacement.lines().find(|line| !line.trim().is_empty());
                first.is_some_and(|line| line.len() - line.trim_start().len() > indent_bytes)
            }
            ExtentKind::Definition { .. } => is_inside,
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
    fn what_is_indented_behind_a_definition_belongs_to_it() {
        let extent = |kind| Extent {
            range: TextRange::new(4, 20),
            kind,
        };
        let edit = |start, end, text: &str| TextEdit {
            range: TextRange::new(start, end),
            replacement: text.to_owned(),
        };
        let class = extent(ExtentKind::Definition { indent_bytes: 0 });
        assert!(class.has(&edit(6, 9, "")) && class.has(&edit(4, 20, "x")) && class.has(&edit(10, 10, "x")));
        assert!(class.has(&edit(20, 20, "\n\n    def f(self): pass")));
        assert!(!class.has(&edit(20, 20, "\n\ndef f(): pass")));
        assert!(
            !class.has(&edit(4, 4, "import os\n")) && !class.has(&edit(18, 22, "")) && !class.has(&edit(0, 30, ""))
        );
        assert!(extent(ExtentKind::File).has(&edit(20, 20, "\n\ndef f(): pass")));
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
