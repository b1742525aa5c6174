use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use crate::batch::{GroupBy, Shard};
use crate::cli::check_choice::CheckChoice;

/// Change many places at once, as a plan says
///
/// A plan is a TOML file: `match` says which places, `[[rewrite]]` what becomes of them without a model, and `request`
/// what the model is asked at those for which no rewrite fits. Places are asked for side by side. Nothing changes in the
/// work tree: what comes of it is a series of patches for `git am`, in a folder with the state of the run and a report.
/// A run that was cut short goes on with --resume.
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_long_help = "\
Examples:
  skiff batch strlcpy.toml --dry-run
  skiff batch strlcpy.toml -o out
  skiff batch strlcpy.toml -o out --resume
  skiff batch 'Use strlcpy in place of strcpy.' --match 'strcpy($TO, $FROM)' -o out
  cargo clippy --message-format json | skiff batch clippy.toml --findings - -o out
  git am out/series.mbox

A plan:
  version = 1
  title = \"Use strlcpy\"
  request = \"Replace the call of strcpy by one of strlcpy with the size of the target.\"
  [match]
  code = \"strcpy($TO, $FROM)\"
  paths = [\"src/\"]
  [[rewrite]]
  to = \"strlcpy($TO, $FROM, sizeof($TO))\"
  where = { TO = '\\w+' }

Exit codes: 0 when every place is done or right as it is, 3 when nothing is to change, 4 when some places failed, 1 when
all did."
)]
pub(crate) struct BatchArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BatchCommand>,
    /// The plan; with --match what the model is asked
    #[arg(value_name = "PLAN|REQUEST", required = true)]
    pub(crate) plan: Option<PathBuf>,
    /// Ask the request at every place that matches a piece of code with holes, without a plan
    #[arg(long = "match", value_name = "CODE")]
    pub(crate) matching: Option<String>,
    /// The report that a plan with `match.findings` is about: SARIF, or JSON of cargo, rustc or GCC; `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) findings: Option<PathBuf>,
    /// Carry the plan out in each repository of a list: a path or a pattern such as `src/*` on each line. Each gets a folder
    /// in that of --output, and there is one report of all
    #[arg(long, value_name = "FILE", requires = "output", conflicts_with_all = ["findings", "dry_run"])]
    pub(crate) repos: Option<PathBuf>,
    /// List the places, and do nothing
    #[arg(long, conflicts_with_all = ["output", "resume"])]
    pub(crate) dry_run: bool,
    /// The folder for the series, the report and the state of the run [default: one in the state directory]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Go on with the run that was cut short; begin it where there is none
    #[arg(long)]
    pub(crate) resume: bool,
    /// Take only the files that fall to the first of four parts (1/4), the second, ...
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub(crate) shard: Shard,
    /// What is one patch of the series
    #[arg(long, value_name = "WHAT", default_value = "site")]
    pub(crate) group_by: GroupByArg,
    /// Make a branch of the series too, with a commit for each patch, on top of HEAD; the work tree stays as it is
    #[arg(long, value_name = "NAME", requires = "output")]
    pub(crate) branch: Option<String>,
    /// Keep what changes as proposals too, one for each file, or one for all with `--group-by all`: for `skiff apply -p`
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) propose: bool,
    /// Let CMD check the change of each place, on a copy of the work tree: what fails is left as it was. May be given again
    #[arg(long, value_name = "CMD", value_parser = batch_check)]
    pub(crate) check_each: Vec<CheckChoice>,
    /// Let CMD check what changes in each file, or in all with `--group-by all`; the places that make it fail are found by
    /// halving and left out. May be given again
    #[arg(long, value_name = "CMD", value_parser = batch_check)]
    pub(crate) check_group: Vec<CheckChoice>,
    /// Let CMD check all that changes at the end. May be given again
    #[arg(long, value_name = "CMD", value_parser = batch_check)]
    pub(crate) check_all: Vec<CheckChoice>,
    /// Ask for N places at a time. With more than one, rounding may differ with what is asked for beside a place
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// End after more than N failures
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<u64>,
    /// End after N seconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) time_limit: Option<u64>,
    /// End after N tokens, read or written
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) token_limit: Option<u64>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print a JSON object for each place when it is settled, and the report at the end
    #[arg(long, conflicts_with = "json")]
    pub(crate) jsonl: bool,
}

/// Reads a check of a batch: examples are of one request, and not of a plan.
fn batch_check(text: &str) -> Result<CheckChoice, String> {
    match text.parse()? {
        CheckChoice::Examples => Err("@examples is for `skiff edit`".to_owned()),
        choice => Ok(choice),
    }
}

/// What else can be done with batches.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    Merge(BatchMergeArgs),
}

/// Join the runs of several shards into one
///
/// Writes one series, one report and one state. Files that two runs settled in two ways are named, and the exit code is 6.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff batch merge out-1 out-2 out-3 out-4 -o out")]
pub(crate) struct BatchMergeArgs {
    /// The folders of the runs
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// The folder for what they come to together
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// What is one patch of the series
    #[arg(long, value_name = "WHAT", default_value = "site")]
    pub(crate) group_by: GroupByArg,
    /// Print the report as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportForm {
    Text,
    Json,
    JsonLine,
}

impl BatchArgs {
    /// Returns how the report is printed.
    pub(crate) fn form(&self) -> ReportForm {
        match (self.json, self.jsonl) {
            (true, _) => ReportForm::Json,
            (_, true) => ReportForm::JsonLine,
            (false, false) => ReportForm::Text,
        }
    }

    /// Returns the file of the plan, where there is one.
    pub(crate) fn plan_file(&self) -> Option<&Path> {
        self.plan.as_deref().filter(|_| self.matching.is_none())
    }

    /// Returns the folder that is written, where one is named.
    pub(crate) fn written(&self) -> Option<&Path> {
        match &self.command {
            Some(BatchCommand::Merge(merge)) => Some(&merge.output),
            None => self.output.as_deref(),
        }
    }

    /// Returns the folders that are read.
    pub(crate) fn read(&self) -> &[PathBuf] {
        match &self.command {
            Some(BatchCommand::Merge(merge)) => &merge.folders,
            None => &[],
        }
    }
}

impl BatchMergeArgs {
    /// Returns how the report is printed.
    pub(crate) fn form(&self) -> ReportForm {
        match self.json {
            true => ReportForm::Json,
            false => ReportForm::Text,
        }
    }
}

impl From<GroupByArg> for GroupBy {
    fn from(arg: GroupByArg) -> Self {
        match arg {
            GroupByArg::Site => Self::Site,
            GroupByArg::File => Self::File,
            GroupByArg::All => Self::All,
        }
    }
}

/// What is one patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupByArg {
    /// One place
    Site,
    /// The places of a file
    File,
    /// All places
    All,
}
