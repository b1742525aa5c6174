use std::path::PathBuf;

use anyhow::Context as _;
use etcetera::BaseStrategy;

/// Where skiff keeps its files, by the XDG base directory specification (on Windows: the known folders).
#[derive(Clone, Debug)]
pub(crate) struct Directories {
    /// The user's home.
    pub(crate) home: PathBuf,
    /// The user's configuration.
    pub(crate) config: PathBuf,
    /// Proposals and the journal: what must not be lost.
    pub(crate) state: PathBuf,
    /// What can be made again.
    pub(crate) cache: PathBuf,
    /// The registry of models.
    pub(crate) models: PathBuf,
}

impl Directories {
    /// Finds the directories; creates none.
    ///
    /// # Errors
    /// When there is no home directory to put them under.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let base = etcetera::choose_base_strategy().context("cannot find the home directory")?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self {
            home: base.home_dir().to_owned(),
            config: base.config_dir().join("skiff"),
            state: state.join("skiff"),
            cache: base.cache_dir().join("skiff"),
            models: base.data_dir().join("skiff").join("models"),
        })
    }
}
