//! What was typed, as plain data. Nothing here looks at the machine.

mod batch;
mod bundle;
mod edit;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{NonEmptyStringValueParser, OsStringValueParser, TypedValueParser as _};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use batch::{BatchArgs, BatchCommand, BatchMergeArgs, ReportForm};
pub(crate) use bundle::{BundleApplyArgs, BundleCommand, BundleCreateArgs, BundleVerifyArgs};
pub(crate) use edit::{DraftsArg, EditArgs, ModeArg, PatchFormat, ScopeArg};

use super::config::{Choice, ColorMode, ContextTokens, GpuLayers, KvType};
use crate::ledger::{Head, Marking, PublicKey};

/// Turns requests into reviewable patches, with a local model and no network.
#[derive(Debug, Parser)]
#[command(
    name = "skiff",
    version,
    propagate_version = false,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    after_long_help = "\
Examples:
  skiff edit 'reject reversed ranges in parse_interval'
  skiff show 1
  skiff apply 1
  skiff undo

Exit codes:
  0    done
  1    error
  2    the command line is wrong
  3    there is nothing to change
  4    a gate or a check failed, or `edit --apply` met flags; the proposal is kept
  5    refused: by policy, for want of a yes to flags, or as the process cannot be confined
  6    a conflict, or a recovery by hand is needed
  130  interrupted"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every verb takes.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Work as if started in DIR
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub(crate) directory: Option<PathBuf>,
    /// The model: a name from `skiff model list`, or a GGUF file
    #[arg(short, long, value_name = "NAME|PATH", global = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) model: Option<String>,
    /// Seed of the random choice; used only above temperature 0
    #[arg(long, value_name = "N", global = true)]
    pub(crate) seed: Option<u32>,
    /// Threads for the model [default: the number of physical cores]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    /// Layers of the model to keep in GPU memory: as many as fit, or N
    #[arg(long, value_name = "auto|N", global = true)]
    pub(crate) gpu_layers: Option<GpuLayers>,
    /// Context length in tokens: 8192, or what the model and the memory allow, or N
    #[arg(long, value_name = "auto|N", global = true)]
    pub(crate) ctx: Option<Choice<ContextTokens>>,
    /// How the model keeps what it has read: at half precision where memory allows, or f16, or q8_0
    #[arg(long, value_name = "auto|f16|q8_0", global = true)]
    pub(crate) kv_type: Option<Choice<KvType>>,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more on stderr
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// When to use colour
    #[arg(long, value_name = "WHEN", global = true)]
    pub(crate) color: Option<ColorMode>,
    /// How to mark patches, reports and the ledger: one line, as you write it
    #[arg(long, value_name = "TEXT", global = true)]
    pub(crate) marking: Option<Marking>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Edit(EditArgs),
    Batch(BatchArgs),
    #[command(subcommand)]
    Bundle(BundleCommand),
    Map(MapArgs),
    Index(IndexArgs),
    Find(FindArgs),
    List(ListArgs),
    Show(ShowArgs),
    Discard(DiscardArgs),
    Apply(ApplyArgs),
    Undo(UndoArgs),
    Log(LogArgs),
    #[command(subcommand)]
    Model(ModelCommand),
    Doctor(DoctorArgs),
    Evidence(EvidenceArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Print the outline of the repository, the most used first, within a token budget
///
/// Symbols are ranked by who uses them (PageRank over the names that files use of each other), drawn towards the paths,
/// symbols and the request that are given. Each file is followed by line numbers and signatures.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff map
  skiff map --tokens 4096 src/parser
  skiff map --request 'reject reversed ranges' --json
  skiff map --symbol Stack.push --model coder")]
pub(crate) struct MapArgs {
    /// Files or directories that the outline is drawn towards
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Draw the outline towards what a request in plain words is about
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) request: Option<String>,
    /// Draw the outline towards a definition; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) symbol: Vec<String>,
    /// The most tokens; counted by the model that --model names, estimated without one
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tokens: u32,
    /// Look at the files of a commit, a tag or a tree instead of the work tree; works in bare repositories too
    #[arg(long, value_name = "REV", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) rev: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Index the repository now
///
/// Every command that needs the index brings it up to date by itself; this one does nothing else. Only files whose
/// content was never seen are parsed. The index lies in the cache directory, one file for all work trees of a
/// repository, and can be deleted at any time. A `.skiffignore` file, in the language of `.gitignore`, leaves files out.
/// Exits with 1 when the index cannot be kept on disk; the other commands then make it anew in memory.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff index
  skiff index --map-tokens 2048
  skiff index --rev v1.2.0
  skiff -C project.git index --rev HEAD --json")]
pub(crate) struct IndexArgs {
    /// Index the files of a commit, a tag or a tree instead of the work tree; works in bare repositories too
    #[arg(long, value_name = "REV", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) rev: Option<String>,
    /// Also let the model read the outline of the repository in at most N tokens, and keep what it has read, so that
    /// `skiff edit --map-tokens N` starts with it
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "rev")]
    pub(crate) map_tokens: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Find definitions, files, uses of a name, or text
