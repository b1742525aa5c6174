use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::cli::check_choice::CheckChoice;

/// What the user's file says of one repository: `[[repository]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositoryChecks {
    /// The root of its work tree.
    pub(crate) path: PathBuf,
    /// The checks of an edit that names none.
    pub(crate) checks: Vec<CheckChoice>,
}

impl RepositoryChecks {
    /// Succeeds when the path means the same wherever skiff is started.
    ///
    /// # Errors
    /// [`ConfigError::RelativeRepository`].
    pub(super) fn accept(&self) -> Result<(), ConfigError> {
        match self.path.is_absolute() {
            true => Ok(()),
            false => Err(ConfigError::RelativeRepository(self.path.clone())),
        }
    }

    /// Tells whether it is about the work tree with this root, which has no links in its path. Looks at names alone.
    pub(crate) fn is_about(&self, work_dir: &Path) -> bool {
        fs::canonicalize(&self.path).is_ok_and(|path| path == work_dir)
    }
}
