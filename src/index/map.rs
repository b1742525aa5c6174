use std::collections::{HashMap, HashSet};

use super::pagerank::Graph;
use super::rank::is_test_path;
use super::{Index, Symbol, SymbolId};
use crate::lang::SymbolKind;
use crate::text::RepoPath;

/// What a name counts that is defined in `n` places: a name that many files define tells little of any of them.
fn specificity(definitions: usize) -> f32 {
    1.0 / (definitions as f32)
}

/// What uses inside the defining file count for a symbol, against uses from elsewhere.
const OWN_FILE: f32 = 0.1;
/// What a test file's uses count: every test uses its subject, which says how well it is tested.
const FROM_TEST: f32 = 0.3;
/// How many of the best hits for a request a map is drawn towards.
const REQUEST_HITS: usize = 12;
/// The part of all weight that goes to every file alike, so that a map shows the whole even around a focus.
const EVERYWHERE: f32 = 0.1;

/// What a map is drawn towards; with nothing in it, the whole repository alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapFocus<'a> {
    /// A request in plain language.
    pub request: Option<&'a str>,
    /// Files and directories.
    pub paths: &'a [RepoPath],
    /// Symbols.
    pub symbols: &'a [SymbolId],
}

/// The most symbols that are looked at.
const MOST_SYMBOLS: usize = 4096;

/// A symbol in a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MappedSymbol {
    /// The symbol.
    pub symbol: SymbolId,
    /// Its rank; comparable within one map only.
    pub rank: f32,
}

impl Index {
    /// Returns the symbols in the order in which an outline should name them: by the PageRank of their files over "uses
    /// a name that the other defines", handed on to the symbols that are used, drawn towards the focus.
    ///
    /// Equal ranks are in the order of path and position.
    pub fn map(&self, focus: &MapFocus<'_>) -> Vec<MappedSymbol> {
        let links = self.name_links();
        let mut totals = vec![0.0_f32; self.files().len()];
        for link in &links {
            totals[link.from as usize] += link.weight;
        }
        let hits = focus.request.map(|request| self.search(request, REQUEST_HITS));
        let hits = hits.unwrap_or_default();
        let start = self.start(focus, hits.iter().map(|hit| (hit.symbol, hit.score)));
        let edges = links.iter().map(|link| (link.from, link.to, link.weight)).collect();
        let ranks = Graph::new(self.files().len(), edges).ranks(&start);
        let mut by_symbol: HashMap<SymbolId, f32> = HashMap::new();
        for link in &links {
            let own = if link.from == link.to { OWN_FILE } else { 1.0 };
            let share = own * link.weight / totals[link.from as usize];
            *by_symbol.entry(link.symbol).or_default() += ranks[link.from as usize] * share;
        }
        // What the focus names is worth as much as the best of the rest, and more.
        let top = by_symbol.values().copied().fold(f32::MIN_POSITIVE, f32::max);
        for symbol in focus.symbols {
            *by_symbol.entry(*symbol).or_default() += 2.0 * top;
        }
        let best_hit = hits.first().map_or(1.0, |hit| hit.score);
        for hit in &hits {
            *by_symbol.entry(hit.symbol).or_default() += top * hit.score / best_hit;
        }
        let mut mapped: Vec<MappedSymbol> = by_symbol
            .into_iter()
            .map(|(symbol, rank)| MappedSymbol { symbol, rank })
            .collect();
        sort(&mut mapped);
        // Symbols are read file by file; those far down the list are never shown.
        mapped.truncate(MOST_SYMBOLS);
        mapped.retain(|mapped| self.find_symbol(mapped.symbol).is_some_and(is_landmark));
        self.add_unused(&mut mapped, &ranks);
        sort(&mut mapped);
        mapped
    }

    /// Adds what nobody uses by name, of the best files, in their order.
    fn add_unused(&self, mapped: &mut Vec<MappedSymbol>, ranks: &[f32]) {
        const MOST_FILES: usize = 64;
        let known: HashSet<SymbolId> = mapped.iter().map(|mapped| mapped.symbol).collect();
        let last = mapped.last().map_or(1.0, |mapped| mapped.rank);
        let mut files: Vec<usize> = (0..ranks.len()).collect();
        files.sort_by(|a, b| ranks[*b].total_cmp(&ranks[*a]).then(a.cmp(b)));
        let top = files.first().map_or(1.0, |file| ranks[*file]);
        for file in files.into_iter().take(MOST_FILES) {
            let symbols = self.in_file(&self.files()[file].path).iter();
            mapped.extend(
                symbols
                    .filter(|symbol| is_landmark(symbol) && !known.contains(&symbol.id))
                    .map(|symbol| MappedSymbol {
                        symbol: symbol.id,
                        rank: last * ranks[file] / top,
                    }),
            );
        }
    }

    /// Returns the weight of every file as a start of walks.
    fn start(&self, focus: &MapFocus<'_>, hits: impl Iterator<Item = (SymbolId, f32)>) -> Vec<f32> {
        let files = self.files();
        let mut start = vec![0.0_f32; files.len()];
        for (weight, file) in start.iter_mut().zip(files) {
            let under = |path: &RepoPath| {
                let rest = file.path.as_str().strip_prefix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if focus.paths.iter().any(under) {
                *weight += 1.0;
            }
        }
        for symbol in focus.symbols {
            start[symbol.file as usize] += 1.0;
        }
        let mut best = None;
        for (symbol, score) in hits {
            let best = *best.get_or_insert(score);
            start[symbol.file as usize] += score / best;
        }
        let total: f32 = start.iter().sum();
        let even = match total > 0.0 {
            true => EVERYWHERE * total / files.len() as f32,
            false => 1.0,
        };
        for (weight, file) in start.iter_mut().zip(files) {
            let factor = if is_test_path(file.path.as_str()) {
                FROM_TEST
            } else {
                1.0
            };
            *weight += even * factor;
        }
        start
    }

    /// Returns who uses what: one link from a file to every definition of a name that it uses.
    fn name_links(&self) -> Vec<NameLink> {
        let mut links = Vec::new();
        self.each_used_name(|found| {
            let share = specificity(found.definitions.len());
            for &(from, count) in &found.users {
                let from_test = is_test_path(self.files()[from as usize].path.as_str());
                let mut weight = (count as f32).sqrt() * share;
                if from_test {
                    weight *= FROM_TEST;
                }
                links.extend(found.definitions.iter().map(|symbol| NameLink {
                    from,
                    to: symbol.file,
                    symbol: *symbol,
                    weight,
                }));
            }
        });
        links
    }
}

fn sort(mapped: &mut [MappedSymbol]) {
    mapped.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.symbol.cmp(&b.symbol)));
}

struct NameLink {
    from: u32,
    to: u32,
    symbol: SymbolId,
    weight: f32,
}

/// Tells whether a symbol says something of a code base by itself.
fn is_landmark(symbol: &Symbol) -> bool {
    match symbol.definition.kind {
        SymbolKind::Function
        | SymbolKind::Method
        | SymbolKind::Constructor
        | SymbolKind::Class
        | SymbolKind::Struct
        | SymbolKind::Enum
        | SymbolKind::Interface
        | SymbolKind::Trait
        | SymbolKind::Type
        | SymbolKind::Constant
        | SymbolKind::Macro
        | SymbolKind::Table
        | SymbolKind::Target => true,
        // A block or a module is shown around what is inside.
        SymbolKind::Impl | SymbolKind::Module => false,
        SymbolKind::Variable | SymbolKind::Field | SymbolKind::Section | SymbolKind::Key | SymbolKind::Selector => {
            false
        }
    }
}
