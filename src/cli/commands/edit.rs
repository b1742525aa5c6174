use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::{paths, show};
use crate::agent::{self, AgentConfig, Candidates, Checks, Drafting, Mode, Request, Scope, Workbench};
use crate::cli::args::{DraftsArg, EditArgs, ModeArg, PatchFormat, ScopeArg};
use crate::cli::check_choice::{self, CheckChoice};
use crate::cli::config::CheckRule;
use crate::cli::context::{Context, now_unix_s};
use crate::cli::exit::ExitStatus;
use crate::cli::message::{self, UsageError};
use crate::cli::output::{self, Audience};
use crate::cli::spending::Spending;
use crate::cli::stamp::Stamp;
use crate::cli::user_checks::UserChecks;
use crate::cli::{dialogue, engine, input, json, mail, record, store};
use crate::ledger::{Entry, Recorder};
use crate::model::{LanguageModel, ModelScale, Sampling, TemplateSource, Witnessed};
use crate::progress::Progress;
use crate::repo::Snapshot;
use crate::review::escape;
use crate::sandbox::CheckProfile;

/// So much is read of what a check command said.
const MOST_FAILURE_BYTES: u64 = 16 << 20;

/// Turns a request into a proposal.
pub(super) fn run(args: &EditArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    if args.request == "-" && args.failure.as_deref() == Some(Path::new("-")) {
        return Err(UsageError("REQUEST and --failure cannot both be read from stdin".to_owned()).into());
    }
    refuse_workflow_options(args)?;
    let repository = record::repository(context, recorder)?;
    let request = Request {
        text: request_text(&args.request)?,
        paths: paths(&repository, context, &args.paths)?,
        symbols: args.symbol.clone(),
        scope: match args.scope {
            ScopeArg::Auto => Scope::Definitions,
            ScopeArg::File if args.paths.is_empty() => {
                return Err(UsageError("--scope file needs a PATH".to_owned()).into());
            }
            ScopeArg::File => Scope::Files,
        },
        failure: match args.failure {
            Some(_) => String::from_utf8_lossy(&input::read(context.input.as_ref(), MOST_FAILURE_BYTES)?).into_owned(),
            None => String::new(),
        },
    };
    let snapshot = repository.snapshot()?;
    let commands = check_choice::lines(&context.checks.each, || Ok(CheckProfile::detect(&snapshot)))?;
    let index = store::verified_index(context, &repository, &snapshot)?;
    store::say_skipped(context, &index);
    record::note_index(recorder, &index);
    let model = engine::load(context)?;
    record::note_model(recorder, model.as_ref());
    let mode = mode(args, model.as_ref(), &context.progress);
    let model = Witnessed::new(model.as_ref(), recorder);
    let config = AgentConfig {
        mode,
        attempts: args.attempts,
        rounds: args.rounds,
        candidates: args.candidates,
        map_tokens: args.map_tokens as usize,
        drafts: match args.drafts {
            DraftsArg::OldText => Drafting::OldText,
            DraftsArg::None => Drafting::Nothing,
        },
        answer_tokens: args.max_tokens.map(|tokens| tokens as usize),
        sampling: Sampling {
            seed: context.settings.seed,
            ..Sampling::default()
        },
        ..AgentConfig::default()
    };
    let checks = context.checkers.each.as_ref().map(|checker| UserChecks {
        checker,
        commands: &commands,
        recorder,
        progress: &context.progress,
    });
    let bench = Workbench {
        snapshot: &snapshot,
        index: &index,
        model: &model,
        config: &config,
        checks: checks.as_ref().map(|checks| checks as &dyn Checks),
        witness: Some(recorder),
        progress: &context.progress,
    };
    let proposal = agent::propose(&request, &bench);
    record::note_files(recorder, &snapshot);
    let mut proposal = proposal?;
    proposal.energy_mj = recorder.energy_mj();
    recorder.note_candidates(&proposal);
    if proposal.patch.is_empty() {
        for region in &proposal.regions {
            if let Some(hit) = region.gate_hits.last() {
                message::warning(&format!(
                    "{}: {hit}",
                    region.symbol.as_deref().unwrap_or(region.path.as_str())
                ));
            }
        }
        message::note("nothing to change");
        return Ok(ExitStatus::NothingToChange);
    }
    let proposals = context.proposals(&repository)?;
    recorder.record_made(&proposal)?;
    let id = proposals.add(&proposal, now_unix_s()?)?;
    recorder.record_kept(id, &proposal.patch)?;
    let entry = proposals.get(id)?;
    show_patch(args, context, &entry, &Stamp::of(context))?;
    summarize(context, &entry);
    offer_checks(args, context, &snapshot);
    let flags = entry.proposal.patch.flags();
    if output::audience() == Audience::Program {
        dialogue::say_flags(&flags);
    }
    match (entry.proposal.passed(), args.apply) {
        (true, true) if !flags.is_empty() => {
            message::warning("the patch is flagged; the proposal is kept for you to look at");
            Ok(ExitStatus::GateFailed)
        }
        (true, true) => context.applier.apply(context, &repository, &entry, recorder),
        (true, false) => Ok(ExitStatus::Done),
        (false, _) => {
            match entry.proposal.failed_check() {
                Some(check) => message::warning(&format!(
                    "the check `{}` failed ({}); the proposal is kept for you to look at",
                    check.command, check.end
                )),
                None if !entry.proposal.is_finished() => message::warning(
                    "the model did not finish; the proposal is what it had done, and is kept for you to look at",
                ),
                None => message::warning("a gate failed; the proposal is kept for you to look at"),
            }
            Ok(ExitStatus::GateFailed)
        }
    }
}