///
/// Words are looked for in names, documentation, signatures, bodies and paths; names, paths and stack traces that the
/// query holds come first. One word is compared with all names as well, as the symbol pickers of editors do: `parse`,
/// `ParseInterval`, `PI`, `prsintv` and, with an error, `parse_intreval` all find `parse_interval`. With --references,
/// --text, --regex or --code every place is printed instead, in the order of the paths.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff find parse the config file
  skiff find prsintv
  skiff find --files 'logging level'
  skiff find --embed-model nomic 'where are passwords checked'
  skiff find --references parse_interval
  skiff find --regex 'TODO\\(\\w+\\)'
  skiff find --code 'strcpy($TO, $$$)'
  skiff find --rev v1.2.0 --json Parser.parse")]
pub(crate) struct FindArgs {
    /// What to look for
    #[arg(value_name = "QUERY", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) query: Vec<String>,
    /// Find files instead of definitions
    #[arg(long, group = "what")]
    pub(crate) files: bool,
    /// Find where a name is used, by syntax: definitions, comments and strings are left out
    #[arg(long, group = "what")]
    pub(crate) references: bool,
    /// Find the query as it is written, in every text file
    #[arg(long, group = "what")]
    pub(crate) text: bool,
    /// Find what a regular expression matches, in every text file
    #[arg(long, group = "what")]
    pub(crate) regex: bool,
    /// Find code that has the syntax of the query: `$NAME` stands for one expression, statement or name, `$$$NAME` for any
    /// number beside each other, and a name that comes twice for the same text; layout and comments do not matter. In
    /// every language of the repository that reads the query as one piece of code
    #[arg(long, group = "what")]
    pub(crate) code: bool,
    /// Put the best definitions or files in order by meaning too, with an embedding model: a name from `skiff model
    /// list`, or a GGUF file
    #[arg(
        long,
        value_name = "NAME|PATH",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with_all = ["references", "text", "regex", "code"]
    )]
    pub(crate) embed_model: Option<String>,
    /// The most that is printed [default: 10 definitions or files, 1000 places]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) limit: Option<u32>,
    /// Look at the files of a commit, a tag or a tree instead of the work tree; works in bare repositories too
    #[arg(long, value_name = "REV", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) rev: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// List the proposals for this work tree
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff list
  skiff list --all
  skiff list --json")]
