use std::process::ExitCode;

use super::check_choice::AutoError;
use super::config::ConfigError;
use super::dialogue::FlagsRefused;
use super::interrupt::Interrupted;
use super::message::UsageError;
use crate::index::IndexError;
use crate::ledger::{BundleError, LedgerError};
use crate::model::{ModelError, RegistryError};
use crate::patch::PlaceError;
use crate::repo::RepoError;
use crate::sandbox::{CheckError, SandboxError};

/// What the process says to its parent when it ends. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitStatus {
    /// What was asked is done.
    Done = 0,
    /// Something failed.
    Error = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The request leads to no change.
    NothingToChange = 3,
    /// A gate or a check failed, or the patch has flags that nobody was asked about; the proposal is kept.
    GateFailed = 4,
    /// A policy forbids it, flags want a yes, or the process cannot be confined.
    Refused = 5,
    /// The work tree is not as expected, or a recovery by hand is needed.
    Conflict = 6,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl ExitStatus {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// Returns the status that a process of skiff ended with.
    pub(crate) fn from_code(code: i32) -> Self {
        let all = [
            Self::Done,
            Self::Usage,
            Self::NothingToChange,
            Self::GateFailed,
            Self::Refused,
            Self::Conflict,
            Self::Interrupted,
        ];
        let of_code = all.into_iter().find(|status| i32::from(status.code()) == code);
        of_code.unwrap_or(Self::Error)
    }

    /// Finds the status for an error, by the first cause in its chain that has one of its own.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Error)
    }

    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if cause.is::<Interrupted>()
            || matches!(cause.downcast_ref(), Some(IndexError::Cancelled))
            || matches!(cause.downcast_ref(), Some(ModelError::Cancelled))
            || matches!(cause.downcast_ref(), Some(RegistryError::Cancelled))
        {
            return Some(Self::Interrupted);
        }
        if cause.is::<UsageError>() || cause.is::<AutoError>() {
            return Some(Self::Usage);
        }
        if cause.is::<FlagsRefused>() {
            return Some(Self::Refused);
        }
        if cause.is::<SandboxError>() || matches!(cause.downcast_ref(), Some(CheckError::Unconfined)) {
            return Some(Self::Refused);
        }
        if let Some(error) = cause.downcast_ref::<ConfigError>() {
            return match error {
                ConfigError::Locked { .. }
                | ConfigError::Confinement { .. }
                | ConfigError::CheckDenied
                | ConfigError::ScriptDenied => Some(Self::Refused),
                ConfigError::Read { .. }
                | ConfigError::Parse { .. }
                | ConfigError::Variable { .. }
                | ConfigError::RelativeLedger(_)
                | ConfigError::RelativeRepository(_) => None,
            };
        }
        if let Some(RegistryError::NotAllowed { .. } | RegistryError::HashMismatch { .. }) = cause.downcast_ref() {
            return Some(Self::Refused);
        }
        // What is wrong with its ledger is the bundle's own.
        if let Some(error) = cause.downcast_ref::<BundleError>() {
            return match error {
                BundleError::Own(_) => None,
                BundleError::Form(_) | BundleError::Version(_) => Some(Self::Error),
                BundleError::Canonical(_)
                | BundleError::Signature
                | BundleError::ForeignKey(_)
                | BundleError::Ledger { .. }
                | BundleError::NoCheckpoint => Some(Self::Conflict),
            };
        }
        if matches!(cause.downcast_ref(), Some(LedgerError::Broken { .. })) {
            return Some(Self::Conflict);
        }
        if cause.downcast_ref().is_some_and(PlaceError::is_conflict) {
            return Some(Self::Conflict);
        }
        match cause.downcast_ref::<RepoError>()? {
            RepoError::PreimageChanged { .. }
            | RepoError::RecoveryNeeded { .. }
            | RepoError::CutShort { .. }
            | RepoError::Locked(_) => Some(Self::Conflict),
            _ => None,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
