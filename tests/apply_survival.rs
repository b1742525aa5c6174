//! An apply and an undo of fifty files that are killed at every call that writes, or in which such a call fails; and two
//! processes that write one work tree. `scripts/trust/apply.sh` asks for all of it; here it is every so many of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the figures are read by a person"
)]
#![cfg(target_os = "linux")]

mod support;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skiff::repo::{BlobId, FileContent, FileMode, FileState, FileWrite, RepoError, Repository, WorkTree};
use skiff::text::RepoPath;
use support::Place;
use world::{Forge, World, asked, side, world};

const SKIFF: &str = env!("CARGO_BIN_EXE_skiff");
/// The calls by which something on a disk changes. Of those that open, the ones that make a file.
const WRITES: &str = "write,pwrite64,writev,ftruncate,fallocate,fsync,fdatasync,fchmod,fchown,rename,renameat,renameat2,link,\
                      linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,open,openat,openat2";
const PROPOSAL: usize = 2;

/// A repository in two states, and how to get from one to the other.
struct Bench {
    place: Place,
    old: World,
    new: World,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Apply,
    Undo,
}

/// One call of a run: its name, and the how-manieth of that name it is in the first thread.
type Point = (String, usize);

impl Bench {
    fn new() -> Option<Self> {
        let works = Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "true"])
            .stderr(Stdio::null())
            .status();
        if !works.is_ok_and(|status| status.success()) {
            eprintln!("skipped: strace is missing or may not trace here");
            return None;
        }
        let names: Vec<String> = (0..42).map(|at| format!("dir{}/file{at}.txt", at % 5)).collect();
        let texts: Vec<String> = (0..42)
            .map(|at| format!("old {at}\r\n\u{feff}x\n").repeat(1 + at % 3))
            .collect();
        let files: Vec<(&str, &str)> = names
            .iter()
            .zip(&texts)
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        let place = Place::with(&files);
        fs::set_permissions(place.repo().join(&names[3]), fs::Permissions::from_mode(0o640)).unwrap();
        let forge = Forge::new(&place, &names[0], "old");
        forge.keep(PROPOSAL, &changes(&files));
        let tree = |place: &Place| world(&place.repo(), &|path| !path.ends_with(".git"));
        let old = tree(&place);
        assert_eq!(place.skiff(&["apply", &PROPOSAL.to_string()]).code, 0);
        let new = tree(&place);
        assert_eq!(place.skiff(&["undo"]).code, 0);
        let bench = Self { place, old, new };
        assert!(bench.tree() == bench.old && bench.new != bench.old);
        Some(bench)
    }

    fn tree(&self) -> World {
        world(&self.place.repo(), &|path| !path.ends_with(".git"))
    }

    fn state(&self) -> PathBuf {
        self.place.home().join("state/skiff")
    }

    fn args(verb: Verb) -> Vec<String> {
        match verb {
            Verb::Apply => vec!["apply".to_owned(), PROPOSAL.to_string()],
            Verb::Undo => vec!["undo".to_owned()],
        }
    }

    /// Brings the work tree to where a verb begins.
    fn start(&self, verb: Verb) {
        let wanted = match verb {
            Verb::Apply => &self.old,
            Verb::Undo => &self.new,
        };
        drop(self.open());
        if &self.tree() != wanted {
            let args = match verb {
                Verb::Apply => Self::args(Verb::Undo),
                Verb::Undo => Self::args(Verb::Apply),
            };
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let outcome = self.place.skiff(&args);
            assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        }
        assert!(&self.tree() == wanted);
    }

    /// What the next run does first.
    fn open(&self) -> WorkTree {
        let repository = Repository::discover(&self.place.repo()).unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            match WorkTree::open(&repository, &self.state()) {
                // strace ends a moment before the kernel has taken the last thread of what it killed apart.
                Err(RepoError::Locked(_)) if Instant::now() < end => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
    }

    fn strace(&self, verb: Verb, options: &[&str]) -> (Option<i32>, String) {
        let mut command = self.place.command("strace");
        command.args(["-f", "-qq", "-o"]).arg(self.place.root().join("trace"));
        let output = command
            .args(options)
            .arg(SKIFF)
            .args(Self::args(verb))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// Lists the calls of a run that change a disk.
    fn points(&self, verb: Verb) -> Vec<Point> {
        self.start(verb);
        let (code, stderr) = self.strace(verb, &["-e", &format!("trace={WRITES}")]);
        assert_eq!(code, Some(0), "{stderr}");
        let trace = fs::read_to_string(self.place.root().join("trace")).unwrap();
        let first = trace.split(' ').next().unwrap().to_owned();
        let mut counts = BTreeMap::new();
        let mut points = Vec::new();
        for line in trace.lines() {
            let Some(call) = line.strip_prefix(&first).map(str::trim_start) else {
                continue;
            };
            let Some((name, rest)) = call.split_once('(') else {
                continue;
            };
            let count = counts.entry(name.to_owned()).or_insert(0);
            *count += 1;
            // What is told to a person is no write of ours, but dying there is dying between two of them.
            if !name.starts_with("open") || rest.contains("O_CREAT") {
                points.push((name.to_owned(), *count));
            }
        }
        points
    }
}

/// Changes to thirty-two files, ten deletions and eight new files, some of them in new folders.
fn changes(files: &[(&str, &str)]) -> Vec<Value> {
    let mut changes = Vec::new();
    for (at, (path, text)) in files.iter().enumerate() {
        let new = format!("new {at}\n{text}");
        let mode = if at % 7 == 0 { "100755" } else { "100644" };
        let new = if at < 32 { side(&new, mode) } else { Value::Null };
        changes.push(json!({"path": path, "old": side(text, "100644"), "new": new}));
    }
    for at in 0..8 {
        let path = format!("made{}/deep/file{at}.txt", at % 3);
        changes.push(json!({"path": path, "old": null, "new": side("made\n", "100644")}));
    }
    assert_eq!(changes.len(), 50);
    changes
}

/// The points that are tried: all where a script asks for it.
fn chosen(points: Vec<Point>) -> impl Iterator<Item = Point> {
    let (every, part, parts) = (
        asked("SKIFF_TRUST_EVERY", 45),
        asked("SKIFF_TRUST_PART", 0),
        asked("SKIFF_TRUST_PARTS", 1),
    );
    let chosen = points.into_iter().step_by(every).enumerate();
    chosen.filter(move |(at, _)| at % parts == part).map(|(_, point)| point)
}

#[test]
fn a_kill_at_any_write_leaves_old_or_new() {
    let Some(bench) = Bench::new() else { return };
    for verb in [Verb::Apply, Verb::Undo] {
        let points = bench.points(verb);
        assert!(points.len() > 300, "{}", points.len());
        let (all, mut killed, mut old, mut new) = (points.len(), 0, 0, 0);
        for (call, at) in chosen(points) {
            bench.start(verb);
            let inject = format!("inject={call}:signal=KILL:when={at}");
            let (code, stderr) = bench.strace(verb, &["-e", &format!("trace={call}"), "-e", &inject]);
            // strace ends as what it traced did: by the signal.
            killed += usize::from(code.is_none() || code == Some(137));
            drop(bench.open());
            let tree = bench.tree();
            assert!(
                tree == bench.old || tree == bench.new,
                "{verb:?}: {call} {at}: {code:?} {stderr}"
            );
            old += usize::from(tree == bench.old);
            new += usize::from(tree == bench.new);
        }
        println!("{verb:?} of 50 files: {all} calls that write, killed at {killed}: {old} old, {new} new, 0 others");
        assert!(killed > 5 && old > 0, "{killed} {old} {new}");
    }
}

#[test]
fn an_undo_that_was_cut_short_is_finished_and_goes_no_further_back() {
    let Some(bench) = Bench::new() else { return };
    let place = &bench.place;
    Forge::new(place, "dir0/file0.txt", "old").keep(9, &[world::created("earlier")]);
    for id in ["9", &PROPOSAL.to_string()] {
        assert_eq!(place.skiff(&["apply", id]).code, 0);
    }
    let calls = "inject=renameat2:signal=KILL:when=9";
    bench.strace(Verb::Undo, &["-e", "trace=renameat2", "-e", calls]);
    let half = bench.tree();
    let undone = place.skiff(&["undo"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert!(undone.stderr.contains("cut short"), "{}", undone.stderr);
    let mut tree = bench.tree();
    assert_ne!(tree, half);
    assert!(
        tree.remove(&place.repo().join("earlier")).is_some(),
        "the apply before is untouched"
    );
    assert!(tree == bench.old);
    assert!(
        place
            .skiff(&["list"])
            .stdout
            .lines()
            .any(|line| line.trim_start().starts_with('2'))
    );
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert!(bench.tree() == bench.old);
}

#[test]
fn somebody_elses_change_after_a_kill_is_left_alone() {
    let Some(bench) = Bench::new() else { return };
    bench.strace(
        Verb::Apply,
        &["-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL:when=9"],
    );
    let mine = bench.place.repo().join("dir1/file1.txt");
    fs::write(&mine, "mine\n").unwrap();
    for args in [&["undo"][..], &["apply", "2"]] {
        let stopped = bench.place.skiff(args);
        assert_eq!(stopped.code, 6, "{}", stopped.stderr);
        assert!(stopped.stderr.contains("dir1/file1.txt"), "{}", stopped.stderr);
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine\n");
    }
}

/// The errors with which a call can fail.
fn errors(call: &str) -> &'static [&'static str] {
    match call {
        "rename" | "renameat" | "renameat2" | "linkat" => &["EXDEV", "ENOSPC", "EIO", "EDQUOT"],
        "write" | "fsync" | "fdatasync" | "mkdir" | "mkdirat" | "openat" | "openat2" => &["ENOSPC", "EIO", "EDQUOT"],
        _ => &["EIO"],
    }
}

#[test]
fn a_write_that_fails_leaves_old_or_new_or_says_what_to_do() {
    let Some(bench) = Bench::new() else { return };
    for verb in [Verb::Apply, Verb::Undo] {
        let (mut tried, mut old, mut new, mut told) = (0, 0, 0, 0);
        for (number, (call, at)) in chosen(bench.points(verb)).enumerate() {
            let errors = errors(&call);
            for (which, error) in errors.iter().enumerate() {
                // A script tries each; a test one of them. From this call on, and this call alone.
                if asked("SKIFF_TRUST_EVERY", 45) > 1 && number % errors.len() != which {
                    continue;
                }
                let persistent = if (number + which) % 2 == 0 { "+" } else { "" };
                bench.start(verb);
                let inject = format!("inject={call}:error={error}:when={at}{persistent}");
                let (code, stderr) = bench.strace(verb, &["-e", &format!("trace={call}"), "-e", &inject]);
                let case = format!("{verb:?}: {inject}: {code:?} {stderr}");
                assert!(!stderr.contains("panicked"), "{case}");
                tried += 1;
                let tree = bench.tree();
                if tree == bench.old {
                    old += 1;
                } else if tree == bench.new {
                    new += 1;
                } else {
                    told += 1;
                    let is_told = stderr.contains("a write was cut short") && stderr.contains("kept in")
                        || call == "write" && stderr.is_empty();
                    assert!(code == Some(6) && is_told, "{case}");
                }
                drop(bench.open());
                let tree = bench.tree();
                assert!(tree == bench.old || tree == bench.new, "{case}");
            }
        }
        println!(
            "{verb:?} of 50 files: {tried} failing calls: {old} old, {new} new, {told} told to run again, which then was old or new"
        );
        assert!(tried > 5);
    }
}

/// The name of a variable that makes this program the child of its own test.
const CHILD: &str = "SKIFF_TRUST_CHILD";

fn count_up(root: &Path, times: usize) {
    let repository = Repository::discover(&root.join("repo")).unwrap();
    let mut done = 0;
    while done < times {
        let mut work_tree = match WorkTree::open(&repository, &root.join("state")) {
            Ok(work_tree) => work_tree,
            Err(RepoError::Locked(_)) => {
                std::thread::yield_now();
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let text = fs::read_to_string(root.join("repo/count")).unwrap();
        let next = text.parse::<usize>().unwrap() + 1;
        let mode = FileMode::Regular;
        let write = FileWrite {
            path: RepoPath::new("count").unwrap(),
            before: Some(FileState {
                blob: BlobId::of(text.as_bytes()),
                mode,
            }),
            after: Some(FileContent {
                bytes: next.to_string().into_bytes(),
                mode,
            }),
        };
        work_tree.apply(&[write], "count").unwrap();
        done += 1;
    }
}

#[test]
fn two_processes_lose_no_update() {
    if let Some(root) = std::env::var_os(CHILD) {
        return count_up(Path::new(&root), asked("SKIFF_TRUST_APPLIES", 100));
    }
    let place = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    git2::Repository::init(place.path().join("repo")).unwrap();
    fs::write(place.path().join("repo/count"), "0").unwrap();
    let child = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "two_processes_lose_no_update"])
            .env(CHILD, place.path())
            .stdout(Stdio::null());
        command.spawn().unwrap()
    };
    let children = [child(), child()];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let count = fs::read_to_string(place.path().join("repo/count")).unwrap();
    let wanted = 2 * asked("SKIFF_TRUST_APPLIES", 100);
    println!("two processes: {wanted} applies, {count} counted");
    assert_eq!(count, wanted.to_string());
}
