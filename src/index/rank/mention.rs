//! What a request names outright: files, modules, symbols, and the frames of traces.

use std::collections::BTreeMap;

use super::corpus::{Corpus, SymbolFacts};
use super::module::{FileNames, module_of};
use super::query::{Name, NameForm, Query};
use super::weights::Weights;
use super::zone::Zone;

/// A name that stands in more places than this tells nothing.
const MOST_OF_ONE_NAME: usize = 400;

/// What a request names outright, each with its strength.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// Symbols that are named, or that traces go through.
    pub(super) symbols: Vec<(usize, f32)>,
    /// Files by what their symbols that are named add up to.
    pub(super) defining: BTreeMap<usize, f32>,
    /// Files that are named by path or as a module.
    pub(super) files: BTreeMap<usize, f32>,
    /// Files that traces go through.
    pub(super) frames: BTreeMap<usize, f32>,
    /// Lines named with a file, zero-based.
    pub(super) lines: Vec<(usize, usize, f32)>,
}

impl Mentions {
    pub(super) fn of(corpus: &impl Corpus, query: &Query<'_>, weights: &Weights) -> Self {
        let files = FileNames::of(corpus);
        let mut mentions = Self::default();
        let mut named: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        let mut symbols: BTreeMap<usize, f32> = BTreeMap::new();
        for name in &query.names {
            mentions.add_files(name, &files, weights);
            let mut by_file: BTreeMap<usize, f32> = BTreeMap::new();
            each_symbol_named(corpus, name, weights, &mut |symbol, facts, strength| {
                let own = symbols.entry(symbol).or_default();
                *own = own.max(strength);
                let own = by_file.entry(facts.file).or_default();
                *own = own.max(strength * super::prior::of_symbol(facts));
            });
            // Code of a report names what its writer calls, where the fault seldom is.
            if !matches!(name.zone, Zone::Title | Zone::Prose) {
                continue;
            }
            for (file, strength) in by_file {
                named.entry(file).or_default().push(strength);
            }
        }
        mentions.defining = named
            .into_iter()
            .map(|(file, strengths)| (file, decaying_sum(strengths, weights.mention_decay)))
            .collect();
        mentions.add_frames(corpus, query, &files, weights);
        mentions.symbols.extend(symbols);
        mentions
    }

    fn add_files(&mut self, name: &Name<'_>, files: &FileNames<'_>, weights: &Weights) {
        // A path is meant where it stands, but code and logs are full of paths that are not.
        let zone = match name.zone {
            Zone::Title | Zone::Prose => 1.0,
            Zone::Code | Zone::Trace | Zone::Boilerplate => weights.mention_zone(name.zone),
        };
        let by_path = match name.text.contains(['/', '\\', '.']) {
            true => files.at_path(name.text),
            false => Vec::new(),
        };
        let (found, strength) = if by_path.is_empty() {
            let segments: Vec<&str> = segments(name.text).collect();
            match files.at_module(&segments) {
                // One segment is a word like any other.
                Some((found, length)) if length >= 2 => (found, weights.module),
                _ => return,
            }
        } else {
            (by_path, weights.path)
        };
        let strength = zone * strength / found.len() as f32;
        for file in found {
            let own = self.files.entry(file).or_default();
            *own = own.max(strength);
            if let Some(line) = name.line {
                self.lines.push((file, line, strength));
            }
        }
    }

    fn add_frames(&mut self, corpus: &impl Corpus, query: &Query<'_>, files: &FileNames<'_>, weights: &Weights) {
        // Frames of other projects do not count as a distance.
        let mut rank = 0;
        for (at, (frame, distance)) in query.frames.iter().enumerate() {
            if *distance == 0 || at == 0 {
                rank = 0;
            }
            let mut found = frame.file.map_or_else(Vec::new, |file| files.at_path(file));
            if found.is_empty()
                && let Some(function) = frame.function
            {
                let segments: Vec<&str> = segments(function).collect();
                if segments.len() > 1
                    && let Some((modules, length)) = files.at_module(&segments)
                    && length > 1
                {
                    found = modules;
                }
            }
            if found.is_empty() {
                continue;
            }
            let strength = weights.frame_decay.powi(rank) / found.len() as f32;
            rank += 1;
            for file in found {
                let own = self.frames.entry(file).or_default();
                *own = own.max(strength);
                if let Some(line) = frame.line {
                    self.lines.push((file, line, strength));
                }
                if let Some(function) = frame.function.and_then(|name| segments(name).last()) {
                    let own = corpus.symbols_of(file);
                    corpus.each_named(function, |symbol| {
                        if own.contains(&symbol) {
                            self.symbols.push((symbol, strength));
                        }
                    });
                }
            }
        }
    }
}

