//! The role that a verb has, and how its process enters it: here, and nowhere else, rights are given up.
//!
//! The order is fixed. Inherited descriptors are closed; the configuration is read, which is the user's and the
//! administrator's; the repository is found by names alone; helpers are forked; then the process is confined. Only then
//! it reads what it does not trust: the files that say where a repository's parts lie. What it can read is narrowed to
//! those, and the first thread may start.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::args::{Args, BundleCommand, Command, DoctorArgs, LogArgs, LogCommand, ModelCommand};
use super::check_choice::{self, CheckChoice};
use super::check_level::ByLevel;
use super::commands::batch::batches;
use super::config::{self, CheckRule, ConfigError, Layer, Settings};
use super::context;
use super::data_flow::{self, Flow, Rights};
use super::directories::Directories;
use super::hand::IS_SEPARATE;
use super::input;
use super::self_test::{self, Tried};
use crate::evidence::Folder;
use crate::repo::{FileWrite, Repository, Surroundings, configured_files, create_private_dir};
use crate::sandbox::{
    self, CallProbe, CheckCommand, CheckError, Checker, Confinement, Requests, Role, SandboxError, Scratch,
};

/// A process that has its place and not yet its role.
#[derive(Debug)]
pub(super) struct Ground {
    directories: Directories,
    settings: Settings,
    surroundings: Option<Surroundings>,
    checks: ByLevel<Vec<CheckChoice>>,
    output: Option<File>,
    input: Option<File>,
    report: Option<File>,
    folder: Option<Folder>,
    started: Instant,
}

/// A process that has its role.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) confinement: Confinement,
    pub(crate) directories: Directories,
    pub(crate) settings: Settings,
    /// The file that `--output` names, opened before files were out of reach.
    pub(crate) output: Option<File>,
    /// The file that the verb reads, opened then too, and not read yet.
    pub(crate) input: Option<File>,
    /// The report of a tool that it reads besides.
    pub(crate) report: Option<File>,
    /// The checks of an edit, those of the command line, else those that the user has set for the repository; or those of a
    /// batch.
    pub(crate) checks: ByLevel<Vec<CheckChoice>>,
    /// What runs the check commands of each level.
    pub(crate) checkers: ByLevel<Option<Checker>>,
    /// What `doctor` and `evidence` found out before.
    pub(crate) findings: Findings,
    /// How long all of this took.
    pub(crate) took: Duration,
}

/// What is found out of the confinement before the process is confined itself; nothing for most verbs.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The roles, each tried in a process of its own.
    pub(crate) tried: Vec<Tried>,
    /// A call of a foreign ABI in the role of this process.
    pub(crate) foreign: Option<CallProbe>,
    /// What each verb may read and write here.
    pub(crate) flows: Vec<Flow>,
    /// Where the documents go.
    pub(crate) folder: Option<Folder>,
}

/// Returns the role of a verb. `edit --apply` has both, one after the other, in two processes.
pub(super) fn of(command: &Command) -> Role {
    match command {
        Command::Apply(_) | Command::Bundle(BundleCommand::Apply(_)) | Command::Undo(_) | Command::Discard(_) => {
            Role::Hand
        }
        Command::Edit(_)
        | Command::Batch(_)
        | Command::Bundle(BundleCommand::Create(_) | BundleCommand::Verify(_))
        | Command::Map(_)
        | Command::Index(_)
        | Command::Find(_)
        | Command::List(_)
        | Command::Show(_)
        | Command::Log(_)
        | Command::Model(_)
        | Command::Doctor(_)
        | Command::Evidence(_)
        | Command::Completions(_)
        | Command::Man(_) => Role::Brain,
    }
}

