//! A series that crosses to a side where neither the model nor the ledger is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use support::{Outcome, Place};

const A: &str = "void f(void) {\n  g(1);\n  g(2);\n}\n";
const PLAN: &str = "version = 1\ntitle = 'Call h'\nmatch.code = 'g($A)'\n[[rewrite]]\nto = 'h($A)'\n";

/// A place with a bundle of a batch, and a clone of its repository on the other side.
struct Sides {
    place: Place,
    bundle: PathBuf,
}

impl Sides {
    fn new() -> Self {
        let place = Place::with(&[("a.c", A)]);
        let plan = place.root().join("plan.toml");
        fs::write(&plan, PLAN).unwrap();
        let out = place.root().join("out");
        let line = ["batch", plan.to_str().unwrap(), "-o", out.to_str().unwrap()];
        assert_eq!(place.skiff(&line).code, 0);
        let bundle = place.root().join("change.bundle");
        let line = [
            "bundle",
            "create",
            out.to_str().unwrap(),
            "-o",
            bundle.to_str().unwrap(),
            "--reviewer",
            "the team",
        ];
        let made = place.skiff(&line);
        assert_eq!(made.code, 0, "{made:?}");
        let there = place.root().join("there");
        place.git(&["clone", "--quiet", ".", there.to_str().unwrap()]);
        Self { place, bundle }
    }

    fn key(&self) -> String {
        self.place.skiff(&["log", "key"]).stdout.trim().to_owned()
    }

    /// Runs skiff on the other side.
    fn there(&self, args: &[&str]) -> Outcome {
        let mut command = self.place.command(env!("CARGO_BIN_EXE_skiff"));
        command
            .env("XDG_STATE_HOME", self.place.root().join("other"))
            .current_dir(self.place.root().join("there"));
        Outcome::of(command.args(args))
    }

    fn file(&self) -> &str {
        self.bundle.to_str().unwrap()
    }
}

#[test]
fn a_bundle_is_checked_and_applied_on_the_other_side() {
    let sides = Sides::new();
    let key = sides.key();
    let page = sides.there(&["bundle", "verify", sides.file(), "--key", &key]);
    assert_eq!(page.code, 0, "{page:?}");
    assert!(page.stdout.contains("sites      2, 2 changed, 0 failed\n"), "{page:?}");
    assert!(
        page.stdout.contains("reviewer   the team\n") && page.stdout.contains(&key),
        "{page:?}"
    );
    let manifest = sides
        .there(&["bundle", "verify", sides.file(), "--key", &key, "--json"])
        .json();
    let head = sides.place.git(&["rev-parse", "HEAD"]);
    assert_eq!(manifest["repository_head"], head.trim());
    assert_eq!(manifest["files"][0]["path"], "a.c");

    // Nobody vouches for a key that is not named.
    let unnamed = sides.there(&["bundle", "verify", sides.file()]);
    assert!(
        unnamed.code == 0 && unnamed.stdout.contains("nobody here vouches for it"),
        "{unnamed:?}"
    );
    let refused = sides.there(&["bundle", "apply", sides.file()]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--key"), "{refused:?}");

    let applied = sides.there(&["bundle", "apply", sides.file(), "--key", &key]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let there = sides.place.root().join("there/a.c");
    assert_eq!(fs::read_to_string(&there).unwrap(), A.replace("g(", "h("));
    assert_eq!(sides.there(&["undo"]).code, 0);
    assert_eq!(fs::read_to_string(&there).unwrap(), A);
}

#[test]
fn what_was_changed_on_the_way_is_refused() {
    let sides = Sides::new();
    let key = sides.key();
    let sound = fs::read_to_string(&sides.bundle).unwrap();
    for (from, to) in [
        ("+  h(1);", "+  h(9);"),
        ("the team", "nobody"),
        ("\\\"exit_code\\\":0", "\\\"exit_code\\\":1"),
        ("[PATCH] Call h", "[PATCH] Call i"),
    ] {
        assert!(sound.contains(from), "{from}");
        fs::write(&sides.bundle, sound.replacen(from, to, 1)).unwrap();
        let refused = sides.there(&["bundle", "apply", sides.file(), "--key", &key]);
        assert_eq!(refused.code, 6, "{from}: {refused:?}");
        assert!(
            refused.stderr.contains("the signature is not right"),
            "{from}: {refused:?}"
        );
    }
    assert_eq!(fs::read_to_string(sides.place.root().join("there/a.c")).unwrap(), A);
    fs::write(&sides.bundle, &sound).unwrap();
    let other = "0".repeat(63) + "1";
    let foreign = sides.there(&["bundle", "verify", sides.file(), "--key", &other]);
    assert!(
        foreign.code == 6 && foreign.stderr.contains("none of those that are trusted"),
        "{foreign:?}"
    );
    for text in [
        "",
        "{}",
        "not json",
        &sound.replace("\"schema_version\":1", "\"schema_version\":2"),
    ] {
        fs::write(&sides.bundle, text).unwrap();
        assert_eq!(
            sides.there(&["bundle", "verify", sides.file(), "--key", &key]).code,
            1,
            "{text:.20}"
        );
    }
}

#[test]
fn the_records_in_it_are_those_of_the_run() {
    let sides = Sides::new();
    let bundle: Value = serde_json::from_str(&fs::read_to_string(&sides.bundle).unwrap()).unwrap();
    let lines: Vec<&str> = bundle["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        lines[0].contains("\"run_started\"") && lines[0].contains("\"batch\""),
        "{}",
        lines[0]
    );
    assert_eq!(lines.iter().filter(|line| line.contains("\"site_settled\"")).count(), 2);
    assert!(lines.last().unwrap().contains("\"checkpoint\""));
}
