use std::collections::BTreeSet;
use std::{env, fs};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::doctor::gpu_backends;
use crate::cli::config::{CheckRule, POLICY_FILE, Required};
use crate::cli::context::{Context, now_unix_s};
use crate::cli::data_flow::Flow;
use crate::cli::exit::ExitStatus;
use crate::cli::json::{SCHEMA_VERSION, rfc3339};
use crate::cli::self_test::{ConfinementView, Tried};
use crate::cli::{engine, message};
use crate::evidence::{
    Bill, Document, EvidenceError, Executable, LicenceGroup, Linkage, Model, Page, SUMS, components, licence_groups,
    render,
};
use crate::ledger::{Marking, Person};
use crate::model::CpuCode;
use crate::progress::Progress as _;
use crate::sandbox::{Level, system_folders};

/// Writes the folder of documents. Everything is put together before the first file is made.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitStatus> {
    let folder = context.findings.folder.as_ref().context("no folder was opened")?;
    let created = rfc3339(now_unix_s()?);
    let marking = context.settings.marking.as_ref().map(Marking::as_str);
    let path = env::current_exe().context("cannot find the executable")?;
    let executable = Executable::read(&path)?;
    let crates = components(executable.linkage.as_ref())?;
    let models = models(context)?;
    let roles: Vec<ConfinementView> = context.findings.tried.iter().map(ConfinementView::of_tried).collect();
    let build = Build {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("SKIFF_COMMIT").filter(|commit| !commit.is_empty()),
        target: format!("{}-{}", env::consts::ARCH, env::consts::OS),
        gpu_backends: gpu_backends(),
        cpu_code: CpuCode::built().into_iter().map(CpuCode::as_str).collect(),
        executable: path.display().to_string(),
        bytes: executable.bytes,
        sha256: &executable.sha256,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .ok()
            .map(|text| text.trim().to_owned()),
    };
    let bill = Bill {
        version: build.version,
        created: &created,
        marking,
        executable: &executable,
        crates: &crates,
        models: &models,
    };
    let mut documents = vec![
        json(
            "self-test.json",
            &SelfTest {
                schema_version: SCHEMA_VERSION,
                marking,
                created: &created,
                build: &build,
                roles: &roles,
            },
        )?,
        json("sbom.cdx.json", &bill.json())?,
        json(
            "linkage.json",
            &LinkageView {
                marking,
                sha256: &executable.sha256,
                reported: executable.linkage.is_some(),
                linkage: executable.linkage.as_ref(),
            },
        )?,
    ];
    let facts = Facts {
        marking,
        created: &created,
        user: Person::of_process().shown(),
        counts: Counts {
            crates: crates.len(),
            models: models.len(),
        },
        families: families(&roles),
        confined: matches!(context.confinement.level(), Level::Landlock(_)),
        licences: licence_groups(&crates),
        linkage: executable.linkage.as_ref(),
        flows: &context.findings.flows,
        system: system_folders().iter().map(|path| path.display().to_string()).collect(),
        places: Places::of(context),
        policy_file: POLICY_FILE,
        policy: policy(context)?,
        build: &build,
        roles: &roles,
    };
    for page in Page::ALL {
        documents.push(Document {
            name: page.name(),
            bytes: render(page, &facts)?.into_bytes(),
        });
    }
    documents.sort_by_key(|document| document.name);
    let heading = marking.map(|marking| format!("Marking: {marking}"));
    folder.write(&documents, heading.as_deref())?;
    context
        .progress
        .note(&format!("wrote {} documents and {SUMS}", documents.len()));
    if context.findings.tried.iter().all(Tried::holds) {
        return Ok(ExitStatus::Done);
    }
    message::warning("not every forbidden attempt was refused: self-test.json names them");
    Ok(ExitStatus::Refused)
}

/// What a template may ask for.
#[derive(Serialize)]
struct Facts<'a> {
    marking: Option<&'a str>,
    created: &'a str,
    user: String,
    build: &'a Build<'a>,
    counts: Counts,
    families: usize,
    /// Whether the kernel keeps the lists of files.
    confined: bool,
    roles: &'a [ConfinementView],
    licences: Vec<LicenceGroup>,
    linkage: Option<&'a Linkage>,
    flows: &'a [Flow],
    system: Vec<String>,
    places: Places,
    policy_file: &'static str,
    policy: Option<PolicyView>,
}

/// Which build of skiff this is.
#[derive(Serialize)]
struct Build<'a> {
    version: &'static str,
    commit: Option<&'static str>,
    target: String,
    gpu_backends: Vec<&'static str>,
    cpu_code: Vec<&'static str>,
    executable: String,
    bytes: u64,
    sha256: &'a str,
    kernel: Option<String>,
}

#[derive(Serialize)]
struct Counts {
    crates: usize,
    models: usize,
}

