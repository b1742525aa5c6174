//! The index on disk: whatever happened to the repository or to the file, an answer is the one that a fresh index gives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use skiff::index::{Index, IndexConfig};
use skiff::progress::NoProgress;
use skiff::repo::Repository;
use support::{Outcome, Place};

const QUERIES: [&str; 5] = [
    "parse the interval",
    "Report.render",
    "cache",
    "rndrttls",
    "value_7 in part_3.py",
];

/// Some files in several languages, and many small ones.
fn place() -> Place {
    let mut files = vec![
        (
            "src/interval.rs".to_owned(),
            include_str!("../fixtures/lang/rust/interval.rs").to_owned(),
        ),
        (
            "report.py".to_owned(),
            include_str!("../fixtures/lang/python/report.py").to_owned(),
        ),
        (
            "go/cache.go".to_owned(),
            include_str!("../fixtures/lang/go/cache.go").to_owned(),
        ),
        (
            "README.md".to_owned(),
            "# Intervals\n\nHow to parse an interval.\n".to_owned(),
        ),
        // One content at two paths.
        (
            "copy/cache.go".to_owned(),
            include_str!("../fixtures/lang/go/cache.go").to_owned(),
        ),
    ];
    for part in 0..40 {
        files.push((format!("parts/part_{part}.py"), part_text(part, 1)));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Place::with(&files)
}

fn part_text(part: u32, version: u32) -> String {
    format!(
        "class Part{part}:\n    def value_{part}(self, cache):\n        \"\"\"Version {version}.\"\"\"\n        return parse({part}, {version})\n"
    )
}

fn put(dir: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let file = dir.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
}

/// The answers of a fresh index in memory to all queries, as path, name and score.
fn fresh(dir: &Path) -> Vec<Vec<(String, String, f32)>> {
    let snapshot = Repository::discover(dir).unwrap().snapshot().unwrap();
    let index = Index::build(&snapshot, &IndexConfig::default(), &NoProgress).unwrap();
    let answers = |query: &&str| {
        let symbols = index.search_names(query, 100).into_iter().map(|hit| {
            let symbol = index.symbol(hit.symbol);
            (symbol.path.to_string(), symbol.qualified.clone(), hit.score)
        });
        let files = index.search_files(query, 100).into_iter();
        let files = files.map(|hit| (hit.path.to_string(), String::new(), hit.score));
        symbols.chain(files).collect()
    };
    QUERIES.iter().map(answers).collect()
}

fn skiff(place: &Place, dir: &Path, args: &[&str]) -> Outcome {
    Outcome::of(place.command(env!("CARGO_BIN_EXE_skiff")).current_dir(dir).args(args))
}

/// The answers of the binary.
fn asked(place: &Place, dir: &Path, more: &[&str]) -> Vec<Vec<(String, String, f32)>> {
    let ask = |query: &str, kind: &[&str]| {
        let found = skiff(
            place,
            dir,
            &[&["find", "--json", "-n", "100", query], kind, more].concat(),
        )
        .json();
        let hit = |hit: &Value| {
            let text = |key: &str| hit[key].as_str().unwrap_or_default().to_owned();
            (text("path"), text("name"), hit["score"].as_f64().unwrap() as f32)
        };
        let lists = [&found["symbols"], &found["files"]];
        lists
            .into_iter()
            .flat_map(|list| list.as_array().unwrap())
            .map(hit)
            .collect::<Vec<_>>()
    };
    let answers = |query: &&str| [ask(query, &[]), ask(query, &["--files"])].concat();
    QUERIES.iter().map(answers).collect()
}

fn check(place: &Place) {
    check_in(place, &place.repo());
}

fn check_in(place: &Place, dir: &Path) {
    let (asked, fresh) = (asked(place, dir, &[]), fresh(dir));
    assert!(fresh.iter().all(|answer| !answer.is_empty()));
    assert_eq!(asked, fresh);
}

/// How many contents the binary has to analyse.
fn new_blobs(place: &Place, dir: &Path) -> u64 {
    skiff(place, dir, &["index", "--json"]).json()["new_blobs"]
        .as_u64()
        .unwrap()
}

fn database(place: &Place) -> PathBuf {
    let cache = place.home().join("cache/skiff/index");
    let files = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let mut databases = files.filter(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
    let database = databases.next().unwrap();
    assert_eq!(databases.next(), None);
    database
}

#[test]
fn what_changes_is_analysed_and_nothing_else() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
    put(&repo, "parts/part_3.py", part_text(3, 2));
    check(&place);
    assert_eq!(new_blobs(&place, &repo), 0);
    // As long as before, and at once.
    put(&repo, "parts/part_3.py", part_text(3, 3));
    check(&place);
    put(&repo, "parts/part_3.py", part_text(3, 4));
    check(&place);
    fs::rename(repo.join("parts/part_4.py"), repo.join("parts/moved_4.py")).unwrap();
    fs::remove_file(repo.join("go/cache.go")).unwrap();
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
}

#[test]
fn a_branch_switch_between_seen_commits_analyses_nothing() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    place.git(&["switch", "--quiet", "--create", "other"]);
    for part in 0..20 {
        put(&repo, &format!("parts/part_{part}.py"), part_text(part, 2));
    }
    place.git(&["commit", "--quiet", "--all", "--message=second"]);
    assert_eq!(new_blobs(&place, &repo), 20);
    place.git(&["switch", "--quiet", "main"]);
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
    place.git(&["switch", "--quiet", "other"]);
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
}