impl Ground {
    /// Goes to the directory that `-C` names, opens the file that `--output` names and the one that is to be read,
    /// closes what was inherited, reads the configuration, and finds the directories and the repository.
    ///
    /// # Errors
    /// When the directory cannot be entered, the file not be opened, there is no home, or the configuration is wrong.
    pub(super) fn find(args: &Args, flags: Layer) -> anyhow::Result<Self> {
        let started = Instant::now();
        if let Some(directory) = &args.global.directory {
            env::set_current_dir(directory).with_context(|| format!("cannot go to the directory {directory:?}"))?;
        }
        let output = match &args.command {
            Command::Edit(edit) => edit.output.as_deref().filter(|file| *file != Path::new("-")),
            Command::Bundle(BundleCommand::Create(create)) => Some(create.output.as_path()),
            _ => None,
        };
        let output = output.map(open_output).transpose()?;
        let input = match &args.command {
            Command::Apply(apply) => apply.source.file().map(|file| (file, "the patch")),
            Command::Batch(batch) => batch.plan_file().map(|plan| (plan, "the plan")),
            Command::Bundle(BundleCommand::Verify(verify)) => Some((verify.file.as_path(), "the bundle")),
            Command::Bundle(BundleCommand::Apply(apply)) => Some((apply.file.as_path(), "the bundle")),
            Command::Edit(edit) => {
                let file = edit.failure.as_deref().filter(|file| *file != Path::new("-"));
                file.map(|file| (file, "what a check said"))
            }
            _ => None,
        };
        let input = input.map(|(file, what)| input::open(file, what)).transpose()?;
        let report = match &args.command {
            Command::Batch(batch) => batch.findings.as_deref().filter(|file| *file != Path::new("-")),
            _ => None,
        };
        let report = report.map(|file| input::open(file, "the report")).transpose()?;
        let keep: Vec<i32> = output
            .iter()
            .chain(&input)
            .chain(&report)
            .map(|file| file.as_raw_fd())
            .collect();
        sandbox::close_inherited(&keep).map_err(SandboxError::Descriptors)?;
        let directory = env::current_dir().context("cannot tell the current directory")?;
        let directories = Directories::find()?;
        let folder = match &args.command {
            Command::Evidence(evidence) => Some(Folder::open(&evidence.output)?),
            _ => None,
        };
        let settings = config::load(&directories.config, flags)?;
        let surroundings = Surroundings::find(&directory);
        let work_dir = surroundings.as_ref().and_then(Surroundings::work_dir);
        Ok(Self {
            checks: match &args.command {
                Command::Edit(edit) => ByLevel {
                    each: match (&edit.check[..], edit.no_check) {
                        ([], true) => Vec::new(),
                        ([], false) => work_dir.map_or_else(Vec::new, |work_dir| settings.checks_of(work_dir).to_vec()),
                        (checks, _) => checks.to_vec(),
                    },
                    ..ByLevel::default()
                },
                Command::Batch(batch) if batch.repos.is_none() => ByLevel {
                    each: batch.check_each.clone(),
                    group: batch.check_group.clone(),
                    all: batch.check_all.clone(),
                },
                _ => ByLevel::default(),
            },
            folder,
            settings,
            directories,
            surroundings,
            output,
            input,
            report,
            started,
        })
    }

    /// Enters the role: forks its helper, confines the process, and narrows what can be read.
    ///
    /// # Errors
    /// When the process cannot be confined, or not as far as the policy demands, or the policy forbids check commands.
    pub(super) fn enter(self, role: Role, args: &Args) -> anyhow::Result<Entered> {
        let aside = Instant::now();
        let findings = self.find_out(&args.command)?;
        let aside = aside.elapsed();
        let rules = &self.settings.rules;
        let checkers = self.checks.as_ref().try_map(|checks| -> anyhow::Result<_> {
            if checks.is_empty() || role != Role::Brain {
                return Ok(None);
            }
            if rules.check == CheckRule::Deny {
                return Err(ConfigError::CheckDenied.into());
            }
            Ok(Some(Checker::start(|requests| self.serve_checks(requests, checks))?))
        })?;
        let is_checked = [&checkers.each, &checkers.group, &checkers.all]
            .iter()
            .any(|checker| checker.is_some());
        self.make_folders(role, &args.command);
        let mut confinement = Confinement::enter(role, &self.writes(role, &args.command))?;
        rules.confinement.accept(confinement.level())?;
        if is_checked && confinement.level().landlock_abi().is_none() {
            return Err(CheckError::Unconfined.into());
        }
        confinement.limit_reads(&self.reads(role, &args.command))?;
        Ok(Entered {
            confinement,
            directories: self.directories,
            settings: self.settings,
            output: self.output,
            input: self.input,
            report: self.report,
            checks: self.checks,
            checkers,
            findings,
            took: self.started.elapsed().saturating_sub(aside),
        })
    }

