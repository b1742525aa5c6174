//! `index --map-tokens`: what the model can read before anybody asks for anything.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::fs;

use support::{Outcome, Place};

struct Prepared {
    place: Place,
    model: String,
}

impl Prepared {
    fn new() -> Self {
        let functions: String = (0..30)
            .map(|number| format!("def measure_number_{number}(width, height):\n    return width * height\n\n\n"))
            .collect();
        let place = Place::with(&[("a.py", &functions)]);
        let model = place.root().join("tiny.gguf");
        fs::write(&model, tiny_gguf::tiny_gguf(3)).unwrap();
        let model = model.to_str().unwrap().to_owned();
        Self { place, model }
    }

    fn skiff(&self, args: &[&str]) -> Outcome {
        let global = ["--model", &self.model, "--threads", "1", "--ctx", "2048"];
        self.place.skiff(&[&global[..], args].concat())
    }

    /// Returns how many tokens of the first prompt of an edit were read.
    fn first_read(&self) -> u64 {
        let edit = [
            "edit",
            "-v",
            "rename it",
            "--symbol",
            "measure_number_7",
            "--map-tokens",
            "400",
            "--max-tokens",
            "8",
        ];
        let said = self.skiff(&edit).stderr;
        let line = said.lines().find_map(|line| line.split_once("reading the prompt: "));
        let (count, _) = line.unwrap_or_else(|| panic!("{said}")).1.split_once(' ').unwrap();
        count.parse().unwrap()
    }
}

#[test]
fn an_edit_starts_with_what_was_prepared() {
    let cold = Prepared::new().first_read();
    let prepared = Prepared::new();
    let report = prepared.skiff(&["index", "--map-tokens", "400", "--json"]).json();
    let kept = report["outline"]["kept_tokens"].as_u64().unwrap();
    assert!(kept > 300, "{report}");
    assert_eq!(report["outline"]["read_tokens"].as_u64(), Some(kept));
    let again = prepared.skiff(&["index", "--map-tokens", "400", "--json"]).json();
    assert_eq!(again["outline"]["read_tokens"], 1);
    let warm = prepared.first_read();
    assert!(warm + 300 < cold, "{warm} of {cold}");
}

#[test]
fn what_would_not_be_kept_is_not_read() {
    let prepared = Prepared::new();
    let outcome = prepared.skiff(&["index", "--map-tokens", "60"]);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stderr.contains("prompts are kept from 256 on"),
        "{}",
        outcome.stderr
    );
    assert!(!prepared.place.home().join("cache/skiff/engine").exists());
    let mut command = prepared.place.command(env!("CARGO_BIN_EXE_skiff"));
    command.args(["--model", &prepared.model, "index", "--map-tokens", "400", "--json"]);
    let outcome = Outcome::of(command.env("SKIFF_PREFIX_CACHE_MIB", "0"));
    assert_eq!(outcome.json()["outline"]["kept_tokens"], 0);
    assert!(outcome.stderr.contains("prefix_cache_mib is 0"), "{}", outcome.stderr);
}

#[test]
fn without_it_no_model_is_asked_for() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let report = place.skiff(&["index", "--json"]).json();
    assert!(report["outline"].is_null());
    assert_eq!(place.skiff(&["index", "--map-tokens", "400", "--rev", "HEAD"]).code, 2);
}
