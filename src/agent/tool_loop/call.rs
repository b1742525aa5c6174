use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, Spot};
use crate::index::SymbolId;
use crate::text::RepoPath;

/// What an action of the tool loop does, without what it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Searches definitions and lines.
    Find,
    /// Shows code.
    Open,
    /// Lists definitions.
    Map,
    /// Lists the uses of a definition.
    References,
    /// Has a definition or a file written anew.
    Rewrite,
    /// Has new code written after a definition.
    Insert,
    /// Has a new file written.
    NewFile,
    /// Takes a definition or a file out.
    Delete,
    /// Renames a definition and its uses.
    Rename,
    /// Runs the user's checks.
    Check,
    /// Ends the work.
    Finish,
}

impl Tool {
    /// Returns the name by which a model calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Open => "open",
            Self::Map => "map",
            Self::References => "references",
            Self::Rewrite => "rewrite",
            Self::Insert => "insert",
            Self::NewFile => "new_file",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::Check => "check",
            Self::Finish => "finish",
        }
    }

    /// Returns the rules of the decode grammar that spell it.
    pub(super) fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Find => &["find"],
            Self::Open => &["open", "open-lines"],
            Self::Map => &["map", "map-file"],
            Self::References => &["references"],
            Self::Rewrite => &["rewrite"],
            Self::Insert => &["insert"],
            Self::NewFile => &["new-file"],
            Self::Delete => &["delete"],
            Self::Rename => &["rename"],
            Self::Check => &["check"],
            Self::Finish => &["finish"],
        }
    }
}

/// One action, with what it is done to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ToolCall {
    Find(String),
    Open(Spot, Option<Lines>),
    Map(Option<RepoPath>),
    References(SymbolId),
    Rewrite(Spot, String),
    Insert(SymbolId, String),
    NewFile(RepoPath, String),
    Delete(Spot),
    Rename(SymbolId, String),
    Check,
    Finish(String),
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// The first line, zero-based.
    pub(super) start: usize,
    /// One past the last line.
    pub(super) end: usize,
}

/// Why a line is no action that can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// It is no action.
    Unreadable,
    /// It names a place that was not shown, or one of the wrong kind.
    NotShown(Tool, String),
    /// It names a new file by what is no path inside of the repository.
    NoPath(String, String),
}

/// An action as it is spelled.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Spelled {
    Find {
        text: String,
    },
    Open {
        place: String,
        from: Option<usize>,
        to: Option<usize>,
    },
    Map {
        place: Option<String>,
    },
    References {
        place: String,
    },
    Rewrite {
        place: String,
        #[serde(default)]
        how: String,
    },
    Insert {
        after: String,
        #[serde(default)]
        how: String,
    },
    NewFile {
        path: String,
        #[serde(default)]
        how: String,
    },
    Delete {
        place: String,
    },
    Rename {
        place: String,
        to: String,
    },
    Check {},
    Finish {
        #[serde(default)]
        summary: String,
    },
}

impl ToolCall {
    /// Reads an action; what it names must be in the catalog.
    ///
    /// # Errors
    /// [`CallError`] says what of it cannot be.
    pub(super) fn parse(line: &str, catalog: &Catalog<'_>) -> Result<Self, CallError> {
        let spelled = serde_json::from_str(line.trim()).map_err(|_| CallError::Unreadable)?;
        let spot = |tool: Tool, name: String| match catalog.spot(&name) {
            Some(spot) => Ok(spot.clone()),
            None => Err(CallError::NotShown(tool, name)),
        };
        let symbol = |tool: Tool, name: String| match catalog.spot(&name) {
            Some(Spot::Symbol(id)) => Ok(*id),
            Some(Spot::File(_)) | None => Err(CallError::NotShown(tool, name)),
        };
        Ok(match spelled {
            Spelled::Find { text } => Self::Find(text),
            Spelled::Open { place, from, to } => {
                let spot = spot(Tool::Open, place)?;
                Self::Open(spot, lines(from, to))
            }
            Spelled::Map { place: None } => Self::Map(None),
            Spelled::Map { place: Some(name) } => match spot(Tool::Map, name.clone())? {
                Spot::File(path) => Self::Map(Some(path)),
                Spot::Symbol(_) => return Err(CallError::NotShown(Tool::Map, name)),
            },
            Spelled::References { place } => Self::References(symbol(Tool::References, place)?),
            Spelled::Rewrite { place, how } => Self::Rewrite(spot(Tool::Rewrite, place)?, how),
            Spelled::Insert { after, how } => Self::Insert(symbol(Tool::Insert, after)?, how),
            Spelled::NewFile { path, how } => match RepoPath::new(&path) {
                Ok(path) => Self::NewFile(path, how),
                Err(error) => return Err(CallError::NoPath(path, error.to_string())),
            },
            Spelled::Delete { place } => Self::Delete(spot(Tool::Delete, place)?),
            Spelled::Rename { place, to } => Self::Rename(symbol(Tool::Rename, place)?, to),
            Spelled::Check {} => Self::Check,
            Spelled::Finish { summary } => Self::Finish(summary),
        })
    }

