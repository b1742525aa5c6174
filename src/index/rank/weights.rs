//! The numbers that ranking multiplies with.

use super::bm25f::FieldWeight;
use super::zone::Zone;

/// What the parts of a score count for.
#[derive(Debug)]
pub(in crate::index) struct Weights {
    /// What a word counts by where it stands in the request.
    pub(super) title: f32,
    pub(super) prose: f32,
    pub(super) code: f32,
    pub(super) trace: f32,
    pub(super) boilerplate: f32,
    /// How soon repeated words of a request stop to count.
    pub(super) query_k: f32,

    /// How soon more of a term stops to count in a file, what its fields count for against the text, and how much long
    /// fields are held against them.
    pub(super) file_k1: f32,
    pub(super) file_name: f32,
    pub(super) file_folder: f32,
    pub(super) file_symbols: f32,
    pub(super) file_doc: f32,
    pub(super) file_b: f32,
    pub(super) path_b: f32,
    /// The same of a symbol, against its body.
    pub(super) symbol_k1: f32,
    pub(super) symbol_name: f32,
    pub(super) symbol_doc: f32,
    pub(super) symbol_signature: f32,
    pub(super) symbol_place: f32,
    pub(super) symbol_b: f32,

    /// What the best symbols of a file count for it: a long file holds many words of any request, but seldom all in one
    /// place. Each next symbol counts `fuse_decay` times less.
    pub(super) fuse_symbols: f32,
    pub(super) fuse_decay: f32,
    /// What the names of symbols that the title and the prose of a request mention count for the files that define
    /// them, each next name `mention_decay` times less; the forms of a name against that of code; places against the
    /// title. Code and traces speak for symbols and paths only.
    pub(super) mention: f32,
    pub(super) qualified: f32,
    pub(super) capitalized: f32,
    pub(super) plain: f32,
    pub(super) mention_prose: f32,
    pub(super) mention_code: f32,
    pub(super) mention_trace: f32,
    pub(super) mention_decay: f32,
    /// What files count that are named by path, as a module, or by a frame of a trace, the innermost first.
    pub(super) path: f32,
    pub(super) module: f32,
    pub(super) frame: f32,
    pub(super) frame_decay: f32,
    /// What the best other file of its folder counts for a file: who fixes one place knows its neighbours.
    pub(super) folder: f32,

    /// What the score of a file is multiplied with that is no source. A request of one line asks for tests more often than
    /// a report does.
    pub(super) test: f32,
    pub(super) test_short: f32,
    pub(super) example: f32,
    pub(super) document: f32,
    pub(super) data: f32,
    pub(super) foreign: f32,
}

/// Measured on half A of the instances of `scripts/bench-localize.sh issues` and on messages of commits; the names of
/// symbols count less than half A alone asks for, since they were fitted to it (`docs/benchmarks.md`).
pub(in crate::index) static WEIGHTS: Weights = Weights {
    title: 2.5,
    prose: 1.0,
    code: 0.6,
    trace: 0.5,
    boilerplate: 0.0,
    query_k: 2.0,
    file_k1: 1.5,
    file_name: 4.0,
    file_folder: 2.0,
    file_symbols: 2.0,
    file_doc: 1.0,
    file_b: 0.75,
    path_b: 0.5,
    symbol_k1: 1.5,
    symbol_name: 4.0,
    symbol_doc: 1.5,
    symbol_signature: 1.2,
    symbol_place: 1.0,
    symbol_b: 0.4,
    fuse_symbols: 1.0,
    fuse_decay: 0.5,
    mention: 0.8,
    qualified: 1.5,
    capitalized: 1.0,
    plain: 0.1,
    mention_prose: 0.75,
    mention_code: 0.25,
    mention_trace: 0.15,
    mention_decay: 0.5,
    path: 2.0,
    module: 0.8,
    frame: 1.0,
    frame_decay: 0.6,
    folder: 0.2,
    test: 0.6,
    test_short: 0.8,
    example: 0.5,
    document: 0.4,
    data: 0.4,
    foreign: 0.6,
};

impl Weights {
    pub(super) fn zone(&self, zone: Zone) -> f32 {
        match zone {
            Zone::Title => self.title,
            Zone::Prose => self.prose,
            Zone::Code => self.code,
            Zone::Trace => self.trace,
            Zone::Boilerplate => self.boilerplate,
        }
    }

    pub(super) fn mention_zone(&self, zone: Zone) -> f32 {
        match zone {
            Zone::Title => 1.0,
            Zone::Prose => self.mention_prose,
            Zone::Code => self.mention_code,
            Zone::Trace => self.mention_trace,
            Zone::Boilerplate => 0.0,
        }
    }

    pub(super) fn file_fields(&self) -> [FieldWeight; 5] {
        let field = |weight, b| FieldWeight { weight, b };
        [
            field(self.file_name, self.path_b),
            field(self.file_folder, self.path_b),
            field(self.file_symbols, self.file_b),
            field(self.file_doc, self.file_b),
            field(1.0, self.file_b),
        ]
    }

    pub(super) fn symbol_fields(&self) -> [FieldWeight; 5] {
        let field = |weight, b| FieldWeight { weight, b };
        [
            field(self.symbol_name, 0.3),
            field(self.symbol_doc, self.symbol_b),
            field(self.symbol_signature, self.symbol_b),
            field(self.symbol_place, self.symbol_b),
            field(1.0, self.symbol_b),
        ]
    }
}
