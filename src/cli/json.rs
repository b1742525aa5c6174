//! What `--json` prints. Field names are stable; `docs/schema/` describes them, and a test holds both together.
//!
//! Lines are one-based. A field is null where there is nothing to say; it is never left out.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::price::Amount;
use super::self_test::ConfinementView;
use super::spending::joules;
use super::stamp::Stamp;
use crate::agent::{CandidateReport, ModelStamp, Preparation, RegionReport, StepReport};
use crate::index::{FileHit, Hit, Index, LineMatch, SkipReason, Symbol};
use crate::lang::{Language, SymbolKind};
use crate::ledger::{Entry, Marking, ProposalId, ProposalState};
use crate::model::{CpuCode, EngineStamp, GpuMemory, ModelEntry, Sampling, Usage};
use crate::patch::{FilePatch, FileSide};
use crate::prompt::MapText;
use crate::repo::{BlobId, FileMode};
use crate::review::{Flag, FlagKind};
use crate::sandbox::{CheckEnd, CheckOutcome, CheckProfile};
use crate::text::RepoPath;

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// One proposal: `edit`, `show`.
#[derive(Debug, Serialize)]
pub(crate) struct ProposalView<'a> {
    schema_version: u32,
    id: ProposalId,
    created: String,
    state: ProposalState,
    request: &'a str,
    model: &'a ModelStamp,
    engine: &'a EngineStamp,
    sampling: Sampling,
    passed: bool,
    flags: Vec<FlagView>,
    regions: &'a [RegionReport],
    candidates: &'a [CandidateReport],
    steps: &'a [StepReport],
    usage: Usage,
    package_joules: Option<f64>,
    price: Option<Amount>,
    checks: Vec<CheckView<'a>>,
    added: usize,
    removed: usize,
    files: Vec<FileView<'a>>,
    patch: String,
    marking: Option<&'a str>,
    ledger_head: Option<String>,
}

#[derive(Debug, Serialize)]
struct FlagView {
    kind: FlagKind,
    path: RepoPath,
    line: Option<usize>,
    found: String,
}

impl FlagView {
    fn of(flag: Flag) -> Self {
        Self {
            kind: flag.kind,
            path: flag.path,
            line: flag.line.map(|line| line + 1),
            found: flag.found,
        }
    }
}

#[derive(Debug, Serialize)]
struct FileView<'a> {
    path: &'a RepoPath,
    change: &'static str,
    old: Option<SideView>,
    new: Option<SideView>,
    hunks: Vec<HunkView>,
}

#[derive(Debug, Serialize)]
struct CheckView<'a> {
    command: &'a str,
    passed: bool,
    end: &'static str,
    code: Option<i32>,
    output: &'a str,
    elapsed_ms: u64,
}

#[derive(Debug, Serialize)]
struct SideView {
    blob: BlobId,
    mode: &'static str,
    bytes: usize,
}

#[derive(Debug, Serialize)]
struct HunkView {
    old_start: usize,
    old_lines: usize,
    new_start: usize,
    new_lines: usize,
}

impl<'a> ProposalView<'a> {
    /// Returns the view of a proposal.
    pub(crate) fn of(entry: &'a Entry, stamp: &'a Stamp) -> Self {
        let proposal = &entry.proposal;
        let stat = proposal.patch.stat();
        Self {
            schema_version: SCHEMA_VERSION,
            id: entry.id,
            created: rfc3339(entry.created_unix_s),
            state: entry.state,
            request: &proposal.request,
            model: &proposal.model,
            engine: &proposal.engine,
            sampling: proposal.sampling,
            passed: proposal.passed(),
            flags: proposal.patch.flags().into_iter().map(FlagView::of).collect(),
            regions: &proposal.regions,
            candidates: &proposal.candidates,
            steps: &proposal.steps,
            usage: proposal.usage,
            package_joules: proposal.energy_mj.map(joules),
            price: stamp.prices.of(&proposal.usage.into()),
            checks: proposal.checks.iter().map(CheckView::of).collect(),
            added: stat.added,
            removed: stat.removed,
            files: proposal.patch.files.iter().map(FileView::of).collect(),
            patch: proposal.patch.unified(),
            marking: stamp.marking.as_ref().map(Marking::as_str),
            ledger_head: stamp.head.map(|head| head.to_string()),
        }
    }
}