    /// Tries the roles and looks up what verbs may do, for the verbs that report it.
    fn find_out(&self, command: &Command) -> anyhow::Result<Findings> {
        // With the rights that they have here when they work.
        let tried = |role| {
            Tried::run(role, &|| self.enter_for_trial(role), &|| {
                self_test::targets(&self.directories)
            })
        };
        Ok(match command {
            Command::Doctor(_) if IS_SEPARATE => Findings {
                tried: [Role::Hand, Role::Checker].map(tried).into(),
                foreign: sandbox::foreign_call(&|| self.enter_for_trial(Role::Brain))
                    .context("cannot try a call of a foreign ABI")?,
                ..Findings::default()
            },
            Command::Evidence(_) => Findings {
                tried: match IS_SEPARATE {
                    true => [Role::Brain, Role::Hand, Role::Checker].map(tried).into(),
                    false => Vec::new(),
                },
                flows: data_flow::flows(&|role, command| Rights {
                    reads: self.reads(role, command),
                    writes: self.writes(role, command),
                })?,
                folder: self.folder.clone(),
                ..Findings::default()
            },
            _ => Findings::default(),
        })
    }

    fn enter_for_trial(&self, role: Role) -> Result<Confinement, SandboxError> {
        let command = Command::Doctor(DoctorArgs { json: false });
        let mut confinement = Confinement::enter(role, &self.writes(role, &command))?;
        confinement.limit_reads(&self.reads(role, &command))?;
        Ok(confinement)
    }

    /// Makes the folders of skiff's own that a verb changes: a rule can be made for what is there only.
    fn make_folders(&self, role: Role, command: &Command) {
        // They look, and leave nothing behind.
        if matches!(command, Command::Doctor(_) | Command::Evidence(_)) {
            return;
        }
        // The hand only reads what the brain leaves there.
        let named = match command {
            Command::Batch(batch) => batch.written().map(Path::to_owned),
            _ => None,
        };
        for folder in self.own_folders(role, command).into_iter().chain(named) {
            // Where it cannot be made, whoever writes to it says so.
            let _ = create_private_dir(&folder);
        }
    }

    /// Returns what a verb changes.
    fn writes(&self, role: Role, command: &Command) -> Vec<PathBuf> {
        let mut folders = self.own_folders(role, command);
        match (role, command) {
            // A branch is git's alone: of a linked work tree its folders lie elsewhere.
            (Role::Hand, Command::Batch(_)) => {
                let own = self.surroundings.iter().flat_map(Surroundings::folders);
                let work_dir = self.surroundings.as_ref().and_then(Surroundings::work_dir);
                folders.extend(own.filter(|folder| Some(folder.as_path()) != work_dir));
            }
            (Role::Hand, Command::Discard(_)) | (Role::Brain | Role::Checker, _) => {}
            (Role::Hand, _) => {
                let work_dir = self.surroundings.iter().filter_map(|s| s.work_dir());
                folders.extend(work_dir.map(Path::to_owned));
            }
        }
        folders
    }

