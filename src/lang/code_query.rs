use std::collections::BTreeMap;
use std::time::Instant;

use thiserror::Error;
use tree_sitter::Query;

use super::matches::{self, Seen};
use super::{CodeMatch, Language, PARSE_BUDGET, ParsedFile};

/// A query in the language of tree-sitter that somebody wrote: `@site` is what it finds, captures in capitals are holes.
pub struct CodeQuery {
    language: Language,
    query: Query,
    site: u32,
}

/// Why a text is no query.
#[derive(Debug, Error)]
pub enum CodeQueryError {
    /// The grammar refuses it.
    #[error("the query does not compile for {language}")]
    Refused {
        /// The language.
        language: &'static str,
        /// Why, with the place.
        #[source]
        source: tree_sitter::QueryError,
    },
    /// Nothing is captured that could be a place.
    #[error("the query captures nothing as @site")]
    NoSite,
}

impl CodeQuery {
    /// Compiles a query for a language.
    ///
    /// # Errors
    /// [`CodeQueryError`] when the grammar refuses it, or it has no `@site`.
    pub fn new(language: Language, text: &str) -> Result<Self, CodeQueryError> {
        let query = Query::new(&(language.spec().grammar)(), text).map_err(|source| CodeQueryError::Refused {
            language: language.name(),
            source,
        })?;
        let site = query.capture_index_for_name("site").ok_or(CodeQueryError::NoSite)?;
        Ok(Self { language, query, site })
    }

    /// Returns the language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns the places that match, in the order of the text; as far as they are found in the time of a parse.
    pub fn matches(&self, parsed: &ParsedFile, text: &str) -> Vec<CodeMatch> {
        let mut found = Vec::new();
        let Some(tree) = parsed.tree().filter(|_| parsed.language() == self.language) else {
            return found;
        };
        let names = self.query.capture_names();
        let is_hole = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
        let seen = matches::for_each(&self.query, Instant::now() + PARSE_BUDGET, tree, text, |own| {
            let site = own
                .captures
                .iter()
                .find(|capture| u32::from(capture.index) == self.site);
            let Some(site) = site else { return };
            let holes = own.captures.iter().filter_map(|capture| {
                let name = names[usize::from(capture.index)];
                is_hole(name).then(|| (name.to_owned(), capture.range))
            });
            found.push(CodeMatch {
                range: site.range,
                captures: holes.collect::<BTreeMap<_, _>>(),
            });
        });
        // A part depends on the machine's speed: none is what can be repeated.
        if seen == Seen::Part {
            found.clear();
        }
        found.sort_by_key(|own| (own.range.start, std::cmp::Reverse(own.range.end)));
        found.dedup_by(|a, b| a.range == b.range);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_found_with_their_holes() {
        let text = "int f(void) { return g(1, h(2)); }\n";
        let query = "((call_expression function: (identifier) @NAME arguments: (_) @ARGS) @site (#eq? @NAME \"g\"))";
        let query = CodeQuery::new(Language::C, query).unwrap();
        let found = query.matches(&ParsedFile::parse(Language::C, text), text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(&text[found[0].range.as_range()], "g(1, h(2))");
        assert_eq!(&text[found[0].captures["ARGS"].as_range()], "(1, h(2))");
        assert!(
            query
                .matches(&ParsedFile::parse(Language::Python, "g(1)"), "g(1)")
                .is_empty()
        );
    }

    #[test]
    fn what_is_no_query_is_refused() {
        let refused = |text: &str| CodeQuery::new(Language::C, text).err().map(|error| error.to_string());
        assert_eq!(
            refused("(call_expression) @call").unwrap(),
            "the query captures nothing as @site"
        );
        assert_eq!(
            refused("(no_such_node) @site").unwrap(),
            "the query does not compile for C"
        );
    }
}
