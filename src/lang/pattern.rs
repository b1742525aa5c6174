/// A query file, parsed but not yet resolved against a grammar.
#[derive(Debug)]
pub(super) struct PatternFile {
    /// In the order of the file.
    pub(super) patterns: Vec<Pattern>,
    /// The names of the captures in the order in which they first appear.
    pub(super) captures: Vec<String>,
}

/// One pattern of a query, with the predicates that stand anywhere in it.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) root: Item,
    pub(super) predicates: Vec<Predicate>,
}

/// What one node has to look like to be taken.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) shape: Shape,
    pub(super) field: Option<String>,
    /// Indices into [`PatternFile::captures`].
    pub(super) captures: Vec<u16>,
    pub(super) quantifier: Quantifier,
    /// An anchor stands before: no named sibling between this and what precedes.
    pub(super) anchored: bool,
    /// An anchor stands behind, before the end of the parent: no named sibling follows.
    pub(super) last: bool,
}

#[derive(Debug)]
pub(super) enum Shape {
    Node {
        kind: Kind,
        /// Fields that the node must not have.
        negated: Vec<String>,
        children: Vec<Item>,
    },
    OneOf(Vec<Item>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Named(String),
    Anonymous(String),
    /// `(_)`
    AnyNamed,
    /// `_`
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    One,
    /// `?`
    ZeroOrOne,
    /// `*`
    ZeroOrMore,
    /// `+`
    OneOrMore,
}

/// A condition on the text of what a pattern captured, `(#name? argument …)`.
#[derive(Debug)]
pub(super) struct Predicate {
    /// With its `?` or `!`.
    pub(super) name: String,
    pub(super) arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Capture(u16),
    Text(String),
}

/// Why a query is not compiled into a table.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatternError {
    #[error("at byte {offset}: not a pattern")]
    Syntax { offset: usize },
    /// A construct that only tree-sitter's query engine knows.
    #[error("at byte {offset}: {what} is left to the query engine")]
    Unsupported { offset: usize, what: &'static str },
    #[error("the grammar has no node {0}")]
    UnknownKind(String),
    #[error("the grammar has no field {0}")]
    UnknownField(String),
    #[error("the pattern {pattern} has {what}, which is left to the query engine")]
    Unmatched { pattern: usize, what: &'static str },
    #[error("#match? has a wrong regular expression")]
    Regex(#[from] regex::Error),
}

impl Item {
    /// Returns an item without suffixes.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            field: None,
            captures: Vec::new(),
            quantifier: Quantifier::One,
            anchored: false,
            last: false,
        }
    }
}

impl Shape {
    /// Returns a node without children.
    pub(super) fn leaf(kind: Kind) -> Self {
        Self::Node {
            kind,
            negated: Vec::new(),
            children: Vec::new(),
        }
    }
}
