//! `find --embed-model`: the order by words and by vectors, and the vectors on disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::fs;
use std::path::PathBuf;

use support::{Outcome, Place};

/// Puts `c.py` next to the query, or `b.py`.
const BLUE: &str = "{\"contains\": \"c.py\", \"vector\": [1, 0]}\n{\"contains\": \".py\", \"vector\": [0, 1]}\n\
                    {\"contains\": \"\", \"vector\": [1, 0]}\n";
const GREEN: &str = "{\"contains\": \"b.py\", \"vector\": [1, 0]}\n{\"contains\": \".py\", \"vector\": [0, 1]}\n\
                     {\"contains\": \"\", \"vector\": [1, 0]}\n";

fn place() -> Place {
    Place::with(&[
        (
            "a.py",
            "def parse_red():\n    \"\"\"Parses and parses.\"\"\"\n    return 1\n",
        ),
        ("b.py", "def parse_green():\n    return 2\n"),
        ("c.py", "def parse_blue():\n    return 3\n"),
    ])
}

fn names(found: &Outcome) -> Vec<String> {
    let found = found.json();
    let hits = [&found["symbols"], &found["files"]].map(|hits| hits.as_array().unwrap().clone());
    let hits = hits.into_iter().flatten();
    hits.map(|hit| hit.get("name").unwrap_or(&hit["path"]).as_str().unwrap().to_owned())
        .collect()
}

fn find(place: &Place, script: &str, more: &[&str]) -> Outcome {
    let file = place.root().join("vectors.jsonl");
    fs::write(&file, script).unwrap();
    let model = format!("scripted:{}", file.display());
    place.skiff(&[&["find", "--json", "parse something", "--embed-model", &model], more].concat())
}

fn cache_file(place: &Place) -> PathBuf {
    let mut files = fs::read_dir(place.home().join("cache/skiff/vectors")).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn vectors_change_the_order() {
    let place = place();
    let by_words = names(&place.skiff(&["find", "--json", "parse something"]));
    assert_eq!(by_words, ["parse_red", "parse_green", "parse_blue"]);
    // First and second by words are second and third by vectors; the last by words is the first by vectors.
    assert_eq!(
        names(&find(&place, BLUE, &[])),
        ["parse_red", "parse_blue", "parse_green"]
    );
    assert_eq!(names(&find(&place, BLUE, &["-n", "2"])), ["parse_red", "parse_blue"]);
    let files = names(&place.skiff(&["find", "--json", "--files", "parse something"]));
    assert_eq!(files[2], "c.py");
    assert_eq!(names(&find(&place, BLUE, &["--files"]))[1], "c.py");
}

#[test]
fn vectors_are_kept_and_damaged_ones_are_not_used() {
    let place = place();
    let blue = names(&find(&place, BLUE, &[]));
    // Every script has the same identity, so that what was kept shows.
    assert_eq!(names(&find(&place, GREEN, &[])), blue);
    let file = cache_file(&place);
    let good = fs::read(&file).unwrap();
    // The first two are alike in sum; the words decide.
    let green = ["parse_red", "parse_green", "parse_blue"];
    for at in [0, 20, 41] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, bad).unwrap();
        assert_eq!(names(&find(&place, GREEN, &[])), green, "{at}");
    }
    fs::write(&file, &good[..30]).unwrap();
    assert_eq!(names(&find(&place, GREEN, &[])), green);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let outcome = find(&place, GREEN, &[]);
    assert_eq!(names(&outcome), green);
    assert!(
        outcome.stderr.contains("the vectors are not kept on disk"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_change_is_read_anew_and_nothing_else() {
    let place = place();
    find(&place, BLUE, &[]);
    let record = fs::metadata(cache_file(&place)).unwrap().len();
    fs::write(place.repo().join("b.py"), "\n\ndef parse_green():\n    return 2\n").unwrap();
    find(&place, GREEN, &[]);
    assert_eq!(fs::metadata(cache_file(&place)).unwrap().len(), record);
    fs::write(place.repo().join("b.py"), "def parse_green():\n    return 4\n").unwrap();
    assert_eq!(names(&find(&place, GREEN, &[])).len(), 3);
    assert!(fs::metadata(cache_file(&place)).unwrap().len() > record);
}

#[test]
fn a_model_orders_what_is_found() {
    let place = place();
    let model = place.root().join("tiny.gguf");
    fs::write(&model, tiny_gguf::tiny_gguf(7)).unwrap();
    let model = model.display().to_string();
    let ask = || {
        place.skiff(&[
            "find",
            "--json",
            "--threads",
            "1",
            "parse something",
            "--embed-model",
            &model,
        ])
    };
    let first = ask();
    let mut found = names(&first);
    let size = fs::metadata(cache_file(&place)).unwrap().len();
    assert_eq!(names(&ask()), found);
    assert_eq!(fs::metadata(cache_file(&place)).unwrap().len(), size);
    found.sort();
    assert_eq!(found, ["parse_blue", "parse_green", "parse_red"]);
}

#[test]
fn what_is_wrong_is_said() {
    let place = place();
    for (model, said) in [
        ("nothing", "no model \"nothing\""),
        ("a.py", "cannot be used as a model"),
        ("scripted:a.py", "line 1"),
    ] {
        let outcome = place.skiff(&["find", "parse", "--embed-model", model]);
        assert_eq!(outcome.code, 1);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let outcome = place.skiff(&["find", "--text", "parse", "--embed-model", "x"]);
    assert_eq!(outcome.code, 2);
}