#[test]
fn work_trees_of_one_repository_share_what_is_analysed() {
    let place = place();
    assert_eq!(new_blobs(&place, &place.repo()), 44);
    let linked = place.root().join("linked");
    place.git(&["worktree", "add", "--quiet", "-b", "linked", linked.to_str().unwrap()]);
    assert_eq!(new_blobs(&place, &linked), 0);
    put(&linked, "parts/part_1.py", part_text(1, 9));
    check_in(&place, &linked);
    check(&place);
    database(&place);
}

#[test]
fn revisions_are_indexed_in_bare_repositories_too() {
    let place = place();
    put(&place.repo(), ".skiffignore", "parts/part_1*.py\n");
    place.git(&["add", "--all"]);
    place.git(&["commit", "--quiet", "--message=exclusions"]);
    let bare = place.root().join("bare.git");
    place.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
    let expected = fresh(&place.repo());
    assert_eq!(asked(&place, &bare, &["--rev", "main"]), expected);
    put(&place.repo(), "parts/part_3.py", part_text(3, 2));
    assert_eq!(asked(&place, &place.repo(), &["--rev", "HEAD"]), expected);
    let unknown = skiff(&place, &bare, &["find", "--rev", "nowhere", "x"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("there is no revision \"nowhere\""),
        "{}",
        unknown.stderr
    );
    assert_eq!(skiff(&place, &bare, &["find", "x"]).code, 1);
}

#[test]
fn many_small_changes_are_merged() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    for version in 2..30 {
        put(&repo, "parts/part_7.py", part_text(7, version));
        put(&repo, &format!("parts/part_{version}.py"), part_text(version, version));
        assert_eq!(skiff(&place, &repo, &["index"]).code, 0);
    }
    check(&place);
    let segments: i64 = rusqlite::Connection::open(database(&place))
        .unwrap()
        .query_row("SELECT count(*) FROM segment", [], |row| row.get(0))
        .unwrap();
    assert!((1..=9).contains(&segments), "{segments}");
    place.git(&["checkout", "--quiet", "."]);
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
}

#[test]
fn files_are_left_out_as_git_and_skiffignore_say() {
    let place = place();
    let repo = place.repo();
    put(&repo, ".gitignore", "*.log\n/build/\n");
    put(&repo, "build/made.py", "def parse_made(): pass\n");
    put(&repo, "kept.log", "parse interval\n");
    place.git(&["add", "--force", "kept.log"]);
    put(&repo, "parts/.skiffignore", "part_1*.py\n!part_12.py\n");
    put(&repo, "sub/.skiffignore", "!x.log\n");
    put(&repo, "sub/x.log", "parse interval\n");
    let files = |place: &Place| -> Vec<String> {
        let found = skiff(
            place,
            &place.repo(),
            &["find", "--json", "--files", "-n", "1000", "parse parts log made"],
        )
        .json();
        let hits = found["files"].as_array().unwrap().iter();
        hits.map(|hit| hit["path"].as_str().unwrap().to_owned()).collect()
    };
    let found = files(&place);
    let has = |path: &str| found.iter().any(|found| found == path);
    assert!(has("kept.log") && has("parts/part_12.py") && has("parts/part_2.py"));
    assert!(!has("build/made.py") && !has("parts/part_11.py") && !has("parts/part_1.py") && !has("sub/x.log"));
    check(&place);
    fs::remove_file(repo.join("parts/.skiffignore")).unwrap();
    assert!(files(&place).iter().any(|found| found == "parts/part_11.py"));
    check(&place);
}

