use std::collections::HashMap;

use crate::index::{Index, Symbol, SymbolId};
use crate::text::RepoPath;

use super::super::target::Place;

/// A name that is longer is not offered: it would take a model too long to write.
const MOST_NAME_BYTES: usize = 200;
/// So many names are offered at most, the last that were shown: a grammar of thousands is slow to decode under.
const MOST_OFFERED: usize = 256;

/// A place that an action can name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spot {
    Symbol(SymbolId),
    /// A file of the work tree, or one that this run has made.
    File(RepoPath),
}

impl Spot {
    /// Returns the place, as it is in the index.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Symbol(id) => Place::Symbol(*id),
            Self::File(path) => Place::File(path.clone()),
        }
    }

    /// Returns the file.
    pub(super) fn path<'s>(&'s self, index: &'s Index) -> &'s RepoPath {
        match self {
            Self::Symbol(id) => &index.symbol(*id).path,
            Self::File(path) => path,
        }
    }
}

impl From<&Place> for Spot {
    fn from(place: &Place) -> Self {
        match place {
            Place::Symbol(id) => Self::Symbol(*id),
            Place::File(path) => Self::File(path.clone()),
        }
    }
}

/// The places that a model was shown, by the names that it was shown for them. It can name no other.
pub(super) struct Catalog<'a> {
    index: &'a Index,
    spots: HashMap<String, Spot>,
    /// The names, those that were shown last at the end.
    order: Vec<String>,
}

impl<'a> Catalog<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self {
            index,
            spots: HashMap::new(),
            order: Vec::new(),
        }
    }

    /// Takes a place in, with its file, and returns its name.
    pub(super) fn show(&mut self, spot: Spot) -> String {
        let name = self.name(&spot);
        if let Spot::Symbol(id) = spot {
            self.show(Spot::File(self.index.symbol(id).path.clone()));
        }
        if name.len() <= MOST_NAME_BYTES {
            self.order.retain(|other| *other != name);
            self.order.push(name.clone());
            self.spots.insert(name.clone(), spot);
        }
        name
    }

    /// Returns the place of a name.
    pub(super) fn spot(&self, name: &str) -> Option<&Spot> {
        self.spots.get(name)
    }

    /// Returns the name of a place: its path, and for a definition its qualified name behind a colon; with the line too
    /// where the file has several of that name.
    pub(super) fn name(&self, spot: &Spot) -> String {
        match spot {
            Spot::File(path) => path.to_string(),
            Spot::Symbol(id) => {
                let symbol = self.index.symbol(*id);
                let is_other = |other: &&Symbol| other.id != symbol.id && other.qualified == symbol.qualified;
                let has_others = self.index.in_file(&symbol.path).iter().any(|other| is_other(&other));
                match has_others {
                    false => format!("{}:{}", symbol.path, symbol.qualified),
                    true => format!("{}:{}:{}", symbol.path, symbol.qualified, symbol.line + 1),
                }
            }
        }
    }

    /// Returns the names to offer: files, then definitions.
    pub(super) fn offered(&self) -> (Vec<String>, Vec<String>) {
        let skipped = self.order.len().saturating_sub(MOST_OFFERED);
        let last = self.order[skipped..].iter().cloned();
        last.partition(|name| matches!(self.spots.get(name), Some(Spot::File(_))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;

    #[test]
    fn names_are_unique_and_the_last_shown_are_offered() {
        let text = "def f(): pass\n\nclass A:\n    def f(self): pass\n\ndef f(): return 1\n";
        let many: String = (0..300).map(|n| format!("def g{n}(): pass\n")).collect();
        let files = [("a.py", text.to_owned()), ("b.py", many)];
        let files = files.map(|(path, text)| (RepoPath::new(path).unwrap(), text));
        let index = Index::from_texts(files.to_vec(), &NoProgress).unwrap();
        let mut catalog = Catalog::new(&index);
        let shown: Vec<String> = index
            .symbols()
            .map(|symbol| catalog.show(Spot::Symbol(symbol.id)))
            .collect();
        assert_eq!(shown[..4], ["a.py:f:1", "a.py:A", "a.py:A.f", "a.py:f:6"]);
        let (files, names) = catalog.offered();
        assert_eq!(files, ["b.py"]);
        assert_eq!(names.len(), MOST_OFFERED - 1);
        assert_eq!(names.last().unwrap(), "b.py:g299");
        // What is no longer offered is still known.
        assert_eq!(catalog.spot("a.py:A.f"), Some(&Spot::Symbol(index.named("A.f")[0].id)));
        catalog.show(Spot::Symbol(index.named("A.f")[0].id));
        assert_eq!(catalog.offered().1.last().unwrap(), "a.py:A.f");
    }
}
