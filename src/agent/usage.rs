//! What a repository and a standard library know of names that new code uses.

use crate::index::Symbol;
use crate::lang::{Arity, ImportLine, KnownBy, Language, ParsedFile, SymbolKind, UnboundName};
use crate::patch::gate::GateFailure;
use crate::text::RepoPath;

use super::Workbench;

/// An import that was left out and is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Added {
    /// The import.
    pub(super) line: String,
    /// What is said of it.
    pub(super) said: String,
}

/// Returns the imports that new code forgot, where it is certain which: modules of the standard library that have what
/// is asked of them, and names that have one home there and none in the repository.
pub(super) fn forgotten_imports(bench: &Workbench<'_>, language: Language, failures: &[GateFailure]) -> Vec<Added> {
    let mut added: Vec<Added> = Vec::new();
    let names = failures.iter().flat_map(|failure| match failure {
        GateFailure::Undefined { names, .. } => names.as_slice(),
        _ => &[],
    });
    for UnboundName { name, member, .. } in names {
        let Some(import) = ImportLine::of(language, name, member.as_deref()) else {
            continue;
        };
        let is_own = match import.known_by {
            KnownBy::Member => is_own_module(bench, name),
            KnownBy::Name => !defined(bench, name).is_empty(),
        };
        if !is_own && added.iter().all(|other| other.line != import.line) {
            added.push(Added {
                said: format!("`{name}` was not imported: `{}` is added", import.line),
                line: import.line,
            });
        }
    }
    added
}

/// Returns where names are defined that new code in the file at `path` uses and does not import, a line for each that has
/// one place.
pub(super) fn homes(bench: &Workbench<'_>, path: &RepoPath, names: &[UnboundName]) -> Vec<String> {
    let mut told = Vec::new();
    for UnboundName { name, .. } in names {
        let line = match (&defined(bench, name)[..], method(bench, path, name)) {
            (_, Some(class)) => format!("`{name}` is a method of {class}: use `self.{name}`"),
            ([only], None) if only.path != *path => {
                format!("`{name}` is defined in {}: import it from there", only.path)
            }
            _ => continue,
        };
        if !told.contains(&line) {
            told.push(line);
        }
    }
    told
}

/// Returns the class of a file that has a method of this name, where it is the only one.
fn method<'b>(bench: &Workbench<'b>, path: &RepoPath, name: &str) -> Option<&'b str> {
    let methods = bench.index.in_file(path).iter().filter(|symbol| {
        let definition = &symbol.definition;
        definition.kind == SymbolKind::Method && definition.name == name
    });
    match &methods.collect::<Vec<&Symbol>>()[..] {
        [only] => only.definition.container.as_deref(),
        _ => None,
    }
}

/// Returns how a function is called that is the only one of its name, in the module it is imported from.
pub(super) fn arity_of(bench: &Workbench<'_>, name: &str, module: &str) -> Option<Arity> {
    let [only] = defined(bench, name)[..] else {
        return None;
    };
    let last = module.rsplit('.').next()?;
    let file = only.path.file_name().strip_suffix(".py")?;
    if file != last || only.definition.kind != SymbolKind::Function {
        return None;
    }
    let source = bench.snapshot.read(&only.path).ok()?;
    let parsed = ParsedFile::parse(only.language, &source.text);
    Arity::of(&parsed, &source.text, only.definition.name_range)
}

/// Returns the words of a text that may be names.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c == '_' || c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
}

/// Returns what a repository defines under a name at the top of its files.
fn defined<'b>(bench: &Workbench<'b>, name: &str) -> Vec<&'b Symbol> {
    let named = bench.index.named(name).into_iter();
    named
        .filter(|symbol| {
            let definition = &symbol.definition;
            definition.kind.is_code() && definition.name == name && definition.container.is_none()
        })
        .collect()
}

/// Tells whether a repository has a module of its own under a name.
fn is_own_module(bench: &Workbench<'_>, name: &str) -> bool {
    let file = format!("{name}.py");
    let folder = format!("{name}/__init__.py");
    let is_it = |path: &RepoPath| {
        path.file_name() == file || path.as_str() == folder || path.as_str().ends_with(&format!("/{folder}"))
    };
    bench.snapshot.files().iter().any(|file| is_it(&file.path))
}
