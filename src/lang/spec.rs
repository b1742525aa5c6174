use super::Language;

/// What the rest of the program has to know of a language: one row of the registry.
#[derive(Debug)]
pub struct LanguageSpec {
    /// The language of this row.
    pub language: Language,
    /// The name that people use.
    pub name: &'static str,
    /// File extensions, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Programs of a `#!` line, without a version.
    pub interpreters: &'static [&'static str],
    /// The info string of a Markdown code fence.
    pub fence: &'static str,
    /// What opens a comment that ends with the line.
    pub line_comment: &'static str,
    /// Whether indentation is syntax.
    pub indentation: Indentation,
    /// What stands between a container and a name.
    pub separator: &'static str,
    /// A terminator that follows a definition outside its node (`struct a {};`), or nothing.
    pub terminator: &'static str,
    /// The source of the definitions query.
    pub tags: &'static str,
    /// The source of the references query.
    pub references: &'static str,
    /// The grammar.
    pub grammar: fn() -> tree_sitter::Language,
}

/// Whether a language's indentation is syntax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indentation {
    /// Blocks are made of indentation.
    Significant,
    /// Indentation is for people.
    Free,
}

macro_rules! queries {
    ($folder:literal) => {
        (
            include_str!(concat!("../../grammars/", $folder, "/tags.scm")),
            include_str!(concat!("../../grammars/", $folder, "/references.scm")),
        )
    };
}

const RUST: (&str, &str) = queries!("rust");
const PYTHON: (&str, &str) = queries!("python");
const JAVASCRIPT: (&str, &str) = queries!("javascript");
const TYPESCRIPT: (&str, &str) = queries!("typescript");
const GO: (&str, &str) = queries!("go");
const C: (&str, &str) = queries!("c");
const CPP: (&str, &str) = queries!("cpp");
const JAVA: (&str, &str) = queries!("java");

/// The registry, in the order of [`Language::ALL`].
pub(super) static SPECS: [LanguageSpec; Language::ALL.len()] = [
    LanguageSpec {
        language: Language::Rust,
        name: "Rust",
        extensions: &["rs"],
        interpreters: &[],
        fence: "rust",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: "::",
        terminator: "",
        tags: RUST.0,
        references: RUST.1,
        grammar: || tree_sitter_rust::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::Python,
        name: "Python",
        extensions: &["py", "pyi", "pyw"],
        interpreters: &["python", "pypy"],
        fence: "python",
        line_comment: "#",
        indentation: Indentation::Significant,
        separator: ".",
        terminator: "",
        tags: PYTHON.0,
        references: PYTHON.1,
        grammar: || tree_sitter_python::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::JavaScript,
        name: "JavaScript",
        extensions: &["js", "mjs", "cjs", "jsx"],
        interpreters: &["node", "nodejs", "deno", "bun"],
        fence: "javascript",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: ".",
        terminator: ";",
        tags: JAVASCRIPT.0,
        references: JAVASCRIPT.1,
        grammar: || tree_sitter_javascript::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::TypeScript,
        name: "TypeScript",
        extensions: &["ts", "mts", "cts"],
        interpreters: &["ts-node", "tsx"],
        fence: "typescript",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: ".",
        terminator: ";",
        tags: TYPESCRIPT.0,
        references: TYPESCRIPT.1,
        grammar: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
    },
    LanguageSpec {
        language: Language::Tsx,
        name: "TSX",
        extensions: &["tsx"],
        interpreters: &[],
        fence: "tsx",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: ".",
        terminator: ";",
        tags: TYPESCRIPT.0,
        references: TYPESCRIPT.1,
        grammar: || tree_sitter_typescript::LANGUAGE_TSX.into(),
    },
    LanguageSpec {
        language: Language::Go,
        name: "Go",
        extensions: &["go"],
        interpreters: &[],
        fence: "go",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: ".",
        terminator: "",
        tags: GO.0,
        references: GO.1,
        grammar: || tree_sitter_go::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::C,
        name: "C",
        extensions: &["c", "h"],
        interpreters: &[],
        fence: "c",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: "::",
        terminator: ";",
        tags: C.0,
        references: C.1,
        grammar: || tree_sitter_c::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::Cpp,
        name: "C++",
        extensions: &[
            "cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "cu", "cuh",
        ],
        interpreters: &[],
        fence: "cpp",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: "::",
        terminator: ";",
        tags: CPP.0,
        references: CPP.1,
        grammar: || tree_sitter_cpp::LANGUAGE.into(),
    },
    LanguageSpec {
        language: Language::Java,
        name: "Java",
        extensions: &["java"],
        interpreters: &[],
        fence: "java",
        line_comment: "//",
        indentation: Indentation::Free,
        separator: ".",
        terminator: "",
        tags: JAVA.0,
        references: JAVA.1,
        grammar: || tree_sitter_java::LANGUAGE.into(),
    },
];
