use super::analysis::{Field, term_key};
use super::store::{Counts, FIELDS, Units};
use super::terms::distinct_terms;
use super::{Index, path_terms::PathTerms};

/// How soon more occurrences of a term stop to count.
const K1: f32 = 1.2;

/// What a field of a document counts for.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldWeight {
    /// How much one occurrence counts.
    pub(super) weight: f32,
    /// How much a long field is held against it, in 0..=1.
    pub(super) b: f32,
}

/// What the fields of a symbol count for, in the order of [`Field`].
pub(super) static SYMBOL_FIELDS: [FieldWeight; FIELDS] = [
    FieldWeight { weight: 5.2, b: 0.3 },
    FieldWeight { weight: 2.0, b: 0.5 },
    FieldWeight { weight: 1.2, b: 0.5 },
    FieldWeight { weight: 1.0, b: 0.5 },
];
/// What a term counts that stands in the path of a symbol, or in the name of what is around it.
const PLACE_WEIGHT: f32 = 1.0;

/// What the names of a file's symbols and its text count for.
static FILE_FIELDS: [FieldWeight; 2] = [
    FieldWeight { weight: 2.0, b: 0.75 },
    FieldWeight { weight: 1.0, b: 0.75 },
];
/// What a term counts that stands in the path of a file.
const PATH_WEIGHT: f32 = 3.0;

/// The scores of all documents for one query: BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13", 2004), in
/// which term frequencies are weighted and normalised by field before they saturate together.
///
/// Weights, document frequencies and average lengths are taken at the time of the query, over the files that are there
/// now; the postings hold plain counts.
pub(super) struct Scores {
    /// By unit of all files, in order; the first unit of each file is no symbol.
    pub(super) symbols: Vec<f32>,
    /// By file.
    pub(super) files: Vec<f32>,
}

impl Scores {
    pub(super) fn of(index: &Index, query: &str) -> Self {
        let terms = distinct_terms(query);
        let averages = Averages::of(index);
        let mut scores = Self {
            symbols: vec![0.0; index.unit_count()],
            files: vec![0.0; index.files.len()],
        };
        if terms.is_empty() {
            return scores;
        }
        let paths = PathTerms::new(index);
        let mut frequencies = Frequencies::new(index);
        for term in &terms {
            frequencies.collect(index, term, &paths, &averages);
            frequencies.add_to(&mut scores, &averages);
        }
        scores
    }
}

/// How many documents there are and how long their fields are on average.
struct Averages {
    symbols: f32,
    files: f32,
    symbol_lengths: [f32; FIELDS],
    file_lengths: [f32; 2],
}

impl Averages {
    fn of(index: &Index) -> Self {
        let (mut symbols, mut names, mut text) = (0u64, 0u64, 0u64);
        let mut totals = [0u64; FIELDS];
        for file in 0..index.files.len() as u32 {
            let blob = index.blob(file);
            symbols += u64::from(blob.units) - 1;
            for (total, own) in totals.iter_mut().zip(blob.totals) {
                *total += u64::from(own);
            }
            names += u64::from(blob.totals[Field::Name as usize]);
            text += u64::from(blob.text_terms);
        }
        let average = |total: u64, of: f32| (total as f32 / of.max(1.0)).max(1.0);
        let (symbols, files) = (symbols as f32, index.files.len() as f32);
        Self {
            symbols,
            files,
            symbol_lengths: totals.map(|total| average(total, symbols)),
            file_lengths: [average(names, files), average(text, files)],
        }
    }
}

/// The weighted frequencies of one term, before they saturate.
struct Frequencies {
    symbols: Sparse,
    files: Sparse,
}

impl Frequencies {
    fn new(index: &Index) -> Self {
        Self {
            symbols: Sparse::new(index.unit_count()),
            files: Sparse::new(index.files.len()),
        }
    }

