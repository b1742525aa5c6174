use std::sync::OnceLock;

use tree_sitter::{Query, Tree};

use super::table::{self, Table};
use super::walk::{self, Match, Search};
use super::{Language, SymbolKind, UseKind, assertion, matches, scope};

/// What matches the queries of a language against a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One walk over the tree for all queries; a query with a construct that it does not know is left to the other.
    Walk,
    /// The query engine of tree-sitter, once for each query: slower, and there to measure and test the walk against.
    /// It misses some fields that repeat, such as the second name of `const a, b = 1, 2` in Go.
    Query,
}

/// Compiles the queries of a language, as the first use does.
///
/// # Errors
/// [`QueryError`] names the query that the grammar refuses.
pub fn compile_queries(language: Language) -> Result<(), QueryError> {
    Queries::compile(language, Engine::Query)?;
    let failed = |query: &'static str| {
        move |source| QueryError {
            language: language.name(),
            query,
            source,
        }
    };
    scope::check(language).map_err(failed("scopes"))?;
    assertion::compile(language).map_err(failed("assertions"))?;
    Ok(())
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
    /// What opens a construct whose body has no node: the body is what follows.
    Head,
    /// The token that such a body begins with.
    Open,
    /// What a definition starts with that reaches to the next such one.
    Start,
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
    table: Table,
    tags: Side<TagCapture>,
    references: Side<UseKind>,
}

/// One of the two queries.
struct Side<T> {
    /// What its captures stand for, by their index.
    captures: Vec<T>,
    /// The query for the engine of tree-sitter; none where the table has it.
    query: Option<Query>,
}

impl Queries {
    /// Returns the queries of a language, compiled at the first call.
    pub(super) fn of(language: Language, engine: Engine) -> Option<&'static Self> {
        const COUNT: usize = Language::ALL.len();
        static COMPILED: [[OnceLock<Option<Queries>>; COUNT]; 2] = [const { [const { OnceLock::new() }; COUNT] }; 2];
        COMPILED[engine as usize][language as usize]
            .get_or_init(|| Self::compile(language, engine).ok())
            .as_ref()
    }

    /// Returns what a capture of the tags query stands for.
    pub(super) fn tag(&self, capture: u16) -> TagCapture {
        let known = self.tags.captures.get(usize::from(capture));
        known.copied().unwrap_or(TagCapture::Ignored)
    }

    /// Returns what a capture of the references query stands for.
    pub(super) fn use_kind(&self, capture: u16) -> UseKind {
        let known = self.references.captures.get(usize::from(capture));
        known.copied().unwrap_or(UseKind::Other)
    }

    /// Reports every match of the wanted queries, in no particular order.
    pub(super) fn for_each_match(
        &self,
        search: Search,
        tree: &Tree,
        text: &str,
        mut each: impl FnMut(table::Query, Match<'_>),
    ) {
        let sides = [
            (table::Query::Tags, &self.tags.query),
            (table::Query::References, &self.references.query),
        ];
        let sides = sides.into_iter().filter(|(side, _)| search.wanted.includes(*side));
        if sides.clone().any(|(_, query)| query.is_none()) {
            walk::walk(&self.table, search, tree, text, &mut each);
        }
        for (side, query) in sides {
            if let Some(query) = query {
                matches::for_each(query, search.deadline, tree, text, |found| each(side, found));
            }
        }
    }

    fn compile(language: Language, engine: Engine) -> Result<Self, QueryError> {
        let spec = language.spec();
        let mut table = Table::default();
        let tags = Side::compile(&mut table, language, engine, table::Query::Tags, spec.tags, tag_capture)?;
        let references = Side::compile(
            &mut table,
            language,
            engine,
            table::Query::References,
            spec.references,
            use_kind,
        )?;
        Ok(Self {
            table,
            tags,
            references,
        })
    }
}

impl<T> Side<T> {
    fn compile(
        table: &mut Table,
        language: Language,
        engine: Engine,
        side: table::Query,
        source: &str,
        meaning: fn(&str) -> T,
    ) -> Result<Self, QueryError> {
        let grammar = (language.spec().grammar)();
        let in_table = match engine {
            Engine::Walk => table.add(side, source, &grammar).ok(),
            Engine::Query => None,
        };
        if let Some(names) = in_table {
            return Ok(Self {
                captures: names.iter().map(|name| meaning(name)).collect(),
                query: None,
            });
        }
        let query = Query::new(&grammar, source).map_err(|source| QueryError {
            language: language.name(),
            query: match side {
                table::Query::Tags => "tags",
                table::Query::References => "references",
            },
            source,
        })?;
        Ok(Self {
            captures: query.capture_names().iter().map(|name| meaning(name)).collect(),
            query: Some(query),
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
        "head" => TagCapture::Head,
        "open" => TagCapture::Open,
        "start" => TagCapture::Start,
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

    /// The queries that the table does not take, with the reason in its words.
    const LEFT_TO_THE_ENGINE: &[(Language, table::Query)] = &[];

    #[test]
    fn every_query_compiles_and_names_only_known_captures() {
        for &language in Language::ALL {
            let compiled = Queries::compile(language, Engine::Query);
            let queries = compiled.unwrap_or_else(|error| panic!("{error}: {:?}", error.source));
            let tags = queries.tags.query.unwrap();
            for (name, capture) in tags.capture_names().iter().zip(&queries.tags.captures) {
                assert!(
                    *capture != TagCapture::Ignored || name.starts_with('_'),
                    "{language:?}: @{name}"
                );
            }
            for name in queries.references.query.unwrap().capture_names() {
                assert!(
                    matches!(*name, "reference.call" | "reference.type" | "reference.other"),
                    "@{name}"
                );
            }
        }
    }

    #[test]
    fn every_query_is_in_the_table_or_listed() {
        for &language in Language::ALL {
            let spec = language.spec();
            for (side, source) in [
                (table::Query::Tags, spec.tags),
                (table::Query::References, spec.references),
            ] {
                let added = Table::default().add(side, source, &(spec.grammar)());
                let listed = LEFT_TO_THE_ENGINE.contains(&(language, side));
                assert_eq!(added.is_err(), listed, "{language:?} {side:?}: {:?}", added.err());
            }
        }
    }
}
