use crate::lang::Language;

use super::target::{common_indent, unindent};

/// What a model wrote, taken apart: imports on top, and the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Import lines that stood before the code.
    pub(super) imports: Vec<String>,
    /// The code without common indentation.
    pub(super) code: String,
}

impl Answer {
    /// Takes the text of a completion apart. Fences around it are dropped.
    pub(super) fn new(text: &str, language: Option<Language>) -> Self {
        let text = text.replace("\r\n", "\n");
        let text = without_fence(&text);
        let (imports, code) = match language {
            Some(language) => split_imports(text, language),
            None => (Vec::new(), text),
        };
        let code = code.trim_end().trim_start_matches('\n');
        Self {
            imports,
            code: unindent(code, common_indent(code)),
        }
    }

    /// Returns the readings of the code's indentation, the likeliest first. Small models often indent every line but
    /// the first as it stood in the file: by `indent` more than the region's own lines, which have `inner`.
    pub(super) fn readings(&self, indent: &str, inner: &str) -> Vec<String> {
        let mut readings = vec![self.code.clone()];
        let Some((first, rest)) = self.code.split_once('\n') else {
            return readings;
        };
        let common = common_indent(rest);
        if !indent.is_empty() && common.starts_with(indent) && common.len() >= indent.len() + inner.len() {
            let shifted = format!("{first}\n{}", unindent(rest, indent));
            let at = if common.len() > inner.len() && !inner.is_empty() {
                0
            } else {
                1
            };
            readings.insert(at, shifted);
        }
        readings
    }
}

/// Tells whether a line imports something, in `language`.
pub(super) fn is_import(line: &str, language: Language) -> bool {
    match language {
        Language::Python => line.starts_with("import ") || (line.starts_with("from ") && line.contains(" import ")),
        Language::Rust => line.starts_with("use ") && line.trim_end().ends_with(';'),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            (line.starts_with("import ") && !line.contains('('))
                || (line.starts_with("const ") && line.contains(" require("))
                || (line.starts_with("const ") && line.contains("=require("))
        }
        Language::Go => line.starts_with("import \""),
        Language::C | Language::Cpp => line.starts_with("#include"),
        Language::Java => line.starts_with("import ") && line.trim_end().ends_with(';'),
        #[cfg(feature = "all-languages")]
        Language::Haskell => line.starts_with("import "),
        #[cfg(feature = "all-languages")]
        Language::OCaml | Language::OCamlInterface => line.starts_with("open "),
        Language::Elixir => ["alias ", "import ", "require ", "use "]
            .iter()
            .any(|word| line.starts_with(word)),
        Language::Erlang => line.starts_with("-include") || line.starts_with("-import("),
        Language::Bash => line.starts_with("source ") || line.starts_with(". "),
        Language::PowerShell => line.starts_with("using ") || line.starts_with("Import-Module "),
        Language::Protobuf => line.starts_with("import ") && line.trim_end().ends_with(';'),
        Language::Matlab => line.starts_with("import "),
        Language::Fortran => line.starts_with("use "),
        Language::Sql | Language::Nix | Language::Hcl | Language::Apex => false,
        Language::Ada => (line.starts_with("with ") || line.starts_with("use ")) && line.trim_end().ends_with(';'),
        #[cfg(feature = "all-languages")]
        Language::SystemVerilog => line.starts_with("`include"),
        Language::Css => line.starts_with("@import"),
        // Each design unit of VHDL has its own.
        Language::Vhdl
        | Language::Assembly
        | Language::CMake
        | Language::Make
        | Language::Dockerfile
        | Language::Json
        | Language::Toml
        | Language::Yaml
        | Language::Html
        | Language::Markdown => false,
        #[cfg(feature = "all-languages")]
        Language::Swift => line.starts_with("import "),
        Language::Kotlin | Language::Scala | Language::Groovy | Language::Dart => line.starts_with("import "),
        Language::CSharp => line.starts_with("using ") && line.trim_end().ends_with(';') && !line.contains('('),
        #[cfg(feature = "all-languages")]
        Language::ObjectiveC => line.starts_with("#import") || line.starts_with("#include"),
        // An import is an expression or a call like any other, or must come after a header.
        Language::Zig | Language::Ruby | Language::Php | Language::Lua | Language::Perl | Language::R => false,
        #[cfg(feature = "all-languages")]
        Language::Julia => false,
    }
}

fn split_imports(text: &str, language: Language) -> (Vec<String>, &str) {
    let mut imports = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if is_import(line.trim(), language) && !line.contains('{') | line.contains('}') {
            imports.push(line.trim().to_owned());
        } else if !line.trim().is_empty() || after.is_empty() {
            return (imports, rest);
        }
        rest = after;
    }
}

/// Drops a fence that the model opened although one was open, and everything after one it closed.
fn without_fence(text: &str) -> &str {
    let mut inner = text.trim_matches('\n');
    if inner.trim_start().starts_with("```") {
        inner = inner.split_once('\n').map_or("", |(_, rest)| rest);
    }
    match inner.find("\n```") {
        Some(end) => &inner[..end],
        None => inner.strip_suffix("```").unwrap_or(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_set_apart() {
        let answer = Answer::new(
            "import re\nfrom os import path\n\n\ndef f():\n    pass\n",
            Some(Language::Python),
        );
        assert_eq!(answer.imports, ["import re", "from os import path"]);
        assert_eq!(answer.code, "def f():\n    pass");
        let only = Answer::new("use a::b;\n", Some(Language::Rust));
        assert_eq!((only.imports.len(), only.code.as_str()), (1, ""));
        assert_eq!(Answer::new("x = 1\nimport re", Some(Language::Python)).imports, [""; 0]);
    }

    #[test]
    fn fences_are_dropped() {
        assert_eq!(Answer::new("```python\nx\n```\nThis adds x.", None).code, "x");
        assert_eq!(Answer::new("x\ny\n```", None).code, "x\ny");
    }

    #[test]
    fn a_first_line_without_the_indentation_of_the_rest_has_a_second_reading() {
        let answer = Answer::new("def f(self):\n        return 1", Some(Language::Python));
        assert_eq!(answer.readings("    ", "    ")[0], "def f(self):\n    return 1");
        assert_eq!(answer.readings("", "    ").len(), 1);
    }
}
