//! Whole edits with a scripted model: `fixtures/scenarios/NNN_name/{repo/, request.txt, script.jsonl, expected.patch}`,
//! where needed with `args.txt` (one argument a line) and `exit.txt` (the exit code, 0 otherwise).
//!
//! `SKIFF_UPDATE_SCENARIOS=1 cargo test --test scenarios` writes the expected patches anew; read them before you commit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Outcome, Place};

#[test]
fn every_scenario_comes_to_its_patch() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    let mut scenarios: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    scenarios.sort();
    assert!(scenarios.len() >= 14);
    for scenario in scenarios {
        run(&scenario);
    }
}

fn run(scenario: &Path) {
    let name = scenario.file_name().unwrap().to_string_lossy().into_owned();
    let place = Place::with(&[]);
    copy(&scenario.join("repo"), &place.repo());
    place.git(&["-c", "core.autocrlf=false", "add", "--all"]);
    place.git(&["commit", "--quiet", "--message=scenario"]);

    let outcome = edit(scenario, &place);
    let code: i32 = optional(scenario, "exit.txt").map_or(0, |text| text.trim().parse().unwrap());
    assert_eq!(outcome.code, code, "{name}: {}", outcome.stderr);
    let expected = scenario.join("expected.patch");
    if std::env::var_os("SKIFF_UPDATE_SCENARIOS").is_some() {
        fs::write(&expected, &outcome.stdout).unwrap();
    }
    assert_eq!(outcome.stdout, fs::read_to_string(&expected).unwrap(), "{name}");
    assert!(
        !outcome.stderr.contains('\u{1b}'),
        "{name}: an escape sequence reached stderr"
    );
    assert_eq!(
        place.git(&["status", "--porcelain"]),
        "",
        "{name}: the work tree changed before a yes"
    );
    if outcome.stdout.is_empty() {
        return;
    }

    // git takes the patch, and applying the proposal gives the same bytes.
    let patch = place.root().join("edit.patch");
    fs::write(&patch, &outcome.stdout).unwrap();
    place.git(&["apply", "--check", patch.to_str().unwrap()]);
    place.git(&["apply", patch.to_str().unwrap()]);
    place.git(&["add", "--all"]);
    let by_git = place.git(&["write-tree"]);
    place.git(&["reset", "--quiet", "--hard"]);
    assert_eq!(place.skiff(&["apply", "--accept-flags", "1"]).code, 0, "{name}");
    place.git(&["add", "--all"]);
    assert_eq!(place.git(&["write-tree"]), by_git, "{name}");
    assert_eq!(place.skiff(&["undo"]).code, 0, "{name}");
    place.git(&["add", "--all"]);
    assert_eq!(
        place.git(&["status", "--porcelain"]),
        "",
        "{name}: undo did not bring everything back"
    );
}

fn edit(scenario: &Path, place: &Place) -> Outcome {
    let model = format!("scripted:{}", scenario.join("script.jsonl").display());
    let request = fs::read_to_string(scenario.join("request.txt")).unwrap();
    let more = optional(scenario, "args.txt").unwrap_or_default();
    let mut args = vec!["edit", "--model", &model, request.trim()];
    args.extend(more.lines());
    place.skiff(&args)
}

fn optional(scenario: &Path, file: &str) -> Option<String> {
    fs::read_to_string(scenario.join(file)).ok()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}