#[test]
fn sparse_checkouts_submodules_and_unreadable_files() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    let inner = place.root().join("inner");
    place.git(&["clone", "--quiet", ".", inner.to_str().unwrap()]);
    place.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        inner.to_str().unwrap(),
        "module",
    ]);
    check(&place);
    place.git(&["commit", "--quiet", "--message=module"]);
    place.git(&["sparse-checkout", "set", "--no-cone", "/*", "!/parts/part_2*.py"]);
    assert!(!repo.join("parts/part_2.py").exists());
    check(&place);
    place.git(&["sparse-checkout", "disable"]);
    check(&place);
    let closed = repo.join("parts/part_5.py");
    put(&repo, "parts/part_5.py", part_text(5, 2));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&closed).is_err() {
        let outcome = skiff(&place, &repo, &["index"]);
        assert_eq!(outcome.code, 0);
        assert!(
            outcome.stderr.contains("parts/part_5.py: it cannot be read"),
            "{}",
            outcome.stderr
        );
    }
    check(&place);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o644)).unwrap();
    check(&place);
}

#[test]
fn bytes_on_disk_count_where_git_converts() {
    let place = place();
    let repo = place.repo();
    put(&repo, ".gitattributes", "*.crlf text eol=crlf\n*.id ident\n");
    put(&repo, "a.crlf", "parse\r\ninterval\r\n");
    put(&repo, "b.id", "parse $Id$\n");
    place.git(&["add", "--all"]);
    place.git(&["commit", "--quiet", "--message=attributes"]);
    fs::remove_file(repo.join("a.crlf")).unwrap();
    fs::remove_file(repo.join("b.id")).unwrap();
    place.git(&["checkout", "--quiet", "."]);
    assert_eq!(fs::read(repo.join("a.crlf")).unwrap(), b"parse\r\ninterval\r\n");
    thread::sleep(Duration::from_millis(1100));
    place.git(&["update-index", "--refresh"]);
    assert_eq!(skiff(&place, &repo, &["index", "--rev", "HEAD"]).code, 0);
    check(&place);
}

#[test]
fn hostile_content_does_no_harm() {
    let place = place();
    let repo = place.repo();
    put(&repo, "long.py", format!("def {}(): pass\n", "a".repeat(30_000)));
    put(&repo, "wide.js", format!("var parse = [{}];\n", "1,".repeat(60_000)));
    put(&repo, "binary.py", b"def f():\0\xff");
    put(&repo, "latin.py", b"# caf\xe9\ndef parse(): pass\n");
    put(&repo, "empty.py", "");
    put(&repo, "\u{1b}[31m.py", "def parse_red(): pass\n");
    let outcome = skiff(&place, &repo, &["index"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("wide.js: it is searched as text only"),
        "{}",
        outcome.stderr
    );
    check(&place);
    let shown = skiff(&place, &repo, &["find", "parse_red"]);
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
}

#[test]
fn another_version_is_replaced() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    let connection = rusqlite::Connection::open(database(&place)).unwrap();
    connection
        .execute("UPDATE meta SET value = 'skiff 0.0.1' WHERE key = 'fingerprint'", [])
        .unwrap();
    drop(connection);
    let outcome = skiff(&place, &repo, &["index", "--json"]);
    assert!(outcome.stderr.contains("made by another version"), "{}", outcome.stderr);
    assert_eq!(outcome.json()["new_blobs"], 44);
    assert_eq!(new_blobs(&place, &repo), 0);
    check(&place);
}

