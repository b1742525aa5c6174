//! `batch --repos`: a process for each repository, one after the other, and one that counts. They are forked before any of
//! them is confined, since one that is confined can start no other, and each is confined to its own repository.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::{Args, Command};
use super::batch_json::{FleetReport, Harbour};
use super::context::Context;
use super::exit::ExitStatus;
use super::{child, output};
use crate::progress::Progress as _;
use crate::review::escape;

/// A longer list is none that a person or a script meant.
const MOST_LIST_BYTES: u64 = 1 << 20;
/// So many repositories at most: each is a process that waits.
const MOST_REPOSITORIES: usize = 1000;
const MOST_REPORT_BYTES: u64 = 256 << 20;

/// What a process is after all have been forked.
pub(super) enum Muster {
    /// There is one repository, and this process works in it.
    Alone,
    /// One of many, in its repository, with arguments that name that alone.
    Member,
    /// The one that counts.
    Counts(Fleet),
}

/// The processes that wait for their turn.
pub(super) struct Fleet {
    members: Vec<Member>,
    output: PathBuf,
}

struct Member {
    directory: PathBuf,
    /// Of its folder in that of the output.
    name: String,
    process: i32,
    /// What it waits at.
    turn: File,
}

/// Forks a process for each repository that the list names. Comes before the first thread.
///
/// # Errors
/// When the list cannot be read or names nothing, or the system has no room for another process.
pub(super) fn muster(args: &mut Args) -> anyhow::Result<Muster> {
    let Command::Batch(batch) = &mut args.command else {
        return Ok(Muster::Alone);
    };
    let Some(list) = batch.repos.take() else {
        return Ok(Muster::Alone);
    };
    let directory = env::current_dir().context("cannot tell the current directory")?;
    let output = directory.join(batch.output.as_deref().unwrap_or(Path::new(".")));
    let repositories = listed(&list, &directory)?;
    let mut members: Vec<Member> = Vec::new();
    for (repository, name) in repositories {
        let (reader, writer) = io::pipe().context("cannot make a pipe")?;
        // SAFETY: the process has one thread, so that the child is as whole as its parent.
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()).context("cannot start a process for each repository"),
            0 => {
                drop((writer, members));
                wait_for_turn(File::from(OwnedFd::from(reader)))?;
                batch.output = Some(output.join(name));
                batch.plan = batch.plan_file().map(|plan| directory.join(plan)).or(batch.plan.take());
                args.global.directory = None;
                env::set_current_dir(&repository)
                    .with_context(|| format!("cannot go to the repository {}", repository.display()))?;
                return Ok(Muster::Member);
            }
            process => members.push(Member {
                directory: repository,
                name,
                process,
                turn: File::from(OwnedFd::from(writer)),
            }),
        }
    }
    Ok(Muster::Counts(Fleet { members, output }))
}

/// Waits until the process that counts says so; its end is ours. What is printed is its business.
fn wait_for_turn(mut turn: File) -> anyhow::Result<()> {
    child::end_with_parent();
    let mut said = [0];
    if turn.read(&mut said).context("cannot hear whose turn it is")? == 0 {
        bail!("the process that counts is gone");
    }
    let nowhere = OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .context("cannot open /dev/null")?;
    // SAFETY: dup2(2) is given two descriptors that are open.
    if unsafe { libc::dup2(nowhere.as_raw_fd(), libc::STDOUT_FILENO) } < 0 {
        return Err(io::Error::last_os_error()).context("cannot close the standard output");
    }
    Ok(())
}

impl Fleet {
    /// Lets one after the other work, and counts what comes of it.
    ///
    /// # Errors
    /// When a process cannot be waited for, or the report not be written.
    pub(super) fn run(mut self, context: &Context, as_json: bool) -> anyhow::Result<ExitStatus> {
        let mut harbours = Vec::new();
        let mut statuses = Vec::new();
        for member in &mut self.members {
            context
                .progress
                .note(&format!("repository {}", member.directory.display()));
            member.turn.write_all(&[1]).context("a process is gone")?;
            let status = member.wait()?;
            statuses.push(status);
            harbours.push(Harbour {
                path: member.directory.display().to_string(),
                folder: member.name.clone(),
                exit_code: status.code(),
                report: report(&self.output.join(&member.name)),
            });
            if status == ExitStatus::Interrupted || context.progress.cancelled() {
                return Ok(ExitStatus::Interrupted);
            }
        }
        let report = FleetReport::new(harbours);
        let file = self.output.join("report.json");
        fs::write(&file, output::json(&report)?).with_context(|| format!("cannot write {}", file.display()))?;
        match as_json {
            true => output::write_json(&report)?,
            false => output::write_styled(&escape(&report.to_string()))?,
        }
        Ok(all_told(&statuses))
    }
}

/// Says what the exit codes of all come to.
fn all_told(statuses: &[ExitStatus]) -> ExitStatus {
    let is_well = |status: &&ExitStatus| matches!(status, ExitStatus::Done | ExitStatus::NothingToChange);
    let well = statuses.iter().filter(is_well).count();
    let changed = statuses.contains(&ExitStatus::Done) || statuses.contains(&ExitStatus::GateFailed);
    match (well == statuses.len(), changed) {
        (true, true) => ExitStatus::Done,
        (true, false) => ExitStatus::NothingToChange,
        (false, true) => ExitStatus::GateFailed,
        (false, false) => ExitStatus::Error,
    }
}

