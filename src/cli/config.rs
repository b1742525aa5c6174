//! Settings from several places, later ones winning: built-in, policy, the user's file, the environment, the command
//! line. A policy may fix a setting; whatever comes later may then only agree.
//!
//! Nothing in a repository is ever read as configuration.

mod choice;
mod repository_checks;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{env, fs, io};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

pub(crate) use choice::{Choice, ContextTokens, GpuLayers, KvType};
pub(crate) use repository_checks::RepositoryChecks;

use super::check_choice::CheckChoice;
use super::price::{Price, Prices};
use crate::ledger::{Marking, Texts};
use crate::model::{self, Keep, LlamaConfig};
use crate::sandbox::{CheckLimits, Level};

/// Where a machine's administrator fixes settings.
pub(crate) const POLICY_FILE: &str = "/etc/skiff/policy.toml";

/// The settings that hold for this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The registered name or the file of the model.
    pub(crate) model: Option<String>,
    /// The seed of the random choice.
    pub(crate) seed: u32,
    /// Threads for the model; none leaves the choice to the model room.
    pub(crate) threads: Option<u32>,
    /// Context length in tokens; none leaves the choice to the model room.
    pub(crate) context_tokens: Option<u32>,
    /// How keys and values are stored; none leaves the choice to the model room.
    pub(crate) kv_type: Option<model::KvType>,
    /// Layers in GPU memory.
    pub(crate) gpu_layers: GpuLayers,
    /// What the states of prompts may take on disk, in MiB; 0 keeps none.
    pub(crate) prefix_cache_mib: u32,
    /// When to use colour.
    pub(crate) color: ColorMode,
    /// The registered name or the file of the embedding model; none searches by words alone.
    pub(crate) embed_model: Option<String>,
    /// The registered name or the file of a small model that drafts for the model.
    pub(crate) draft_model: Option<String>,
    /// The variables that check commands are given besides those that all have.
    pub(crate) check_env: Vec<String>,
    /// How long a check command may take; none leaves it to the sandbox.
    pub(crate) check_seconds: Option<u32>,
    /// The memory that a check command may take; none leaves it to the sandbox.
    pub(crate) check_memory_mib: Option<u32>,
    /// The checks of edits that name none, by repository.
    pub(crate) repositories: Vec<RepositoryChecks>,
    /// What tokens cost elsewhere.
    pub(crate) prices: Prices,
    /// How the user marks patches, reports and the ledger.
    pub(crate) marking: Option<Marking>,
    /// The directory of the ledger; none leaves it under the state directory.
    pub(crate) ledger_dir: Option<PathBuf>,
    /// How much the ledger keeps of what the model is told and says.
    pub(crate) ledger_texts: Texts,
    /// SHA-256 of the policy file; none where there is no policy.
    pub(crate) policy_sha256: Option<String>,
    /// What the policy demands besides what it fixes.
    pub(crate) rules: Rules,
}

impl Settings {
    /// Returns the directory of the ledger: the one that was set, else one beneath the state directory.
    pub(crate) fn ledger(&self, state: &Path) -> PathBuf {
        self.ledger_dir.clone().unwrap_or_else(|| state.join("ledger"))
    }

    /// Returns the checks that the user has set for the work tree with this root; of several settings the last.
    pub(crate) fn checks_of(&self, work_dir: &Path) -> &[CheckChoice] {
        let mut settings = self.repositories.iter().rev();
        settings
            .find(|repository| repository.is_about(work_dir))
            .map_or(&[], |repository| &repository.checks)
    }
}

/// What a policy demands. Nothing else can say any of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The SHA-256 of every model that may be loaded; any where nothing is said.
    pub(crate) allowed_models: Option<Vec<Sha256Text>>,
    /// What confines the process at least.
    pub(crate) confinement: Required,
    /// Whether check commands may be run.
    pub(crate) check: CheckRule,
}

/// A SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Sha256Text(pub(crate) String);

impl TryFrom<String> for Sha256Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(format!("{text:?} is not a SHA-256 in hexadecimal")),
        }
    }
}