    fn collect(&mut self, index: &Index, term: &str, paths: &PathTerms<'_>, averages: &Averages) {
        let key = term_key(term);
        for (segment, live) in index.segments.iter().zip(&index.live) {
            let Some(units) = index.sound(segment.units()) else {
                continue;
            };
            let blobs = segment.blobs();
            let mut blob = 0;
            let read = segment.each_posting(&key, |posting| {
                while blob < blobs.len() && posting.unit >= blobs[blob].first_unit + blobs[blob].units {
                    blob += 1;
                }
                let Some(entry) = blobs.get(blob) else {
                    return;
                };
                let own = posting.unit - entry.first_unit;
                live.each_file(blob as u32, |file| {
                    let hit = Hit {
                        units,
                        base: index.bases[file as usize],
                        first: entry.first_unit,
                        own,
                    };
                    if own > 0 {
                        hit.add(&posting.counts, &mut self.symbols, averages);
                    }
                    let names = if own > 0 {
                        posting.counts[Field::Name as usize]
                    } else {
                        0
                    };
                    let text: u32 = posting.counts.iter().map(|count| u32::from(*count)).sum();
                    let lengths = [entry.totals[Field::Name as usize], entry.text_terms];
                    let counts = [f32::from(names), text as f32];
                    let weighted = (0..2).map(|field| {
                        let FieldWeight { weight, b } = FILE_FIELDS[field];
                        weight * counts[field] / norm(b, lengths[field] as f32, averages.file_lengths[field])
                    });
                    self.files.add(file, weighted.sum());
                });
            });
            index.sound(read);
        }
        paths.each_file_with(term, |file, count| {
            self.files.add(file, PATH_WEIGHT * count as f32);
            let base = index.bases[file as usize];
            for unit in base + 1..index.bases[file as usize + 1] {
                self.symbols.add(unit, PLACE_WEIGHT * count as f32);
            }
        });
    }

    fn add_to(&mut self, scores: &mut Scores, averages: &Averages) {
        self.symbols.drain_into(&mut scores.symbols, averages.symbols);
        self.files.drain_into(&mut scores.files, averages.files);
    }
}

/// A term in one unit of one file.
struct Hit<'u> {
    units: &'u Units,
    /// The file's first unit in the index and in its segment.
    base: u32,
    first: u32,
    /// The unit's number in the file.
    own: u32,
}

impl Hit<'_> {
    fn add(&self, counts: &Counts, symbols: &mut Sparse, averages: &Averages) {
        let unit = self.first + self.own;
        let frequency = (0..FIELDS).map(|field| self.weighted(unit, field, counts[field], averages));
        symbols.add(self.base + self.own, frequency.sum());
        // A function holds the text of the functions inside it.
        let inside: u16 = counts.iter().fold(0, |sum, count| sum.saturating_add(*count));
        let mut around = self.units.parent(unit).filter(|parent| *parent > self.first);
        while let Some(outer) = around {
            if self.units.flags(outer).kind().is_some_and(|kind| kind.is_callable()) {
                let weighted = self.weighted(outer, Field::Body as usize, inside, averages);
                symbols.add(self.base + outer - self.first, weighted);
            }
            around = self.units.parent(outer).filter(|parent| *parent > self.first);
        }
        // The name of a class is a place for what is inside it.
        let is_scope = |kind: crate::lang::SymbolKind| kind.has_methods() || kind == crate::lang::SymbolKind::Module;
        if counts[Field::Name as usize] > 0 && self.units.flags(unit).kind().is_some_and(is_scope) {
            for inner in unit + 1..=unit + self.units.descendants(unit) {
                symbols.add(self.base + inner - self.first, PLACE_WEIGHT);
            }
        }
    }

    fn weighted(&self, unit: u32, field: usize, count: u16, averages: &Averages) -> f32 {
        if count == 0 {
            return 0.0;
        }
        let FieldWeight { weight, b } = SYMBOL_FIELDS[field];
        let length = self.units.length(unit, field) as f32;
        weight * f32::from(count) / norm(b, length, averages.symbol_lengths[field])
    }
}

fn norm(b: f32, length: f32, average: f32) -> f32 {
    1.0 - b + b * length / average
}

/// Numbers by document, most of them zero.
struct Sparse {
    values: Vec<f32>,
    touched: Vec<u32>,
}

impl Sparse {
    fn new(len: usize) -> Self {
        Self {
            values: vec![0.0; len],
            touched: Vec::new(),
        }
    }

    fn add(&mut self, at: u32, amount: f32) {
        let Some(value) = self.values.get_mut(at as usize).filter(|_| amount > 0.0) else {
            return;
        };
        if *value == 0.0 {
            self.touched.push(at);
        }
        *value += amount;
    }

    /// Adds the score of each document and starts anew.
    fn drain_into(&mut self, scores: &mut [f32], documents: f32) {
        let found = self.touched.len() as f32;
        let idf = (1.0 + (documents - found + 0.5).max(0.5) / (found + 0.5)).ln();
        for at in self.touched.drain(..) {
            let frequency = std::mem::take(&mut self.values[at as usize]);
            scores[at as usize] += idf * frequency * (K1 + 1.0) / (K1 + frequency);
        }
    }
}
