//! What a person reads when something is wrong: text, hint and exit code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Outcome, Place};

fn said(place: &Place, outcome: &Outcome) -> String {
    let text = outcome.stderr.replace(place.root().to_str().unwrap(), "ROOT");
    format!("exit {}\n{text}", outcome.code)
}

fn place() -> Place {
    Place::with(&[("a.py", "x = 1\n")])
}

#[test]
fn no_repository() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["-C", "..", "list"])));
}

#[test]
fn no_such_directory() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["-C", "\u{1b}[31mnowhere", "list"])));
}

#[test]
fn no_such_proposal() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["show", "9"])));
}

#[test]
fn an_unknown_key_in_the_configuration() {
    let place = place();
    place.configure("modle = 'a'\n");
    insta::assert_snapshot!(said(&place, &place.skiff(&["list"])));
}

#[test]
fn a_wrong_variable() {
    let place = place();
    let outcome = Outcome::of(
        place
            .command(env!("CARGO_BIN_EXE_skiff"))
            .env("SKIFF_GPU_LAYERS", "some")
            .arg("list"),
    );
    insta::assert_snapshot!(said(&place, &outcome));
}

#[test]
fn a_changed_preimage() {
    let place = place();
    let id = place.propose("a.py", "1", "2").to_string();
    fs::write(place.repo().join("a.py"), "mine\n").unwrap();
    insta::assert_snapshot!(said(&place, &place.skiff(&["apply", &id])));
}

#[test]
fn nothing_to_undo() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["undo"])));
}

#[test]
fn a_file_that_is_no_model() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["model", "add", "a.py"])));
}

#[test]
fn a_wrong_flag() {
    let place = place();
    insta::assert_snapshot!(said(&place, &place.skiff(&["list", "--threads", "0"])));
}

#[test]
fn the_help_of_find() {
    let place = place();
    insta::assert_snapshot!(place.skiff(&["find", "-h"]).stdout);
}

#[test]
fn the_short_help() {
    let place = place();
    insta::assert_snapshot!(place.skiff(&["-h"]).stdout);
}

#[test]
fn code_is_found_by_its_syntax() {
    let place = Place::with(&[
        ("a.py", "# total(1, 2)\nprint(total(1,\n  2))\n"),
        ("b.md", "total(1, 2)\n"),
    ]);
    let found = place.skiff(&["find", "--code", "total($A, $_)"]);
    assert_eq!(
        (found.code, found.stdout.as_str()),
        (0, "a.py:2: print(total(1,\n"),
        "{}",
        found.stderr
    );
    let wrong = place.skiff(&["find", "--code", "total("]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("the pattern is no single piece of Python code"),
        "{}",
        wrong.stderr
    );
}
