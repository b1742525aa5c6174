use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::args::{Args, Command, GlobalArgs};
use super::bars::{Bars, Verbosity};
use super::check_choice::CheckChoice;
use super::check_level::ByLevel;
use super::config::{ColorMode, Layer, Settings};
use super::directories::Directories;
use super::hand::Applier;
use super::message::UsageError;
use super::role::{Entered, Findings};
use crate::ledger::{Ledger, ProposalStore};
use crate::repo::Repository;
use crate::sandbox::{Checker, Confinement};

/// The working parts that every verb starts from.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where relative paths start; `-C` is already taken into account.
    pub(crate) directory: PathBuf,
    /// Where skiff keeps its files.
    pub(crate) directories: Directories,
    /// The settings of this run.
    pub(crate) settings: Settings,
    /// Progress on stderr.
    pub(crate) progress: Bars,
    /// What confines this process.
    pub(crate) confinement: Confinement,
    /// How long it took to confine it.
    pub(crate) confined_in: Duration,
    /// The file that the patch goes to, where one is named.
    pub(crate) output: Option<File>,
    /// The file that the verb reads, where one is named.
    pub(crate) input: Option<File>,
    /// The report of a tool that it reads besides, where one is named.
    pub(crate) report: Option<File>,
    /// The checks of an edit or a batch.
    pub(crate) checks: ByLevel<Vec<CheckChoice>>,
    /// What runs the check commands, where there are any.
    pub(crate) checkers: ByLevel<Option<Mutex<Checker>>>,
    /// What was found out before the process was confined, for the verbs that report it.
    pub(crate) findings: Findings,
    /// Who applies.
    pub(crate) applier: Applier,
}

impl Context {
    /// Puts the parts together and sets the colours of the process.
    ///
    /// # Errors
    /// When the current directory is gone.
    pub(crate) fn new(args: &Args, entered: Entered, applier: Applier) -> anyhow::Result<Self> {
        color_choice(entered.settings.color).write_global();
        Ok(Self {
            directory: env::current_dir().context("cannot tell the current directory")?,
            directories: entered.directories,
            settings: entered.settings,
            progress: Bars::new(verbosity(&args.global)),
            confinement: entered.confinement,
            confined_in: entered.took,
            output: entered.output,
            input: entered.input,
            report: entered.report,
            checks: entered.checks,
            checkers: entered.checkers.map(|checker| checker.map(Mutex::new)),
            findings: entered.findings,
            applier,
        })
    }

    /// Opens the repository around the directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) fn repository(&self) -> anyhow::Result<Repository> {
        Ok(Repository::discover(&self.directory)?)
    }

    /// Opens the proposals of a repository's work tree.
    ///
    /// # Errors
    /// When the state directory cannot be used.
    pub(crate) fn proposals(&self, repository: &Repository) -> anyhow::Result<ProposalStore> {
        Ok(ProposalStore::open(&self.directories.state, &repository.key())?)
    }
}

impl Context {
    /// Names the ledger: where the settings say, else under the state directory. The key stays there in any case.
    pub(crate) fn ledger(&self) -> Ledger {
        let state = &self.directories.state;
        Ledger::new(&self.settings.ledger(state), &keys(state).join("ledger.ed25519"))
    }
}

/// Returns the folder of the keys that sign for the ledger.
pub(crate) fn keys(state: &Path) -> PathBuf {
    state.join("keys")
}

/// Returns the seconds since 1970, or what `SOURCE_DATE_EPOCH` says they are, so that runs can be repeated byte for
/// byte.
///
/// # Errors
/// [`UsageError`] when the variable is not a number.
pub(crate) fn now_unix_s() -> anyhow::Result<u64> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .map_err(|_| UsageError(format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds")).into()),
        Err(_) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| age.as_secs())),
    }
}

/// Returns the colour choice for the whole process.
pub(crate) fn color_choice(mode: ColorMode) -> anstream::ColorChoice {
    match mode {
        ColorMode::Auto => anstream::ColorChoice::Auto,
        ColorMode::Always => anstream::ColorChoice::Always,
        ColorMode::Never => anstream::ColorChoice::Never,
    }
}

fn verbosity(global: &GlobalArgs) -> Verbosity {
    match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, _) => Verbosity::Verbose,
    }
}

/// Returns what the command line sets.
pub(crate) fn layer(args: &Args) -> Layer {
    let global = &args.global;
    Layer {
        model: global.model.clone(),
        seed: global.seed,
        threads: global.threads,
        ctx: global.ctx,
        kv_type: global.kv_type,
        gpu_layers: global.gpu_layers,
        prefix_cache_mib: None,
        color: global.color,
        embed_model: match &args.command {
            Command::Find(find) => find.embed_model.clone(),
            _ => None,
        },
        draft_model: match &args.command {
            Command::Edit(edit) => edit.draft_model.clone(),
            _ => None,
        },
        marking: global.marking.clone(),
        ..Layer::default()
    }
}
