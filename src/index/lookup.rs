use super::build::StoredUse;
use super::{Index, IndexedFile, Reference, SkippedFile, Symbol, SymbolId};
use crate::text::{RepoPath, TextRange};

/// A name that more places define says too little of any of them to link files.
const MOST_DEFINITIONS: usize = 32;

impl Index {
    /// Returns the files, sorted by path.
    pub fn files(&self) -> &[IndexedFile] {
        &self.files
    }

    /// Returns the file at a path.
    pub fn file(&self, path: &RepoPath) -> Option<&IndexedFile> {
        self.by_path.get(path).map(|at| &self.files[*at])
    }

    /// Returns the number of the file at a path, as an index into [`Index::files`].
    pub(super) fn file_number(&self, path: &RepoPath) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    /// Calls `each` with every name that is defined and used: its definitions with the numbers of their files, and the
    /// files that use it with how often. Names that more than [`MOST_DEFINITIONS`] places define are left out.
    pub(super) fn each_used_name(&self, mut each: impl FnMut(&[(SymbolId, u32)], &[(u32, u32)])) {
        let mut definitions = Vec::new();
        let mut users: Vec<(u32, u32)> = Vec::new();
        for (name, found) in &self.by_name {
            let Some(uses) = self.uses.get(name.as_str()) else {
                continue;
            };
            if found.len() > MOST_DEFINITIONS {
                continue;
            }
            definitions.clear();
            for id in found {
                let file = self.file_number(&self.symbol(*id).path);
                definitions.extend(file.map(|file| (*id, file as u32)));
            }
            users.clear();
            for found in uses {
                match users.last_mut() {
                    Some((file, count)) if *file == found.file => *count += 1,
                    _ => users.push((found.file, 1)),
                }
            }
            each(&definitions, &users);
        }
    }

    /// Returns what is missing from the index, or not wholly in it, sorted by path.
    pub fn skipped(&self) -> &[SkippedFile] {
        &self.skipped
    }

    /// Returns the symbols, sorted by path and position, outer before inner.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Returns the symbol of a number that this index gave.
    ///
    /// # Panics
    /// When the number is from another index and too high for this one.
    pub fn symbol(&self, id: SymbolId) -> &Symbol {
        &self.symbols[id.0 as usize]
    }

    /// Returns the symbols of a name, or of a name qualified with `.`, `::` or `#`; of the qualifiers, the inner ones
    /// must be containers, and what is left over must name the file or its folders (`utils.parse`).
    pub fn named(&self, name: &str) -> Vec<&Symbol> {
        if let Some(exact) = self.by_name.get(name) {
            return exact.iter().map(|id| self.symbol(*id)).collect();
        }
        let segments = segments(name);
        let Some((last, qualifiers)) = segments.split_last() else {
            return Vec::new();
        };
        let candidates = self.by_name.get(*last).into_iter().flatten().map(|id| self.symbol(*id));
        candidates
            .filter(|symbol| is_qualified_by(symbol, qualifiers))
            .collect()
    }

    /// Returns the symbols that only declare what `symbol` defines, as prototypes in a header do.
    pub fn declarations_of(&self, symbol: &Symbol) -> Vec<&Symbol> {
        let mut declarations = self.named(&symbol.definition.name);
        declarations.retain(|other| {
            other.id != symbol.id && other.qualified == symbol.qualified && other.definition.body.is_none()
        });
        declarations
    }

    /// Returns the symbols of a file in the order of the text.
    pub fn in_file(&self, path: &RepoPath) -> &[Symbol] {
        self.file(path).map_or(&[], |file| &self.symbols[file.symbols.clone()])
    }

    /// Returns the innermost symbol whose range holds `range`.
    pub fn enclosing(&self, path: &RepoPath, range: TextRange) -> Option<&Symbol> {
        self.file(path).and_then(|file| self.enclosing_in(file, range))
    }

    /// Returns every use of a name, definitions excluded, sorted by path and position. Of a qualified name the last
    /// part is looked up: syntax alone does not tell of which type a method is called.
    pub fn references_to(&self, name: &str) -> Vec<Reference> {
        let by_last = || segments(name).last().and_then(|last| self.uses.get(*last));
        let uses = self.uses.get(name).or_else(by_last);
        uses.into_iter().flatten().map(|found| self.reference(found)).collect()
    }

    fn reference(&self, found: &StoredUse) -> Reference {
        let file = &self.files[found.file as usize];
        Reference {
            path: file.path.clone(),
            range: found.range,
            line: found.line as usize,
            kind: found.kind,
            enclosing: self.enclosing_in(file, found.range).map(|symbol| symbol.id),
        }
    }

    fn enclosing_in(&self, file: &IndexedFile, range: TextRange) -> Option<&Symbol> {
        let symbols = &self.symbols[file.symbols.clone()];
        let after = symbols.partition_point(|symbol| symbol.definition.range.start <= range.start);
        symbols[..after]
            .iter()
            .rev()
            .find(|symbol| symbol.definition.range.contains(range))
    }
}

/// Splits a qualified name, without `()` at its end; empty for what is no name.
pub(super) fn segments(name: &str) -> Vec<&str> {
    let name = name.trim().trim_end_matches("()");
    // `operator==` and the like are names as a whole.
    if name.contains("operator") {
        return name.split("::").collect();
    }
    let mut parts = Vec::new();
    for part in name.split(['.', ':']).filter(|part| !part.is_empty()) {
        // `Type#method`, but the `#` of a private name of JavaScript is a part of it.
        match part.split_once('#').filter(|(container, _)| !container.is_empty()) {
            Some((container, member)) => parts.extend([container, member]),
            None => parts.push(part),
        }
    }
    let plain = |part: &&str| {
        part.chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '~' | '#'))
    };
    if parts.iter().all(plain) { parts } else { vec![name] }
}

fn is_qualified_by(symbol: &Symbol, qualifiers: &[&str]) -> bool {
    let containers: Vec<&str> = symbol
        .definition
        .container
        .as_deref()
        .map_or_else(Vec::new, |container| {
            container
                .split("::")
                .flat_map(|part| part.split('.'))
                .map(|part| part.split('<').next().unwrap_or(part))
                .collect()
        });
    let shared = qualifiers
        .iter()
        .rev()
        .zip(containers.iter().rev())
        .take_while(|(qualifier, container)| qualifier == container)
        .count();
    let left = &qualifiers[..qualifiers.len() - shared];
    if left.is_empty() {
        return true;
    }
    // What is left over names modules, which are files and folders.
    let path = symbol.path.as_str();
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let folders: Vec<&str> = stem
        .split('/')
        .filter(|part| !matches!(*part, "mod" | "lib" | "__init__" | "index"))
        .collect();
    let left = match left {
        ["crate" | "self" | "super", rest @ ..] => rest,
        left => left,
    };
    folders.ends_with(left)
}
