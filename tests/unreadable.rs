//! Files and directories that may not be read: they are left out and named, and nothing else is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use support::{Outcome, Place};

const SKIFF: &str = env!("CARGO_BIN_EXE_skiff");

/// How skiff is run so that permissions count for it.
#[derive(Clone, Copy, Debug)]
enum Runner {
    Plain,
    /// In a user namespace without a single user: root's rights over files end there.
    WithoutRights,
}

impl Runner {
    /// Finds one; none where root cannot give up its rights.
    fn find(place: &Place) -> Option<Self> {
        let probe = place.home().join("probe");
        fs::write(&probe, "").unwrap();
        close(place, "../home/probe");
        if fs::read(&probe).is_err() {
            return Some(Self::Plain);
        }
        let mut read = place.command("unshare");
        read.args(["--user", "cat"]).arg(&probe).stderr(Stdio::null());
        let mut nothing = place.command("unshare");
        nothing.args(["--user", "true"]).stderr(Stdio::null());
        let succeeds = |command: &mut std::process::Command| command.status().is_ok_and(|status| status.success());
        if succeeds(&mut nothing) && !succeeds(&mut read) {
            return Some(Self::WithoutRights);
        }
        eprintln!("skipped: nothing is unreadable here");
        None
    }

    fn run(self, place: &Place, args: &[&str]) -> Outcome {
        let mut command = match self {
            Self::Plain => place.command(SKIFF),
            Self::WithoutRights => place.command("unshare"),
        };
        if matches!(self, Self::WithoutRights) {
            command.args(["--user", SKIFF]);
        }
        Outcome::of(command.args(args))
    }
}

fn set_mode(place: &Place, path: &str, mode: u32) {
    fs::set_permissions(place.repo().join(path), fs::Permissions::from_mode(mode)).unwrap();
}

fn close(place: &Place, path: &str) {
    set_mode(place, path, 0o000);
}

fn place() -> Place {
    Place::with(&[
        ("a.py", "def parse_a(): pass\n"),
        ("b.py", "def parse_b(): pass\n"),
        ("d/c.py", "def parse_c(): pass\n"),
        ("e/f.py", "def parse_f(): pass\n"),
    ])
}

fn found(runner: Runner, place: &Place) -> Vec<String> {
    let found = runner.run(place, &["find", "--json", "--files", "parse"]).json();
    let hits = found["files"].as_array().unwrap().iter();
    let mut paths: Vec<String> = hits.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let place = place();
    let Some(runner) = Runner::find(&place) else { return };
    assert_eq!(found(runner, &place), ["a.py", "b.py", "d/c.py", "e/f.py"]);
    fs::write(place.repo().join("a.py"), "def parse_changed(): pass\n").unwrap();
    close(&place, "a.py");
    close(&place, "d");
    assert_eq!(found(runner, &place), ["b.py", "e/f.py"]);
    let index = runner.run(&place, &["index"]);
    assert_eq!(index.code, 0, "{}", index.stderr);
    for name in ["a.py", "d"] {
        assert!(
            index.stderr.contains(&format!("{name}: it cannot be read")),
            "{}",
            index.stderr
        );
    }
    set_mode(&place, "a.py", 0o644);
    set_mode(&place, "d", 0o755);
    assert_eq!(found(runner, &place), ["a.py", "b.py", "d/c.py", "e/f.py"]);
}

#[test]
fn exclusions_that_cannot_be_read_exclude_nothing() {
    let place = place();
    let Some(runner) = Runner::find(&place) else { return };
    fs::write(place.repo().join(".skiffignore"), "e/\n").unwrap();
    assert_eq!(found(runner, &place), ["a.py", "b.py", "d/c.py"]);
    close(&place, ".skiffignore");
    assert_eq!(found(runner, &place), ["a.py", "b.py", "d/c.py", "e/f.py"]);
}

#[test]
fn a_database_that_cannot_be_read_is_done_without() {
    let place = place();
    let Some(runner) = Runner::find(&place) else { return };
    assert_eq!(runner.run(&place, &["index"]).code, 0);
    let cache = "../home/cache/skiff/index";
    close(&place, cache);
    let index = runner.run(&place, &["index"]);
    assert_eq!(index.code, 1, "{}", index.stderr);
    assert!(
        index.stderr.contains("the index is not kept on disk"),
        "{}",
        index.stderr
    );
    assert_eq!(found(runner, &place).len(), 4);
    // Nothing may be written: the disk is mounted read-only, say.
    set_mode(&place, cache, 0o500);
    for file in fs::read_dir(place.repo().join(cache)).unwrap() {
        fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(0o400)).unwrap();
    }
    assert_eq!(found(runner, &place).len(), 4);
    fs::write(place.repo().join("g.py"), "def parse_g(): pass\n").unwrap();
    assert_eq!(found(runner, &place).len(), 5);
    set_mode(&place, cache, 0o700);
}
