use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::batch::Shard;

/// Change many places at once, as a plan says
///
/// A plan is a TOML file: `match` says which places, `[[rewrite]]` what becomes of them without a model, and `request`
/// what the model is asked at those for which no rewrite fits. Places are asked for side by side. Nothing changes in the
/// work tree: what comes of it is a series of patches for `git am`, in a folder with the state of the run and a report.
/// A run that was cut short goes on with --resume.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff batch strlcpy.toml --dry-run
  skiff batch strlcpy.toml -o out
  skiff batch strlcpy.toml -o out --resume
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
all did.")]
pub(crate) struct BatchArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
    /// List the places, and do nothing
    #[arg(long, conflicts_with_all = ["output", "resume"])]
    pub(crate) dry_run: bool,
    /// The folder for the series, the report and the state of the run [default: one in the state directory]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Go on with the run that was cut short
    #[arg(long)]
    pub(crate) resume: bool,
    /// Take only the files that fall to the first of four parts (1/4), the second, ...
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub(crate) shard: Shard,
    /// What is one patch of the series
    #[arg(long, value_name = "WHAT", default_value = "site")]
    pub(crate) group_by: GroupByArg,
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
