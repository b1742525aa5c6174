use super::registry::SPECS;
use super::{Language, LanguageSpec};
use crate::text::RepoPath;

impl Language {
    /// Returns the language that a file's name or extension stands for. `.h` stands for C; see [`Language::detect`].
    pub fn of_path(path: &RepoPath) -> Option<Self> {
        let name = path.file_name();
        Self::find(|spec| spec.file_names.contains(&name)).or_else(|| Self::of_extension(path.extension()?))
    }

    fn of_extension(extension: &str) -> Option<Self> {
        Self::find(|spec| spec.extensions.contains(&extension)).or_else(|| {
            let extension = extension.to_ascii_lowercase();
            Self::find(|spec| spec.extensions.contains(&extension.as_str()))
        })
    }

    /// Returns the language of a file by its extension, its `#!` line where it has no extension, and by the text where
    /// several languages share the extension (`.h`, `.m`, `.pl`, `.cls`, `.inc`); none where it is another one, that is
    /// not known.
    pub fn detect(path: &RepoPath, text: &str) -> Option<Self> {
        match Self::of_path(path) {
            Some(Self::C) if path.extension() == Some("h") && looks_like_objective_c(text) => objective_c(),
            Some(Self::C) if path.extension() == Some("h") && looks_like_cpp(text) => Some(Self::Cpp),
            _ if path.extension() == Some("m") => match looks_like_objective_c(text) || text.contains("#include") {
                true => objective_c(),
                false => Some(Self::Matlab),
            },
            Some(Self::Apex) if looks_like_tex_or_basic(text) => None,
            Some(Self::Perl) if path.extension() == Some("pl") && looks_like_prolog(text) => None,
            None if path.extension() == Some("inc") && text.trim_start().starts_with("<?php") => Some(Self::Php),
            None if path.extension().is_none() => Self::of_shebang(text),
            found => found,
        }
    }

    /// Returns a number for all that [`Language::detect`] takes from a path: two paths of one number have one language
    /// for the same text.
    pub fn detection(path: &RepoPath) -> u32 {
        // FNV-1a, 32 bits: the number is kept in files, so it must not depend on the machine.
        let by_path = Self::of_path(path).map_or(0, |language| language as u8 + 1);
        let extension = path.extension();
        let bytes = [by_path, u8::from(extension.is_some())];
        let all = bytes.into_iter().chain(extension.unwrap_or_default().bytes());
        all.fold(0x811c_9dc5, |sum, byte| {
            (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
    }

    /// Returns the name that people use, for example `C++`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Returns the language's row of the registry.
    pub fn spec(self) -> &'static LanguageSpec {
        &SPECS[self as usize]
    }

    fn of_shebang(text: &str) -> Option<Self> {
        let line = text.strip_prefix("#!")?.lines().next()?;
        let mut words = line.split_whitespace().filter(|word| !word.starts_with('-'));
        let mut program = words.next()?.rsplit('/').next()?;
        if program == "env" {
            program = words.next()?;
        }
        let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Self::find(|spec| spec.interpreters.contains(&program))
    }

    fn find(wanted: impl Fn(&LanguageSpec) -> bool) -> Option<Self> {
        SPECS.iter().find(|spec| wanted(spec)).map(|spec| spec.language)
    }
}

/// Tells whether a header holds a line that C does not have.
fn looks_like_cpp(text: &str) -> bool {
    const OPENERS: [&str; 8] = [
        "class ",
        "namespace ",
        "template<",
        "template <",
        "using ",
        "public:",
        "private:",
        "protected:",
    ];
    text.lines().map(str::trim).any(|line| {
        // Prose in a comment may begin with the same word, but seldom ends like code.
        let code = line.ends_with(['{', ';', ':', '>']) || line.split_whitespace().count() == 2;
        let opened = code && OPENERS.iter().any(|opener| line.starts_with(opener));
        opened || (line.starts_with("#include <") && !line.contains('.'))
    })
}

/// Returns Objective-C where this build has it.
fn objective_c() -> Option<Language> {
    Language::of_extension("mm")
}

/// Tells whether a text holds a line that C, C++ and MATLAB do not have.
fn looks_like_objective_c(text: &str) -> bool {
    const OPENERS: [&str; 7] = [
        "#import",
        "@import",
        "@interface",
        "@implementation",
        "@protocol",
        "@class",
        "@end",
    ];
    text.lines()
        .any(|line| OPENERS.iter().any(|opener| line.trim_start().starts_with(opener)))
}

/// Tells whether a `.cls` file is a document class or a class of Visual Basic.
fn looks_like_tex_or_basic(text: &str) -> bool {
    text.trim_start().starts_with(['%', '\\']) || text.starts_with("VERSION ")
}

/// Tells whether a `.pl` holds a directive or a rule of Prolog.
fn looks_like_prolog(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with(":- ") || line.trim_end().ends_with(":-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(path: &str, text: &str) -> Option<Language> {
        Language::detect(&RepoPath::new(path).unwrap(), text)
    }

    #[test]
    fn extensions_shebangs_and_headers_are_told_apart() {
        assert_eq!(detect("a/b.rs", ""), Some(Language::Rust));
        assert_eq!(detect("b.TSX", ""), Some(Language::Tsx));
        assert_eq!(detect("b.mjs", ""), Some(Language::JavaScript));
        assert_eq!(detect("tool", "#!/usr/bin/env -S python3.11\n"), Some(Language::Python));
        assert_eq!(detect("tool", "#!/bin/sh\n"), Some(Language::Bash));
        assert_eq!(detect("tool", "#!/usr/bin/awk -f\n"), None);
        assert_eq!(detect("a.m", "% Adds.\nx = 1;\n"), Some(Language::Matlab));
        assert_eq!(detect("a.m", "// A\n#import <A/A.h>\n"), objective_c());
        assert_eq!(detect("A.cls", "public class A {}\n"), Some(Language::Apex));
        assert_eq!(detect("a.cls", "% A class.\n\\ProvidesClass{a}\n"), None);
        assert_eq!(detect("a.h", "int f(void);\n"), Some(Language::C));
        assert_eq!(detect("a.h", "#include <vector>\n"), Some(Language::Cpp));
        assert_eq!(detect("a.h", "namespace n\n{\n}\n"), Some(Language::Cpp));
        assert_eq!(
            detect("a.h", "/* A ring\nclass of buffers,\nusing one block. */\n"),
            Some(Language::C)
        );
        assert_eq!(detect("notes.txt", ""), None);
        assert_eq!(detect("a.m", "#import <a.h>\n"), objective_c());
        assert_eq!(
            detect("a.m", "function y = f(x)\n  y = x;\nend\n"),
            Some(Language::Matlab)
        );
        assert_eq!(detect("a.pl", "use strict;\n"), Some(Language::Perl));
        assert_eq!(detect("a.pl", ":- use_module(library(lists)).\n"), None);
        assert_eq!(detect("a.inc", "<?php\n"), Some(Language::Php));
        assert_eq!(detect("a.inc", "int a;\n"), None);
        assert_eq!(detect("a.R", ""), Some(Language::R));
        assert_eq!(detect("Jenkinsfile", ""), Some(Language::Groovy));
    }

    #[test]
    fn every_language_has_its_own_row() {
        for (at, language) in Language::ALL.iter().enumerate() {
            assert_eq!(language.spec().language, *language);
            assert_eq!(*language as usize, at);
        }
    }
}