impl Member {
    fn wait(&self) -> anyhow::Result<ExitStatus> {
        let status = child::wait(self.process).context("cannot wait for the process of a repository")?;
        Ok(match libc::WIFEXITED(status) {
            true => ExitStatus::from_code(libc::WEXITSTATUS(status)),
            false => ExitStatus::Error,
        })
    }
}

/// Reads the report that a run has left.
fn report(folder: &Path) -> Option<serde_json::Value> {
    let mut text = String::new();
    let file = File::open(folder.join("report.json")).ok()?;
    file.take(MOST_REPORT_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Reads the list: a path or a pattern on each line, with a name for each repository that no other one has.
fn listed(list: &Path, directory: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut text = String::new();
    let read = File::open(list).and_then(|file| file.take(MOST_LIST_BYTES).read_to_string(&mut text));
    read.with_context(|| format!("cannot read the list of repositories {list:?}"))?;
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut repositories: Vec<PathBuf> = Vec::new();
    for line in lines {
        let found = match line.contains(['*', '?', '[']) {
            true => matching(&directory.join(line)),
            // What is not there is said by the process that goes there.
            false => vec![directory.join(line)],
        };
        repositories.extend(found);
    }
    if repositories.is_empty() {
        bail!("{list:?} names no repository");
    }
    if repositories.len() > MOST_REPOSITORIES {
        bail!(
            "{list:?} names {} repositories; at most {MOST_REPOSITORIES} are taken",
            repositories.len()
        );
    }
    let mut named: Vec<(PathBuf, String)> = Vec::new();
    for repository in repositories {
        let base = repository
            .file_name()
            .map_or("repository".into(), |name| name.to_string_lossy().into_owned());
        let taken = |name: &str| named.iter().any(|(_, other)| other == name);
        let others = (2..).map(|number| format!("{base}-{number}"));
        let name = [base.clone()].into_iter().chain(others).find(|name| !taken(name));
        named.push((repository, name.unwrap_or(base)));
    }
    Ok(named)
}

/// Returns the directories that a pattern matches, part by part, in the order of their names.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = match part {
            Component::Normal(part) => part.to_string_lossy().into_owned(),
            fixed => {
                found.iter_mut().for_each(|path| path.push(fixed));
                continue;
            }
        };
        if !text.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(&text));
            continue;
        }
        let Ok(glob) = glob(&text) else {
            return Vec::new();
        };
        let below = found
            .iter()
            .flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten());
        // A leading dot has to be written.
        let is_shown = |name: &str| !name.starts_with('.') || text.starts_with('.');
        let mut below: Vec<PathBuf> = below
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                is_shown(&name) && glob.is_match(&name)
            })
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        below.sort();
        found = below;
    }
    found.retain(|path| path.is_dir());
    found
}

/// Makes a regular expression of a pattern of the shell for one name.
fn glob(pattern: &str) -> Result<regex::Regex, regex::Error> {
    let mut text = String::from("^");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' => {
                text.push('[');
                if rest.next_if(|next| matches!(next, '!' | '^')).is_some() {
                    text.push('^');
                }
                for c in rest.by_ref() {
                    if c == '\\' {
                        text.push('\\');
                    }
                    text.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            c => text.push_str(&regex::escape(&c.to_string())),
        }
    }
    text.push('$');
    regex::Regex::new(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_directories() {
        let place = tempfile::tempdir().unwrap();
        for name in ["one/a", "one/b", "two/a", "two/.hidden", "three"] {
            fs::create_dir_all(place.path().join(name)).unwrap();
        }
        fs::write(place.path().join("one/file"), "").unwrap();
        let found = |pattern: &str| {
            let found = matching(&place.path().join(pattern)).into_iter();
            let inside = found.map(|path| path.strip_prefix(place.path()).unwrap().display().to_string());
            inside.collect::<Vec<String>>()
        };
        assert_eq!(found("*/a"), ["one/a", "two/a"]);
        assert_eq!(found("one/*"), ["one/a", "one/b"]);
        assert_eq!(found("t*"), ["three", "two"]);
        assert_eq!(found("[!t]ne/?"), ["one/a", "one/b"]);
        assert_eq!(found("two/*"), ["two/a"]);
        assert_eq!(found("nowhere/*"), [""; 0]);
    }

    #[test]
    fn names_are_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let list = place.path().join("list");
        fs::write(&list, "# mine\na/app\n\n b/app \n/c/other\n").unwrap();
        let named = listed(&list, Path::new("/w")).unwrap();
        let names: Vec<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["app", "app-2", "other"]);
        assert_eq!(named[1].0, Path::new("/w/b/app"));
        fs::write(&list, "# nothing\n").unwrap();
        assert!(
            listed(&list, Path::new("/w"))
                .unwrap_err()
                .to_string()
                .contains("names no repository")
        );
    }

    #[test]
    fn one_that_fails_is_told_from_all() {
        use ExitStatus::{Done, Error, GateFailed, NothingToChange};
        assert_eq!(all_told(&[Done, NothingToChange]), Done);
        assert_eq!(all_told(&[NothingToChange]), NothingToChange);
        assert_eq!(all_told(&[Done, Error]), GateFailed);
        assert_eq!(all_told(&[GateFailed]), GateFailed);
        assert_eq!(all_told(&[Error, NothingToChange]), Error);
    }
}
