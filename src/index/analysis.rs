use super::SkipReason;
use super::rank::{FileField, SymbolField};
use super::term_index::{TermCounter, TermCounts};
use crate::lang::{Definition, Language, NameUse, ParseOutcome, ParsedFile, SymbolKind};
use crate::repo::BlobId;
use crate::text::{LineIndex, RepoPath, TextRange};

/// The most bytes of one body, or of one file, whose words are counted.
const MAX_COUNTED_BYTES: usize = 256 << 10;

/// What is read off one file, independent of every other file.
pub(super) struct Analysis {
    pub(super) language: Option<Language>,
    pub(super) blob: BlobId,
    pub(super) size_bytes: usize,
    pub(super) symbols: Vec<AnalyzedSymbol>,
    pub(super) uses: Vec<(NameUse, usize)>,
    pub(super) terms: TermCounts<5>,
    /// Why there are no symbols although there is a grammar.
    pub(super) skipped: Option<SkipReason>,
}

/// A definition with its lines and terms.
pub(super) struct AnalyzedSymbol {
    pub(super) definition: Definition,
    pub(super) line: usize,
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    pub(super) terms: TermCounts<5>,
}

impl Analysis {
    pub(super) fn of(path: &RepoPath, text: &str) -> Self {
        let language = Language::detect(path, text);
        let mut analysis = Self {
            language,
            blob: BlobId::of(text.as_bytes()),
            size_bytes: text.len(),
            symbols: Vec::new(),
            uses: Vec::new(),
            terms: Vec::new(),
            skipped: None,
        };
        let mut file = TermCounter::new();
        file.add(FileField::Name as usize, path.file_name());
        file.add(FileField::Folder as usize, path.parent());
        file.add(FileField::Text as usize, prefix(text, MAX_COUNTED_BYTES));
        if let Some(language) = language {
            let parsed = ParsedFile::parse(language, text);
            match parsed.outcome() {
                ParseOutcome::Complete => {}
                ParseOutcome::TooLarge | ParseOutcome::TooSlow => analysis.skipped = Some(SkipReason::NotParsed),
            }
            let definitions = parsed.definitions(text);
            for definition in &definitions {
                file.add(FileField::Symbols as usize, &definition.name);
                file.add(FileField::Doc as usize, definition.doc.as_deref().unwrap_or_default());
            }
            let lines = LineIndex::new(text);
            analysis.uses = uses(&parsed, text, &definitions, &lines);
            analysis.symbols = symbols(path, text, definitions, &lines);
        }
        analysis.terms = file.finish();
        analysis
    }
}

fn uses(parsed: &ParsedFile, text: &str, definitions: &[Definition], lines: &LineIndex) -> Vec<(NameUse, usize)> {
    let mut defined: Vec<TextRange> = definitions.iter().map(|definition| definition.name_range).collect();
    defined.sort_unstable();
    parsed
        .references(text)
        .into_iter()
        .filter(|found| defined.binary_search(&found.range).is_err())
        .map(|found| {
            let line = lines.line_of(found.range.start);
            (found, line)
        })
        .collect()
}

fn symbols(path: &RepoPath, text: &str, definitions: Vec<Definition>, lines: &LineIndex) -> Vec<AnalyzedSymbol> {
    let terms: Vec<TermCounts<5>> = (0..definitions.len())
        .map(|at| symbol_terms(path, text, &definitions, at))
        .collect();
    definitions
        .into_iter()
        .zip(terms)
        .map(|(definition, terms)| AnalyzedSymbol {
            line: lines.line_of(definition.name_range.start),
            first_line: lines.line_of(definition.range.start),
            last_line: lines.line_of(definition.range.end.saturating_sub(1)),
            definition,
            terms,
        })
        .collect()
}

fn symbol_terms(path: &RepoPath, text: &str, definitions: &[Definition], at: usize) -> TermCounts<5> {
    let definition = &definitions[at];
    let mut counter = TermCounter::new();
    counter.add(SymbolField::Name as usize, &definition.name);
    counter.add(SymbolField::Doc as usize, definition.doc.as_deref().unwrap_or_default());
    counter.add(SymbolField::Signature as usize, &definition.signature);
    counter.add(SymbolField::Place as usize, path.as_str());
    counter.add(
        SymbolField::Place as usize,
        definition.container.as_deref().unwrap_or_default(),
    );
    for own in own_parts(definitions, at) {
        let part = text.get(own.as_range()).unwrap_or_default();
        counter.add(SymbolField::Body as usize, prefix(part, MAX_COUNTED_BYTES));
    }
    counter.finish()
}

/// Returns the parts of a body that are the symbol's own. A class leaves its methods out, which are found by
/// themselves; a function keeps the functions inside it.
fn own_parts(definitions: &[Definition], at: usize) -> Vec<TextRange> {
    let definition = &definitions[at];
    let whole = definition.body.unwrap_or(definition.range);
    if !definition.kind.has_methods() && definition.kind != SymbolKind::Module {
        return vec![whole];
    }
    let mut parts = Vec::new();
    let mut from = whole.start;
    for inner in definitions[at + 1..]
        .iter()
        .take_while(|inner| inner.range.start < whole.end)
    {
        if inner.full_range.start >= from {
            parts.push(TextRange::new(from, inner.full_range.start));
        }
        from = from.max(inner.range.end);
    }
    if from < whole.end {
        parts.push(TextRange::new(from, whole.end));
    }
    parts
}

fn prefix(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}
