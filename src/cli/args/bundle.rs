use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{ApplyArgs, ApplySource};
use crate::ledger::PublicKey;

/// Carry a series to where neither the model nor the ledger is
///
/// A bundle is one file: the series of a batch, what it is of (the commit, the plan, the model, the checks and what came of
/// them, who looked at it), the records of its run, and a signature over all of it by the key of the ledger.
#[derive(Debug, Subcommand)]
#[command(
    arg_required_else_help = true,
    after_long_help = "\
Examples:
  skiff bundle create out -o change.bundle --reviewer 'two of the team'
  skiff log key
  skiff bundle verify change.bundle --key 4f0c…
  skiff bundle apply change.bundle --key 4f0c…"
)]
pub(crate) enum BundleCommand {
    Create(BundleCreateArgs),
    Verify(BundleVerifyArgs),
    Apply(BundleApplyArgs),
}

/// Make a bundle of what a batch has left in a folder
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff bundle create out -o change.bundle
  skiff bundle create out -o change.bundle --reviewer 'two of the team'")]
pub(crate) struct BundleCreateArgs {
    /// The folder of the run
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The file of the bundle
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Who looked at the series, in your words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reviewer: Option<String>,
}

/// Check a bundle: its signature, who signed it, and the records in it
///
/// Trusted are the keys of --key, else that of this user. Exits with 6 when anything is wrong.
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff bundle verify change.bundle --key 4f0c…
  skiff bundle verify change.bundle --key 4f0c… --json")]
pub(crate) struct BundleVerifyArgs {
    /// The bundle
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A public key that is trusted, as `skiff log key` prints it; may be given several times
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Vec<PublicKey>,
    /// Print the manifest as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check a bundle and apply its patch to the work tree, as `skiff apply` applies a patch from a file
#[derive(Debug, ClapArgs)]
#[command(after_long_help = "\
Examples:
  skiff bundle apply change.bundle --key 4f0c…
  skiff bundle apply -p change.bundle --key 4f0c…")]
pub(crate) struct BundleApplyArgs {
    /// The bundle
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// A public key that is trusted, as `skiff log key` prints it; may be given several times
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Vec<PublicKey>,
    /// Choose hunks, as with `git add -p`
    #[arg(short, long)]
    pub(crate) patch: bool,
    /// Apply although the patch is flagged, without being asked
    #[arg(long)]
    pub(crate) accept_flags: bool,
}

impl BundleApplyArgs {
    /// Returns how the patch in it is applied.
    pub(crate) fn apply(&self) -> ApplyArgs {
        ApplyArgs {
            source: ApplySource::File(self.file.clone()),
            patch: self.patch,
            accept_flags: self.accept_flags,
        }
    }
}
