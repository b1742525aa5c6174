//! A series of patches with what is known of it, in one file that can be checked where neither the model nor the ledger is.

use serde::{Deserialize, Serialize};

use super::canonical::{self, CanonicalError};
use super::key::SigningKey;
use super::{Digest, Event, Fault, Head, Ledger, LedgerError, PublicKey, Record, checkpoint};
use crate::text::RepoPath;

const SCHEMA_VERSION: u32 = 1;
/// What is signed begins with this, so that no signature for another purpose fits.
const CONTEXT: &str = "skiff bundle\n";

/// A series, what it is of, and what was recorded of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    schema_version: u32,
    /// What the series is of.
    pub manifest: Manifest,
    /// The series, for `git am`.
    pub series: String,
    /// All of it as one patch.
    pub patch: String,
    /// The lines of the ledger from the start of the run that wrote the series.
    pub ledger: Vec<String>,
    /// The public key of who made the bundle.
    pub key: String,
    /// Of all the rest, by that key.
    pub signature: String,
}

/// What a series is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Which skiff made it.
    pub skiff: String,
    /// When, in seconds since 1970 UTC.
    pub created_unix_s: u64,
    /// What the plan says it does.
    pub title: String,
    /// The commit that the repository was at; none before the first.
    pub repository_head: Option<String>,
    /// The digest of the plan.
    pub plan_sha384: String,
    /// SHA-256 of the model; none where none was asked.
    pub model_sha256: Option<String>,
    /// The seed of the sampler.
    pub seed: u32,
    /// How many places the plan has here.
    pub sites: u64,
    /// Those that changed.
    pub changed: u64,
    /// Those that could not be changed, or that a check refused.
    pub failed: u64,
    /// The checks that were run.
    pub checks: Vec<BundleCheck>,
    /// Who looked at it, as whoever made the bundle says.
    pub reviewer: Option<String>,
    /// How it is marked.
    pub marking: Option<String>,
    /// The files before and after.
    pub files: Vec<BundleFile>,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleCheck {
    /// Of the command line.
    pub command_sha384: String,
    /// How often it was run.
    pub runs: u64,
    /// How often it passed.
    pub passed: u64,
}

/// A file that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleFile {
    /// The file.
    pub path: RepoPath,
    /// Git's id of its bytes before; none for a new file.
    pub before: Option<String>,
    /// And after; none for one that goes away.
    pub after: Option<String>,
}