#[test]
fn damage_is_found_and_repaired() {
    let place = place();
    let repo = place.repo();
    assert_eq!(new_blobs(&place, &repo), 44);
    let expected = fresh(&repo);
    let file = database(&place);
    let clear_log = || {
        for suffix in ["-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(suffix);
            drop(fs::remove_file(name));
        }
    };
    clear_log();
    let sound = fs::read(&file).unwrap();
    let mut damages: Vec<Vec<u8>> = Vec::new();
    for part in [0, 1, 50, 4096, sound.len() / 3, sound.len() / 2, sound.len() - 1] {
        damages.push(sound[..part].to_vec());
    }
    damages.push(b"this is no database, but it is longer than a hundred bytes. ".repeat(200));
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..60 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut bytes = sound.clone();
        let at = random as usize % bytes.len();
        bytes[at] ^= 1 << (random >> 61);
        damages.push(bytes);
    }
    let mut said = 0;
    for (number, damage) in damages.into_iter().enumerate() {
        clear_log();
        fs::write(&file, damage).unwrap();
        let outcome = skiff(&place, &repo, &["find", "--json", "-n", "100", QUERIES[0]]);
        said += u32::from(outcome.stderr.contains("damaged"));
        let found = outcome.json();
        let names: Vec<&str> = found["symbols"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["name"].as_str().unwrap())
            .collect();
        let wanted: Vec<&str> = expected[0]
            .iter()
            .map(|hit| hit.1.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(names, wanted, "damage {number}: {}", outcome.stderr);
        let outcome = skiff(&place, &repo, &["index", "--json"]);
        said += u32::from(outcome.stderr.contains("damaged"));
        assert_eq!(outcome.json()["symbols"], index_symbols(&repo), "damage {number}");
        if number % 16 == 0 {
            assert_eq!(asked(&place, &repo, &[]), expected, "damage {number}");
        }
    }
    assert!(said > 0);
}

fn index_symbols(dir: &Path) -> usize {
    let snapshot = Repository::discover(dir).unwrap().snapshot().unwrap();
    Index::build(&snapshot, &IndexConfig::default(), &NoProgress)
        .unwrap()
        .summary()
        .symbols
}

#[test]
fn without_a_place_to_keep_it_the_index_is_in_memory() {
    let place = place();
    fs::create_dir_all(place.home().join("cache/skiff")).unwrap();
    fs::write(
        place.home().join("cache/skiff/index"),
        "a file where a directory should be",
    )
    .unwrap();
    let outcome = skiff(&place, &place.repo(), &["index", "--json"]);
    assert!(
        outcome.stderr.contains("the index is not kept on disk"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.code, 1);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["database_bytes"], Value::Null);
    assert_eq!(asked(&place, &place.repo(), &[]), fresh(&place.repo()));
}

fn start(place: &Place, args: &[&str]) -> std::process::Child {
    let mut command: Command = place.command(env!("CARGO_BIN_EXE_skiff"));
    command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn grow(place: &Place) {
    for part in 100..400 {
        put(
            &place.repo(),
            &format!("more/part_{part}.py"),
            part_text(part, 1).repeat(10),
        );
    }
}

#[test]
fn several_writers_at_once_agree() {
    let place = place();
    grow(&place);
    let mut children: Vec<_> = (0..4).map(|_| start(&place, &["index"])).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    check(&place);
    assert_eq!(new_blobs(&place, &place.repo()), 0);
}

#[test]
fn a_death_at_any_moment_leaves_a_sound_index() {
    let place = place();
    grow(&place);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..12 {
        // A little is new each time, and every third time all.
        put(&place.repo(), "parts/part_7.py", part_text(7, round));
        if round % 3 == 0 {
            drop(fs::remove_dir_all(place.home().join("cache")));
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut child = start(&place, &["index"]);
        thread::sleep(Duration::from_micros(random % 400_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let report = skiff(&place, &place.repo(), &["index", "--json"]);
        assert!(!report.stderr.contains("damaged"), "round {round}: {}", report.stderr);
        assert_eq!(report.json()["symbols"], index_symbols(&place.repo()), "round {round}");
    }
    check(&place);
}
