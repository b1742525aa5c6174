//! Check profiles: found by the files of a work tree, offered, and run only where the user names them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use skiff::repo::Repository;
use skiff::sandbox::CheckProfile;
use support::{Outcome, Place};

const CODE: &str = "def f():\n    return 1\n";
const MAKEFILE: &str = "test:\n\tgrep -q 'return 2' a.py && echo made\n";

/// Files, and the names of the profiles that they speak for.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

fn detected(files: &[(&str, &str)]) -> Vec<&'static str> {
    let place = Place::with(files);
    names(&place)
}

fn names(place: &Place) -> Vec<&'static str> {
    let snapshot = Repository::discover(&place.repo()).unwrap().snapshot().unwrap();
    CheckProfile::detect(&snapshot)
        .into_iter()
        .map(CheckProfile::name)
        .collect()
}

#[test]
fn a_work_tree_says_what_it_is() {
    let unittest = "import unittest\n\nclass T(unittest.TestCase):\n    pass\n";
    let cases: &[Case<'_>] = &[
        (&[], &[]),
        (&[("Cargo.toml", "[package]\n")], &["cargo"]),
        (&[("below/Cargo.toml", "[package]\n")], &[]),
        (&[("go.mod", "module x\n")], &["go"]),
        (
            &[("package.json", "{\"scripts\": {\"test\": \"node --test\"}}")],
            &["npm"],
        ),
        (&[("package.json", "{\"scripts\": {\"build\": \"x\"}}")], &[]),
        (&[("package.json", "{\"scripts\": [\"test\"]}")], &[]),
        (&[("package.json", "{\"scripts\": {\"test\": ")], &[]),
        (
            &[(
                "package.json",
                "{\"scripts\": {\"test\": \"echo \\\"Error: no test specified\\\" && exit 1\"}}",
            )],
            &[],
        ),
        (&[("pytest.ini", "")], &["pytest"]),
        (&[("pyproject.toml", "[tool.pytest.ini_options]\n")], &["pytest"]),
        (&[("pyproject.toml", "[tool.black]\n")], &[]),
        (&[("pyproject.toml", "[tool\n")], &[]),
        (&[("setup.cfg", "[tool:pytest]\n")], &["pytest"]),
        (&[("tests/conftest.py", "")], &["pytest"]),
        (&[("tests/test_a.py", "import pytest\n")], &["pytest"]),
        (&[("test_a.py", "def test_a():\n    assert True\n")], &["pytest"]),
        (&[("tests/test_a.py", unittest)], &["unittest"]),
        (
            &[("tests/a_test.py", unittest), ("tests/test_b.py", "import pytest\n")],
            &["pytest"],
        ),
        (&[("a.py", unittest)], &[]),
        (&[("Makefile", "all: test\n\ntest: build\n\tx\n")], &["make"]),
        (&[("GNUmakefile", "check:\n\tx\n")], &["make-check"]),
        (&[("Makefile", "all:\n\tx\n")], &[]),
        (&[("CMakeLists.txt", "project(x)\nenable_testing()\n")], &["cmake"]),
        (&[("CMakeLists.txt", "project(x)\n  include (CTest)\n")], &["cmake"]),
        (&[("CMakeLists.txt", "project(x)\n")], &[]),
        (&[("pom.xml", "<project/>")], &["maven"]),
        (&[("build.gradle.kts", "")], &["gradle"]),
        (&[("Makefile", MAKEFILE), ("Cargo.toml", "")], &["cargo", "make"]),
    ];
    for (files, expected) in cases {
        assert_eq!(detected(files), *expected, "{files:?}");
    }
}

#[test]
fn what_is_no_plain_file_says_nothing() {
    let place = Place::with(&[("x", "test:\n\ttrue\n")]);
    symlink("x", place.repo().join("Makefile")).unwrap();
    symlink("/dev/zero", place.repo().join("package.json")).unwrap();
    fs::create_dir(place.repo().join("Cargo.toml")).unwrap();
    fs::write(place.repo().join("Cargo.toml/x"), "").unwrap();
    fs::write(place.repo().join("pyproject.toml"), b"[tool.pytest]\n\xff").unwrap();
    fs::write(place.repo().join("CMakeLists.txt"), vec![b'\n'; 2 << 20]).unwrap();
    assert_eq!(names(&place), [""; 0]);
}

fn set_checks(place: &Place, checks: &str) {
    place.configure(&format!(
        "[[repository]]\npath = {:?}\nchecks = {checks}\n",
        place.repo()
    ));
}