    /// Returns the folders that a verb changes besides the work tree.
    fn own_folders(&self, role: Role, command: &Command) -> Vec<PathBuf> {
        let Directories {
            state, cache, models, ..
        } = &self.directories;
        let records = self.records();
        match (role, command) {
            (Role::Brain, Command::Model(ModelCommand::Add(_) | ModelCommand::Verify(_) | ModelCommand::Remove(_))) => {
                vec![models.clone()]
            }
            (Role::Brain, Command::Model(ModelCommand::List(_)) | Command::Completions(_) | Command::Man(_)) => {
                Vec::new()
            }
            // The key pair is made where there is none.
            (Role::Brain, Command::Bundle(BundleCommand::Create(_))) => vec![context::keys(state)],
            (Role::Brain, Command::Bundle(_)) => Vec::new(),
            (Role::Brain, Command::Log(log)) => match &log.command {
                // The key pair is made when it is first asked for.
                Some(LogCommand::Key(_)) => vec![context::keys(state)],
                None | Some(LogCommand::Stats(_) | LogCommand::Verify(_) | LogCommand::Export(_)) => Vec::new(),
            },
            // They make the folder of a work tree's proposals where there is none, and record nothing.
            (Role::Brain, Command::List(_) | Command::Show(_)) => vec![self.proposals()],
            (Role::Brain, Command::Evidence(evidence)) => vec![evidence.output.clone()],
            (
                Role::Brain,
                Command::Model(ModelCommand::Bench(_)) | Command::Index(_) | Command::Map(_) | Command::Find(_),
            ) => vec![cache.clone()],
            // `doctor` has the rights that an edit has, as far as the folders are there.
            (
                Role::Brain,
                Command::Edit(_) | Command::Apply(_) | Command::Undo(_) | Command::Discard(_) | Command::Doctor(_),
            ) => records.into_iter().chain([cache.clone()]).collect(),
            (Role::Brain, Command::Batch(batch)) => {
                let folder = batch.written().map_or_else(|| batches(state), Path::to_owned);
                records.into_iter().chain([cache.clone(), folder]).collect()
            }
            (Role::Hand, Command::Discard(_)) => records,
            // The ledger may lie outside of the state directory.
            (Role::Hand, _) => vec![state.clone(), self.settings.ledger(state)],
            (Role::Checker, _) => vec![self.scratch_folder()],
        }
    }

    /// Returns where a role that changes something keeps records of it. The journal by which a work tree is restored is
    /// not among them: it is the hand's alone.
    fn records(&self) -> Vec<PathBuf> {
        let state = &self.directories.state;
        vec![self.proposals(), self.settings.ledger(state), context::keys(state)]
    }

    fn proposals(&self) -> PathBuf {
        self.directories.state.join("proposals")
    }

    /// Returns what a verb reads besides the folders of the system.
    fn reads(&self, role: Role, command: &Command) -> Vec<PathBuf> {
        let state = &self.directories.state;
        let mut reads = self.surrounding_reads();
        match command {
            Command::Log(log) => return self.log_reads(log),
            // No repository: a bundle is checked where that is not.
            Command::Bundle(BundleCommand::Verify(_)) => {
                return vec![self.settings.ledger(state), context::keys(state)];
            }
            Command::Bundle(BundleCommand::Create(create)) => {
                reads.extend([self.settings.ledger(state), context::keys(state), create.folder.clone()]);
            }
            // No repository: the registry of models, the program itself, the configuration.
            Command::Evidence(_) => {
                let executable = env::current_exe().ok();
                let mut reads = self.models(command);
                reads.extend([self.directories.config.clone()].into_iter().chain(executable));
                return reads;
            }
            // Neither proposals nor the ledger.
            Command::Edit(_) | Command::Batch(_) | Command::Doctor(_) if role == Role::Checker => {}
            Command::Edit(_)
            | Command::Batch(_)
            | Command::Apply(_)
            | Command::Bundle(BundleCommand::Apply(_))
            | Command::Undo(_)
            | Command::Discard(_)
            | Command::Doctor(_) => {
                reads.extend([state.clone(), self.settings.ledger(state)]);
                if let Command::Batch(batch) = command {
                    reads.extend(batch.read().iter().cloned());
                    reads.extend(batch.written().map(Path::to_owned));
                }
            }
            // A patch names the head of the ledger, which is known without the key.
            Command::List(_) | Command::Show(_) => reads.extend([self.proposals(), self.settings.ledger(state)]),
            // Neither proposals nor the key of the ledger are any of their business.
            Command::Index(_)
            | Command::Map(_)
            | Command::Find(_)
            | Command::Model(_)
            | Command::Completions(_)
            | Command::Man(_) => {}
        }
        if role == Role::Brain {
            reads.extend(self.models(command));
        }
        reads
    }

    /// Returns what `log` reads: the ledger, the key that it is signed with, the file that it is to check. No repository.
    fn log_reads(&self, log: &LogArgs) -> Vec<PathBuf> {
        let state = &self.directories.state;
        let mut reads = vec![self.settings.ledger(state), context::keys(state)];
        if let Some(LogCommand::Verify(verify)) = &log.command {
            reads.extend(verify.file.clone());
        }
        reads
    }

