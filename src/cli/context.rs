use std::env;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::args::{Args, Command, GlobalArgs};
use super::bars::{Bars, Verbosity};
use super::config::{self, ColorMode, Layer, Settings};
use super::directories::Directories;
use super::message::UsageError;
use crate::ledger::{Ledger, ProposalStore};
use crate::repo::Repository;
use crate::sandbox::Confinement;

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
}

impl Context {
    /// Goes to the directory that `-C` names, reads the configuration, and sets the colours of the process.
    ///
    /// # Errors
    /// When the directory cannot be entered, no home directory is found, or the configuration is wrong.
    pub(crate) fn new(args: &Args, confinement: Confinement) -> anyhow::Result<Self> {
        let global = &args.global;
        if let Some(directory) = &global.directory {
            env::set_current_dir(directory).with_context(|| format!("cannot go to the directory {directory:?}"))?;
        }
        let directories = Directories::find()?;
        let settings = config::load(&directories.config, layer(args))?;
        color_choice(settings.color).write_global();
        Ok(Self {
            directory: env::current_dir().context("cannot tell the current directory")?,
            directories,
            settings,
            progress: Bars::new(verbosity(global)),
            confinement,
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
        let dir = self.settings.ledger_dir.clone().unwrap_or_else(|| state.join("ledger"));
        Ledger::new(&dir, &state.join("keys").join("ledger.ed25519"))
    }
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

fn layer(args: &Args) -> Layer {
    let global = &args.global;
    Layer {
        model: global.model.clone(),
        seed: global.seed,
        threads: global.threads,
        ctx: global.ctx,
        gpu_layers: global.gpu_layers,
        prefix_cache_mib: None,
        color: global.color,
        embed_model: match &args.command {
            Command::Find(find) => find.embed_model.clone(),
            _ => None,
        },
        marking: global.marking.clone(),
        ledger_dir: None,
        ledger_texts: None,
    }
}
