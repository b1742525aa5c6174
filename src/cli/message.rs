//! What is said on stderr besides progress.

use std::error::Error;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use super::check_choice::AutoError;
use super::config::ConfigError;
use super::dialogue::FlagsRefused;
use super::exit::ExitStatus;
use super::output::OutputError;
use crate::agent::AgentError;
use crate::batch::BatchError;
use crate::evidence::EvidenceError;
use crate::ledger::{BundleError, Fault, LedgerError};
use crate::model::{ModelError, RegistryError};
use crate::patch::PlaceError;
use crate::repo::RepoError;
use crate::review::Escaped;
use crate::sandbox::SandboxError;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The arguments parse, and still do not make sense together or on this input.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Says what failed, why, and what may help; returns the status to exit with.
pub(crate) fn report(error: &anyhow::Error) -> ExitStatus {
    let status = ExitStatus::of(error);
    if let Some(output) = error.downcast_ref::<OutputError>()
        && output.is_broken_pipe()
    {
        // The reader has seen enough.
        return ExitStatus::Done;
    }
    say("error", ERROR, &error.to_string());
    for cause in causes(error) {
        say_plain(&format!("  caused by: {cause}"));
    }
    if let Some(hint) = hint(error) {
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(stderr, "  {HINT}hint:{HINT:#} {}", Escaped(hint));
    }
    status
}

/// Says that something is not as it should be, where the work goes on.
pub(crate) fn warning(text: &str) {
    say("warning", WARNING, text);
}

/// Says one line.
pub(crate) fn note(text: &str) {
    say_plain(&format!("skiff: {text}"));
}

// What goes wrong with stderr can be told to nobody.

fn say(label: &str, style: Style, text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "skiff: {style}{label}:{style:#} {}", Escaped(&indented(text)));
}

fn say_plain(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{}", Escaped(&indented(text)));
}

/// Indents all lines but the first, so that foreign text cannot pass for a message of its own.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

/// Returns the causes below the error itself, without those that only repeat the one above.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut above = error.to_string();
    let mut causes = Vec::new();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !above.ends_with(&text) {
            causes.push(text.trim_end().to_owned());
        }
        above = text;
    }
    causes
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(hint_for)
}

fn hint_for(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<RepoError>() {
        return match error {
            RepoError::NotARepository(_) => Some("start in a git repository, or name one with -C DIR"),
            RepoError::Bare(_) => {
                Some("name a revision with --rev where the command takes one, or work in a clone of it")
            }
            RepoError::PreimageChanged { .. } => Some("ask for the edit again, or put the file back and retry"),
            RepoError::CutShort { .. } => Some("see to the disk, then run `skiff undo`: it takes the rest back first"),
            RepoError::Locked(_) => Some("wait for the other process to finish"),
            RepoError::Outside { .. } => Some("name files inside this work tree"),
            _ => None,
        };
    }
    if let Some(BundleError::ForeignKey(_)) = cause.downcast_ref() {
        return Some("name the keys that you trust with --key; `skiff log key` prints that of this user");
    }
    if let Some(error) = cause.downcast_ref::<BatchError>() {
        return match error {
            BatchError::RunExists(_) => Some("go on with --resume, or name another folder with -o"),
            BatchError::NoRun(_) => Some("name the folder that `skiff batch -o` named"),
            BatchError::OtherRun { .. } => Some("name another folder with -o"),
            BatchError::FileChanged(_) => Some("put the file back, or begin anew in another folder"),
            BatchError::NoFindings => Some("`--findings -` reads the report from stdin"),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<LedgerError>() {
        return match error {
            LedgerError::NoSuchProposal(_) => Some("`skiff list --all` names the proposals of this work tree"),
            LedgerError::NotRecorded { .. } => {
                Some("make room there, or let this user write there; nothing is done unrecorded")
            }
            LedgerError::Broken { fault, .. } => Some(match **fault {
                Fault::ForeignKey(_) => {
                    "name the keys that you trust with --key; `skiff log key` prints that of this user"
                }
                Fault::Torn { .. } => {
                    "a crash may have cut it off; the next edit, apply, undo or discard puts it aside and records that"
                }
                _ => {
                    "keep the files as they are and find out who changed them; a new ledger begins when they are moved away"
                }
            }),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<RegistryError>() {
        return match error {
            RegistryError::NoDefault { known } | RegistryError::NotFound { known, .. } if known.is_empty() => {
                Some("register a GGUF file with `skiff model add FILE`; docs/models.md names some")
            }
            RegistryError::NoDefault { .. } => Some("choose one with --model NAME"),
            RegistryError::NameTaken(_) => Some("give another --name, or remove that model first"),
            RegistryError::HashMismatch { .. } => Some("bring the file in again; it may be damaged or replaced"),
            RegistryError::NotAllowed { .. } => Some("use a model that the policy names, or ask whoever keeps it"),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<ModelError>() {
        return match error {
            ModelError::ContextFull { .. } => Some("give a longer context with --ctx, or name fewer or smaller places"),
            ModelError::Memory { .. } => Some("give a smaller --ctx, choose a smaller model, or close other programs"),
            ModelError::Context { .. } => Some("give a smaller --ctx, --kv-type q8_0, or fewer --gpu-layers"),
            _ => None,
        };
    }
    if let Some(error) = cause.downcast_ref::<AgentError>() {
        return match error {
            AgentError::NothingFound => Some("name files, or a definition with --symbol"),
            AgentError::NoSuchSymbol { .. } => Some("names are exact, as in `parse` or `Parser.parse`"),
            AgentError::AmbiguousSymbol { .. } => Some("qualify the name, or name the file as well"),
            AgentError::TooLong { .. } => Some("raise --ctx, or name a smaller place with --symbol"),
            _ => None,
        };
    }
    if cause.downcast_ref().is_some_and(PlaceError::is_conflict) {
        return Some("nothing is written; make the patch anew for the files as they are");
    }
    if cause.is::<FlagsRefused>() {
        return Some(
            "look at it (a proposal with `skiff show`); --accept-flags says yes where there is no terminal to ask on",
        );
    }
    if let Some(error) = cause.downcast_ref::<AutoError>() {
        return Some(match error {
            AutoError::NoneFits => "name the commands with --check CMD; `skiff edit --help` lists the profiles",
            AutoError::SeveralFit(_) => "name one of them, as in `--check @make`, or several in their order",
        });
    }
    if let Some(EvidenceError::NotEmpty(_)) = cause.downcast_ref() {
        return Some("name a new folder: evidence is not mixed with other files");
    }
    if let Some(SandboxError::Build(_) | SandboxError::Install(_)) = cause.downcast_ref() {
        return Some("skiff does not run where it cannot give up networking; the kernel needs CONFIG_SECCOMP_FILTER");
    }
    match cause.downcast_ref::<ConfigError>()? {
        ConfigError::Locked { .. } => Some("leave the setting out, or ask whoever keeps the policy"),
        ConfigError::CheckDenied => {
            Some("leave --check out; --no-check leaves out what `config.toml` has for the repository")
        }
        ConfigError::Confinement { .. } => Some("Landlock needs Linux 5.19 with `landlock` among the kernel's `lsm=`"),
        _ => None,
    }
}
