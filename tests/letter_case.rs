//! Repositories in which names that differ by case only are one name, as on macOS and Windows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::Place;

const REPORT: &str = "def render_report(lines):\n    return lines\n";

/// A repository that git takes to lie on a file system that ignores case.
fn place(files: &[(&str, &str)]) -> Place {
    let place = Place::with(files);
    place.git(&["config", "core.ignorecase", "true"]);
    place
}

/// The files in the index, as it is found on disk and as it is without one.
fn indexed(place: &Place) -> Vec<String> {
    let files = |args: &[&str]| -> Vec<String> {
        let found = place.skiff(args).json();
        let hits = found["files"].as_array().unwrap().iter();
        let mut paths: Vec<String> = hits.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect();
        paths.sort();
        paths
    };
    let query = ["find", "--json", "--files", "-n", "100", "def report render lines"];
    let (first, second) = (files(&query), files(&query));
    assert_eq!(first, second);
    first
}

#[test]
fn a_renamed_file_has_the_name_that_it_has_on_disk() {
    let place = place(&[("src/Report.py", REPORT), ("src/other.py", "def lines(): pass\n")]);
    assert_eq!(indexed(&place), ["src/Report.py", "src/other.py"]);
    fs::rename(place.repo().join("src/Report.py"), place.repo().join("src/report.py")).unwrap();
    assert_eq!(indexed(&place), ["src/other.py", "src/report.py"]);
    fs::write(place.repo().join("src/report.py"), REPORT.replace("render", "show")).unwrap();
    let found = place.skiff(&["find", "--json", "show_report"]).json();
    assert_eq!(found["symbols"][0]["path"], "src/report.py");
    assert_eq!(found["symbols"][0]["name"], "show_report");
    assert_eq!(
        place.skiff(&["find", "--json", "--text", "render_report"]).json()["matches"],
        serde_json::json!([])
    );
}

#[test]
fn one_file_under_two_names_is_indexed_once() {
    let (tracked, on_disk) = (".skiff-tmp-report.py", ".SKIFF-tmp-report.py");
    let place = place(&[(tracked, REPORT)]);
    // Such a system finds the file under the name that git knows, too. Here it is a second file, with a name that the walk
    // passes over.
    fs::copy(place.repo().join(tracked), place.repo().join(on_disk)).unwrap();
    assert_eq!(indexed(&place), [on_disk]);
    place.git(&["config", "core.ignorecase", "false"]);
    assert_eq!(indexed(&place), [on_disk, tracked]);
}

#[test]
fn names_that_git_tracks_both_are_two_files() {
    let place = Place::with(&[
        ("a/Report.py", REPORT),
        ("A/report.py", "def report_two(lines): pass\n"),
    ]);
    place.git(&["config", "core.ignorecase", "true"]);
    assert_eq!(indexed(&place), ["A/report.py", "a/Report.py"]);
    for (name, path) in [("render_report", "a/Report.py"), ("report_two", "A/report.py")] {
        let found = place.skiff(&["find", "--json", name]).json();
        assert_eq!(found["symbols"][0]["path"], path);
    }
}

#[test]
fn rules_of_exclusion_ignore_case_as_git_does() {
    let place = place(&[
        ("Build/kept.py", REPORT),
        (".gitignore", "*.LOG\n/build/\n!Keep.log\nnested/[A-C]*.py\n"),
    ]);
    for path in [
        "x.log",
        "keep.log",
        "build/made.py",
        "Build/made.py",
        "nested/b.py",
        "Nested/c.py",
        "nested/d.py",
    ] {
        let file = place.repo().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, REPORT).unwrap();
    }
    fs::write(place.repo().join(".git/info/exclude"), "OTHER*\n").unwrap();
    for path in ["other.py", "left_out.py", "Left/in.py"] {
        let file = place.repo().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, REPORT).unwrap();
    }
    let listed = place.git(&["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed: BTreeSet<&str> = listed.lines().filter(|path| *path != ".gitignore").collect();
    let found = indexed(&place);
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, listed);
    assert!(found.contains("left_out.py") && !found.contains("other.py"));
    fs::write(place.repo().join(".skiffignore"), "LEFT_*\nleft/\n").unwrap();
    let found = indexed(&place);
    assert!(
        !found.iter().any(|path| path.to_lowercase().starts_with("left")),
        "{found:?}"
    );
}
