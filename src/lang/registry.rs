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
    indentation: Indentation::Free,
    separator: ".",
    terminator: "",
    macro_lines: &[],
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
    Java "Java" "java" in "java" by tree_sitter_java::LANGUAGE {
        extensions: &["java"],
    }
    Swift "Swift" "swift" in "swift" by tree_sitter_swift::LANGUAGE {
        extensions: &["swift"],
        interpreters: &["swift"],
    }
    Zig "Zig" "zig" in "zig" by tree_sitter_zig::LANGUAGE {
        extensions: &["zig"],
    }
    Ruby "Ruby" "ruby" in "ruby" by tree_sitter_ruby::LANGUAGE {
        extensions: &["rb", "rake", "gemspec", "ru", "rbi"],
        file_names: &["Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Fastfile", "Brewfile"],
        interpreters: &["ruby", "jruby", "rake"],
        line_comment: "#",
        separator: "::",
    }
    Php "PHP" "php" in "php" by tree_sitter_php::LANGUAGE_PHP {
        extensions: &["php", "phtml"],
        interpreters: &["php"],
        separator: "::",
    }
    Lua "Lua" "lua" in "lua" by tree_sitter_lua::LANGUAGE {
        extensions: &["lua", "rockspec"],
        interpreters: &["lua", "luajit"],
        line_comment: "--",
    }
    Perl "Perl" "perl" in "perl" by ts_parser_perl::LANGUAGE {
        extensions: &["pl", "pm", "t", "psgi"],
        file_names: &["cpanfile"],
        interpreters: &["perl"],
        line_comment: "#",
        separator: "::",
        terminator: ";",
    }
    R "R" "r" in "r" by tree_sitter_r::LANGUAGE {
        extensions: &["r"],
        file_names: &[".Rprofile"],
        interpreters: &["Rscript"],
        line_comment: "#",
        separator: "$",
    }
    Julia "Julia" "julia" in "julia" by tree_sitter_julia::LANGUAGE {
        extensions: &["jl"],
        interpreters: &["julia"],
        line_comment: "#",
    }
    Kotlin "Kotlin" "kotlin" in "kotlin" by tree_sitter_kotlin_ng::LANGUAGE {
        extensions: &["kt", "kts"],
        interpreters: &["kotlin"],
    }
    Scala "Scala" "scala" in "scala" by tree_sitter_scala::LANGUAGE {
        extensions: &["scala", "sc", "sbt"],
        interpreters: &["scala", "scala-cli", "amm"],
    }
    CSharp "C#" "csharp" in "csharp" by tree_sitter_c_sharp::LANGUAGE {
        extensions: &["cs", "csx"],
        interpreters: &["dotnet-script"],
    }
    ObjectiveC "Objective-C" "objectivec" in "objc" by tree_sitter_objc::LANGUAGE {
        extensions: &["m", "mm"],
        terminator: ";",
        macro_lines: &["NS_ASSUME_NONNULL_BEGIN", "NS_ASSUME_NONNULL_END"],
    }
    Dart "Dart" "dart" in "dart" by tree_sitter_dart::LANGUAGE {
        extensions: &["dart"],
        interpreters: &["dart"],
    }
    Groovy "Groovy" "groovy" in "groovy" by dekobon_tree_sitter_groovy::LANGUAGE {
        extensions: &["groovy", "gradle", "gvy"],
        file_names: &["Jenkinsfile"],
        interpreters: &["groovy"],
    }
}