/// Calls `each` with the symbols that a word names. A qualifier must be a container of the symbol or name its file.
fn each_symbol_named(
    corpus: &impl Corpus,
    name: &Name<'_>,
    weights: &Weights,
    each: &mut dyn FnMut(usize, &SymbolFacts, f32),
) {
    if name.text.contains(['/', '\\']) {
        return;
    }
    let parts: Vec<&str> = segments(name.text).collect();
    let form = match name.form {
        NameForm::CodeLike => 1.0,
        NameForm::Capitalized => weights.capitalized,
        NameForm::Plain => weights.plain,
    };
    for (at, part) in parts.iter().enumerate() {
        let mut found = Vec::new();
        corpus.each_named(part, |symbol| found.push(symbol));
        if found.is_empty() || found.len() > MOST_OF_ONE_NAME {
            continue;
        }
        let mut defining: Vec<usize> = found.iter().map(|symbol| corpus.symbol(*symbol).file).collect();
        defining.dedup();
        let rarity = rarity(defining.len());
        let qualifier = at.checked_sub(1).map(|before| Qualifier::of(corpus, parts[before]));
        for symbol in found {
            let facts = corpus.symbol(symbol);
            let fits = qualifier
                .as_ref()
                .is_some_and(|own| own.fits(corpus, symbol, facts.file));
            let form = if fits { weights.qualified } else { form };
            each(symbol, &facts, form * rarity * weights.mention_zone(name.zone));
        }
    }
}

/// What stands before a name.
struct Qualifier<'n> {
    name: &'n str,
    /// Where it may be a container.
    files: Vec<usize>,
}

impl<'n> Qualifier<'n> {
    fn of(corpus: &impl Corpus, name: &'n str) -> Self {
        Self {
            name,
            files: corpus.files_with_container(name),
        }
    }

    fn fits(&self, corpus: &impl Corpus, symbol: usize, file: usize) -> bool {
        let is_module = module_of(corpus.path(file)).next() == Some(self.name);
        // Most are ruled out by their file, and its symbols need not be read.
        if !is_module && self.files.binary_search(&file).is_err() {
            return false;
        }
        match corpus.container(symbol) {
            None => is_module,
            Some(container) => {
                let inner = container.rsplit(['.', ':']).next().unwrap_or(container);
                inner.split('<').next() == Some(self.name)
            }
        }
    }
}

/// Returns how much a name tells that so many files define, in 0..=1.
fn rarity(defining: usize) -> f32 {
    (defining.max(1) as f32).cbrt().recip()
}

/// Splits `a.b`, `a::b` and `a#b`.
pub(super) fn segments(name: &str) -> impl Iterator<Item = &str> {
    name.split(['.', ':', '#', '/']).filter(|part| !part.is_empty())
}

/// Adds up the largest first, each next one counting `decay` times less.
pub(super) fn decaying_sum(mut values: Vec<f32>, decay: f32) -> f32 {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values.iter().rev().fold(0.0, |sum, value| value + decay * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_decay_from_the_largest() {
        assert_eq!(decaying_sum(vec![1.0, 4.0, 2.0], 0.5), 4.0 + 1.0 + 0.25);
        assert_eq!(decaying_sum(vec![1.0, 4.0], 0.0), 4.0);
        assert_eq!(decaying_sum(Vec::new(), 0.5), 0.0);
    }

    #[test]
    fn rare_names_count_more() {
        assert_eq!(rarity(1), 1.0);
        assert!(rarity(1) > rarity(10) && rarity(10) > rarity(500) && rarity(500) > 0.0);
    }

    #[test]
    fn names_are_split() {
        let of = |name| segments(name).collect::<Vec<_>>();
        assert_eq!(of("a.b::c#d"), ["a", "b", "c", "d"]);
        assert_eq!(of("..::"), Vec::<&str>::new());
    }
}