pub(crate) struct ListArgs {
    /// List applied and discarded proposals too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show a proposal: what was asked, what was done, and the diff
///
/// On a terminal the diff is coloured, and characters that a terminal would act on or hide are spelled out. Into a file
/// or a pipe the patch goes as it is, byte for byte, so that `git apply` can read it.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff show 3
  skiff show 3 | git apply --check
  skiff show 3 --format mbox > 3.mbox
  skiff show 3 --json")]
pub(crate) struct ShowArgs {
    /// The proposal
    #[arg(value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) id: u64,
    /// Form of the patch
    #[arg(long, value_name = "FORMAT", default_value = "diff")]
    pub(crate) format: PatchFormat,
    /// Print one JSON object
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

/// Discard proposals
///
/// A discarded proposal is no longer listed and cannot be applied; `skiff list --all` still has it.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff discard 3
  skiff discard 3 4 5")]
pub(crate) struct DiscardArgs {
    /// The proposals
    #[arg(value_name = "ID", required = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) ids: Vec<u64>,
}

/// Apply a proposal, or a patch from a file, to the work tree
///
/// All files are written, or none. When a file is not what it was when the proposal was made, it is named and nothing is
/// written. Git's index and history are left alone. A patch that adds hidden characters or names that deceive, or
/// changes a file that programs obey (AGENTS.md, CI, hooks), is flagged and wants a yes.
///
/// A patch from a file is a unified diff, as `git diff`, `git format-patch` and skiff write them, or as `diff -u` does below
/// a/ and b/, with paths from the root of the work tree. Each hunk must fit to the byte: on its line, or on the one other where it fits; otherwise nothing is written,
/// and the exit code is 6. Renames, copies, binary files, links and submodules are refused. A name of digits alone is the
/// number of a proposal; such a file is `./7`.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff apply 3
  skiff apply -p 3
  skiff -C ../other apply 1
  skiff apply ../change.patch
  git -C ../other diff | skiff apply -")]
pub(crate) struct ApplyArgs {
    /// The number of a proposal, or a file with a patch; `-` reads it from stdin
    #[arg(value_name = "ID|FILE", value_parser = OsStringValueParser::new().try_map(ApplySource::parse))]
    pub(crate) source: ApplySource,
    /// Choose hunks, as with `git add -p`; the others stay in the proposal, or in the file
    #[arg(short, long)]
    pub(crate) patch: bool,
    /// Apply although the patch is flagged, without being asked
    #[arg(long)]
    pub(crate) accept_flags: bool,
}

/// Where a patch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApplySource {
    /// The proposal with this number.
    Proposal(u64),
    /// This file.
    File(PathBuf),
    /// The standard input.
    Stdin,
}

impl ApplySource {
    /// Returns the file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file),
            Self::Proposal(_) | Self::Stdin => None,
        }
    }

    /// Tells a number from a file.
    fn parse(text: OsString) -> Result<Self, &'static str> {
        let bytes = text.as_encoded_bytes();
        if bytes.is_empty() {
            return Err("it is empty");
        }
        if bytes == b"-" {
            return Ok(Self::Stdin);
        }
        if !bytes.iter().all(u8::is_ascii_digit) {
            return Ok(Self::File(text.into()));
        }
        let number = text
            .to_str()
            .and_then(|text| text.parse().ok())
            .filter(|number| *number > 0);
        number
            .map(Self::Proposal)
            .ok_or("a number of a proposal is from 1; a file of such a name is `./NAME`")
    }
}

/// Take the last apply back
///
/// Puts the files back to what they were before the last `skiff apply` (or `skiff edit --apply`) in this work tree.
/// When one of them has been changed since, it is named and nothing is written.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff undo")]
pub(crate) struct UndoArgs {}

/// Show what was done: runs and decisions, the newest last
///
/// Every edit, apply, undo and discard is recorded before it is done, in a chain of records that each name the SHA-384 of the
/// one before, with signed checkpoints. What is shown is verified first. The last line is the head: kept elsewhere, it shows
/// later that nothing before it was changed. Exits with 6 when the ledger is not what was written.
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "\
Examples:
  skiff log
  skiff log -n 100 --json
  skiff log stats --since 2026-01-01
  skiff log verify
  skiff log export --format csv > runs.csv"
)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    /// The most runs that are shown
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print one JSON object a line for each run
    #[arg(long, conflicts_with = "json")]
    pub(crate) jsonl: bool,
}

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    Stats(LogStatsArgs),
    Verify(LogVerifyArgs),
    Export(LogExportArgs),
    Key(LogKeyArgs),
}

/// Add the runs up: tokens, time, energy, and what the tokens would have cost elsewhere
///
/// For all runs together and for each model. What is added up is verified first. Energy is that of the processor packages, whatever
/// ran on them, and is left out where the machine does not tell. Money is told where `config.toml` has prices.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff log stats
  skiff log stats --since 2026-01-01 --json")]
pub(crate) struct LogStatsArgs {
    /// Leave out the runs before a day, as `2026-01-31`, or a time, as `2026-01-31T08:00:00Z`; days begin in UTC
    #[arg(long, value_name = "DATE", value_parser = since)]
    pub(crate) since: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses a day or a time as seconds since 1970 UTC.
fn since(text: &str) -> Result<u64, String> {
    let day = || {
        text.parse::<jiff::civil::Date>()
            .ok()
            .filter(|day| day.to_string() == text)
    };
    let time = match (text.parse::<jiff::Timestamp>(), day()) {
        (Ok(time), _) => Some(time),
        (Err(_), Some(day)) => day
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|start| start.timestamp()),
        (Err(_), None) => None,
    };
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    seconds.ok_or_else(|| "neither a day, as `2026-01-31`, nor a time, as `2026-01-31T08:00:00Z`".to_owned())
}

/// Check every record of the ledger, or of an exported file
///
/// Each line must be canonical JSON, have its number and the SHA-384 of the line before, and each checkpoint a signature by a
/// key that is trusted: those of --key, else that of this user. The first wrong line is named. Exits with 6 when there is one.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff log verify
  skiff log verify runs.jsonl --key 4f0c…
  skiff log verify --head 812:9ab3…")]
