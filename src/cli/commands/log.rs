mod stats;

use std::fmt::Write;

use serde::Serialize;

use crate::agent::Tool;
use crate::cli::args::{LogArgs, LogCommand, LogExportArgs, LogFormat, LogVerifyArgs};
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::log_json::{LogView, RunView, VerificationView};
use crate::cli::output::{self, Audience, OutputError};
use crate::cli::stamp;
use crate::ledger::{
    Decision, Expectation, Head, LedgerError, PublicKey, Record, RunCheck, RunList, RunStep, RunSummary, Verified,
    verify_file,
};
use crate::progress::Progress;
use crate::review::{escape_json, escape_line};

/// So much of an export is written at a time.
const EXPORT_BYTES: usize = 1 << 20;

/// Shows, checks or exports the ledger.
pub(super) fn run(args: &LogArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    match &args.command {
        None => show(args, context),
        Some(LogCommand::Stats(args)) => stats::run(args, context),
        Some(LogCommand::Verify(args)) => verify(args, context),
        Some(LogCommand::Export(args)) => export(args, context),
        Some(LogCommand::Key(_)) => {
            output::write_raw(format!("{}\n", context.ledger().public_key()?).as_bytes())?;
            Ok(ExitStatus::Done)
        }
    }
}

fn show(args: &LogArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let mut list = RunList::default();
    let expected = expectation(context, &[], None)?;
    let verified = context.ledger().verify(&expected, &mut |record, _| list.see(record));
    let runs = list.last(args.limit as usize);
    let marking = context.settings.marking.as_ref();
    if let Ok(verified) = &verified
        && args.json
    {
        output::write_json(&LogView::of(&runs, verified, marking))?;
        return Ok(ExitStatus::Done);
    }
    // What is sound is shown even where the rest is not.
    if args.jsonl {
        runs.iter().try_for_each(|run| write_line(&RunView::of(run)))?;
    } else if !args.json {
        let head = verified.as_ref().ok().and_then(|verified| verified.head);
        output::write_styled(&format!("{}{}", stamp::line(marking), page(&runs, head)))?;
    }
    if verified?.head.is_none() {
        context.progress.note("nothing is recorded yet");
    }
    Ok(ExitStatus::Done)
}

fn verify(args: &LogVerifyArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let expected = expectation(context, &args.key, args.head)?;
    let mut sound_to = None;
    let mut visit = |_: &Record, head: Head| sound_to = Some(head);
    let outcome = match &args.file {
        Some(file) => verify_file(file, &expected, &mut visit),
        None => context.ledger().verify(&expected, &mut visit),
    };
    let marking = context.settings.marking.as_ref();
    if args.json {
        let view = match &outcome {
            Ok(verified) => Some(VerificationView::sound(verified, marking)),
            Err(error) => VerificationView::broken(error, sound_to, marking),
        };
        if let Some(view) = view {
            output::write_json(&view)?;
        }
        outcome?;
        return Ok(ExitStatus::Done);
    }
    let verified = outcome?;
    let keys = match expected.keys.is_empty() {
        true => Keys::Unknown,
        false => Keys::Trusted,
    };
    output::write_styled(&format!("{}{}", stamp::line(marking), report(&verified, keys)))?;
    Ok(ExitStatus::Done)
}

fn export(args: &LogExportArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let expected = expectation(context, &[], None)?;
    let mut text = String::new();
    if args.format == LogFormat::Csv {
        text.push_str(Record::CSV_HEADER);
    }
    let mut failure: Option<anyhow::Error> = None;
    let mut write = |record: &Record, head: Head| -> anyhow::Result<()> {
        text.push_str(&match args.format {
            LogFormat::Jsonl => record.jsonl()?,
            LogFormat::Csv => record.csv(head)?,
        });
        if text.len() >= EXPORT_BYTES {
            write_export(&text)?;
            text.clear();
        }
        Ok(())
    };
    let verified = context.ledger().verify(&expected, &mut |record, head| {
        if failure.is_none() {
            failure = write(record, head).err();
        }
    });
    if let Some(error) = failure {
        return Err(error);
    }
    write_export(&text)?;
    verified?;
    Ok(ExitStatus::Done)
}

/// Writes records as they are, and for a person with nothing in them that acts on a terminal.
fn write_export(text: &str) -> Result<(), OutputError> {
    match output::audience() {
        Audience::Program => output::write_raw(text.as_bytes()),
        // What records hold is JSON in CSV too, where only the line endings are carriage returns.
        Audience::Person => output::write_raw(escape_json(&text.replace("\r\n", "\n")).as_bytes()),
    }
}

/// Puts together what the ledger is checked against: the keys that were named, else the user's own.
fn expectation(context: &Context, keys: &[PublicKey], head: Option<Head>) -> Result<Expectation, LedgerError> {
    let keys = match keys {
        [] => context.ledger().known_key()?.into_iter().collect(),
        named => named.to_vec(),
    };
    Ok(Expectation { keys, head })
}

