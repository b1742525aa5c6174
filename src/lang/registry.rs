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
    scopes: "",
    assertions: "",
    builtins: "",
    modules: "",
    imported_names: "",
    extensions: &[],
    file_names: &[],
    interpreters: &[],
    fence: "",
    line_comment: "//",
    block_comment: ("/*", "*/"),
    indentation: Indentation::Free,
    separator: ".",
    terminator: "",
    clause_end: None,
    macro_lines: &[],
    endless_scan: None,
    contexts: &[("", "\n")],
    takes_patterns: true,
};

/// A grammar whose crate exports a function, as a constant.
const SQL: tree_sitter_language::LanguageFn = arborium_sql::language();

languages! {
    Rust "Rust" "rust" in "rust" by tree_sitter_rust::LANGUAGE {
        contexts: &[("fn f() {\n", ";\n}\n"), ("", "\n")],
        extensions: &["rs"],
        separator: "::",
    }
    Python "Python" "python" in "python" by tree_sitter_python::LANGUAGE {
        extensions: &["py", "pyi", "pyw"],
        interpreters: &["python", "pypy"],
        line_comment: "#",
        indentation: Indentation::Significant,
        scopes: include_str!("../../grammars/python/scopes.scm"),
        assertions: include_str!("../../grammars/python/assertions.scm"),
        builtins: include_str!("../../grammars/python/builtins.txt"),
        modules: include_str!("../../grammars/python/modules.txt"),
        imported_names: include_str!("../../grammars/python/names.txt"),
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
        contexts: &[("package p\nfunc f() {\n", "\n}\n"), ("package p\n", "\n")],
        extensions: &["go"],
    }
    C "C" "c" in "c" by tree_sitter_c::LANGUAGE {
        contexts: &[("void f(void) {\n", ";\n}\n"), ("", "\n")],
        extensions: &["c", "h"],
        separator: "::",
        terminator: ";",
    }
    Cpp "C++" "cpp" in "cpp" by tree_sitter_cpp::LANGUAGE {
        contexts: &[("void f(void) {\n", ";\n}\n"), ("", "\n")],
        extensions: &["cpp", "cc", "cxx", "c++", "hpp", "hh", "hxx", "h++", "ipp", "inl", "cu", "cuh"],
        separator: "::",
        terminator: ";",
    }
    Ada "Ada" "ada" in "ada" by tree_sitter_ada::LANGUAGE {
        contexts: &[("procedure P is\nbegin\n", ";\nend P;\n"), ("", "\n")],
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
        takes_patterns: false,
        extensions: &["mk", "mak"],
        file_names: &["Makefile", "GNUmakefile", "makefile", "Makefile.am", "Makefile.in"],
        interpreters: &["make"],
        line_comment: "#",
        indentation: Indentation::Significant,
    }
    Dockerfile "Dockerfile" "dockerfile" in "dockerfile" by tree_sitter_containerfile::LANGUAGE {
        takes_patterns: false,
        extensions: &["dockerfile", "containerfile"],
        file_names: &["Dockerfile", "dockerfile", "Containerfile", "containerfile"],
        line_comment: "#",
    }
    Json "JSON" "json" in "json" by tree_sitter_json::LANGUAGE {
        takes_patterns: false,
        extensions: &["json", "jsonc", "geojson", "webmanifest"],
        line_comment: "",
    }
    Toml "TOML" "toml" in "toml" by tree_sitter_toml_ng::LANGUAGE {
        takes_patterns: false,
        extensions: &["toml"],
        file_names: &["Pipfile"],
        line_comment: "#",
    }
    Yaml "YAML" "yaml" in "yaml" by tree_sitter_yaml::LANGUAGE {
        takes_patterns: false,
        extensions: &["yaml", "yml"],
        file_names: &[".clang-format", ".clang-tidy"],
        line_comment: "#",
        indentation: Indentation::Significant,
    }
    Html "HTML" "html" in "html" by tree_sitter_html::LANGUAGE {
        takes_patterns: false,
        extensions: &["html", "htm", "xhtml"],
        line_comment: "",
        block_comment: ("<!--", "-->"),
        separator: " ",
    }
    Css "CSS" "css" in "css" by tree_sitter_css::LANGUAGE {
        takes_patterns: false,
        extensions: &["css"],
        line_comment: "",
        separator: " ",
    }
    Markdown "Markdown" "markdown" in "markdown" by tree_sitter_md::LANGUAGE {
        takes_patterns: false,
        extensions: &["md", "markdown", "mdown"],
        line_comment: "",
        block_comment: ("<!--", "-->"),
        separator: " / ",
    }
    Java "Java" "java" in "java" by tree_sitter_java::LANGUAGE {
        contexts: &[("class C { void f() {\n", ";\n} }\n"), ("class C {\n", "\n}\n"), ("", "\n")],
        extensions: &["java"],
    }
    #[cfg(feature = "all-languages")]
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
        takes_patterns: false,
        extensions: &["php", "phtml"],
        interpreters: &["php"],
        separator: "::",
    }
    Lua "Lua" "lua" in "lua" by tree_sitter_lua::LANGUAGE {
        extensions: &["lua", "rockspec"],
        interpreters: &["lua", "luajit"],
        line_comment: "--",
        block_comment: ("--[[", "]]"),
    }
    Perl "Perl" "perl" in "perl" by ts_parser_perl::LANGUAGE {
        takes_patterns: false,
        extensions: &["pl", "pm", "t", "psgi"],
        file_names: &["cpanfile"],
        interpreters: &["perl"],
        line_comment: "#",
        separator: "::",
        terminator: ";",
        // In 2.0.4 the loop over a line of a here-document knows no end of the file.
        endless_scan: Some("<<"),
    }
    R "R" "r" in "r" by tree_sitter_r::LANGUAGE {
        extensions: &["r"],
        file_names: &[".Rprofile"],
        interpreters: &["Rscript"],
        line_comment: "#",
        separator: "$",
    }
    #[cfg(feature = "all-languages")]
    Julia "Julia" "julia" in "julia" by tree_sitter_julia::LANGUAGE {
        extensions: &["jl"],
        interpreters: &["julia"],
        line_comment: "#",
        block_comment: ("#=", "=#"),
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
        contexts: &[("class C { void f() {\n", ";\n} }\n"), ("class C {\n", "\n}\n"), ("", "\n")],
        extensions: &["cs", "csx"],
        interpreters: &["dotnet-script"],
    }
    #[cfg(feature = "all-languages")]
    ObjectiveC "Objective-C" "objectivec" in "objc" by tree_sitter_objc::LANGUAGE {
        contexts: &[("void f(void) {\n", ";\n}\n"), ("", "\n")],
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
    #[cfg(feature = "all-languages")]
    Haskell "Haskell" "haskell" in "haskell" by tree_sitter_haskell::LANGUAGE {
        extensions: &["hs"],
        interpreters: &["runghc", "runhaskell", "stack", "cabal"],
        line_comment: "--",
        block_comment: ("{-", "-}"),
        indentation: Indentation::Significant,
        clause_end: Some(""),
    }
    #[cfg(feature = "all-languages")]
    OCaml "OCaml" "ocaml" in "ocaml" by tree_sitter_ocaml::LANGUAGE_OCAML {
        extensions: &["ml"],
        interpreters: &["ocaml"],
        line_comment: "",
        block_comment: ("(*", "*)"),
    }
    #[cfg(feature = "all-languages")]
    OCamlInterface "OCaml interface" "ocaml" in "ocaml_interface" by tree_sitter_ocaml::LANGUAGE_OCAML_INTERFACE {
        extensions: &["mli"],
        line_comment: "",
        block_comment: ("(*", "*)"),
    }
    Elixir "Elixir" "elixir" in "elixir" by tree_sitter_elixir::LANGUAGE {
        extensions: &["ex", "exs"],
        interpreters: &["elixir"],
        line_comment: "#",
    }
    Erlang "Erlang" "erlang" in "erlang" by tree_sitter_erlang::LANGUAGE {
        extensions: &["erl", "hrl", "escript"],
        interpreters: &["escript"],
        line_comment: "%",
        separator: ":",
        clause_end: Some(";"),
    }
    Bash "Bash" "bash" in "bash" by tree_sitter_bash::LANGUAGE {
        takes_patterns: false,
        extensions: &["sh", "bash", "ksh", "zsh"],
        file_names: &[".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD"],
        interpreters: &["bash", "sh", "dash", "ksh", "zsh"],
        line_comment: "#",
    }
    PowerShell "PowerShell" "powershell" in "powershell" by tree_sitter_powershell::LANGUAGE {
        takes_patterns: false,
        extensions: &["ps1", "psm1", "psd1"],
        interpreters: &["pwsh"],
        line_comment: "#",
        block_comment: ("<#", "#>"),
    }
    Sql "SQL" "sql" in "sql" by SQL {
        extensions: &["sql"],
        line_comment: "--",
        terminator: ";",
    }
    Nix "Nix" "nix" in "nix" by tree_sitter_nix::LANGUAGE {
        extensions: &["nix"],
        line_comment: "#",
    }
    Hcl "HCL" "hcl" in "hcl" by tree_sitter_hcl::LANGUAGE {
        extensions: &["tf", "tfvars", "hcl"],
        line_comment: "#",
    }
    Protobuf "Protocol Buffers" "proto" in "proto" by tree_sitter_proto::LANGUAGE {
        extensions: &["proto"],
    }
    Matlab "MATLAB" "matlab" in "matlab" by tree_sitter_matlab::LANGUAGE {
        extensions: &["m"],
        line_comment: "%",
        block_comment: ("%{", "%}"),
    }
    Fortran "Fortran" "fortran" in "fortran" by tree_sitter_fortran::LANGUAGE {
        extensions: &["f90", "f95", "f03", "f08", "f18"],
        line_comment: "!",
    }
    Apex "Apex" "apex" in "apex" by tree_sitter_sfapex::apex::LANGUAGE {
        contexts: &[("class C { void f() {\n", ";\n} }\n"), ("class C {\n", "\n}\n"), ("", "\n")],
        extensions: &["cls", "trigger", "apex"],
    }
}
