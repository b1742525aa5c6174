//! The plans of `docs/batch/` do what they say: each on the files of `fixtures/batch/`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use skiff::batch::Plan;
use support::Place;

fn plans() -> Vec<PathBuf> {
    let entries = fs::read_dir(support::project().join("docs/batch")).unwrap();
    let mut plans: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    plans.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    plans.sort();
    plans
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_plan_is_one() {
    assert!(plans().len() >= 5);
    for path in plans() {
        let text = fs::read_to_string(&path).unwrap();
        Plan::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn rewrites_give_what_the_fixtures_say() {
    let mut tried = 0;
    for path in plans() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let fixture = support::project().join("fixtures/batch").join(name);
        if !fixture.exists() {
            continue;
        }
        tried += 1;
        let before = files(&fixture.join("before"));
        let before: Vec<(&str, &str)> = before
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let place = Place::with(&before);
        // Its request is for what the fixture does not have.
        let plan = place.root().join("plan.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&plan, without_request(&text)).unwrap();
        let out = place.root().join("out").display().to_string();
        let done = place.skiff(&["batch", &plan.display().to_string(), "-o", &out]);
        assert_eq!(done.code, 0, "{name}: {done:?}");
        place.git(&["am", "--quiet", &format!("{out}/series.mbox")]);
        for (path, text) in files(&fixture.join("after")) {
            assert_eq!(place.read(&path), text, "{name}: {path}");
        }
        // Nothing is left to do, but for a plan that adds beside what it finds.
        let again = place.skiff(&["batch", &plan.display().to_string(), "--dry-run"]);
        let left = if name == "test-scaffold" { 0 } else { 3 };
        assert_eq!(again.code, left, "{name}: {again:?}");
    }
    assert!(tried >= 4, "{tried}");
}

fn without_request(text: &str) -> String {
    match (text.find("request = \"\"\""), text.find("[match]")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    }
}
