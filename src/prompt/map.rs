use std::collections::BTreeSet;

use crate::index::{Index, MappedSymbol, Symbol, SymbolId};
use crate::text::shortened;

/// The most characters of a signature in a map.
const SIGNATURE_CHARS: usize = 120;
/// A line of a map is hardly shorter, in tokens.
const LEAST_LINE_TOKENS: usize = 4;

/// An outline that fits a token budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapText {
    /// One line with each path, best file first, below it one line a symbol: the line number, counted from one, and the
    /// signature.
    pub text: String,
    /// The same as data.
    pub files: Vec<MapFile>,
    /// The length of the text in tokens, by the count that was given.
    pub tokens: usize,
}

/// One file of a [`MapText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFile {
    /// The symbols in the order of the text, those around the chosen ones included.
    pub symbols: Vec<SymbolId>,
}

/// Renders as many of the best symbols as fit into `budget_tokens`, with what stands around them.
///
/// `count` gives the length of a text in tokens.
pub fn map_within(
    index: &Index,
    mapped: &[MappedSymbol],
    budget_tokens: usize,
    count: &dyn Fn(&str) -> usize,
) -> MapText {
    let mut fitting = MapText {
        text: String::new(),
        files: Vec::new(),
        tokens: 0,
    };
    let (mut low, mut high) = (0, mapped.len().min(budget_tokens / LEAST_LINE_TOKENS));
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let tried = render(index, &mapped[..middle], count);
        if tried.tokens <= budget_tokens {
            low = middle;
            fitting = tried;
        } else {
            high = middle - 1;
        }
    }
    fitting
}

fn render(index: &Index, mapped: &[MappedSymbol], count: &dyn Fn(&str) -> usize) -> MapText {
    let mut order: Vec<&str> = Vec::new();
    let mut chosen: BTreeSet<SymbolId> = BTreeSet::new();
    for mapped in mapped {
        let symbol = index.symbol(mapped.symbol);
        if !order.contains(&symbol.path.as_str()) {
            order.push(symbol.path.as_str());
        }
        chosen.insert(symbol.id);
        chosen.extend(around(index, symbol).map(|outer| outer.id));
    }
    let mut text = String::new();
    let mut files = Vec::new();
    for path in order {
        let symbols: Vec<SymbolId> = chosen
            .iter()
            .copied()
            .filter(|id| index.symbol(*id).path.as_str() == path)
            .collect();
        text.push_str(path);
        text.push_str(":\n");
        for id in &symbols {
            let symbol = index.symbol(*id);
            let depth = around(index, symbol).count();
            text.push_str(&format!(
                "{:>5}  {}{}\n",
                symbol.line + 1,
                "  ".repeat(depth),
                shortened(&symbol.definition.signature, SIGNATURE_CHARS)
            ));
        }
        files.push(MapFile { symbols });
    }
    MapText {
        tokens: count(&text),
        text,
        files,
    }
}

/// Returns the symbols around a symbol.
fn around<'a>(index: &'a Index, symbol: &'a Symbol) -> impl Iterator<Item = &'a Symbol> {
    let range = symbol.definition.range;
    index
        .in_file(&symbol.path)
        .iter()
        .take_while(move |other| other.definition.range.start <= range.start)
        .filter(move |other| other.definition.range != range && other.definition.range.contains(range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::MapFocus;
    use crate::progress::NoProgress;
    use crate::text::RepoPath;

    fn index() -> Index {
        let files = [
            (
                "core.py",
                "class Store:\n    def put(self, key): pass\n\ndef open_store(path):\n    return Store()\n",
            ),
            (
                "a.py",
                "from core import open_store\n\ndef first():\n    open_store('a').put(1)\n",
            ),
            (
                "b.py",
                "from core import open_store\n\ndef second():\n    open_store('b')\n",
            ),
        ];
        let texts = files.map(|(path, text)| (RepoPath::new(path).unwrap(), text.to_owned()));
        Index::from_texts(texts.to_vec(), &NoProgress).unwrap()
    }

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    #[test]
    fn what_others_use_comes_first_with_what_is_around_it() {
        let index = index();
        let mapped = index.map(&MapFocus::default());
        let text = map_within(&index, &mapped[..2], 1000, &words).text;
        assert_eq!(
            text,
            "core.py:\n    1  class Store\n    2    def put(self, key)\n    4  def open_store(path)\n"
        );
    }

    #[test]
    fn a_focus_draws_the_map() {
        let index = index();
        let path = [RepoPath::new("b.py").unwrap()];
        let symbols = [index.named("first")[0].id];
        let top = |focus: MapFocus<'_>| index.symbol(index.map(&focus)[0].symbol).qualified.clone();
        assert_eq!(
            top(MapFocus {
                symbols: &symbols,
                ..MapFocus::default()
            }),
            "first"
        );
        assert_eq!(
            top(MapFocus {
                request: Some("the second one"),
                ..MapFocus::default()
            }),
            "second"
        );
        assert_eq!(
            top(MapFocus {
                paths: &path,
                ..MapFocus::default()
            }),
            "open_store"
        );
    }

    #[test]
    fn no_map_is_longer_than_its_budget() {
        let index = index();
        let mapped = index.map(&MapFocus::default());
        let mut longest = 0;
        for budget in 0..40 {
            let map = map_within(&index, &mapped, budget, &words);
            assert!(map.tokens <= budget && map.tokens == words(&map.text), "{map:?}");
            assert!(map.tokens >= longest);
            longest = map.tokens;
        }
        assert!(longest > 15);
    }
}
