use std::collections::BTreeSet;

use crate::index::{Index, Symbol};
use crate::lang::SymbolKind;
use crate::prompt::Fragment;
use crate::repo::SourceText;
use crate::text::{TextRange, shortened};

use super::Workbench;
use super::answer::is_import;
use super::candidate::is_local;
use super::neighbours::shown_whole;
use super::target::Region;

/// The most lines of a definition that is shown whole.
pub(super) const SHORT_LINES: usize = 16;
/// The most characters that are shown of a line of another definition.
const MOST_LINE_CHARS: usize = 160;

/// Returns the shortened text of a region's file: its imports, constants, and the signatures of everything but the
/// region.
pub(super) fn outline(index: &Index, source: &SourceText, region: &Region, request: &str) -> Fragment {
    let mut lines: Vec<String> = Vec::new();
    if let Some(language) = region.language {
        let imports = source.text.lines().filter(|line| is_import(line, language));
        lines.extend(imports.map(|line| line.trim_end().to_owned()));
    }
    let whole = shown_whole(index, source, region, request);
    for symbol in index.in_file(&source.path) {
        let definition = &symbol.definition;
        if region.range.contains(definition.range) || is_local(index, symbol) {
            continue;
        }
        let depth = definition
            .container
            .as_deref()
            .map_or(0, |c| c.replace("::", ".").split('.').count());
        let text = match is_one_line(definition.kind) {
            true => source.text[definition.range.as_range()]
                .lines()
                .next()
                .unwrap_or("")
                .trim_end(),
            false => definition.signature.as_str(),
        };
        if whole.contains(&symbol.id) {
            lines.push(whole_lines(&source.text, definition.range));
            continue;
        }
        let line = format!("{}{}", "    ".repeat(depth), shortened(text, MOST_LINE_CHARS));
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    Fragment {
        title: format!("the outline of {}", source.path),
        text: lines.join("\n"),
    }
}

/// Returns what a region uses and other files define: whole where it is short, since signatures seldom say what is
/// returned and for what, otherwise the signature.
pub(super) fn used(bench: &Workbench<'_>, source: &SourceText, region: &Region, request: &str) -> Fragment {
    const MOST: usize = 12;
    let index = bench.index;
    let mut names: BTreeSet<&str> = identifiers(request).collect();
    names.extend(identifiers(&region.code));
    let mut found = Vec::new();
    for name in names {
        let elsewhere = index
            .named(name)
            .into_iter()
            .filter(|symbol| symbol.path != source.path && symbol.definition.kind.is_code());
        let elsewhere: Vec<&Symbol> = elsewhere.filter(|symbol| symbol.definition.name == name).collect();
        // A type and its constructor share a name and a file.
        if let Some(first) = elsewhere
            .first()
            .filter(|first| elsewhere.iter().all(|other| other.path == first.path))
        {
            found.push(shown(bench, first));
        }
        if found.len() == MOST {
            break;
        }
    }
    Fragment {
        title: "definitions from other files".to_owned(),
        text: found.join("\n"),
    }
}

/// Returns the text of a range from the start of its first line.
fn whole_lines(text: &str, range: TextRange) -> String {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    text[start..range.end].replace("\r\n", "\n")
}

fn shown(bench: &Workbench<'_>, symbol: &Symbol) -> String {
    let source = symbol
        .definition
        .body
        .is_some()
        .then(|| bench.snapshot.read(&symbol.path).ok())
        .flatten();
    let code = source
        .as_ref()
        .and_then(|source| source.text.get(symbol.definition.range.as_range()));
    match code {
        Some(code) if code.lines().count() <= SHORT_LINES => {
            format!("{}:\n{}", symbol.path, code.replace("\r\n", "\n"))
        }
        _ => format!(
            "{}: {}",
            symbol.path,
            shortened(&symbol.definition.signature, MOST_LINE_CHARS)
        ),
    }
}

pub(super) fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c == '_' || c.is_alphanumeric()))
        .filter(|word| word.len() > 2)
}

fn is_one_line(kind: SymbolKind) -> bool {
    matches!(
        kind,
        SymbolKind::Constant | SymbolKind::Variable | SymbolKind::Type | SymbolKind::Macro | SymbolKind::Field
    )
}