/// Refuses what only the workflow can do, where the model is to decide.
fn refuse_workflow_options(args: &EditArgs) -> Result<(), UsageError> {
    let is_agent = args.mode == ModeArg::Agent;
    if is_agent && args.candidates != Candidates::Number(1) {
        return Err(UsageError(
            "--mode agent works on one candidate: leave -n out".to_owned(),
        ));
    }
    if is_agent && args.scope == ScopeArg::File {
        return Err(UsageError("--scope file is for --mode workflow".to_owned()));
    }
    if is_agent && args.check.contains(&CheckChoice::Examples) {
        return Err(UsageError("--check @examples is for --mode workflow".to_owned()));
    }
    Ok(())
}

/// Settles who decides, and says so where that was left open.
fn mode(args: &EditArgs, model: &dyn LanguageModel, progress: &dyn Progress) -> Mode {
    const LEAST_PARAMETERS: u64 = 7_000_000_000;
    let agent = Mode::Agent { steps: args.steps };
    match args.mode {
        ModeArg::Workflow => Mode::Workflow,
        ModeArg::Agent => agent,
        ModeArg::Auto => {
            let ModelScale { parameters, template } = model.scale();
            let one_candidate = args.candidates == Candidates::Number(1)
                && args.scope == ScopeArg::Auto
                && !args.check.contains(&CheckChoice::Examples);
            let (mode, why) = match (parameters, template) {
                _ if !one_candidate => (
                    Mode::Workflow,
                    "workflow: -n, --scope file and @examples are for it".to_owned(),
                ),
                (_, TemplateSource::Missing) => (Mode::Workflow, "workflow: the model has no chat template".to_owned()),
                (None, _) => (
                    Mode::Workflow,
                    "workflow: the size of the model is not known".to_owned(),
                ),
                (Some(count), TemplateSource::File) => {
                    let said = format!("the model has {:.1} billion weights", count as f64 / 1e9);
                    match count >= LEAST_PARAMETERS {
                        true => (agent, format!("agent: {said}")),
                        false => (Mode::Workflow, format!("workflow: {said}")),
                    }
                }
            };
            progress.note(&format!("mode {why}"));
            mode
        }
    }
}

/// Says which profile fits, to a person who had nothing checked and may.
fn offer_checks(args: &EditArgs, context: &Context, snapshot: &Snapshot) {
    let is_settled = args.no_check || !context.checks.each.is_empty();
    if is_settled || context.settings.rules.check == CheckRule::Deny || context.progress.is_quiet() {
        return;
    }
    if let Some(line) = check_choice::offer(&CheckProfile::detect(snapshot), &context.settings.check_env) {
        context.progress.note(&line);
    }
}

fn request_text(typed: &str) -> anyhow::Result<String> {
    let text = match typed {
        "-" => {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .context("cannot read the request from stdin")?;
            text
        }
        typed => typed.to_owned(),
    };
    match text.trim() {
        "" => Err(UsageError("the request is empty".to_owned()).into()),
        text => Ok(text.to_owned()),
    }
}

/// Writes the patch where it was asked for: to a file, or to stdout.
fn show_patch(args: &EditArgs, context: &Context, entry: &Entry, stamp: &Stamp) -> anyhow::Result<()> {
    if let Some(file) = args.output.as_deref().filter(|file| *file != Path::new("-")) {
        let text = match format(args, file) {
            PatchFormat::Diff => stamp.diff(&entry.proposal.patch),
            PatchFormat::Mbox => mail::message(entry, stamp),
        };
        let write = |mut output: &File| {
            // A pipe or a device has no length.
            if output.metadata()?.is_file() {
                output.set_len(0)?;
            }
            output.write_all(text.as_bytes())
        };
        let written = context.output.as_ref().map_or(Ok(()), write);
        written.with_context(|| format!("cannot write the patch to {}", file.display()))?;
    }
    if args.json {
        output::write_json(&json::ProposalView::of(entry, stamp))?;
    } else if args.output.as_deref().is_none_or(|file| file == Path::new("-")) {
        match (args.format.unwrap_or(PatchFormat::Diff), output::audience()) {
            (PatchFormat::Diff, Audience::Person) => output::write_styled(&show::page(entry, stamp))?,
            (PatchFormat::Diff, Audience::Program) => {
                output::write_raw(stamp.marked(&entry.proposal.patch).as_bytes())?
            }
            (PatchFormat::Mbox, Audience::Person) => output::write_styled(&escape(&mail::message(entry, stamp)))?,
            (PatchFormat::Mbox, Audience::Program) => output::write_raw(mail::message(entry, stamp).as_bytes())?,
        }
    }
    Ok(())
}

fn format(args: &EditArgs, file: &Path) -> PatchFormat {
    args.format
        .unwrap_or_else(|| match file.extension().is_some_and(|extension| extension == "mbox") {
            true => PatchFormat::Mbox,
            false => PatchFormat::Diff,
        })
}

fn summarize(context: &Context, entry: &Entry) {
    let price = context.settings.prices.of(&entry.proposal.usage.into());
    context.progress.note(&Spending::of(&entry.proposal, price).to_string());
    context
        .progress
        .note(&format!("proposal {0}: `skiff show {0}`, `skiff apply {0}`", entry.id));
}