    /// Returns the repository and what belongs to it, and the cache.
    fn surrounding_reads(&self) -> Vec<PathBuf> {
        let directories = &self.directories;
        let mut reads: Vec<PathBuf> = self.surroundings.iter().flat_map(Surroundings::folders).collect();
        reads.extend([
            directories.config.clone(),
            directories.cache.clone(),
            directories.home.join(".gitconfig"),
        ]);
        if let Some(config) = directories.config.parent() {
            // Each by itself too: any of them may be a link to where the user keeps such files.
            reads.extend(["git", "git/config", "git/ignore", "git/attributes"].map(|name| config.join(name)));
        }
        reads.extend(configured_files(&directories.home));
        // Where a driver is told to find its libraries.
        let libraries = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        reads.extend(env::split_paths(&libraries).filter(|path| path.is_absolute()));
        reads
    }

    /// Returns the files of models that may be asked for: those that are registered, and those that are named by path.
    fn models(&self, command: &Command) -> Vec<PathBuf> {
        let folder = &self.directories.models;
        // A registered model may be a link to where the weights lie.
        let entries = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let mut models: Vec<PathBuf> = entries.filter(|path| path.is_symlink()).collect();
        models.push(folder.clone());
        let Settings {
            model,
            embed_model,
            draft_model,
            ..
        } = &self.settings;
        for named in [model, embed_model, draft_model].into_iter().flatten() {
            models.push(named.strip_prefix(super::engine::SCRIPTED).unwrap_or(named).into());
        }
        if let Command::Model(ModelCommand::Add(add)) = command {
            models.push(add.file.clone());
        }
        models
    }

    fn scratch_folder(&self) -> PathBuf {
        self.directories.cache.join("checks")
    }

    /// The work of the checker's process: is confined as every other, and runs the commands that the user named on the
    /// candidates that come in. What keeps it from that is its answer to the first.
    fn serve_checks(&self, mut requests: Requests, checks: &[CheckChoice]) -> i32 {
        let ready = self.prepare_checks(checks);
        while let Ok(Some(writes)) = requests.candidate() {
            let answer = match &ready {
                Ok(commands) => self.check(commands, &writes, &|| requests.is_abandoned()),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            };
            if requests.answer(&answer.map_err(|error| format!("{error:#}"))).is_err() {
                break;
            }
        }
        0
    }

