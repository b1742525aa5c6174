use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use crate::agent::Candidates;
use crate::cli::check_choice::CheckChoice;

/// Turn a request into a proposal: a patch that waits for you
///
/// Finds the places that the request is about (or takes those that are named), lets the model write them anew, checks
/// the result, and keeps it as a proposal. The diff goes to stdout. Nothing in the work tree changes, unless --apply
/// is given and every gate and check passes.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff edit 'reject reversed ranges in parse_interval'
  skiff edit 'use the new logger' src/server.py src/client.py
  skiff edit 'add a docstring' --symbol Stack.push --apply
  skiff edit 'handle empty input in parse' --check 'python3 -m unittest'
  skiff edit 'handle empty input in parse' -n auto --check @cargo
  skiff edit 'handle empty input in parse' --check @auto --apply
  skiff edit 'median([3, 1, 2]) is 2, and median([]) raises' stats.py -n 4 --check @examples
  skiff edit 'handle empty input in parse' --mode agent --check @cargo
  make test 2>&1 | skiff edit 'mend the parser' src/parser.c --failure -
  skiff edit - --output change.mbox < request.txt")]
pub(crate) struct EditArgs {
    /// What to change, in plain words; `-` reads it from stdin
    #[arg(value_name = "REQUEST", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) request: String,
    /// Files or directories that the change is about; without them the index looks for the place
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// A function, class or other definition to change, by name or qualified name; may be given several times
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) symbol: Vec<String>,
    /// Write the patch to FILE; `-` is stdout. A name ending in `.mbox` is written as mail
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Form of the patch [default: diff, or mbox by the name of --output]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<PatchFormat>,
    /// Apply the patch to the work tree when every gate and check passes and it has no flags
    #[arg(long)]
    pub(crate) apply: bool,
    /// Run a command of the shell on the result, in a copy of the work tree without network; may be given several times.
    /// A proposal that fails is kept and not applied. `@NAME` stands for the commands of a profile (@cargo, @go, @npm,
    /// @pytest, @unittest, @make, @make-check, @cmake, @maven, @gradle), @auto for those of the one profile that fits. `@examples`
    /// tries the examples that the request, --failure and comments state and, with -n, that the model reads out of the
    /// request (Python) [default: what `config.toml` says of the repository]
    #[arg(long, value_name = "CMD|@NAME")]
    pub(crate) check: Vec<CheckChoice>,
    /// Run none of the checks that `config.toml` has for the repository
    #[arg(long, conflicts_with = "check")]
    pub(crate) no_check: bool,
    /// Print one JSON object instead of the diff
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// What is rewritten of the files that are named
    #[arg(long, value_name = "SCOPE", default_value = "auto")]
    pub(crate) scope: ScopeArg,
    /// Show the model what a check command said of the code as it is; `-` reads it from stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) failure: Option<PathBuf>,
    /// How many candidates to draw, of which the best is proposed: by its gates, the checks, agreement and likelihood;
    /// `auto` draws more where the first fails
    #[arg(short = 'n', long, value_name = "N|auto", default_value = "1", value_parser = candidates)]
    pub(crate) candidates: Candidates,
    /// How often the model is shown what the checks said, to repair it
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=16))]
    pub(crate) rounds: u32,
    /// How often the model may try each place
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) attempts: u32,
    /// Show the model the outline of the repository in at most N tokens, as `skiff map` prints it; it is read once
    /// and kept for the next run
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) map_tokens: u32,
    /// The most tokens that the model may write for one place [default: by the size of the place]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: Option<u32>,
    /// Who decides what is done next: a fixed workflow; the model, one action at a time (finding, opening, rewriting, ...); or
    /// `auto`, the model where it has at least 7 billion weights and a chat template of its own
    #[arg(long, value_name = "MODE", default_value = "workflow")]
    pub(crate) mode: ModeArg,
    /// How many actions the model may take with --mode agent
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) steps: u32,
    /// What to draft new code from: the code in its place, or nothing, to see what drafts save
    #[arg(long, value_name = "SOURCE", default_value = "old-text")]
    pub(crate) drafts: DraftsArg,
    /// Let a smaller model with the same vocabulary propose what the model writes, where that saves time: a name from
    /// `skiff model list`, or a GGUF file
    #[arg(long, value_name = "NAME|PATH", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) draft_model: Option<String>,
}

/// Who decides what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// Locate, rewrite, gate, check, repair.
    Workflow,
    /// The model, action by action.
    Agent,
    /// The model where it is large enough.
    Auto,
}

/// What new code is drafted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DraftsArg {
    /// The code in its place.
    OldText,
    /// Nothing.
    None,
}

/// What is rewritten of the files that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    /// The definitions that the request is about.
    Auto,
    /// Each file whole.
    File,
}

/// The form that a patch is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PatchFormat {
    /// A unified diff, for `git apply`.
    Diff,
    /// Mail, for `git am`.
    Mbox,
}

fn candidates(typed: &str) -> Result<Candidates, String> {
    const MOST: usize = 64;
    match typed {
        "auto" => Ok(Candidates::Auto),
        number => match number.parse() {
            Ok(number @ 1..=MOST) => Ok(Candidates::Number(number)),
            _ => Err(format!("neither `auto` nor a number from 1 to {MOST}")),
        },
    }
}