/// Why a file is no bundle that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not read.
    #[error("it is no bundle")]
    Form(#[source] serde_json::Error),
    /// It is of another version.
    #[error("it is a bundle of version {0}; this skiff reads version {SCHEMA_VERSION}")]
    Version(u32),
    /// Something in it has no canonical form.
    #[error("it has no canonical form")]
    Canonical(#[source] CanonicalError),
    /// It is not what was signed.
    #[error("the signature is not right: the bundle was changed, or damaged on its way")]
    Signature,
    /// Who signed it is not trusted.
    #[error("it is signed by the key {0}, which is none of those that are trusted")]
    ForeignKey(PublicKey),
    /// The lines of the ledger are not what was written.
    #[error("the ledger in it is broken at line {line}")]
    Ledger {
        /// From 1.
        line: usize,
        /// Why.
        #[source]
        fault: Fault,
    },
    /// The ledger in it has no checkpoint of the same key.
    #[error("no checkpoint in its ledger is signed by the key of the bundle")]
    NoCheckpoint,
    /// The ledger that it is to be made of cannot be used.
    #[error(transparent)]
    Own(#[from] LedgerError),
}

/// What is signed: the manifest, and the digests of the rest.
#[derive(Serialize)]
struct Signed<'b> {
    schema_version: u32,
    manifest: &'b Manifest,
    series: Digest,
    patch: Digest,
    ledger: Digest,
    key: &'b str,
}

impl Bundle {
    /// Puts a bundle together and signs it with the key of the ledger.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn seal(
        manifest: Manifest,
        series: String,
        patch: String,
        lines: Vec<String>,
        ledger: &Ledger,
    ) -> Result<Self, BundleError> {
        let key = SigningKey::open(ledger.key_file())?;
        let mut bundle = Self {
            schema_version: SCHEMA_VERSION,
            manifest,
            series,
            patch,
            ledger: lines,
            key: key.public().to_string(),
            signature: String::new(),
        };
        bundle.signature = key.sign(&bundle.message()?);
        Ok(bundle)
    }

    /// Reads a bundle. Nothing of it can be trusted before [`Bundle::verify`].
    ///
    /// # Errors
    /// [`BundleError::Form`], [`BundleError::Version`].
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let bundle: Self = serde_json::from_str(text).map_err(BundleError::Form)?;
        match bundle.schema_version {
            SCHEMA_VERSION => Ok(bundle),
            other => Err(BundleError::Version(other)),
        }
    }

    /// Checks the signature, who signed, and the ledger in it; returns the key.
    ///
    /// # Errors
    /// [`BundleError`] names the first thing that is wrong.
    pub fn verify(&self, trusted: &[PublicKey]) -> Result<PublicKey, BundleError> {
        let key: PublicKey = self.key.parse().map_err(|_| BundleError::Signature)?;
        if !key.verifies(&self.message()?, &self.signature) {
            return Err(BundleError::Signature);
        }
        if !trusted.is_empty() && !trusted.contains(&key) {
            return Err(BundleError::ForeignKey(key));
        }
        let mut before: Option<Head> = None;
        let mut signed = false;
        for (at, line) in self.ledger.iter().enumerate() {
            let broken = |fault| BundleError::Ledger { line: at + 1, fault };
            let record = Record::parse(line.as_bytes()).map_err(broken)?;
            if let Some(before) = before {
                if record.seq != before.seq + 1 {
                    return Err(broken(Fault::Sequence {
                        expected: before.seq + 1,
                        found: record.seq,
                    }));
                }
                if record.prev != before.hash {
                    return Err(broken(Fault::Link));
                }
            }
            if let Event::Checkpoint(own) = &record.event {
                signed |= checkpoint::check(&record, own).map_err(broken)? == key;
            }
            before = Some(Head {
                seq: record.seq,
                hash: Digest::of(line.as_bytes()),
            });
        }
        match signed {
            true => Ok(key),
            false => Err(BundleError::NoCheckpoint),
        }
    }

    fn message(&self) -> Result<Vec<u8>, BundleError> {
        let signed = Signed {
            schema_version: self.schema_version,
            manifest: &self.manifest,
            series: Digest::of(self.series.as_bytes()),
            patch: Digest::of(self.patch.as_bytes()),
            ledger: Digest::of(self.ledger.join("\n").as_bytes()),
            key: &self.key,
        };
        let text = canonical::text(&signed).map_err(BundleError::Canonical)?;
        Ok(format!("{CONTEXT}{text}").into_bytes())
    }
}

/// Returns the lines of a ledger from the start of a run, and what came of the checks in them.
///
/// # Errors
/// When the ledger is broken or cannot be read.
pub fn excerpt(ledger: &Ledger, run: u64) -> Result<(Vec<String>, Vec<BundleCheck>), LedgerError> {
    let mut lines = Vec::new();
    let mut checks: Vec<BundleCheck> = Vec::new();
    let mut unwritable = None;
    ledger.verify(&super::Expectation::default(), &mut |record, _| {
        if record.seq < run {
            return;
        }
        match record.line() {
            Ok(line) => lines.push(line),
            Err(error) => unwritable = Some(error),
        }
        if let Event::CheckEnded(ended) = &record.event {
            let command_sha384 = ended.command.to_string();
            let at = checks.iter().position(|check| check.command_sha384 == command_sha384);
            let at = at.unwrap_or_else(|| {
                checks.push(BundleCheck {
                    command_sha384,
                    runs: 0,
                    passed: 0,
                });
                checks.len() - 1
            });
            checks[at].runs += 1;
            checks[at].passed += u64::from(ended.passed);
        }
    })?;
    match unwritable {
        Some(error) => Err(LedgerError::Unwritable(error)),
        None => Ok((lines, checks)),
    }
}
