use std::sync::OnceLock;

use tree_sitter::Query;

use super::{Language, SymbolKind, UseKind};

/// Compiles both queries of a language, as the first use does.
///
/// # Errors
/// [`QueryError`] names the query that the grammar refuses.
pub fn compile_queries(language: Language) -> Result<(), QueryError> {
    Queries::compile(language).map(drop)
}

/// A query that its grammar refuses: a defect of this program, kept as a value so that a file in that language is
/// still shown as text.
#[derive(Debug, thiserror::Error)]
#[error("the {query} query of {language} does not compile")]
pub struct QueryError {
    language: &'static str,
    query: &'static str,
    #[source]
    source: tree_sitter::QueryError,
}

/// What a capture of `tags.scm` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TagCapture {
    Definition(SymbolKind),
    Name,
    Body,
    /// What a definition starts with that reaches to the next such one.
    Start,
    /// Where a body starts that is no node of its own and reaches to the end of the construct.
    Rest,
    Container,
    Wrapper,
    Wrapped,
    Attached,
    Comment,
    Doc,
    Ignored,
}

/// The compiled queries of one language.
pub(super) struct Queries {
    pub(super) tags: Query,
    /// By capture index of `tags`.
    pub(super) tag_captures: Vec<TagCapture>,
    pub(super) references: Query,
    /// By capture index of `references`.
    pub(super) use_kinds: Vec<UseKind>,
}

impl Queries {
    /// Returns the queries of a language, compiled at the first call.
    pub(super) fn of(language: Language) -> Option<&'static Self> {
        const COUNT: usize = Language::ALL.len();
        static COMPILED: [OnceLock<Option<Queries>>; COUNT] = [const { OnceLock::new() }; COUNT];
        COMPILED[language as usize]
            .get_or_init(|| Self::compile(language).ok())
            .as_ref()
    }

    fn compile(language: Language) -> Result<Self, QueryError> {
        let spec = language.spec();
        let grammar = (spec.grammar)();
        let compile = |query, source| {
            Query::new(&grammar, source).map_err(|source| QueryError {
                language: spec.name,
                query,
                source,
            })
        };
        let tags = compile("tags", spec.tags)?;
        let references = compile("references", spec.references)?;
        let tag_captures = tags.capture_names().iter().map(|name| tag_capture(name)).collect();
        let use_kinds = references.capture_names().iter().map(|name| use_kind(name)).collect();
        Ok(Self {
            tags,
            tag_captures,
            references,
            use_kinds,
        })
    }
}

fn tag_capture(name: &str) -> TagCapture {
    if let Some(kind) = name.strip_prefix("definition.").and_then(SymbolKind::of_capture) {
        return TagCapture::Definition(kind);
    }
    match name {
        "name" => TagCapture::Name,
        "body" => TagCapture::Body,
        "start" => TagCapture::Start,
        "rest" => TagCapture::Rest,
        "container" => TagCapture::Container,
        "wrapper" => TagCapture::Wrapper,
        "wrapped" => TagCapture::Wrapped,
        "attached" => TagCapture::Attached,
        "comment" => TagCapture::Comment,
        "doc" => TagCapture::Doc,
        _ => TagCapture::Ignored,
    }
}

fn use_kind(name: &str) -> UseKind {
    match name {
        "reference.call" => UseKind::Call,
        "reference.type" => UseKind::Type,
        _ => UseKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles_and_names_only_known_captures() {
        for &language in Language::ALL {
            let queries = Queries::compile(language).unwrap_or_else(|error| panic!("{error}: {:?}", error.source));
            for (name, capture) in queries.tags.capture_names().iter().zip(&queries.tag_captures) {
                assert!(
                    *capture != TagCapture::Ignored || name.starts_with('_'),
                    "{language:?}: @{name}"
                );
            }
            for name in queries.references.capture_names() {
                assert!(
                    matches!(*name, "reference.call" | "reference.type" | "reference.other"),
                    "@{name}"
                );
            }
        }
    }
}
