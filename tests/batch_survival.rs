//! A batch that is killed at any moment goes on, and comes to what it would have come to.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use serde_json::Value;
use support::{Outcome, Place};
use tiny_gguf::Random;

const KILLS: usize = 50;
const FILES: usize = 12;
const SITES: usize = 8;

/// Rewrites the even places; the model, which writes noise, is asked for the odd ones. Of text that has no grammar any noise
/// passes.
const PLAN: &str = r#"
version = 1
title = "Change the items"
request = "Say it in other words: $NUMBER"
match.regex = 'item (?<NUMBER>\d+)'
[[rewrite]]
to = "thing $NUMBER"
where = { NUMBER = '\d*[02468]' }
"#;

#[test]
fn a_run_that_is_killed_at_any_moment_comes_to_the_same_series() {
    let files: Vec<(String, String)> = (0..FILES)
        .map(|file| {
            let lines = (0..SITES).map(|site| format!("item {}\n", file * SITES + site));
            (format!("notes/{file}.txt"), lines.collect())
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let place = Place::with(&files);
    let plan = place.root().join("plan.toml");
    fs::write(&plan, PLAN).unwrap();
    let model = place.root().join("tiny.gguf");
    fs::write(&model, tiny_gguf::tiny_gguf(5)).unwrap();
    // A ledger of its own for each folder.
    let skiff = |folder: &Path| {
        let mut command = place.command(env!("CARGO_BIN_EXE_skiff"));
        command.env("XDG_STATE_HOME", folder.with_extension("state"));
        command
    };
    let run = |folder: &Path, more: &[&str]| {
        let mut command = skiff(folder);
        let line = [
            "batch",
            plan.to_str().unwrap(),
            "-m",
            model.to_str().unwrap(),
            "--parallel",
            "1",
            "--threads",
            "1",
        ];
        command.args(line).args(["-o", folder.to_str().unwrap()]).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let whole = place.root().join("whole");
    let began = Instant::now();
    let status = run(&whole, &[]).status().unwrap();
    let took = began.elapsed();
    assert!([0, 4].contains(&status.code().unwrap()), "{status:?}");
    let series = fs::read_to_string(whole.join("series.mbox")).unwrap();
    assert!(
        series.matches("\nSubject: ").count() > FILES * SITES / 2,
        "{}",
        series.len()
    );

    let mut random = Random(9);
    let mut kills = 0;
    for round in 0.. {
        let folder = place.root().join(format!("killed-{round}"));
        loop {
            let mut child = run(&folder, &["--resume"]).spawn().unwrap();
            thread::sleep(took.mul_f64((random.next() % 1000) as f64 / 1500.0));
            // It may have ended by itself.
            child.kill().unwrap();
            let status = child.wait().unwrap();
            match status.code() {
                Some(code) => {
                    assert!([0, 4].contains(&code), "{status:?}");
                    break;
                }
                None => kills += 1,
            }
        }
        assert_eq!(
            fs::read_to_string(folder.join("series.mbox")).unwrap(),
            series,
            "round {round}"
        );
        // What the runs of this folder recorded holds, and names no place twice.
        let verified = Outcome::of(skiff(&folder).args(["log", "verify"]));
        assert_eq!(verified.code, 0, "round {round}: {verified:?}");
        let export = Outcome::of(skiff(&folder).args(["log", "export", "--format", "jsonl"])).stdout;
        let records = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let settled = records.filter(|record| record["kind"] == "site_settled");
        let places: Vec<String> = settled
            .map(|record| format!("{} {}", record["body"]["path"], record["body"]["start"]))
            .collect();
        let different: BTreeSet<&String> = places.iter().collect();
        assert_eq!(different.len(), places.len(), "round {round}");
        assert!(places.len() > FILES * SITES / 2, "round {round}: {}", places.len());
        if kills >= KILLS {
            break;
        }
    }
}