/// The least confinement that a policy accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Required {
    /// What the system has.
    #[default]
    Any,
    /// System calls.
    Seccomp,
    /// System calls and files.
    Landlock,
}

impl Required {
    /// Succeeds when a process is confined as far as the policy demands.
    ///
    /// # Errors
    /// [`ConfigError::Confinement`].
    pub(crate) fn accept(self, level: Level) -> Result<(), ConfigError> {
        let enough = match (self, level) {
            (Self::Any, _) | (Self::Seccomp, Level::Seccomp | Level::Landlock(_)) => true,
            (Self::Landlock, Level::Landlock(_)) => true,
            (Self::Seccomp, Level::None) | (Self::Landlock, Level::None | Level::Seccomp) => false,
        };
        match enough {
            true => Ok(()),
            false => Err(ConfigError::Confinement {
                required: match self {
                    Self::Landlock => "landlock",
                    Self::Any | Self::Seccomp => "seccomp",
                },
                level,
            }),
        }
    }
}

/// Whether check commands may be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckRule {
    /// They may.
    #[default]
    Allow,
    /// They may not.
    Deny,
}

const PREFIX_CACHE_MIB: u32 = 2048;

impl Settings {
    /// Returns what a check command may use.
    pub(crate) fn check_limits(&self) -> CheckLimits {
        let default = CheckLimits::default();
        CheckLimits {
            time: self
                .check_seconds
                .map_or(default.time, |seconds| Duration::from_secs(seconds.into())),
            memory_bytes: self
                .check_memory_mib
                .map_or(default.memory_bytes, |mib| u64::from(mib) << 20),
            ..default
        }
    }

