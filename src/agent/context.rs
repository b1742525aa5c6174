use std::collections::BTreeSet;

use crate::index::Index;
use crate::lang::{ParsedFile, SymbolKind};
use crate::prompt::Fragment;
use crate::repo::SourceText;
use crate::text::TextRange;

use super::answer::is_import;
use super::target::Region;

/// Returns the shortened text of a region's file: its imports, constants, and the signatures of everything but the
/// region.
pub(super) fn outline(index: &Index, source: &SourceText, region: &Region) -> Fragment {
    let mut lines: Vec<String> = Vec::new();
    if let Some(language) = region.language {
        let imports = source.text.lines().filter(|line| is_import(line, language));
        lines.extend(imports.map(|line| line.trim_end().to_owned()));
    }
    for symbol in index.in_file(&source.path) {
        let definition = &symbol.definition;
        if region.range.contains(definition.range) || is_local(index, source, definition.range) {
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
        let line = format!("{}{}", "    ".repeat(depth), shortened(text));
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    Fragment {
        title: format!("the outline of {}", source.path),
        text: lines.join("\n"),
    }
}

/// Returns the signatures of what a region uses and other files define.
pub(super) fn used(index: &Index, source: &SourceText, region: &Region, request: &str) -> Fragment {
    const MOST: usize = 12;
    let mut names: BTreeSet<&str> = identifiers(request).collect();
    if let Some(language) = region.language {
        let parsed = ParsedFile::parse(language, &source.text);
        let uses = parsed.references(&source.text);
        let inside: Vec<TextRange> = uses
            .iter()
            .map(|u| u.range)
            .filter(|range| region.range.contains(*range))
            .collect();
        names.extend(inside.into_iter().map(|range| &source.text[range.as_range()]));
    }
    let mut lines = Vec::new();
    for name in names {
        let elsewhere = index.named(name);
        let elsewhere: Vec<_> = elsewhere.iter().filter(|s| s.path != source.path).collect();
        if let [only] = elsewhere[..] {
            lines.push(format!("{}: {}", only.path, shortened(&only.definition.signature)));
        }
        if lines.len() == MOST {
            break;
        }
    }
    Fragment {
        title: "signatures from other files".to_owned(),
        text: lines.join("\n"),
    }
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c == '_' || c.is_alphanumeric()))
        .filter(|word| word.len() > 2)
}

fn is_one_line(kind: SymbolKind) -> bool {
    matches!(
        kind,
        SymbolKind::Constant | SymbolKind::Variable | SymbolKind::Type | SymbolKind::Macro | SymbolKind::Field
    )
}

/// Tells whether a definition stands inside a function.
fn is_local(index: &Index, source: &SourceText, range: TextRange) -> bool {
    index.in_file(&source.path).iter().any(|other| {
        matches!(
            other.definition.kind,
            SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor
        ) && other.definition.range != range
            && other.definition.range.contains(range)
    })
}

fn shortened(line: &str) -> String {
    const MOST_CHARS: usize = 160;
    match line.char_indices().nth(MOST_CHARS) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line.to_owned(),
    }
}
