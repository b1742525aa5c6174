use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

use anyhow::Context as _;

use super::apply;
use crate::batch::{BatchError, GroupBy, Summary, read_run, series};
use crate::cli::args::{BundleApplyArgs, BundleCreateArgs, BundleVerifyArgs};
use crate::cli::context::{Context, now_unix_s};
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::cli::{input, output, record};
use crate::ledger::{Bundle, BundleFile, Manifest, PublicKey, Recorder, excerpt};
use crate::patch::Patch;
use crate::progress::Progress as _;
use crate::repo::Head;
use crate::review::{escape, escape_line};

/// A series of this length is a batch that should be split.
const MOST_BYTES: u64 = 1 << 30;

/// Makes a bundle.
pub(super) fn create(args: &BundleCreateArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let snapshot = repository.snapshot()?;
    let (stamp, mut records) = read_run(&args.folder)?;
    records.sort_by(|a, b| a.path.cmp(&b.path));
    let file = args.folder.join("series.mbox");
    let mbox = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut patch = Patch::default();
    series(&records, &snapshot, GroupBy::All, &|all| all.patch, &mut |all| {
        patch = all;
        Ok::<(), BatchError>(())
    })?;
    let report = args.folder.join("report.json");
    let text = fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let report: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("cannot read {}", report.display()))?;
    let run = report["ledger_run"]
        .as_u64()
        .context("the report does not name its run in the ledger")?;
    let ledger = context.ledger();
    let (lines, checks) = excerpt(&ledger, run)?;
    let summary = Summary::of(stamp.sites, &records);
    let files = patch.files.iter().map(|file| BundleFile {
        path: file.path.clone(),
        before: file.old.as_ref().map(|side| side.blob.to_string()),
        after: file.new.as_ref().map(|side| side.blob.to_string()),
    });
    let manifest = Manifest {
        skiff: stamp.skiff.clone(),
        created_unix_s: now_unix_s()?,
        title: stamp.title.clone(),
        repository_head: match repository.head()? {
            Head::Branch { commit, .. } | Head::Detached { commit } => Some(commit),
            Head::Unborn { .. } => None,
        },
        plan_sha384: stamp.plan.clone(),
        model_sha256: stamp.model.clone(),
        seed: stamp.seed,
        sites: summary.sites as u64,
        changed: summary.changed() as u64,
        failed: (summary.failed + summary.dropped) as u64,
        checks,
        reviewer: args.reviewer.clone(),
        marking: context.settings.marking.as_ref().map(ToString::to_string),
        files: files.collect(),
    };
    let bundle = Bundle::seal(manifest, mbox, patch.unified(), lines, &ledger)?;
    let text = serde_json::to_string(&bundle).context("the bundle cannot be written as JSON")?;
    let failed = || format!("cannot write {}", args.output.display());
    let mut out = context.output.as_ref().context("the file of the bundle is not open")?;
    out.set_len(0).with_context(failed)?;
    out.write_all(text.as_bytes()).with_context(failed)?;
    out.sync_all().with_context(failed)?;
    context.progress.note(&format!(
        "{}: {} files, {} records, signed by the key {}",
        args.output.display(),
        bundle.manifest.files.len(),
        bundle.ledger.len(),
        bundle.key
    ));
    Ok(ExitStatus::Done)
}

/// Checks a bundle, and says what it is of.
pub(super) fn verify(args: &BundleVerifyArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let trusted = trusted(&args.key, context)?;
    let (bundle, key) = checked(&trusted, context)?;
    match args.json {
        true => output::write_json(&bundle.manifest)?,
        false => output::write_styled(&escape(&page(&bundle, key, Standing::of(&trusted))))?,
    }
    Ok(ExitStatus::Done)
}

/// Checks a bundle, and applies its patch.
pub(super) fn apply(args: &BundleApplyArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let trusted = trusted(&args.key, context)?;
    if trusted.is_empty() {
        let said = "no key is trusted here: name that of who made the bundle with --key";
        return Err(UsageError(said.to_owned()).into());
    }
    let (bundle, _) = checked(&trusted, context)?;
    let repository = record::repository(context, recorder)?;
    let name = args.file.to_string_lossy();
    apply::apply_bytes(
        Some(&name),
        bundle.patch.as_bytes(),
        &args.apply(),
        &repository,
        (context, recorder),
    )
}

/// Returns the keys that count: those that are named, or else that of this user, where there is one.
fn trusted(named: &[PublicKey], context: &Context) -> anyhow::Result<Vec<PublicKey>> {
    Ok(match named {
        [] => context.ledger().known_key()?.into_iter().collect(),
        named => named.to_vec(),
    })
}

/// Reads the bundle, and lets it count only where everything in it holds.
fn checked(trusted: &[PublicKey], context: &Context) -> anyhow::Result<(Bundle, PublicKey)> {
    let bytes = input::read(context.input.as_ref(), MOST_BYTES)?;
    let text = String::from_utf8(bytes).context("the bundle is no text")?;
    let bundle = Bundle::parse(&text)?;
    let key = bundle.verify(trusted)?;
    Ok((bundle, key))
}

/// Whether a key that signed was compared with any that is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Trusted,
    Unknown,
}

impl Standing {
    fn of(trusted: &[PublicKey]) -> Self {
        match trusted {
            [] => Self::Unknown,
            _ => Self::Trusted,
        }
    }
}

fn page(bundle: &Bundle, key: PublicKey, standing: Standing) -> String {
    let Manifest {
        skiff,
        title,
        repository_head,
        plan_sha384,
        model_sha256,
        sites,
        changed,
        failed,
        checks,
        reviewer,
        marking,
        files,
        ..
    } = &bundle.manifest;
    let none = "none".to_owned();
    let mut out = String::new();
    let mut line = |what: &str, said: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{what:<11}{}", escape_line(said));
    };
    if let Some(marking) = marking {
        line("marking", marking);
    }
    line("title", title);
    line("commit", repository_head.as_ref().unwrap_or(&none));
    line("plan", plan_sha384);
    line("model", model_sha256.as_ref().unwrap_or(&none));
    line("skiff", skiff);
    line("sites", &format!("{sites}, {changed} changed, {failed} failed"));
    line("files", &files.len().to_string());
    for check in checks {
        line(
            "check",
            &format!("{} of {} passed: {}", check.passed, check.runs, check.command_sha384),
        );
    }
    line("reviewer", reviewer.as_ref().unwrap_or(&none));
    line("records", &bundle.ledger.len().to_string());
    match standing {
        Standing::Trusted => line("key", &key.to_string()),
        Standing::Unknown => line(
            "key",
            &format!("{key}; nobody here vouches for it: compare it, or name it with --key"),
        ),
    }
    out
}