    /// Returns the part that the model room needs; it keeps what can be deleted at any time in a folder of `cache`.
    pub(crate) fn llama(&self, cache: &Path) -> LlamaConfig {
        LlamaConfig {
            context_tokens: self.context_tokens,
            kv_type: self.kv_type,
            threads: self.threads,
            gpu_layers: match self.gpu_layers {
                Choice::Auto => model::GpuLayers::Auto,
                Choice::Fixed(count) => model::GpuLayers::Count(count),
            },
            keep: Some(Keep {
                folder: cache.join("engine"),
                prefix_bytes: u64::from(self.prefix_cache_mib) << 20,
            }),
            ..LlamaConfig::default()
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColorMode {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What one place says; none where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    pub(crate) model: Option<String>,
    pub(crate) seed: Option<u32>,
    pub(crate) threads: Option<u32>,
    pub(crate) ctx: Option<Choice<ContextTokens>>,
    pub(crate) kv_type: Option<Choice<KvType>>,
    pub(crate) gpu_layers: Option<GpuLayers>,
    pub(crate) prefix_cache_mib: Option<u32>,
    pub(crate) color: Option<ColorMode>,
    pub(crate) embed_model: Option<String>,
    pub(crate) draft_model: Option<String>,
    pub(crate) check_env: Option<Vec<String>>,
    pub(crate) check_seconds: Option<u32>,
    pub(crate) check_memory_mib: Option<u32>,
    pub(crate) repository: Option<Vec<RepositoryChecks>>,
    pub(crate) price_prompt_per_million: Option<Price>,
    pub(crate) price_cached_per_million: Option<Price>,
    pub(crate) price_completion_per_million: Option<Price>,
    pub(crate) currency: Option<String>,
    pub(crate) marking: Option<Marking>,
    pub(crate) ledger_dir: Option<String>,
    pub(crate) ledger_texts: Option<Texts>,
}

/// What an administrator fixes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    #[serde(default)]
    pub(crate) lock: Lock,
    pub(crate) allowed_models: Option<Vec<Sha256Text>>,
    #[serde(default)]
    pub(crate) confinement: Required,
    #[serde(default)]
    pub(crate) check: CheckRule,
}

/// The settings that a policy can fix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    pub(crate) model: Option<String>,
    pub(crate) threads: Option<u32>,
    pub(crate) ctx: Option<Choice<ContextTokens>>,
    pub(crate) kv_type: Option<Choice<KvType>>,
    pub(crate) gpu_layers: Option<GpuLayers>,
    pub(crate) prefix_cache_mib: Option<u32>,
    /// Where this says nothing and `model` something, that one alone may be used for embeddings too.
    pub(crate) embed_model: Option<String>,
    /// Where this says nothing and `model` something, no other one drafts.
    pub(crate) draft_model: Option<String>,
    pub(crate) marking: Option<Marking>,
    pub(crate) ledger_dir: Option<String>,
    pub(crate) ledger_texts: Option<Texts>,
}

/// Why the settings cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file is there and cannot be read.
    #[error("cannot read {file:?}")]
    Read {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file is not TOML, or has an unknown key or a wrong value.
    #[error("{file:?} is not a valid configuration")]
    Parse {
        file: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    /// A variable of the environment has a value that means nothing.
    #[error("the environment variable {name} is {value:?}: {reason}")]
    Variable {
        name: &'static str,
        value: String,
        reason: String,
    },
    /// The process is not confined as the policy demands.
    #[error("the policy {POLICY_FILE} demands confinement by {required}; here there is: {level}")]
    Confinement { required: &'static str, level: Level },
    /// The policy does not let commands be run.
    #[error("the policy {POLICY_FILE} does not allow check commands")]
    CheckDenied,
    /// The policy names the models, and this is none of them.
    #[error("the policy {POLICY_FILE} names the models that may be used, and a script is none")]
    ScriptDenied,
    /// The directory of the ledger would depend on where skiff is started.
    #[error("`ledger_dir` is {0:?}, which is not an absolute path")]
    RelativeLedger(String),
    /// Which repository a setting is about would depend on where skiff is started.
    #[error("`path` of a [[repository]] is {0:?}, which is not an absolute path")]
    RelativeRepository(PathBuf),
    /// A place wants what the policy does not allow.
    #[error("the policy {POLICY_FILE} fixes {key} to {fixed}, and {origin} asks for {wanted}")]
    Locked {
        key: &'static str,
        fixed: String,
        origin: String,
        wanted: String,
    },
}

/// Reads every layer and puts them together.
///
/// # Errors
/// [`ConfigError`] names the file or variable that is wrong, or the setting that the policy fixes.
pub(crate) fn load(config_dir: &Path, flags: Layer) -> Result<Settings, ConfigError> {
    let policy_file = Path::new(POLICY_FILE);
    let policy_text = read(policy_file)?;
    let policy: Policy = parse(policy_file, policy_text.as_deref())?;
    let policy_sha256 = policy_text.map(|text| sha256(text.as_bytes()));
    let user_file = config_dir.join("config.toml");
    let user: Layer = parse(&user_file, read(&user_file)?.as_deref())?;
    let variables = env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    let environment = from_variables(&variables)?;
    let settings = merge(
        &policy,
        [
            (user_file.display().to_string(), user),
            ("the environment".to_owned(), environment),
            ("the command line".to_owned(), flags),
        ],
    )?;
    Ok(Settings {
        policy_sha256,
        ..settings
    })
}

/// Reads bytes as a user's file and as a policy, and puts both together. What is wrong with them is an error, and no more.
pub(super) fn read_foreign(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let file = Path::new("config.toml");
    let (user, policy) = (parse::<Layer>(file, Some(&text)), parse::<Policy>(file, Some(&text)));
    let (user, policy) = (user.unwrap_or_default(), policy.unwrap_or_default());
    if let Err(error) = merge(&policy, [("the file".to_owned(), user)]) {
        assert!(!error.to_string().is_empty());
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads one file, if it is there.
fn read(file: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read {
            file: file.to_owned(),
            source,
        }),
    }
}

/// Parses the text of a file; one that is not there says nothing.
fn parse<T: Default + for<'de> Deserialize<'de>>(file: &Path, text: Option<&str>) -> Result<T, ConfigError> {
    let Some(text) = text else {
        return Ok(T::default());
    };
    toml::from_str(text).map_err(|source| ConfigError::Parse {
        file: file.to_owned(),
        source,
    })
}

fn from_variables(variables: &BTreeMap<String, String>) -> Result<Layer, ConfigError> {
    fn parsed<T: FromStr<Err: fmt::Display>>(
        variables: &BTreeMap<String, String>,
        name: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = variables.get(name).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|reason: T::Err| ConfigError::Variable {
            name,
            value: value.clone(),
            reason: reason.to_string(),
        })
    }
    Ok(Layer {
        model: parsed(variables, "SKIFF_MODEL")?,
        seed: parsed(variables, "SKIFF_SEED")?,
        threads: parsed(variables, "SKIFF_THREADS")?,
        ctx: parsed(variables, "SKIFF_CTX")?,
        kv_type: parsed(variables, "SKIFF_KV_TYPE")?,
        gpu_layers: parsed(variables, "SKIFF_GPU_LAYERS")?,
        prefix_cache_mib: parsed(variables, "SKIFF_PREFIX_CACHE_MIB")?,
        color: parsed(variables, "SKIFF_COLOR")?,
        embed_model: parsed(variables, "SKIFF_EMBED_MODEL")?,
        draft_model: parsed(variables, "SKIFF_DRAFT_MODEL")?,
        marking: parsed(variables, "SKIFF_MARKING")?,
        ledger_dir: parsed(variables, "SKIFF_LEDGER_DIR")?,
        ledger_texts: parsed(variables, "SKIFF_LEDGER_TEXTS")?,
        ..Layer::default()
    })
}

impl FromStr for ColorMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as clap::ValueEnum>::from_str(text, false).map_err(|_| "expected `auto`, `always` or `never`".to_owned())
    }
}

