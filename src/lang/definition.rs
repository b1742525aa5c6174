use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::TextRange;

/// One definition in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What is defined.
    pub kind: SymbolKind,
    /// The name without its container.
    pub name: String,
    /// Where the name stands.
    pub name_range: TextRange,
    /// What an editor would replace to rewrite the definition: decorators, attributes, `export`, `template<…>`,
    /// modifiers and return type included; the doc comment above and the final line ending not.
    pub range: TextRange,
    /// [`Definition::range`] and the comment directly above.
    pub full_range: TextRange,
    /// The body with its braces, or the indented block.
    pub body: Option<TextRange>,
    /// The names of what encloses the definition, joined by the language's separator.
    pub container: Option<String>,
    /// What comes before the body, without attributes and comments, on one line and cut to a readable length.
    pub signature: String,
    /// The doc comment or doc string, without its markers.
    pub doc: Option<String>,
}

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SymbolKind {
    Function,
    Method,
    Constructor,
    Class,
    /// A struct or a union.
    Struct,
    Enum,
    Interface,
    /// A Rust trait or a C++ concept.
    Trait,
    /// A Rust `impl` block, named after its type.
    Impl,
    /// A module or a namespace.
    Module,
    Constant,
    Variable,
    /// A type alias or a `typedef`.
    Type,
    /// A class-level attribute that is a statement of its own.
    Field,
    Macro,
    /// A heading of a document, with what it heads.
    Section,
    /// A name with a value in a data file, near its top.
    Key,
    /// A table, view or index of a database.
    Table,
    /// What a build makes: the target of a rule, a stage of a container.
    Target,
    /// What a rule of a style sheet selects.
    Selector,
}

impl SymbolKind {
    /// Returns the lower-case name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Method => "method",
            Self::Constructor => "constructor",
            Self::Class => "class",
            Self::Struct => "struct",
            Self::Enum => "enum",
            Self::Interface => "interface",
            Self::Trait => "trait",
            Self::Impl => "impl",
            Self::Module => "module",
            Self::Constant => "constant",
            Self::Variable => "variable",
            Self::Type => "type",
            Self::Field => "field",
            Self::Macro => "macro",
            Self::Section => "section",
            Self::Key => "key",
            Self::Table => "table",
            Self::Target => "target",
            Self::Selector => "selector",
        }
    }

    /// Tells whether it is code, and no part of a document, a data file or a style sheet.
    pub fn is_code(self) -> bool {
        !matches!(self, Self::Section | Self::Key | Self::Selector)
    }

    /// Tells whether it is code that can be called.
    pub fn is_callable(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Constructor)
    }

    /// Tells whether functions directly inside are its methods.
    pub fn has_methods(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Struct | Self::Enum | Self::Interface | Self::Trait | Self::Impl
        )
    }

    /// Tells whether its name qualifies the names of what it encloses.
    pub(super) fn is_scope(self) -> bool {
        !matches!(self, Self::Type | Self::Field | Self::Macro)
    }

    pub(super) fn of_capture(name: &str) -> Option<Self> {
        const ALL: [SymbolKind; 20] = [
            SymbolKind::Function,
            SymbolKind::Method,
            SymbolKind::Constructor,
            SymbolKind::Class,
            SymbolKind::Struct,
            SymbolKind::Enum,
            SymbolKind::Interface,
            SymbolKind::Trait,
            SymbolKind::Impl,
            SymbolKind::Module,
            SymbolKind::Constant,
            SymbolKind::Variable,
            SymbolKind::Type,
            SymbolKind::Field,
            SymbolKind::Macro,
            SymbolKind::Section,
            SymbolKind::Key,
            SymbolKind::Table,
            SymbolKind::Target,
            SymbolKind::Selector,
        ];
        ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for SymbolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One place where a name is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameUse {
    /// The name as it stands there.
    pub name: String,
    /// Where it stands.
    pub range: TextRange,
    /// How it is used.
    pub kind: UseKind,
}

/// How a name is used, as far as syntax tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UseKind {
    /// It is called, or an object of it is made.
    Call,
    /// It stands where a type stands.
    Type,
    /// Anything else: imports, arguments, assignments, field accesses.
    Other,
}
