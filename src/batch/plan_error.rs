use super::plan::VERSION;
use crate::lang::Language;
use crate::text::PathError;

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is no TOML, or has a key that is not known, or lacks one.
    #[error("the plan cannot be read")]
    Toml(#[source] Box<toml::de::Error>),
    /// It is of another version.
    #[error("the plan says version = {0}; this skiff reads version {VERSION}")]
    Version(u32),
    /// It says in no way, or in several, what its places are.
    #[error("`match` needs exactly one of code, query, references, regex, places, findings{}", found(.0))]
    Match(Vec<&'static str>),
    /// A query is written for one grammar.
    #[error("`match.query` needs `match.languages`")]
    QueryLanguages,
    /// Nobody has the language.
    #[error("`match.languages`: {name:?} is not known; known are {}", languages())]
    Language {
        /// What it says.
        name: String,
    },
    /// A regular expression does not compile.
    #[error("`{key}` is no regular expression")]
    Regex {
        /// Which one.
        key: String,
        /// Why.
        #[source]
        source: Box<regex::Error>,
    },
    /// A place is not `path:line` or `path:line-line`.
    #[error("`match.places`: {0:?} is not PATH:LINE or PATH:LINE-LINE")]
    Place(String),
    /// A place is in no file of a repository.
    #[error("`match.places`: {place:?}")]
    Path {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// A hole that nothing can fill.
    #[error("`{key}` has ${name}, which `match` does not bind{}", bound(.known))]
    Unbound {
        /// Where it stands.
        key: &'static str,
        /// The hole.
        name: String,
        /// What could stand there.
        known: Vec<String>,
    },
    /// Nothing is to be done.
    #[error("the plan needs a `request` or at least one `[[rewrite]]`")]
    NothingToDo,
}

fn found(keys: &[&str]) -> String {
    match keys {
        [] => String::new(),
        keys => format!("; it has {}", keys.join(" and ")),
    }
}

fn languages() -> String {
    Language::ALL
        .iter()
        .map(|language| language.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn bound(names: &[String]) -> String {
    format!(
        "; it binds {}",
        names
            .iter()
            .map(|name| format!("${name}"))
            .collect::<Vec<_>>()
            .join(", ")
    )
}