impl<'a> CheckView<'a> {
    fn of(check: &'a CheckOutcome) -> Self {
        let (end, code) = match check.end {
            CheckEnd::Exited(code) => ("exited", Some(code)),
            CheckEnd::Signal(number) => ("signal", Some(number)),
            CheckEnd::TimeLimit => ("time_limit", None),
            CheckEnd::MemoryLimit => ("memory_limit", None),
            CheckEnd::ProcessLimit => ("process_limit", None),
            CheckEnd::OutputLimit => ("output_limit", None),
            CheckEnd::FileLimit => ("file_limit", None),
            CheckEnd::Stopped => ("stopped", None),
        };
        Self {
            command: &check.command,
            passed: check.passed(),
            end,
            code,
            output: &check.output,
            elapsed_ms: check.elapsed_ms,
        }
    }
}

impl<'a> FileView<'a> {
    fn of(file: &'a FilePatch) -> Self {
        let hunks = file.hunks().into_iter().map(|hunk| HunkView {
            old_start: hunk.old.start + 1,
            old_lines: hunk.old.len(),
            new_start: hunk.new.start + 1,
            new_lines: hunk.new.len(),
        });
        Self {
            path: &file.path,
            change: match (&file.old, &file.new) {
                (None, _) => "create",
                (_, None) => "delete",
                _ => "modify",
            },
            old: file.old.as_ref().map(SideView::of),
            new: file.new.as_ref().map(SideView::of),
            hunks: hunks.collect(),
        }
    }
}

impl SideView {
    fn of(side: &FileSide) -> Self {
        Self {
            blob: side.blob,
            mode: FileMode::as_str(side.mode),
            bytes: side.text.len(),
        }
    }
}

/// Proposals in short: `list`.
#[derive(Debug, Serialize)]
pub(crate) struct ProposalList<'a> {
    schema_version: u32,
    marking: Option<&'a str>,
    proposals: Vec<ProposalSummary<'a>>,
}

#[derive(Debug, Serialize)]
struct ProposalSummary<'a> {
    id: ProposalId,
    created: String,
    state: ProposalState,
    request: &'a str,
    model: &'a ModelStamp,
    passed: bool,
    added: usize,
    removed: usize,
    paths: Vec<&'a RepoPath>,
}

impl<'a> ProposalList<'a> {
    /// Returns the view of several proposals.
    pub(crate) fn of(entries: &'a [Entry], marking: Option<&'a Marking>) -> Self {
        let proposals = entries.iter().map(|entry| {
            let stat = entry.proposal.patch.stat();
            ProposalSummary {
                id: entry.id,
                created: rfc3339(entry.created_unix_s),
                state: entry.state,
                request: &entry.proposal.request,
                model: &entry.proposal.model,
                passed: entry.proposal.passed(),
                added: stat.added,
                removed: stat.removed,
                paths: entry.proposal.patch.files.iter().map(|file| &file.path).collect(),
            }
        });
        Self {
            schema_version: SCHEMA_VERSION,
            marking: marking.map(Marking::as_str),
            proposals: proposals.collect(),
        }
    }
}

/// The outline: `map`.
#[derive(Debug, Serialize)]
pub(crate) struct MapView {
    schema_version: u32,
    tokens: usize,
    counted_by: &'static str,
    files: Vec<MapFileView>,
}

#[derive(Debug, Serialize)]
struct MapFileView {
    path: RepoPath,
    symbols: Vec<SymbolView>,
}

/// A definition, as `map` shows it.
#[derive(Debug, Serialize)]
struct SymbolView {
    name: String,
    kind: SymbolKind,
    line: usize,
    end_line: usize,
    signature: String,
}

impl MapView {
    /// Returns the view of an outline.
    pub(crate) fn of(map: &MapText, index: &Index, counted_by: &'static str) -> Self {
        let files = map.files.iter().filter_map(|file| {
            let symbols: Vec<&Symbol> = file.symbols.iter().map(|id| index.symbol(*id)).collect();
            Some(MapFileView {
                path: symbols.first()?.path.clone(),
                symbols: symbols.into_iter().map(SymbolView::of).collect(),
            })
        });
        Self {
            schema_version: SCHEMA_VERSION,
            tokens: map.tokens,
            counted_by,
            files: files.collect(),
        }
    }
}