    /// Confines the process, and then puts the commands together: what `@auto` stands for is seen here, as it is seen in
    /// the brain, which is not asked.
    fn prepare_checks(&self, checks: &[CheckChoice]) -> anyhow::Result<Vec<CheckCommand>> {
        let scratch = self.scratch_folder();
        create_private_dir(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let mut confinement = Confinement::enter(Role::Checker, &[scratch])?;
        let settings = &self.settings;
        let passed_on = |name: &String| Some((name.into(), env::var_os(name)?));
        let passed_on: Vec<_> = settings.check_env.iter().filter_map(passed_on).collect();
        let command = |line: String| CheckCommand {
            line,
            limits: settings.check_limits(),
            passed_on: passed_on.clone(),
        };
        let mut reads = self.surrounding_reads();
        // What a command reads does not depend on its line.
        reads.extend(command(String::new()).reads());
        confinement.limit_reads(&reads)?;
        let lines = check_choice::lines(checks, || check_choice::detect(&repository()?))?;
        Ok(lines.into_iter().map(command).collect())
    }

    fn check(
        &self,
        commands: &[CheckCommand],
        writes: &[FileWrite],
        stopped: &dyn Fn() -> bool,
    ) -> anyhow::Result<Vec<sandbox::CheckOutcome>> {
        let snapshot = repository()?.snapshot()?;
        let scratch = Scratch::copy(&snapshot, &self.scratch_folder())?;
        scratch.change(writes)?;
        let mut outcomes = Vec::new();
        for command in commands {
            let outcome = command.run(&scratch, stopped)?;
            let passed = outcome.passed();
            outcomes.push(outcome);
            if !passed {
                break;
            }
        }
        Ok(outcomes)
    }
}

/// Opens the repository around the current directory.
fn repository() -> anyhow::Result<Repository> {
    let directory = env::current_dir().context("cannot tell the current directory")?;
    Ok(Repository::discover(&directory)?)
}

/// Opens the file for the patch as a shell would; what is in it stays until there is a patch.
fn open_output(file: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)
        .with_context(|| format!("cannot write the patch to {}", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn rights(line: &str) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let ground = Ground {
            directories: Directories {
                home: root.join("home"),
                config: root.join("config"),
                state: root.join("state"),
                cache: root.join("cache"),
                models: root.join("models"),
            },
            settings: Settings {
                ledger_dir: Some(root.join("elsewhere")),
                ..Settings::default()
            },
            surroundings: None,
            checks: ByLevel::default(),
            output: None,
            input: None,
            report: None,
            folder: None,
            started: Instant::now(),
        };
        let args = Args::try_parse_from(line.split(' ')).unwrap();
        let role = of(&args.command);
        let below = |paths: Vec<PathBuf>| {
            let below = paths.iter().filter_map(|path| path.strip_prefix(root).ok());
            below.map(Path::to_owned).collect()
        };
        (
            below(ground.writes(role, &args.command)),
            below(ground.reads(role, &args.command)),
        )
    }

    #[test]
    fn a_policy_denies_checks_wherever_they_come_from() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| place.path().join(name);
        for line in ["skiff edit x --check @cargo", "skiff edit x"] {
            let ground = Ground {
                directories: Directories {
                    home: folder("home"),
                    config: folder("config"),
                    state: folder("state"),
                    cache: folder("cache"),
                    models: folder("models"),
                },
                settings: Settings {
                    rules: config::Rules {
                        check: CheckRule::Deny,
                        ..config::Rules::default()
                    },
                    ..Settings::default()
                },
                surroundings: None,
                // What `find` takes from the line, or else from the user's file.
                checks: ByLevel {
                    each: vec![CheckChoice::Auto],
                    ..ByLevel::default()
                },
                output: None,
                input: None,
                report: None,
                folder: None,
                started: Instant::now(),
            };
            let args = Args::try_parse_from(line.split(' ')).unwrap();
            // It comes before anything is forked or given up.
            let error = ground.enter(Role::Brain, &args).unwrap_err();
            assert!(
                matches!(error.downcast_ref(), Some(ConfigError::CheckDenied)),
                "{error:#}"
            );
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_records_may_write_the_ledger_and_who_looks_may_not_read_its_key() {
        let has = |paths: &[PathBuf], path: &str| paths.iter().any(|right| Path::new(path).starts_with(right));
        for line in ["skiff edit x", "skiff apply 1", "skiff undo", "skiff discard 1"] {
            let (writes, _) = rights(line);
            assert!(
                has(&writes, "elsewhere") && has(&writes, "state/keys"),
                "{line}: {writes:?}"
            );
            assert_eq!(has(&writes, "state/worktrees"), of_hand(line), "{line}: {writes:?}");
        }
        for line in ["skiff find f", "skiff map", "skiff index", "skiff model list"] {
            let (writes, reads) = rights(line);
            let all = [writes, reads].concat();
            assert!(!has(&all, "elsewhere") && !has(&all, "state/keys"), "{line}: {all:?}");
        }
        for line in ["skiff list", "skiff show 1"] {
            let (writes, reads) = rights(line);
            assert_eq!(writes, [Path::new("state/proposals")], "{line}");
            assert!(
                has(&reads, "elsewhere") && !has(&reads, "state/keys"),
                "{line}: {reads:?}"
            );
        }
        for line in [
            "skiff log",
            "skiff log stats",
            "skiff log verify",
            "skiff log export --format csv",
        ] {
            let (writes, reads) = rights(line);
            assert!(writes.is_empty(), "{line}: {writes:?}");
            assert_eq!(reads, [Path::new("elsewhere"), Path::new("state/keys")], "{line}");
        }
        assert_eq!(rights("skiff log key").0, [Path::new("state/keys")]);
    }

    fn of_hand(line: &str) -> bool {
        line.starts_with("skiff apply") || line.starts_with("skiff undo")
    }
}