pub(crate) struct LogVerifyArgs {
    /// A file that `skiff log export --format jsonl` wrote [default: the ledger of this user]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A public key whose checkpoints count; may be given several times
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Vec<PublicKey>,
    /// A head that must be in the ledger: from the last line of `skiff log`, or the trailer of a patch
    #[arg(long, value_name = "SEQ:HASH")]
    pub(crate) head: Option<Head>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write the records out
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff log export --format jsonl > runs.jsonl
  skiff log export --format csv > runs.csv")]
pub(crate) struct LogExportArgs {
    /// `jsonl` for the lines as they are, which `skiff log verify` takes, or `csv` for spreadsheets
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: LogFormat,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Jsonl,
    Csv,
}

/// Print the public key that checks the checkpoints of this user
///
/// The key pair is made when it is first needed. Keep the public key where who writes the ledger cannot change it.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff log key")]
pub(crate) struct LogKeyArgs {}

/// Manage the GGUF files that skiff may load
///
/// A model is registered once, with its SHA-256; from then on a file that does not match is not loaded. skiff does not
/// download models: bring the file in any way you like.
#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  skiff model add qwen2.5-coder-1.5b-instruct-q4_k_m.gguf --name coder
  skiff model list
  skiff model verify coder
  skiff model remove coder")]
pub(crate) enum ModelCommand {
    Add(ModelAddArgs),
    List(ModelListArgs),
    Verify(ModelVerifyArgs),
    Remove(ModelRemoveArgs),
    Bench(ModelBenchArgs),
}

/// Register a GGUF file: check its header, hash it, and remember both
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff model add qwen2.5-coder-1.5b-instruct-q4_k_m.gguf --name coder")]
pub(crate) struct ModelAddArgs {
    /// The GGUF file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name to use it by [default: the file's name without .gguf]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
}

/// List the registered models
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff model list
  skiff model list --json")]
pub(crate) struct ModelListArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Hash a registered model again and compare
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff model verify coder")]
pub(crate) struct ModelVerifyArgs {
    /// The model
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Measure a model on this machine: reading, writing, copy edits, candidates, kept prompts, memory
///
/// The model is that of --model, or the only one that is registered. Every figure is the median of --runs. Nothing of it is
/// kept.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff model bench
  skiff model bench --model coder --threads 4 --json")]
pub(crate) struct ModelBenchArgs {
    /// How often each figure is measured
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) runs: u32,
    /// Tokens of the prompt that reading is measured with
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(64..))]
    pub(crate) prompt_tokens: u32,
    /// Tokens that writing is measured with
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..))]
    pub(crate) written_tokens: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Forget a model
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff model remove coder")]
pub(crate) struct ModelRemoveArgs {
    /// The model
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Report what this machine and this build can do, and test the confinement
///
/// Really tries, in a process confined as the one that runs the model, and in one for each other role: every socket family,
/// io_uring, starting programs, reaching into other processes and the kernel, calls of foreign ABIs, reading and writing files
/// outside. Reports what the kernel said (--json has every attempt), and exits with 5 when something that should be denied is
/// not.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff doctor
  skiff doctor --json")]
pub(crate) struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a folder of documents for whoever has to decide whether skiff may be used here
///
/// The self-test of every role, the bill of materials (CycloneDX), the licences, what the executable is linked to, the policy
/// in force, what is read and written where, a table of controls (NIST SP 800-53), and the SHA-384 of all of them. The folder
/// is made and must be empty. Reads no repository. Exits with 5 when a role is not confined as it should be; the documents are
/// written all the same and say so.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff evidence -o evidence-2026-01
  skiff evidence -o /media/usb/skiff --marking INTERNAL --model coder
  cd evidence-2026-01 && sha384sum --check SHA384SUMS")]
pub(crate) struct EvidenceArgs {
    /// The folder: a new one, or one that is empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

/// Print a completion script for a shell
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff completions bash > ~/.local/share/bash-completion/completions/skiff
  skiff completions fish > ~/.config/fish/completions/skiff.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// Print the manual page
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff man | man -l -
  skiff man edit > skiff-edit.1")]
pub(crate) struct ManArgs {
    /// A verb, for its own page
    #[arg(value_name = "VERB")]
    pub(crate) verb: Option<String>,
}
