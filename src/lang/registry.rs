use serde::{Deserialize, Serialize};

use super::{Indentation, LanguageSpec};

/// Makes the enum and its table of rows: the variant, the name that people use, the info string of a code fence, the
/// folder of its queries, its grammar, and what differs from `DEFAULTS`.
macro_rules! languages {
    ($( $(#[$attribute:meta])* $variant:ident $name:literal $fence:literal in $folder:literal by $grammar:path { $($field:ident: $value:expr),* $(,)? } )*) => {
        /// A language with a grammar.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Language {
            $( $(#[$attribute])* $variant, )*
        }

        impl Language {
            /// Every language, in the order of the enum.
            pub const ALL: &[Self] = &[ $( $(#[$attribute])* Self::$variant, )* ];
        }

        /// The registry, in the order of [`Language::ALL`].
        pub(super) static SPECS: &[LanguageSpec] = &[ $(
            $(#[$attribute])*
            LanguageSpec {
                language: Language::$variant,
                name: $name,
                grammar: || $grammar.into(),
                tags: include_str!(concat!("../../grammars/", $folder, "/tags.scm")),
                references: include_str!(concat!("../../grammars/", $folder, "/references.scm")),
                fence: $fence,
                $($field: $value,)*
                ..DEFAULTS
            },
        )* ];
    };
}

/// What most languages have; the first five fields are never taken from here.
const DEFAULTS: LanguageSpec = LanguageSpec {
    language: Language::Rust,
    name: "",
    grammar: || tree_sitter_rust::LANGUAGE.into(),
    tags: "",
    references: "",
    extensions: &[],
    file_names: &[],
    interpreters: &[],
    fence: "",
    line_comment: "//",
    block_comment: ("/*", "*/"),
    indentation: Indentation::Free,
    separator: ".",
    terminator: "",
};

languages! {
    Rust "Rust" "rust" in "rust" by tree_sitter_rust::LANGUAGE {
        extensions: &["rs"],
        separator: "::",
    }
    Python "Python" "python" in "python" by tree_sitter_python::LANGUAGE {
        extensions: &["py", "pyi", "pyw"],
        interpreters: &["python", "pypy"],
        line_comment: "#",
        indentation: Indentation::Significant,
    }
    JavaScript "JavaScript" "javascript" in "javascript" by tree_sitter_javascript::LANGUAGE {
        extensions: &["js", "mjs", "cjs", "jsx"],
        interpreters: &["node", "nodejs", "deno", "bun"],
        terminator: ";",
    }
    TypeScript "TypeScript" "typescript" in "typescript" by tree_sitter_typescript::LANGUAGE_TYPESCRIPT {
        extensions: &["ts", "mts", "cts"],
        interpreters: &["ts-node", "tsx"],
        terminator: ";",
    }
    Tsx "TSX" "tsx" in "typescript" by tree_sitter_typescript::LANGUAGE_TSX {
        extensions: &["tsx"],
        terminator: ";",
    }
    Go "Go" "go" in "go" by tree_sitter_go::LANGUAGE {
        extensions: &["go"],
    }
    C "C" "c" in "c" by tree_sitter_c::LANGUAGE {
        extensions: &["c", "h"],
        separator: "::",
        terminator: ";",
    }
    Cpp "C++" "cpp" in "cpp" by tree_sitter_cpp::LANGUAGE {
        extensions: &["cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "cu", "cuh"],
        separator: "::",
        terminator: ";",
    }
    Ada "Ada" "ada" in "ada" by tree_sitter_ada::LANGUAGE {
        extensions: &["adb", "ads", "ada"],
        line_comment: "--",
    }
    Vhdl "VHDL" "vhdl" in "vhdl" by tree_sitter_vhdl::LANGUAGE {
        extensions: &["vhd", "vhdl"],
        line_comment: "--",
    }
    #[cfg(feature = "all-languages")]
    SystemVerilog "SystemVerilog" "systemverilog" in "systemverilog" by tree_sitter_systemverilog::LANGUAGE {
        extensions: &["sv", "svh", "v", "vh"],
    }
    Assembly "Assembly" "asm" in "assembly" by tree_sitter_asm::LANGUAGE {
        extensions: &["s", "asm", "nasm"],
        line_comment: ";",
    }
    CMake "CMake" "cmake" in "cmake" by tree_sitter_cmake::LANGUAGE {
        extensions: &["cmake"],
        file_names: &["CMakeLists.txt"],
        line_comment: "#",
    }
    Make "Make" "make" in "make" by tree_sitter_make::LANGUAGE {
        extensions: &["mk", "mak"],
        file_names: &["Makefile", "GNUmakefile", "makefile", "Makefile.am", "Makefile.in"],
        interpreters: &["make"],
        line_comment: "#",
        indentation: Indentation::Significant,
    }
    Dockerfile "Dockerfile" "dockerfile" in "dockerfile" by tree_sitter_containerfile::LANGUAGE {
        extensions: &["dockerfile", "containerfile"],
        file_names: &["Dockerfile", "dockerfile", "Containerfile", "containerfile"],
        line_comment: "#",
    }
    Json "JSON" "json" in "json" by tree_sitter_json::LANGUAGE {
        extensions: &["json", "jsonc", "geojson", "webmanifest"],
        line_comment: "",
    }
    Toml "TOML" "toml" in "toml" by tree_sitter_toml_ng::LANGUAGE {
        extensions: &["toml"],
        file_names: &["Pipfile"],
        line_comment: "#",
    }
    Yaml "YAML" "yaml" in "yaml" by tree_sitter_yaml::LANGUAGE {
        extensions: &["yaml", "yml"],
        file_names: &[".clang-format", ".clang-tidy"],
        line_comment: "#",
        indentation: Indentation::Significant,
    }
    Html "HTML" "html" in "html" by tree_sitter_html::LANGUAGE {
        extensions: &["html", "htm", "xhtml"],
        line_comment: "",
        block_comment: ("<!--", "-->"),
        separator: " ",
    }
    Css "CSS" "css" in "css" by tree_sitter_css::LANGUAGE {
        extensions: &["css"],
        line_comment: "",
        separator: " ",
    }
    Markdown "Markdown" "markdown" in "markdown" by tree_sitter_md::LANGUAGE {
        extensions: &["md", "markdown", "mdown"],
        line_comment: "",
        block_comment: ("<!--", "-->"),
        separator: " / ",
    }
    Java "Java" "java" in "java" by tree_sitter_java::LANGUAGE {
        extensions: &["java"],
    }
}