fn said(place: &Place, outcome: &Outcome) -> String {
    let text = outcome.stderr.replace(place.root().to_str().unwrap(), "ROOT");
    format!("exit {}\n{text}", outcome.code)
}

#[test]
fn a_profile_runs_its_commands_where_it_is_named() {
    let place = Place::with(&[("a.py", CODE), ("Makefile", MAKEFILE)]);
    if !place.has_landlock() {
        return;
    }
    for (number, name) in [("1", "@make"), ("2", "@auto")] {
        let outcome = place.edit_f(&["--check", name]);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("this looks like"), "{}", outcome.stderr);
        let shown = place.skiff(&["show", number, "--json"]).json();
        assert_eq!(shown["checks"][0]["command"], "make test");
        assert!(
            shown["checks"][0]["output"].as_str().unwrap().ends_with("made\n"),
            "{shown}"
        );
    }
    // The record names what was announced and what was run alike.
    let log = place.skiff(&["log", "--json"]).json();
    assert_eq!(log["runs"][1]["checks"][0]["end"]["passed"], true, "{log}");
}

#[test]
fn a_profile_is_offered_and_not_run() {
    let place = Place::with(&[("a.py", CODE), ("Makefile", "test:\n\tfalse\n")]);
    let outcome = place.edit_f(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("skiff: this looks like a project with `make test`: `--check @make` runs `make test`\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        place.skiff(&["show", "1", "--json"]).json()["checks"],
        serde_json::json!([])
    );
    for quiet in ["--quiet", "--no-check"] {
        let outcome = place.edit_f(&[quiet]);
        assert!(!outcome.stderr.contains("this looks like"), "{}", outcome.stderr);
    }
    let doctor = place.skiff(&["doctor", "--json"]).json();
    assert_eq!(doctor["check_profiles"][0]["name"], "make");
    assert!(
        place
            .skiff(&["doctor"])
            .stdout
            .contains("check profile @make: make test\n")
    );
}

#[test]
fn a_setting_of_the_user_has_checks_for_a_repository() {
    let place = Place::with(&[("a.py", CODE), ("Makefile", "test:\n\tfalse\n")]);
    if !place.has_landlock() {
        return;
    }
    set_checks(&place, "[\"true\", \"@make\"]");
    let failed = place.edit_f(&[]);
    assert_eq!(failed.code, 4, "{}", failed.stderr);
    assert!(
        failed.stderr.contains("the check `make test` failed"),
        "{}",
        failed.stderr
    );
    // The command line comes before it, and can leave it out.
    assert_eq!(place.edit_f(&["--check", "true"]).code, 0);
    assert_eq!(place.edit_f(&["--no-check"]).code, 0);
    let checks = |id: &str| {
        place.skiff(&["show", id, "--json"]).json()["checks"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(["1", "2", "3"].map(checks), [2, 1, 0]);
    // A file of the repository says nothing.
    fs::remove_file(place.home().join("config/skiff/config.toml")).unwrap();
    let text = format!("[[repository]]\npath = {:?}\nchecks = [\"touch seen\"]\n", place.repo());
    fs::write(place.repo().join("config.toml"), &text).unwrap();
    fs::write(place.repo().join(".skiff.toml"), &text).unwrap();
    let outcome = place.edit_f(&["--json"]).json();
    assert_eq!(outcome["checks"], serde_json::json!([]));
}

#[test]
fn a_wrong_profile_name() {
    let place = Place::with(&[("a.py", CODE)]);
    insta::assert_snapshot!(said(&place, &place.edit_f(&["--check", "@carg"])));
}

#[test]
fn a_wrong_profile_name_in_the_settings() {
    let place = Place::with(&[("a.py", CODE)]);
    set_checks(&place, "[\"@carg\"]");
    insta::assert_snapshot!(said(&place, &place.edit_f(&[])));
}

#[test]
fn auto_without_a_profile() {
    let place = Place::with(&[("a.py", CODE)]);
    if place.has_landlock() {
        insta::assert_snapshot!(said(&place, &place.edit_f(&["--check", "@auto"])));
    }
}

#[test]
fn auto_with_several_profiles() {
    let place = Place::with(&[("a.py", CODE), ("Makefile", MAKEFILE), ("go.mod", "module x\n")]);
    if place.has_landlock() {
        insta::assert_snapshot!(said(&place, &place.edit_f(&["--check", "@auto"])));
    }
}
