//! Questions to the person at the terminal, and what comes of their answers.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use tempfile::Builder;

use super::context::Context;
use super::message::{self, UsageError};
use crate::ledger::Entry;
use crate::patch::Patch;
use crate::repo::create_private_dir;
use crate::review::{Chooser, Flag, Note, Renderer, Turn};

/// The longest line that is an answer.
const MAX_ANSWER_BYTES: u64 = 4096;

/// The largest edited hunk that is read.
const MAX_HUNK_BYTES: u64 = 64 << 20;

/// A flagged patch, and nobody said yes.
#[derive(Debug, thiserror::Error)]
#[error("the patch has {} flag{} and is not applied without a yes", .0, if *.0 == 1 { "" } else { "s" })]
pub(crate) struct FlagsRefused(usize);

impl FlagsRefused {
    /// Refuses a patch for its flags.
    pub(crate) fn of(flags: &[Flag]) -> Self {
        Self(flags.len())
    }
}

/// Who says yes to flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The command line did.
    Given,
    /// The person is asked.
    Asked,
}

/// Shows flags, and returns when there are none or somebody said yes.
///
/// # Errors
/// [`FlagsRefused`] when nobody did; no terminal is nobody.
pub(crate) fn ask_consent(flags: &[Flag], consent: Consent) -> anyhow::Result<()> {
    if flags.is_empty() {
        return Ok(());
    }
    say_flags(flags);
    if consent == Consent::Given {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(FlagsRefused::of(flags).into());
    }
    say("apply it all the same? Write yes: ");
    match answer()? {
        Some(line) if line.trim() == "yes" => Ok(()),
        _ => Err(FlagsRefused::of(flags).into()),
    }
}

/// Shows flags on stderr.
pub(crate) fn say_flags(flags: &[Flag]) {
    say(&Renderer::Colored.flags(flags));
}

/// Lets the person choose among the hunks of a patch, with what is known of them, and returns the patch that does what was
/// chosen.
///
/// # Errors
/// [`UsageError`] when the input ends before everything is decided: an end is no answer.
pub(crate) fn choose(context: &Context, notes: &[Note], patch: &Patch) -> anyhow::Result<Patch> {
    let mut chooser = Chooser::new(patch, notes);
    if !chooser.is_done() {
        say(&chooser.page(Renderer::Colored));
    }
    while !chooser.is_done() {
        say(&chooser.prompt());
        let Some(line) = answer()? else {
            say("\n");
            let ended = "the input ended before every hunk was decided; nothing is applied";
            return Err(UsageError(ended.to_owned()).into());
        };
        let mut turn = chooser.answer(&line);
        if let Turn::Edit(text) = turn {
            turn = edit(context, &mut chooser, &text)?;
        }
        match turn {
            Turn::Show => say(&chooser.page(Renderer::Colored)),
            Turn::Explain(text) => say(&format!("{text}\n")),
            Turn::Edit(_) | Turn::Done => {}
        }
    }
    Ok(chooser.chosen()?)
}

/// Lets the person edit a hunk. This process can start no editor, so the hunk lies in a file until they say that it is
/// done.
fn edit(context: &Context, chooser: &mut Chooser, text: &str) -> anyhow::Result<Turn> {
    let folder = context.directories.state.join("edit");
    let unwritten = || format!("cannot write the hunk to {}", folder.display());
    create_private_dir(&folder).with_context(unwritten)?;
    let mut file = Builder::new()
        .prefix("hunk-")
        .suffix(".diff")
        .tempfile_in(&folder)
        .with_context(unwritten)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .with_context(unwritten)?;
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok());
    message::note(&format!(
        "the hunk is in a file, which you can edit in another window:\n{} {}",
        editor.as_deref().unwrap_or("vi"),
        file.path().display()
    ));
    loop {
        say("edited [Enter: take it, n: leave the hunk as it was]? ");
        match answer()?.as_deref().map(str::trim) {
            Some("") => {}
            Some("n") => return Ok(Turn::Show),
            Some(_) => continue,
            None => return Ok(Turn::Show),
        }
        let edited = match read_hunk(file.path()) {
            Ok(edited) => edited,
            Err(error) => {
                message::warning(&format!("cannot read the file: {error}"));
                continue;
            }
        };
        match chooser.edited(&edited) {
            Ok(turn) => return Ok(turn),
            Err(error) => message::warning(&format!("the hunk cannot be taken: {error}")),
        }
    }
}

/// Reads the file by its name: editors put a new one in the place of the old.
fn read_hunk(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_HUNK_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns what gates and checks said of a proposal, by file.
pub(crate) fn notes(entry: &Entry) -> Vec<Note> {
    let proposal = &entry.proposal;
    let regions = proposal.regions.iter().map(|region| {
        let place = region.symbol.as_deref().unwrap_or("the file");
        let outcome = match (&region.failure, region.attempts) {
            (Some(failure), _) => format!("failed: {failure}"),
            (None, 0 | 1) => "passed".to_owned(),
            (None, attempts) => format!("passed at attempt {attempts}"),
        };
        Note {
            path: Some(region.path.clone()),
            text: format!("gate: {place}: {outcome}"),
        }
    });
    let checks = proposal.checks.iter().map(|check| Note {
        path: None,
        text: format!("check: {}: {}", check.command, check.end),
    });
    regions.chain(checks).collect()
}

/// Reads one line of input; none at its end.
fn answer() -> anyhow::Result<Option<String>> {
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock().take(MAX_ANSWER_BYTES);
    stdin.read_until(b'\n', &mut line).context("cannot read the answer")?;
    Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// Writes to stderr what is escaped already.
fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // What goes wrong with stderr can be told to nobody.
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
