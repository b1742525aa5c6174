//! The plans of `docs/batch/` do what they say: each on the files of `fixtures/batch/`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use skiff::batch::Plan;
use support::{Outcome, Place};

fn plans() -> Vec<PathBuf> {
    let entries = fs::read_dir(support::project().join("docs/batch")).unwrap();
    let mut plans: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    plans.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    plans.sort();
    plans
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).build();
    let files = walk
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file());
    let mut files: Vec<(String, String)> = files
        .map(|path| {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
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
fn plans_give_what_the_fixtures_say() {
    for path in plans() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let fixture = support::project().join("fixtures/batch").join(name);
        let before = files(&fixture.join("before"));
        let before: Vec<(&str, &str)> = before
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let place = Place::with(&before);
        let plan = place.root().join("plan.toml");
        let out = place.root().join("out").display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let mut args = vec!["batch".to_owned(), plan.display().to_string()];
        let report = fixture.join("findings.json");
        if report.exists() {
            args.extend(["--findings".to_owned(), report.display().to_string()]);
        }
        let mut run = [&args[..], &["-o".to_owned(), out.clone()]].concat();
        match fs::read_to_string(fixture.join("answers.jsonl")) {
            Ok(answers) => {
                fs::write(&plan, &text).unwrap();
                run.extend(["-m".to_owned(), place.scripted(&answers)]);
            }
            // Its request, if it has one, is for what the fixture does not have.
            Err(_) => fs::write(&plan, without_request(&text)).unwrap(),
        }
        let words = |args: &[String]| -> Outcome { place.skiff(&args.iter().map(String::as_str).collect::<Vec<_>>()) };
        let done = words(&run);
        assert_eq!(done.code, 0, "{name}: {done:?}");
        place.git(&["am", "--quiet", &format!("{out}/series.mbox")]);
        for (path, text) in files(&fixture.join("after")) {
            assert_eq!(place.read(&path), text, "{name}: {path}");
        }
        // Nothing is left to do, but for a plan that adds beside what it finds, and a report that is older than the change.
        let again = words(&[&args[..], &["--dry-run".to_owned()]].concat());
        let left = match name {
            "test-scaffold" | "findings" => 0,
            _ => 3,
        };
        assert_eq!(again.code, left, "{name}: {again:?}");
    }
}

fn without_request(text: &str) -> String {
    match (text.find("request = \"\"\""), text.find("[match]")) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &text[..start], &text[end..]),
        _ => text.to_owned(),
    }
}