/// Puts the layers together, the last one winning, as far as the policy allows.
fn merge(policy: &Policy, layers: impl IntoIterator<Item = (String, Layer)>) -> Result<Settings, ConfigError> {
    let lock = &policy.lock;
    let mut merged = Layer {
        model: lock.model.clone(),
        threads: lock.threads,
        ctx: lock.ctx,
        kv_type: lock.kv_type,
        gpu_layers: lock.gpu_layers,
        prefix_cache_mib: lock.prefix_cache_mib,
        embed_model: lock.embed_model.clone(),
        draft_model: lock.draft_model.clone(),
        marking: lock.marking.clone(),
        ledger_dir: lock.ledger_dir.clone(),
        ledger_texts: lock.ledger_texts,
        ..Layer::default()
    };
    for (origin, layer) in layers {
        agree("model", &lock.model, &layer.model, &origin)?;
        agree("threads", &lock.threads, &layer.threads, &origin)?;
        agree("ctx", &lock.ctx, &layer.ctx, &origin)?;
        agree("kv_type", &lock.kv_type, &layer.kv_type, &origin)?;
        agree("gpu_layers", &lock.gpu_layers, &layer.gpu_layers, &origin)?;
        agree(
            "prefix_cache_mib",
            &lock.prefix_cache_mib,
            &layer.prefix_cache_mib,
            &origin,
        )?;
        // No weights are read but those that the policy knows.
        let embed_lock = lock.embed_model.as_ref().or(lock.model.as_ref()).cloned();
        agree("marking", &lock.marking, &layer.marking, &origin)?;
        agree("ledger_dir", &lock.ledger_dir, &layer.ledger_dir, &origin)?;
        agree("ledger_texts", &lock.ledger_texts, &layer.ledger_texts, &origin)?;
        agree("embed_model", &embed_lock, &layer.embed_model, &origin)?;
        let draft_lock = lock.draft_model.as_ref().or(lock.model.as_ref()).cloned();
        agree("draft_model", &draft_lock, &layer.draft_model, &origin)?;
        merged = Layer {
            model: layer.model.or(merged.model),
            seed: layer.seed.or(merged.seed),
            threads: layer.threads.or(merged.threads),
            ctx: layer.ctx.or(merged.ctx),
            kv_type: layer.kv_type.or(merged.kv_type),
            gpu_layers: layer.gpu_layers.or(merged.gpu_layers),
            prefix_cache_mib: layer.prefix_cache_mib.or(merged.prefix_cache_mib),
            color: layer.color.or(merged.color),
            embed_model: layer.embed_model.or(merged.embed_model),
            draft_model: layer.draft_model.or(merged.draft_model),
            check_env: layer.check_env.or(merged.check_env),
            check_seconds: layer.check_seconds.or(merged.check_seconds),
            check_memory_mib: layer.check_memory_mib.or(merged.check_memory_mib),
            repository: layer.repository.or(merged.repository),
            price_prompt_per_million: layer.price_prompt_per_million.or(merged.price_prompt_per_million),
            price_cached_per_million: layer.price_cached_per_million.or(merged.price_cached_per_million),
            price_completion_per_million: layer
                .price_completion_per_million
                .or(merged.price_completion_per_million),
            currency: layer.currency.or(merged.currency),
            marking: layer.marking.or(merged.marking),
            ledger_dir: layer.ledger_dir.or(merged.ledger_dir),
            ledger_texts: layer.ledger_texts.or(merged.ledger_texts),
        };
    }
    if let Some(dir) = merged.ledger_dir.as_ref().filter(|dir| !Path::new(dir).is_absolute()) {
        return Err(ConfigError::RelativeLedger(dir.clone()));
    }
    let repositories = merged.repository.unwrap_or_default();
    repositories.iter().try_for_each(RepositoryChecks::accept)?;
    Ok(Settings {
        model: merged.model,
        seed: merged.seed.unwrap_or_default(),
        threads: merged.threads,
        context_tokens: merged.ctx.and_then(Choice::fixed).map(|tokens| tokens.0),
        kv_type: merged.kv_type.and_then(Choice::fixed).map(|kind| kind.0),
        gpu_layers: merged.gpu_layers.unwrap_or_default(),
        prefix_cache_mib: merged.prefix_cache_mib.unwrap_or(PREFIX_CACHE_MIB),
        color: merged.color.unwrap_or_default(),
        embed_model: merged.embed_model,
        draft_model: merged.draft_model,
        check_env: merged.check_env.unwrap_or_default(),
        check_seconds: merged.check_seconds,
        check_memory_mib: merged.check_memory_mib,
        repositories,
        prices: Prices {
            prompt: merged.price_prompt_per_million,
            cached: merged.price_cached_per_million,
            completion: merged.price_completion_per_million,
            currency: merged.currency,
        },
        rules: Rules {
            allowed_models: policy.allowed_models.clone(),
            confinement: policy.confinement,
            check: policy.check,
        },
        marking: merged.marking,
        ledger_dir: merged.ledger_dir.map(PathBuf::from),
        ledger_texts: merged.ledger_texts.unwrap_or_default(),
        policy_sha256: None,
    })
}

