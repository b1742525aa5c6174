//! The life of a proposal on the command line: listed, shown, applied, taken back, discarded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::Place;

const SOURCE: &str = "def f():\n    return 1\n";

fn place() -> Place {
    Place::with(&[("src/a.py", SOURCE), ("b.txt", "b\n")])
}

#[test]
fn a_proposal_is_applied_and_taken_back() {
    let place = place();
    let id = place.propose("src/a.py", "return 1", "return 2").to_string();
    let applied = place.skiff(&["apply", &id]);
    assert_eq!((applied.code, applied.stdout.as_str()), (0, ""), "{}", applied.stderr);
    assert_eq!(place.read("src/a.py"), "def f():\n    return 2\n");
    assert_eq!(place.skiff(&["list"]).stdout, "");
    assert!(place.skiff(&["list", "--all"]).stdout.contains("applied"));

    let undone = place.skiff(&["-C", "src", "undo"]);
    assert_eq!(undone.code, 0, "{}", undone.stderr);
    assert_eq!(place.read("src/a.py"), SOURCE);
    assert!(place.skiff(&["list"]).stdout.contains("open"));
    assert_eq!(place.skiff(&["undo"]).code, 1);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_changed_preimage_is_named_and_nothing_is_written() {
    let place = place();
    let id = place.propose("src/a.py", "return 1", "return 2").to_string();
    fs::write(place.repo().join("src/a.py"), "mine\n").unwrap();
    let refused = place.skiff(&["apply", &id]);
    assert_eq!(refused.code, 6);
    assert!(refused.stderr.contains("src/a.py"), "{}", refused.stderr);
    assert_eq!(place.read("src/a.py"), "mine\n");
}

#[test]
fn what_show_prints_into_a_pipe_is_what_git_takes() {
    let place = Place::with(&[("a.py", "x = '\u{1b}[31m'\r\ny = 1")]);
    let id = place.propose("a.py", "y = 1", "y = 2").to_string();
    let shown = place.skiff(&["show", &id]);
    assert!(shown.stdout.contains("\u{1b}[31m'\r\n"), "{:?}", shown.stdout);
    fs::write(place.root().join("patch"), &shown.stdout).unwrap();
    place.git(&["apply", "--check", "../patch"]);

    let mail = place.skiff(&["show", &id, "--format", "mbox"]);
    assert!(mail.stdout.contains("Assisted-by: skiff (test)"), "{}", mail.stdout);
    assert!(!mail.stdout.contains("Signed-off-by"));
    fs::write(place.root().join("mail"), &mail.stdout).unwrap();
    place.git(&["am", "--quiet", "../mail"]);
    assert_eq!(place.read("a.py"), "x = '\u{1b}[31m'\r\ny = 2");
}

#[test]
fn what_a_person_sees_is_escaped_and_coloured() {
    let place = Place::with(&[("a.py", "x = '\u{1b}[31m'\ny = 1\n")]);
    let id = place.propose("a.py", "y = 1", "y = '\u{202e}'").to_string();
    let shown = place.skiff(&["show", &id, "--color", "always"]).stdout;
    assert!(shown.contains("\\u{1b}[31m"), "{shown}");
    assert!(shown.contains("\u{1b}[32m+y = '\\u{202e}'\u{1b}[0m\n"), "{shown:?}");
}

#[test]
fn discarded_proposals_cannot_be_applied() {
    let place = place();
    let id = place.propose("b.txt", "b", "c").to_string();
    assert_eq!(place.skiff(&["discard", &id]).code, 0);
    assert_eq!(place.skiff(&["apply", &id]).code, 1);
    assert_eq!(place.skiff(&["discard", "77"]).code, 1);
    assert_eq!(place.read("b.txt"), "b\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::Stdio;

    let place = place();
    let mut child = place
        .command(env!("CARGO_BIN_EXE_skiff"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}