    /// Returns what it does.
    pub(super) fn tool(&self) -> Tool {
        match self {
            Self::Find(_) => Tool::Find,
            Self::Open(..) => Tool::Open,
            Self::Map(_) => Tool::Map,
            Self::References(_) => Tool::References,
            Self::Rewrite(..) => Tool::Rewrite,
            Self::Insert(..) => Tool::Insert,
            Self::NewFile(..) => Tool::NewFile,
            Self::Delete(_) => Tool::Delete,
            Self::Rename(..) => Tool::Rename,
            Self::Check => Tool::Check,
            Self::Finish(_) => Tool::Finish,
        }
    }

    /// Returns the name of the place that it is about.
    pub(super) fn target(&self, catalog: &Catalog<'_>) -> Option<String> {
        match self {
            Self::Open(spot, _) | Self::Rewrite(spot, _) | Self::Delete(spot) => Some(catalog.name(spot)),
            Self::References(id) | Self::Insert(id, _) | Self::Rename(id, _) => Some(catalog.name(&Spot::Symbol(*id))),
            Self::NewFile(path, _) => Some(path.to_string()),
            Self::Map(path) => path.as_ref().map(ToString::to_string),
            Self::Find(_) | Self::Check | Self::Finish(_) => None,
        }
    }

    /// Returns what the model says in it in its own words.
    pub(super) fn words(&self) -> Option<&str> {
        let words = match self {
            Self::Find(words)
            | Self::Rewrite(_, words)
            | Self::Insert(_, words)
            | Self::NewFile(_, words)
            | Self::Rename(_, words)
            | Self::Finish(words) => words,
            Self::Open(..) | Self::Map(_) | Self::References(_) | Self::Delete(_) | Self::Check => return None,
        };
        Some(words.as_str()).filter(|words| !words.is_empty())
    }
}

/// Returns the lines from one number to another, both counted from one and both meant.
fn lines(from: Option<usize>, to: Option<usize>) -> Option<Lines> {
    if from.is_none() && to.is_none() {
        return None;
    }
    let start = from.unwrap_or(1).max(1) - 1;
    let end = to.unwrap_or(usize::MAX).max(start + 1);
    Some(Lines { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;
    use crate::progress::NoProgress;

    fn index() -> Index {
        let text = "class A:\n    def f(self):\n        return 1\n\ndef g():\n    return A().f()\n";
        let files = vec![(RepoPath::new("a.py").unwrap(), text.to_owned())];
        Index::from_texts(files, &NoProgress).unwrap()
    }

    fn shown(index: &Index) -> Catalog<'_> {
        let mut catalog = Catalog::new(index);
        for symbol in index.symbols() {
            catalog.show(Spot::Symbol(symbol.id));
        }
        catalog
    }

    #[test]
    fn a_line_of_json_is_an_action_on_what_was_shown() {
        let index = index();
        let catalog = shown(&index);
        let call = |line: &str| ToolCall::parse(line, &catalog);
        let f = index.named("A.f")[0].id;
        let file = Spot::File(RepoPath::new("a.py").unwrap());
        assert_eq!(
            call(r#"{"do": "find", "text": "sum"}"#),
            Ok(ToolCall::Find("sum".to_owned()))
        );
        assert_eq!(
            call(r#"{"do": "rewrite", "place": "a.py:A.f", "how": "return 2"}"#),
            Ok(ToolCall::Rewrite(Spot::Symbol(f), "return 2".to_owned()))
        );
        assert_eq!(
            call("{\"do\": \"open\", \"place\": \"a.py\", \"from\": 2, \"to\": 3}\n"),
            Ok(ToolCall::Open(file.clone(), Some(Lines { start: 1, end: 3 })))
        );
        assert_eq!(
            call(r#"{"do": "open", "place": "a.py"}"#),
            Ok(ToolCall::Open(file, None))
        );
        assert_eq!(call(r#"{"do": "check"}"#), Ok(ToolCall::Check));
    }

    #[test]
    fn nothing_else_is_an_action() {
        let index = index();
        let catalog = shown(&index);
        let call = |line: &str| ToolCall::parse(line, &catalog).unwrap_err();
        for line in [
            "",
            "find it",
            "{}",
            r#"{"do": "run", "command": "rm"}"#,
            r#"{"do": "check", "command": "rm"}"#,
        ] {
            assert_eq!(call(line), CallError::Unreadable, "{line}");
        }
        assert_eq!(
            call(r#"{"do": "open", "place": "b.py"}"#),
            CallError::NotShown(Tool::Open, "b.py".to_owned())
        );
        // A file is no definition.
        assert_eq!(
            call(r#"{"do": "insert", "after": "a.py"}"#),
            CallError::NotShown(Tool::Insert, "a.py".to_owned())
        );
        for path in ["../a.py", "/etc/passwd", ".git/config", "a//b", ""] {
            let line = serde_json::json!({"do": "new_file", "path": path}).to_string();
            assert!(matches!(call(&line), CallError::NoPath(..)), "{path}");
        }
    }

    #[test]
    fn lines_are_counted_from_one_and_never_empty() {
        assert_eq!(lines(None, None), None);
        assert_eq!(lines(Some(0), Some(0)), Some(Lines { start: 0, end: 1 }));
        assert_eq!(lines(Some(5), Some(2)), Some(Lines { start: 4, end: 5 }));
        assert_eq!(lines(Some(usize::MAX), None).map(|lines| lines.end), Some(usize::MAX));
    }
}