fn agree<T: PartialEq + fmt::Display>(
    key: &'static str,
    fixed: &Option<T>,
    wanted: &Option<T>,
    origin: &str,
) -> Result<(), ConfigError> {
    match (fixed, wanted) {
        (Some(fixed), Some(wanted)) if fixed != wanted => Err(ConfigError::Locked {
            key,
            fixed: fixed.to_string(),
            origin: origin.to_owned(),
            wanted: wanted.to_string(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Layer {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn later_layers_win_setting_by_setting() {
        let settings = merge(
            &Policy::default(),
            [
                (
                    "file".to_owned(),
                    layer("model = 'a'\nthreads = 2\ngpu_layers = 7\ncolor = 'never'"),
                ),
                (
                    "env".to_owned(),
                    layer("model = 'b'\nctx = 4096\nkv_type = 'q8_0'\ngpu_layers = 'auto'\nembed_model = 'e'\ndraft_model = 'd'"),
                ),
                ("flags".to_owned(), layer("seed = 9")),
            ],
        )
        .unwrap();
        assert_eq!(
            settings,
            Settings {
                model: Some("b".to_owned()),
                seed: 9,
                threads: Some(2),
                context_tokens: Some(4096),
                kv_type: Some(model::KvType::Q8_0),
                gpu_layers: Choice::Auto,
                prefix_cache_mib: PREFIX_CACHE_MIB,
                color: ColorMode::Never,
                embed_model: Some("e".to_owned()),
                draft_model: Some("d".to_owned()),
                ..Settings::default()
            }
        );
    }

    #[test]
    fn auto_takes_an_earlier_value_back() {
        let layers = [
            ("file".to_owned(), layer("ctx = 4096\nkv_type = 'f16'\ngpu_layers = 3")),
            (
                "flags".to_owned(),
                layer("ctx = 'auto'\nkv_type = 'auto'\ngpu_layers = 'auto'"),
            ),
        ];
        let settings = merge(&Policy::default(), layers.clone()).unwrap();
        assert_eq!(
            (settings.context_tokens, settings.kv_type, settings.gpu_layers),
            (None, None, Choice::Auto)
        );
        let policy: Policy = toml::from_str("[lock]\nkv_type = 'f16'").unwrap();
        assert!(matches!(
            merge(&policy, layers),
            Err(ConfigError::Locked { key: "kv_type", .. })
        ));
    }

    #[test]
    fn a_policy_holds_against_every_layer() {
        let policy: Policy = toml::from_str("[lock]\nmodel = 'audited'\nthreads = 4\nprefix_cache_mib = 0").unwrap();
        let agreed = merge(&policy, [("flags".to_owned(), layer("threads = 4"))]).unwrap();
        assert_eq!((agreed.model.as_deref(), agreed.threads), (Some("audited"), Some(4)));
        assert_eq!(agreed.prefix_cache_mib, 0);
        assert_eq!(agreed.embed_model, None);
        let both: Policy = toml::from_str("[lock]\nmodel = 'audited'\nembed_model = 'vectors'").unwrap();
        let agreed = merge(&both, [("flags".to_owned(), layer("embed_model = 'vectors'"))]).unwrap();
        assert_eq!(agreed.embed_model.as_deref(), Some("vectors"));
        assert!(merge(&both, [("flags".to_owned(), layer("embed_model = 'audited'"))]).is_err());
        let both: Policy = toml::from_str("[lock]\nmodel = 'audited'\ndraft_model = 'small'").unwrap();
        let agreed = merge(&both, [("flags".to_owned(), layer("draft_model = 'small'"))]).unwrap();
        assert_eq!(agreed.draft_model.as_deref(), Some("small"));
        assert!(merge(&both, [("flags".to_owned(), layer("draft_model = 'other'"))]).is_err());
        for text in [
            "model = 'mine'",
            "threads = 5",
            "prefix_cache_mib = 1",
            "embed_model = 'mine'",
            "draft_model = 'mine'",
        ] {
            let error = merge(
                &policy,
                [("flags".to_owned(), layer(text)), ("x".to_owned(), Layer::default())],
            );
            assert!(matches!(error, Err(ConfigError::Locked { .. })), "{text}");
        }
    }

    #[test]
    fn a_policy_demands_confinement_models_and_checks() {
        let hash = "1D".repeat(32);
        let text = format!("confinement = 'landlock'\nallowed_models = ['{hash}']\ncheck = 'deny'");
        let policy: Policy = toml::from_str(&text).unwrap();
        let rules = merge(&policy, [("x".to_owned(), Layer::default())]).unwrap().rules;
        assert_eq!(rules.allowed_models, Some(vec![Sha256Text(hash.to_lowercase())]));
        assert_eq!(rules.check, CheckRule::Deny);
        for (level, accepted) in [
            (Level::None, false),
            (Level::Seccomp, false),
            (Level::Landlock(2), true),
        ] {
            assert_eq!(rules.confinement.accept(level).is_ok(), accepted, "{level}");
        }
        assert!(Required::Seccomp.accept(Level::None).is_err() && Required::Any.accept(Level::None).is_ok());
        for wrong in [
            "allowed_models = ['abc']",
            "confinement = 'all'",
            "check = true",
            "models = []",
        ] {
            assert!(toml::from_str::<Policy>(wrong).is_err(), "{wrong}");
        }
        // Only the policy can say it.
        assert!(toml::from_str::<Layer>("allowed_models = []").is_err());
    }

    #[test]
    fn a_policy_holds_the_ledger_in_its_place() {
        let policy: Policy =
            toml::from_str("[lock]\nledger_dir = '/var/log/skiff'\nledger_texts = 'full'\nmarking = 'INTERNAL'")
                .unwrap();
        let agreed = merge(&policy, [("flags".to_owned(), layer("marking = 'INTERNAL'"))]).unwrap();
        assert_eq!(agreed.ledger_dir.as_deref(), Some(Path::new("/var/log/skiff")));
        assert_eq!(agreed.ledger_texts, Texts::Full);
        for text in [
            "ledger_dir = '/tmp/x'",
            "ledger_texts = 'digests'",
            "marking = 'PUBLIC'",
        ] {
            let error = merge(&policy, [("x".to_owned(), layer(text))]);
            assert!(matches!(error, Err(ConfigError::Locked { .. })), "{text}");
        }
        let relative = merge(&Policy::default(), [("x".to_owned(), layer("ledger_dir = 'here'"))]);
        assert!(matches!(relative, Err(ConfigError::RelativeLedger(_))));
        assert!(toml::from_str::<Layer>("marking = \"a\\nb\"").is_err());
    }

    #[test]
    fn a_repository_has_checks_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let entry = |path: &Path, check: &str| format!("[[repository]]\npath = {path:?}\nchecks = [{check:?}]\n");
        let text = [
            entry(&root, "true"),
            entry(Path::new("/nowhere"), "false"),
            entry(&root, "@cargo"),
        ]
        .concat();
        let merged = |text: &str| merge(&Policy::default(), [("file".to_owned(), layer(text))]);
        let settings = merged(&text).unwrap();
        assert_eq!(settings.checks_of(&root), ["@cargo".parse().unwrap()]);
        assert_eq!(settings.checks_of(&root.join("below")), []);
        let relative = merged(&entry(Path::new("src/x"), "true"));
        assert!(matches!(relative, Err(ConfigError::RelativeRepository(_))));
        let wrong = toml::from_str::<Layer>(&entry(&root, "@carg")).unwrap_err().to_string();
        assert!(
            wrong.contains("no check profile is named \"carg\"; known are @auto, @examples, @cargo"),
            "{wrong}"
        );
        // An administrator names no commands.
        assert!(toml::from_str::<Policy>(&format!("[lock]\n{text}")).is_err());
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_named() {
        for (text, said) in [
            ("modle = 'a'", "unknown field `modle`"),
            ("threads = 'two'", "invalid type"),
            ("gpu_layers = 'some'", "expected `auto` or a number"),
            ("ctx = 255", "expected `auto` or a number from 256"),
            ("kv_type = 'q4_0'", "expected `auto`, `f16` or `q8_0`"),
            ("kv_type = 8", "expected `auto`, `f16` or `q8_0`"),
            ("color = 'blue'", "unknown variant `blue`"),
        ] {
            let error = toml::from_str::<Layer>(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(toml::from_str::<Policy>("[lock]\nseed = 1").is_err());
        assert!(toml::from_str::<Policy>("model = 'a'").is_err());
    }

    #[test]
    fn variables_are_parsed_and_blamed_by_name() {
        let variables = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let read = from_variables(&variables("SKIFF_GPU_LAYERS", "12")).unwrap();
        assert_eq!(read.gpu_layers, Some(Choice::Fixed(12)));
        assert_eq!(from_variables(&variables("SKIFF_CTX", "")).unwrap(), Layer::default());
        let error = from_variables(&variables("SKIFF_THREADS", "many"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("SKIFF_THREADS") && error.contains("many"), "{error}");
    }
}