fn write_line(value: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    Ok(output::write_raw(escape_json(&line).as_bytes())?)
}

fn page(runs: &[&RunSummary], head: Option<Head>) -> String {
    let mut out = String::new();
    for run in runs {
        let end = match run.end {
            None => "not ended".to_owned(),
            Some(end) if end.exit_code == 0 => "done".to_owned(),
            Some(end) => format!("exit {}", end.exit_code),
        };
        let marking = run
            .marking
            .as_ref()
            .map_or(String::new(), |marking| format!("  [{marking}]"));
        let line = format!(
            "{:>6}  {}  {:<7}  {:<5}  {}  {}  {end}{marking}",
            run.run,
            run.time,
            run.verb.as_str(),
            run.role,
            run.user.shown(),
            what(run),
        );
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", escape_line(&line));
    }
    if let Some(head) = head {
        let _ = writeln!(out, "head {head}");
    }
    out
}

fn what(run: &RunSummary) -> String {
    let stepped = steps(&run.steps);
    let checked = checks(&run.checks);
    let made = run.proposals.iter().map(|id| format!("made proposal {id}"));
    let decided = run.decisions.iter().map(|decision| {
        let about = match decision.proposal {
            Some(id) => format!("{} proposal {id}", decision.decision.as_str()),
            None if decision.decision == Decision::Apply => "apply a patch".to_owned(),
            None => decision.decision.as_str().to_owned(),
        };
        let files = match decision.files {
            0 => return about,
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        match decision.written {
            true => format!("{about} ({files})"),
            false => format!("{about} ({files}, not written)"),
        }
    });
    let all: Vec<String> = stepped.into_iter().chain(checked).chain(made).chain(decided).collect();
    match all.is_empty() {
        true => "-".to_owned(),
        false => all.join(", "),
    }
}

/// Says how many steps a tool loop took, and what they were; nothing where there was none.
fn steps(steps: &[RunStep]) -> Option<String> {
    const MOST_NAMES: usize = 12;
    let names = steps.iter().map(|step| step.action.map_or("?", Tool::as_str));
    let rest = (steps.len() > MOST_NAMES).then_some("...");
    let names: Vec<&str> = names.take(MOST_NAMES).chain(rest).collect();
    let evicted: u32 = steps.iter().fold(0, |sum, step| sum.saturating_add(step.evicted));
    let count = match steps.len() {
        0 => return None,
        1 => "1 step".to_owned(),
        count => format!("{count} steps"),
    };
    let left_out = match evicted {
        0 => String::new(),
        count => format!(", {count} results left out"),
    };
    Some(format!("{count} ({}{left_out})", names.join(" ")))
}

/// Says what came of check commands; nothing where there were none.
fn checks(checks: &[RunCheck]) -> Option<String> {
    let candidates: Vec<&[RunCheck]> = checks.chunk_by(|one, next| one.candidate == next.candidate).collect();
    let passed = |check: &RunCheck| check.end.is_some_and(|end| end.passed);
    // The one that passed, else the last.
    let all_passed = |checks: &&[RunCheck]| checks.iter().all(passed);
    let told = candidates
        .iter()
        .position(all_passed)
        .unwrap_or(candidates.len().checked_sub(1)?);
    let checks = candidates[told];
    let failed = checks.iter().position(|check| check.end.is_some_and(|end| !end.passed));
    let count = checks.len();
    let said = match (failed, all_passed(&checks)) {
        (Some(at), _) => format!("check {} of {count} failed", at + 1),
        (None, true) if count == 1 => "1 check passed".to_owned(),
        (None, true) => format!("{count} checks passed"),
        (None, false) => "checks not ended".to_owned(),
    };
    Some(match candidates.len() {
        1 => said,
        all => format!("{said} (candidate {} of {all})", told + 1),
    })
}

/// What is known of the keys that signed a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// They are among those that somebody trusts.
    Trusted,
    /// There was nothing to compare them with.
    Unknown,
}

/// Says what is sound.
fn report(verified: &Verified, keys: Keys) -> String {
    let mut out = String::new();
    let Some(head) = verified.head else {
        return "nothing is recorded\n".to_owned();
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "sound: {} records, {} checkpoints, {} torn lines put aside",
        verified.records(),
        verified.checkpoints,
        verified.set_aside
    );
    for key in &verified.keys {
        let doubt = match keys {
            Keys::Trusted => "",
            Keys::Unknown => " (compared with no key that you trust)",
        };
        let _ = writeln!(out, "signed by {key}{doubt}");
    }
    if verified.unsigned() > 0 {
        let _ = writeln!(out, "the last {} records are not signed for yet", verified.unsigned());
    }
    let _ = writeln!(out, "head {head}");
    out
}