impl SymbolView {
    fn of(symbol: &Symbol) -> Self {
        Self {
            name: symbol.qualified.clone(),
            kind: symbol.definition.kind,
            line: symbol.line + 1,
            end_line: symbol.last_line + 1,
            signature: symbol.definition.signature.clone(),
        }
    }
}

/// What `doctor` found.
#[derive(Debug, Serialize)]
pub(crate) struct DoctorView {
    pub(crate) schema_version: u32,
    pub(crate) version: &'static str,
    pub(crate) target: String,
    pub(crate) gpu_backends: Vec<&'static str>,
    pub(crate) gpus: Vec<GpuView>,
    pub(crate) threads: usize,
    pub(crate) cpu_features: Vec<&'static str>,
    pub(crate) cpu_code: CpuCodeView,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) confinement: ConfinementView,
    pub(crate) roles: Vec<ConfinementView>,
    pub(crate) check_profiles: Vec<ProfileView>,
    pub(crate) directories: DirectoriesView,
}

/// A check profile that fits the work tree.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileView {
    pub(crate) name: &'static str,
    pub(crate) commands: &'static [&'static str],
    pub(crate) variables: &'static [&'static str],
}

impl ProfileView {
    /// Returns the view of a profile.
    pub(crate) fn of(profile: CheckProfile) -> Self {
        Self {
            name: profile.name(),
            commands: profile.commands(),
            variables: profile.variables(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CpuCodeView {
    pub(crate) in_use: &'static str,
    pub(crate) built: Vec<&'static str>,
}

impl CpuCodeView {
    /// Returns the view of this process.
    pub(crate) fn of_this_process() -> Self {
        Self {
            in_use: CpuCode::in_use().as_str(),
            built: CpuCode::built().into_iter().map(CpuCode::as_str).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct GpuView {
    pub(crate) name: String,
    pub(crate) free_bytes: u64,
}

impl GpuView {
    /// Returns the view of a GPU.
    pub(crate) fn of(gpu: GpuMemory) -> Self {
        Self {
            name: gpu.name,
            free_bytes: gpu.free_bytes,
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct DirectoriesView {
    pub(crate) config: String,
    pub(crate) state: String,
    pub(crate) cache: String,
    pub(crate) models: String,
}

impl DoctorView {
    pub(crate) const SCHEMA_VERSION: u32 = SCHEMA_VERSION;
}

/// Renders seconds since 1970 as a date and time in UTC.
pub(crate) fn rfc3339(unix_s: u64) -> String {
    let seconds = i64::try_from(unix_s).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_string()
}

/// The registered models: `model list`.
#[derive(Debug, Serialize)]
pub(crate) struct ModelList<'a> {
    schema_version: u32,
    models: Vec<ModelView<'a>>,
}

#[derive(Debug, Serialize)]
struct ModelView<'a> {
    name: &'a str,
    file: String,
    sha256: &'a str,
    bytes: u64,
    architecture: &'a str,
}

impl<'a> ModelList<'a> {
    /// Returns the view of several models.
    pub(crate) fn of(entries: &'a [ModelEntry]) -> Self {
        let models = entries.iter().map(|entry| ModelView {
            name: &entry.name,
            file: entry.path.display().to_string(),
            sha256: &entry.sha256,
            bytes: entry.bytes,
            architecture: &entry.architecture,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            models: models.collect(),
        }
    }
}

/// What was indexed: `index`.
#[derive(Debug, Serialize)]
pub(crate) struct IndexReport {
    schema_version: u32,
    files: usize,
    symbols: usize,
    new_blobs: usize,
    not_text: usize,
    left_out: usize,
    text_only: usize,
    seconds: f64,
    database_bytes: Option<u64>,
    outline: Option<OutlineView>,
}

/// The outline that a model was prepared with.
#[derive(Debug, Serialize)]
struct OutlineView {
    kept_tokens: u64,
    read_tokens: u64,
}

impl IndexReport {
    /// Returns the view of an index that took `elapsed` to bring up to date.
    pub(crate) fn of(index: &Index, elapsed: Duration) -> Self {
        let count = |reasons: &[SkipReason]| {
            index
                .skipped()
                .iter()
                .filter(|file| reasons.contains(&file.reason))
                .count()
        };
        let summary = index.summary();
        Self {
            schema_version: SCHEMA_VERSION,
            files: index.files().len(),
            symbols: summary.symbols,
            new_blobs: summary.new_blobs,
            not_text: count(&[SkipReason::NotText]),
            left_out: count(&[SkipReason::TooLarge, SkipReason::Unreadable]),
            text_only: count(&[SkipReason::NotParsed, SkipReason::Generated]),
            seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            database_bytes: summary.database_bytes,
            outline: None,
        }
    }

    /// Returns the view with what came of a preparation.
    pub(crate) fn with_outline(self, prepared: Preparation) -> Self {
        let (kept_tokens, read_tokens) = match prepared {
            Preparation::Kept { tokens, read_tokens } => (tokens, read_tokens),
            Preparation::TooShort { .. } | Preparation::NotKept => (0, 0),
        };
        Self {
            outline: Some(OutlineView {
                kept_tokens,
                read_tokens,
            }),
            ..self
        }
    }

    /// Returns the same for a person, on one line.
    pub(crate) fn line(&self) -> String {
        let size = match self.database_bytes {
            Some(bytes) => format!("{:.1} MB", bytes as f64 / 1e6),
            None => "in memory only".to_owned(),
        };
        format!(
            "{} files, {} symbols, {} new blobs, {:.2} s, {size}\n",
            self.files, self.symbols, self.new_blobs, self.seconds
        )
    }
}

/// What was found: `find`. All lists but one are empty.
#[derive(Debug, Serialize)]
pub(crate) struct FindReport {
    schema_version: u32,
    query: String,
    pub(crate) symbols: Vec<SymbolHitView>,
    pub(crate) files: Vec<FileHitView>,
    pub(crate) matches: Vec<LineMatchView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LineMatchView {
    pub(crate) path: RepoPath,
    pub(crate) line: usize,
    start: usize,
    end: usize,
    pub(crate) text: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct SymbolHitView {
    pub(crate) path: RepoPath,
    pub(crate) line: usize,
    first_line: usize,
    last_line: usize,
    pub(crate) kind: SymbolKind,
    pub(crate) name: String,
    language: Language,
    signature: String,
    doc: Option<String>,
    score: f32,
}

#[derive(Debug, Serialize)]
pub(crate) struct FileHitView {
    pub(crate) path: RepoPath,
    score: f32,
}

impl FindReport {
    /// Returns the view of symbols.
    pub(crate) fn symbols(query: &str, index: &Index, hits: &[Hit]) -> Self {
        let symbols = hits.iter().filter_map(|hit| {
            let symbol = index.find_symbol(hit.symbol)?;
            Some(SymbolHitView {
                path: symbol.path.clone(),
                line: symbol.line + 1,
                first_line: symbol.first_line + 1,
                last_line: symbol.last_line + 1,
                kind: symbol.definition.kind,
                name: symbol.qualified.clone(),
                language: symbol.language,
                signature: symbol.definition.signature.clone(),
                doc: symbol.definition.doc.clone(),
                score: hit.score,
            })
        });
        Self {
            schema_version: SCHEMA_VERSION,
            query: query.to_owned(),
            symbols: symbols.collect(),
            files: Vec::new(),
            matches: Vec::new(),
        }
    }

    /// Returns the view of files.
    pub(crate) fn files(query: &str, hits: &[FileHit]) -> Self {
        let files = hits.iter().map(|hit| FileHitView {
            path: hit.path.clone(),
            score: hit.score,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            query: query.to_owned(),
            symbols: Vec::new(),
            files: files.collect(),
            matches: Vec::new(),
        }
    }

    /// Returns the view of places in texts.
    pub(crate) fn places(query: &str, found: Vec<LineMatch>) -> Self {
        let matches = found.into_iter().map(|found| LineMatchView {
            path: found.path,
            line: found.line + 1,
            start: found.range.start,
            end: found.range.end,
            text: found.text,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            query: query.to_owned(),
            symbols: Vec::new(),
            files: Vec::new(),
            matches: matches.collect(),
        }
    }
}
