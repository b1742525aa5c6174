use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::index::{Index, Symbol, SymbolId};
use crate::lang::SymbolKind;
use crate::repo::SourceText;

use super::context::{SHORT_LINES, identifiers};
use super::mention::Mentions;
use super::target::Region;

/// Returns what is shown whole of a region's file where it is short: the functions that it calls or the request names,
/// since what they return, and for what, is seldom in their signatures; the constructor and the types whose fields it
/// reads; and the two functions most like it, which show how things are done here.
pub(super) fn shown_whole(index: &Index, source: &SourceText, region: &Region, request: &str) -> BTreeSet<SymbolId> {
    let in_file = index.in_file(&source.path);
    let mentions = Mentions::of(request);
    let mut names: BTreeSet<&str> = identifiers(&region.code).collect();
    names.extend(mentions.all().flat_map(|name| identifiers(name)));
    let known: BTreeSet<&str> = in_file
        .iter()
        .map(|symbol| symbol.definition.name.as_str())
        .filter(|name| names.contains(name))
        .collect();
    let container = in_file
        .iter()
        .find(|symbol| region.range.contains(symbol.definition.range))
        .and_then(|symbol| symbol.definition.container.as_deref());
    let functions: Vec<&Symbol> = in_file
        .iter()
        .filter(|symbol| symbol.definition.kind.is_callable() && is_short(symbol))
        .filter(|symbol| !symbol.definition.range.overlaps(region.range))
        .collect();
    let (mut whole, others): (Vec<&Symbol>, Vec<&Symbol>) = functions.iter().partition(|symbol| {
        let is_own = container.is_some() && symbol.definition.container.as_deref() == container;
        known.contains(symbol.definition.name.as_str()) || (is_own && is_constructor(symbol))
    });
    whole.extend(in_file.iter().filter(|symbol| {
        let name = symbol.definition.name.as_str();
        let is_used = known.contains(name) || container == Some(name);
        is_used && is_plain_type(symbol) && is_short(symbol) && !has_function(symbol, &functions)
    }));
    whole.extend(most_alike(&source.text, &others, &known));
    whole.into_iter().map(|symbol| symbol.id).collect()
}

/// Returns the two functions that share the most names with a region, of those that its file defines.
fn most_alike<'a>(text: &str, functions: &[&'a Symbol], known: &BTreeSet<&str>) -> impl Iterator<Item = &'a Symbol> {
    const MOST: usize = 2;
    let mut alike: Vec<(usize, &Symbol)> = functions
        .iter()
        .map(|symbol| {
            let code = &text[symbol.definition.range.as_range()];
            let shared: BTreeSet<&str> = identifiers(code).filter(|name| known.contains(name)).collect();
            (shared.len(), *symbol)
        })
        .filter(|(shared, _)| *shared > 0)
        .collect();
    alike.sort_by_key(|(shared, symbol)| (Reverse(*shared), symbol.id));
    alike.into_iter().take(MOST).map(|(_, symbol)| symbol)
}

fn is_short(symbol: &Symbol) -> bool {
    symbol.last_line - symbol.first_line < SHORT_LINES
}

/// Tells whether a symbol is a type whose fields are no symbols of their own.
fn is_plain_type(symbol: &Symbol) -> bool {
    matches!(
        symbol.definition.kind,
        SymbolKind::Struct | SymbolKind::Enum | SymbolKind::Interface
    )
}

fn has_function(symbol: &Symbol, functions: &[&Symbol]) -> bool {
    let range = symbol.definition.range;
    functions.iter().any(|inner| range.contains(inner.definition.range))
}

fn is_constructor(symbol: &Symbol) -> bool {
    symbol.definition.kind == SymbolKind::Constructor
        || matches!(symbol.definition.name.as_str(), "__init__" | "constructor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::NoProgress;
    use crate::repo::{BlobId, FileMode};
    use crate::text::RepoPath;

    const TEXT: &str = concat!(
        "class Bed:\n    def __init__(self):\n        self.litres = 0\n\n",
        "    def capacity(self):\n        return 10\n\n",
        "    def water(self, litres):\n        self.litres += litres\n        return self.capacity()\n\n",
        "    def drain(self, litres):\n        return min(litres, self.capacity())\n\n",
        "    def name(self):\n        return 'bed'\n\n",
        "    def colour(self):\n        return 'green'\n",
    );

    #[test]
    fn what_a_region_needs_to_know_is_shown_whole() {
        let path = RepoPath::new("bed.py").unwrap();
        let index = Index::from_texts(vec![(path.clone(), TEXT.to_owned())], &NoProgress).unwrap();
        let source = SourceText {
            path,
            text: TEXT.to_owned(),
            blob: BlobId::of(TEXT.as_bytes()),
            mode: FileMode::Regular,
        };
        let place = super::super::target::Place::Symbol(index.named("Bed.water")[0].id);
        let region = Region::new(&place, &source, &index);
        let shown = |request: &str| -> Vec<String> {
            let whole = shown_whole(&index, &source, &region, request);
            whole
                .into_iter()
                .map(|id| index.symbol(id).definition.name.clone())
                .collect()
        };
        assert_eq!(shown("Return the litres"), ["__init__", "capacity", "drain"]);
        assert_eq!(
            shown("Return what `colour` says"),
            ["__init__", "capacity", "drain", "colour"]
        );
    }
}
