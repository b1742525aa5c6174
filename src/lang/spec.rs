use super::Language;

/// What the rest of the program has to know of a language: one row of the registry.
#[derive(Debug)]
pub struct LanguageSpec {
    /// The language of this row.
    pub language: Language,
    /// The name that people use.
    pub name: &'static str,
    /// The grammar.
    pub grammar: fn() -> tree_sitter::Language,
    /// The source of the definitions query.
    pub tags: &'static str,
    /// The source of the references query.
    pub references: &'static str,
    /// The source of the query of scopes; empty where nothing certain can be said of names.
    pub scopes: &'static str,
    /// The source of the query of assertions; empty where nobody looks for them.
    pub assertions: &'static str,
    /// The names that the language binds itself, separated by white space.
    pub builtins: &'static str,
    /// The modules of the standard library with what they have, a line each (`math: ceil floor`).
    pub modules: &'static str,
    /// What is often imported by name and has one home in the standard library, in the same form.
    pub imported_names: &'static str,
    /// File extensions, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Whole file names, as written.
    pub file_names: &'static [&'static str],
    /// Programs of a `#!` line, without a version.
    pub interpreters: &'static [&'static str],
    /// The info string of a Markdown code fence.
    pub fence: &'static str,
    /// What opens a comment that ends with the line; empty where there is none.
    pub line_comment: &'static str,
    /// What opens and closes a comment of several lines.
    pub block_comment: (&'static str, &'static str),
    /// Whether indentation is syntax.
    pub indentation: Indentation,
    /// What stands between a container and a name.
    pub separator: &'static str,
    /// A terminator that follows a definition outside its node (`struct a {};`), or nothing.
    pub terminator: &'static str,
    /// What a clause ends with that another clause of the same function follows; none where every definition stands
    /// by itself.
    pub clause_end: Option<&'static str>,
    /// Lines that hold a macro and nothing else, which the grammar takes for code: they are parsed as blank.
    pub macro_lines: &'static [&'static str],
    /// What a text holds on which the grammar's scanner, a piece of C that asks for no clock, may never end.
    pub endless_scan: Option<&'static str>,
    /// What stands before and after a piece of code that is parsed by itself, the likeliest first: statements of many
    /// languages are only read as such inside of a function.
    pub contexts: &'static [(&'static str, &'static str)],
    /// Whether its code can be looked for by patterns: not where `$` begins variables, nor in prose and data.
    pub takes_patterns: bool,
}

/// Whether a language's indentation is syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indentation {
    /// Blocks are made of indentation.
    Significant,
    /// Indentation is for people.
    Free,
}