/// Every attempt, by role; `docs/schema/self-test.json` describes it.
#[derive(Serialize)]
struct SelfTest<'a> {
    schema_version: u32,
    marking: Option<&'a str>,
    created: &'a str,
    build: &'a Build<'a>,
    roles: &'a [ConfinementView],
}

#[derive(Serialize)]
struct LinkageView<'a> {
    marking: Option<&'a str>,
    sha256: &'a str,
    /// Not on other systems than Linux.
    reported: bool,
    linkage: Option<&'a Linkage>,
}

#[derive(Serialize)]
struct Places {
    config: String,
    state: String,
    ledger: String,
    ledger_texts: String,
    cache: String,
    prefix_cache_mib: u32,
    models: String,
}

impl Places {
    fn of(context: &Context) -> Self {
        let directories = &context.directories;
        Self {
            config: directories.config.display().to_string(),
            state: directories.state.display().to_string(),
            ledger: context.settings.ledger(&directories.state).display().to_string(),
            ledger_texts: context.settings.ledger_texts.to_string(),
            cache: directories.cache.display().to_string(),
            prefix_cache_mib: context.settings.prefix_cache_mib,
            models: directories.models.display().to_string(),
        }
    }
}

/// The policy, and what it comes to.
#[derive(Serialize)]
struct PolicyView {
    file: &'static str,
    sha256: String,
    text: String,
    locks: Vec<LockView>,
    confinement: &'static str,
    check: &'static str,
    models: String,
}

#[derive(Serialize)]
struct LockView {
    key: String,
    value: String,
}

/// Reads the policy again, which must be the one that the settings were made of. A setting that it fixes has its value: any
/// other was refused when the settings were put together.
fn policy(context: &Context) -> anyhow::Result<Option<PolicyView>> {
    let Some(sha256) = &context.settings.policy_sha256 else {
        return Ok(None);
    };
    let text = fs::read_to_string(POLICY_FILE).with_context(|| format!("cannot read {POLICY_FILE:?}"))?;
    if crate::cli::config::sha256(text.as_bytes()) != *sha256 {
        bail!("{POLICY_FILE:?} was changed while skiff ran");
    }
    let table: toml::Table = text.parse().with_context(|| format!("{POLICY_FILE:?} is not TOML"))?;
    let locks = table.get("lock").and_then(toml::Value::as_table);
    let rules = &context.settings.rules;
    Ok(Some(PolicyView {
        file: POLICY_FILE,
        sha256: sha256.clone(),
        locks: locks
            .into_iter()
            .flatten()
            .map(|(key, value)| LockView {
                key: key.clone(),
                value: value.to_string(),
            })
            .collect(),
        confinement: match rules.confinement {
            Required::Any => "what the system has",
            Required::Seccomp => "seccomp",
            Required::Landlock => "landlock",
        },
        check: match rules.check {
            CheckRule::Allow => "allowed",
            CheckRule::Deny => "denied",
        },
        models: match &rules.allowed_models {
            None => "any".to_owned(),
            Some(allowed) => format!("{} by SHA-256", allowed.len()),
        },
        text,
    }))
}

/// Returns the registered models, and the one that the settings name where it is a file of its own.
fn models(context: &Context) -> anyhow::Result<Vec<Model>> {
    let registry = engine::registry(context);
    let mut models: Vec<Model> = registry
        .list()?
        .into_iter()
        .map(|entry| Model {
            name: entry.name,
            sha256: entry.sha256,
            bytes: entry.bytes,
            architecture: entry.architecture,
        })
        .collect();
    let settings = &context.settings;
    let named = [&settings.model, &settings.embed_model, &settings.draft_model];
    for name in named
        .into_iter()
        .flatten()
        .filter(|name| !name.starts_with(engine::SCRIPTED))
    {
        let file = registry.resolve(name, &context.progress)?;
        let known = |model: &Model| model.name == file.name && model.sha256 == file.sha256;
        if !models.iter().any(known) {
            models.push(Model {
                name: file.name,
                sha256: file.sha256,
                bytes: file.bytes,
                architecture: file.header.architecture,
            });
        }
    }
    Ok(models)
}

/// Counts the address families that sockets were tried of.
fn families(roles: &[ConfinementView]) -> usize {
    let sockets = roles
        .iter()
        .flat_map(|role| &role.calls)
        .filter(|call| call.call == "socket");
    let family = |argument: &str| argument.split(' ').next().unwrap_or_default().to_owned();
    let families: BTreeSet<String> = sockets
        .map(|call| family(&call.argument))
        .filter(|family| !family.contains('+'))
        .collect();
    families.len()
}

fn json(name: &'static str, value: &impl Serialize) -> Result<Document, EvidenceError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(EvidenceError::Json)?;
    bytes.push(b'\n');
    Ok(Document { name, bytes })
}
