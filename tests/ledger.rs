//! The record of runs on the command line: what is written, what a changed ledger comes to, and what happens where nothing
//! can be written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use skiff::ledger::{Expectation, Ledger, Recorder, RunList, Setting, Texts, Verb};
use support::{Outcome, Place, RETURNS_2};

const SKIFF: &str = env!("CARGO_BIN_EXE_skiff");

fn place() -> Place {
    Place::with(&[("a.py", "def f():\n    return 1\n"), ("b.txt", "b\n")])
}

fn segment(place: &Place) -> PathBuf {
    place.home().join("state/skiff/ledger/ledger-000000000001.jsonl")
}

fn records(place: &Place) -> Vec<Value> {
    let text = fs::read_to_string(segment(place)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(place: &Place) -> Vec<String> {
    let kind = |record: &Value| record["kind"].as_str().unwrap().to_owned();
    records(place).iter().map(kind).collect()
}

fn edit(place: &Place, more: &[&str]) -> Outcome {
    let model = place.scripted(RETURNS_2);
    let args = ["edit", "return 2", "--symbol", "f", "--model", &model];
    place.skiff(&[&args[..], more].concat())
}

/// Replaces what differs between machines and users.
fn settled(place: &Place, text: &str) -> String {
    let user = records(place)[0]["body"]["user"].clone();
    let shown = match user["name"].as_str() {
        Some(name) => name.to_owned(),
        None => format!("uid {}", user["uid"]),
    };
    let text = text.replace(&format!("  {shown}  "), "  USER  ");
    let text = text.replace(place.root().to_str().unwrap(), "ROOT");
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n', ':']) {
        let hex = word.trim_end_matches([' ', '\n', ':']);
        let is_hex = hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_hex {
            true => out.push_str(&word.replace(hex, "HEX")),
            false => out.push_str(word),
        }
    }
    out
}

#[test]
fn everything_that_changes_something_is_recorded() {
    let place = place();
    assert_eq!(edit(&place, &[]).code, 0);
    assert_eq!(place.skiff(&["apply", "1"]).code, 0);
    assert_eq!(place.skiff(&["undo"]).code, 0);
    assert_eq!(place.skiff(&["discard", "1"]).code, 0);
    assert_eq!(place.skiff(&["apply", "1"]).code, 1);
    // Looking leaves no record.
    for looking in [
        &["list"][..],
        &["show", "1"],
        &["log"],
        &["log", "verify"],
        &["find", "f"],
    ] {
        assert_eq!(place.skiff(looking).code, 0);
    }
    let expected = "run_started work_tree_opened tree_read model_chosen prompted answered files_read candidate_judged \
                    proposal_made proposal_kept run_ended checkpoint \
                    run_started work_tree_opened decided tree_written run_ended checkpoint \
                    run_started work_tree_opened decided tree_written run_ended checkpoint \
                    run_started work_tree_opened decided run_ended checkpoint \
                    run_started work_tree_opened run_ended checkpoint";
    assert_eq!(kinds(&place).join(" "), expected);
    let all = records(&place);
    assert!(all.iter().all(|record| record["time_unix_s"] == support::DATE_UNIX_S));
    let (apply, undo) = (&all[14]["body"], &all[20]["body"]);
    assert_eq!(
        (&apply["decision"], &undo["decision"]),
        (&"apply".into(), &"undo".into())
    );
    assert_eq!((&apply["proposal"], &apply["hunks"]), (&1.into(), &"all".into()));
    // What is applied is what was proposed, and undo turns it around.
    assert_eq!(apply["patch"], all[9]["body"]["patch"]);
    assert_eq!(apply["change"], all[8]["body"]["change"]);
    assert_eq!(undo["change"]["before"], apply["change"]["after"]);
    assert_eq!(undo["change"]["after"], apply["change"]["before"]);
    let blob = place.git(&["hash-object", "a.py"]);
    assert_eq!(apply["change"]["files"][0]["before"]["blob"], blob.trim());
    assert_eq!(all[6]["body"]["files"][0]["path"], "a.py");
    assert_eq!(all[6]["body"]["files"][0]["blob"], blob.trim());
    let text = fs::read_to_string(segment(&place)).unwrap();
    assert!(!text.contains("return 2"), "a text is recorded that nobody asked for");

    let shown = place.skiff(&["log"]);
    insta::assert_snapshot!("the_log", settled(&place, &shown.stdout));
    let verified = place.skiff(&["log", "verify"]);
    insta::assert_snapshot!("a_sound_ledger", settled(&place, &verified.stdout));
}

#[test]
fn a_choice_of_hunks_is_recorded_hunk_by_hunk() {
    let lines: Vec<String> = (0..40).map(|n| format!("line {n}\n")).collect();
    let old = lines.concat();
    let new = ["line 3\n", "line 20\n", "line 37\n"]
        .iter()
        .fold(old.clone(), |text, line| text.replace(line, &format!("new {line}")));
    let place = Place::with(&[("a.txt", &old), ("b.txt", "b\n")]);
    let id = place.propose("a.txt", &old, &new).to_string();
    let choose = |answers: &str| {
        let script = "printf '%b' \"$1\" | \"$0\" apply -p \"$2\"";
        Outcome::of(place.command("sh").args(["-c", script, SKIFF, answers, &id]))
    };
    let decided = || -> Vec<Value> {
        let all = records(&place).into_iter();
        let decided = all.filter(|record| record["kind"] == "decided");
        decided.map(|record| record["body"].clone()).collect()
    };
    let hash_of = |text: &str| {
        fs::write(place.root().join("text"), text).unwrap();
        place.git(&["hash-object", "../text"]).trim().to_owned()
    };

    // Nothing is chosen: nothing is decided.
    assert_eq!(choose("n\\nq\\n").code, 3);
    assert_eq!(decided(), [Value::Null; 0]);

    let part = choose("y\\nn\\ny\\n");
    assert_eq!(part.code, 0, "{}", part.stderr);
    let first = &decided()[0];
    assert_eq!(
        first["hunks"],
        serde_json::json!({"some": [{"path": "a.txt", "hunks": [1, 3]}]})
    );
    assert_eq!((&first["decision"], &first["proposal"]), (&"apply".into(), &1.into()));
    assert_eq!(first["change"]["files"][0]["before"]["blob"], hash_of(&old));
    let after = new.replace("new line 20\n", "line 20\n");
    assert_eq!(place.read("a.txt"), after);
    assert_eq!(first["change"]["files"][0]["after"]["blob"], hash_of(&after));

    // The rest is a decision of its own, about what was left.
    assert_eq!(choose("y\\n").code, 0);
    let rest = &decided()[1];
    assert_eq!(rest["hunks"], "all");
    assert_eq!(rest["change"]["before"], first["change"]["after"]);
    assert_eq!(rest["change"]["files"][0]["after"]["blob"], hash_of(&new));
    assert_ne!(rest["patch"], first["patch"]);
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
}

/// Tells whether the kernel confines files, without which check commands are refused.
/// Brings the kinds of the records of each run together, in the order of the runs.
fn runs(place: &Place) -> Vec<(Value, String)> {
    let mut runs: Vec<(Value, String)> = Vec::new();
    for record in records(place) {
        let kind = record["kind"].as_str().unwrap();
        match runs.last_mut() {
            Some((_, kinds)) if kind != "run_started" => *kinds += &format!(" {kind}"),
            _ => runs.push((record["body"].clone(), kind.to_owned())),
        }
    }
    runs
}

#[test]
fn an_edit_that_applies_is_a_run_of_the_brain_and_one_of_the_hand() {
    let place = place();
    let level = place.skiff(&["doctor", "--json"]).json()["confinement"].clone();
    let edited = edit(&place, &["--apply"]);
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    assert_eq!(place.read("a.py"), "def f():\n    return 2\n");
    let runs = runs(&place);
    let expected = [
        "run_started work_tree_opened tree_read model_chosen prompted answered files_read candidate_judged \
         proposal_made proposal_kept run_ended checkpoint",
        "run_started work_tree_opened decided tree_written run_ended checkpoint",
    ];
    assert_eq!(
        runs.iter().map(|(_, kinds)| kinds.as_str()).collect::<Vec<_>>(),
        expected
    );
    for ((started, _), (verb, role)) in runs.iter().zip([("edit", "brain"), ("apply", "hand")]) {
        assert_eq!((&started["verb"], &started["role"]), (&verb.into(), &role.into()));
        // What is recorded is the level that this process has reached.
        assert_eq!(
            (&started["confinement"], &started["landlock_abi"]),
            (&level["kind"], &level["landlock_abi"])
        );
    }
    let all = records(&place);
    let of = |kind: &str| all.iter().find(|record| record["kind"] == kind).unwrap();
    let (made, kept, decided) = (of("proposal_made"), of("proposal_kept"), of("decided"));
    assert_eq!(decided["body"]["proposal"], kept["body"]["proposal"]);
    assert_eq!(decided["body"]["patch"], made["body"]["patch"]);
    assert_eq!(decided["body"]["change"], made["body"]["change"]);
    assert_eq!(decided["run"], 13);
    assert_eq!(made["body"]["engine"]["kind"], "scripted");
    assert_eq!(of("model_chosen")["body"]["draft_sha256"], Value::Null);
    let verified = place.skiff(&["log", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(!verified.stdout.contains("not signed"), "{}", verified.stdout);
}

#[test]
fn what_the_hand_cannot_record_it_does_not_write() {
    let place = place();
    assert_eq!(edit(&place, &[]).code, 0);
    // Room for the run of the brain and not for that of the hand: 512 bytes are a block.
    let edit_bytes = fs::metadata(segment(&place)).unwrap().len();
    let model = format!("scripted:{}", place.root().join("script.jsonl").display());
    let args = ["edit", "return 2", "--symbol", "f", "--apply", "--model", &model];
    let blocks = u32::try_from((2 * edit_bytes).div_ceil(512)).unwrap();
    let mut refused = 0;
    for more in 0..8 {
        let outcome = limited(&place, blocks + more, &args);
        let of_brain = runs(&place)
            .into_iter()
            .nth(1)
            .map_or(String::new(), |(_, kinds)| kinds);
        let decided = kinds(&place).iter().any(|kind| kind == "decided");
        let written = place.read("a.py") != "def f():\n    return 1\n";
        assert!(decided || !written, "written without a record");
        if of_brain.ends_with("run_ended checkpoint") && !decided {
            refused += 1;
            assert_eq!(outcome.code, 1, "{}", outcome.stderr);
            assert!(outcome.stderr.contains("cannot be recorded"), "{}", outcome.stderr);
        }
        let verified = place.skiff(&["log", "verify"]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        fs::remove_dir_all(place.home().join("state/skiff/ledger")).unwrap();
        place.git(&["checkout", "--quiet", "."]);
        assert_eq!(edit(&place, &[]).code, 0);
    }
    assert!(refused > 0);
}

#[test]
fn checks_are_recorded_before_they_run_and_when_they_ended() {
    let place = place();
    if !place.has_landlock() {
        return;
    }
    let line = "echo seen; exit 3";
    let failed = edit(
        &place,
        &[
            "--apply", "--rounds", "0", "--check", "true", "--check", line, "--check", "true",
        ],
    );
    assert_eq!(failed.code, 4, "{}", failed.stderr);
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    let expected =
        "checks_started check_ended check_ended files_read candidate_judged proposal_made proposal_kept run_ended";
    // The hand has nothing to do, and records nothing.
    assert!(kinds(&place).join(" ").contains(expected), "{:?}", kinds(&place));
    assert_eq!(runs(&place).len(), 1);
    let all = records(&place);
    let of = |kind: &str| -> Vec<&Value> {
        let of_kind = all.iter().filter(|record| record["kind"] == kind);
        of_kind.map(|record| &record["body"]).collect()
    };
    let (started, ended, made) = (of("checks_started"), of("check_ended"), of("proposal_made"));
    assert_eq!(started[0]["commands"].as_array().unwrap().len(), 3);
    assert_eq!(started[0]["patch"], made[0]["patch"]);
    assert_eq!((&ended[0]["passed"], &ended[0]["exit_code"]), (&true.into(), &0.into()));
    assert_eq!(
        (&ended[1]["passed"], &ended[1]["exit_code"]),
        (&false.into(), &3.into())
    );
    assert_eq!(ended[1]["command"], started[0]["commands"][1]);
    assert_eq!(made[0]["passed"], false);
    // Neither the command nor its output is kept where nobody asked for texts.
    let text = fs::read_to_string(segment(&place)).unwrap();
    assert!(!text.contains("seen"), "{text}");
    assert_eq!(place.skiff(&["log", "verify"]).code, 0);
    let log = place.skiff(&["log"]).stdout;
    assert!(
        log.contains("  check 2 of 3 failed, made proposal 1  exit 4\n"),
        "{log}"
    );
    let log = place.skiff(&["log", "--json"]).json();
    let checks = &log["runs"][0]["checks"];
    assert_eq!(checks[0]["end"]["passed"], true);
    assert_eq!(
        (&checks[1]["end"]["passed"], &checks[1]["end"]["exit_code"]),
        (&false.into(), &3.into())
    );
    assert_eq!(
        (&checks[1]["command"], &checks[2]["end"]),
        (&ended[1]["command"], &Value::Null)
    );

    let passed = edit(&place, &["--apply", "--check", "true", "--check", "true"]);
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    insta::assert_snapshot!(
        "the_log_of_roles_and_checks",
        settled(&place, &place.skiff(&["log"]).stdout)
    );

    let other = self::place();
    let mut command = other.command(SKIFF);
    command.env("SKIFF_LEDGER_TEXTS", "full");
    command.args([
        "edit", "return 2", "--symbol", "f", "--rounds", "0", "--check", line, "--model",
    ]);
    command.arg(other.scripted(RETURNS_2));
    assert_eq!(Outcome::of(&mut command).code, 4);
    let all = records(&other);
    let of = |kind: &str| all.iter().find(|record| record["kind"] == kind).unwrap();
    assert_eq!(of("checks_started")["body"]["lines"][0], line);
    assert_eq!(of("check_ended")["body"]["text"], "seen\n");
}

#[test]
fn who_only_looks_leaves_no_ledger() {
    let place = place();
    for looking in [
        &["find", "f"][..],
        &["map"],
        &["index"],
        &["list"],
        &["log"],
        &["log", "verify"],
        &["log", "export", "--format", "csv"],
    ] {
        let outcome = place.skiff(looking);
        assert_eq!(outcome.code, 0, "{looking:?}: {}", outcome.stderr);
        assert!(!place.home().join("state/skiff/ledger").exists(), "{looking:?}");
        assert!(!place.home().join("state/skiff/keys").exists(), "{looking:?}");
    }
    assert_eq!(place.skiff(&["log", "key"]).code, 0);
    assert!(place.home().join("state/skiff/keys/ledger.ed25519").is_file());
}

#[test]
fn texts_are_recorded_where_the_settings_say_so() {
    let place = place();
    let mut command = place.command(SKIFF);
    command.env("SKIFF_LEDGER_TEXTS", "full");
    command.args(["edit", "return 2", "--symbol", "f", "--model"]);
    command.arg(place.scripted(RETURNS_2));
    assert_eq!(Outcome::of(&mut command).code, 0);
    let all = records(&place);
    let prompted = all.iter().find(|record| record["kind"] == "prompted").unwrap();
    assert!(prompted["body"]["text"]["turns"].to_string().contains("return 2"));
    let answered = all.iter().find(|record| record["kind"] == "answered").unwrap();
    assert_eq!(answered["body"]["prompted"], prompted["seq"]);
    assert!(answered["body"]["text"].as_str().unwrap().contains("return 2"));
}

#[test]
fn a_changed_ledger_is_found_and_not_gone_on_with() {
    let place = place();
    let id = place.propose("a.py", "return 1", "return 2").to_string();
    assert_eq!(place.skiff(&["apply", &id]).code, 0);
    assert_eq!(place.skiff(&["undo"]).code, 0);
    let sound = fs::read_to_string(segment(&place)).unwrap();
    let changed = sound.replacen("\"decision\":\"apply\"", "\"decision\":\"discard\"", 1);
    assert_ne!(changed, sound);
    fs::write(segment(&place), changed).unwrap();
    let verified = place.skiff(&["log", "verify"]);
    assert_eq!(verified.code, 6);
    insta::assert_snapshot!("a_changed_ledger", settled(&place, &verified.stderr));
    assert_eq!(place.skiff(&["log", "verify", "--json"]).code, 6);
    // Cut off after the first run, with all its lines sound.
    let lines: Vec<&str> = sound.split_inclusive('\n').collect();
    let first = lines[..lines.len() / 2].concat();
    assert!(first.ends_with("\"v\":1}\n") && first.contains("checkpoint"));
    fs::write(segment(&place), &first).unwrap();
    assert_eq!(place.skiff(&["log", "verify"]).code, 6);
    let refused = place.skiff(&["apply", &id]);
    assert_eq!(refused.code, 6, "{}", refused.stderr);
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    assert_eq!(fs::read_to_string(segment(&place)).unwrap(), first);
    // A proposal can be looked at all the same.
    let shown = place.skiff(&["show", &id]);
    assert_eq!(shown.code, 0);
    assert!(
        !shown.stdout.contains("Skiff-Ledger") && shown.stderr.contains("broken"),
        "{}",
        shown.stderr
    );
}

#[test]
fn an_export_is_verified_elsewhere() {
    let place = place();
    edit(&place, &[]);
    place.skiff(&["apply", "1"]);
    let key = place.skiff(&["log", "key"]).stdout.trim().to_owned();
    let exported = place.skiff(&["log", "export", "--format", "jsonl"]).stdout;
    assert_eq!(exported, fs::read_to_string(segment(&place)).unwrap());
    let file = place.root().join("export.jsonl");
    fs::write(&file, &exported).unwrap();
    let head = place.skiff(&["log"]).stdout.lines().last().unwrap().to_owned();
    let head = head.strip_prefix("head ").unwrap();

    let other = self::place();
    let file = file.to_str().unwrap();
    let unknown = other.skiff(&["log", "verify", file]);
    assert_eq!(unknown.code, 0, "{}", unknown.stderr);
    assert!(unknown.stdout.contains("compared with no key"), "{}", unknown.stdout);
    let known = other.skiff(&["log", "verify", file, "--key", &key, "--head", head]);
    assert_eq!(known.code, 0, "{}", known.stderr);
    assert!(!known.stdout.contains("compared with no key"), "{}", known.stdout);
    let wrong = "0".repeat(64);
    let foreign = other.skiff(&["log", "verify", file, "--key", &wrong]);
    assert_eq!(foreign.code, 6, "{}", foreign.stderr);
    assert!(foreign.stderr.contains(&key), "{}", foreign.stderr);
    // A whole run less is a sound ledger, and not the one of the head.
    let shorter: String = exported.split_inclusive('\n').take(12).collect();
    fs::write(file, shorter).unwrap();
    assert_eq!(other.skiff(&["log", "verify", file, "--key", &key]).code, 0);
    assert_eq!(other.skiff(&["log", "verify", file, "--head", head]).code, 6);
    assert_eq!(other.skiff(&["log", "verify", "--head", "1:zz"]).code, 2);

    let csv = place.skiff(&["log", "export", "--format", "csv"]).stdout;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0], "seq,time,run,kind,body,prev,hash");
    assert_eq!(rows.len(), records(&place).len() + 1);
    assert!(
        rows[1].starts_with("1,2024-01-02T03:04:05Z,1,run_started,\"{\"\"confinement\"\""),
        "{}",
        rows[1]
    );
    assert!(rows.last().unwrap().ends_with(head.split(':').nth(1).unwrap()));
}

#[test]
fn patches_name_the_head_and_the_marking() {
    let place = place();
    let file = place.root().join("out.mbox");
    let marking = "NUR F\u{dc}R\u{202e} DEN DIENST";
    let edited = edit(&place, &["--marking", marking, "-o", file.to_str().unwrap()]);
    assert_eq!(edited.code, 0, "{}", edited.stderr);
    let mail = fs::read_to_string(&file).unwrap();
    let kept = records(&place)
        .into_iter()
        .find(|record| record["kind"] == "run_ended")
        .unwrap();
    // The head is that of the record before the run ended: the kept proposal.
    let line = format!(
        "Skiff-Ledger: {}:{}\n",
        kept["seq"].as_u64().unwrap() - 1,
        kept["prev"].as_str().unwrap()
    );
    assert!(mail.contains(&format!("\nMarking: {marking}\n{line}---\n")), "{mail}");
    let diff = place.skiff(&["show", "1", "--marking", marking]).stdout;
    assert!(
        diff.starts_with(&format!("Marking: {marking}\nSkiff-Ledger: ")),
        "{diff}"
    );
    fs::write(place.root().join("patch"), &diff).unwrap();
    place.git(&["apply", "--check", "../patch"]);
    let person = place
        .skiff(&["show", "1", "--marking", marking, "--color", "always"])
        .stdout;
    assert!(
        person.starts_with("Marking: NUR F\u{dc}R\\u{202e} DEN DIENST\n"),
        "{person}"
    );
    let log = place.skiff(&["log", "--marking", "A"]).stdout;
    assert!(
        log.starts_with("Marking: A\n") && log.contains("[NUR F\u{dc}R\\u{202e} DEN DIENST]"),
        "{log}"
    );
    assert_eq!(
        place.skiff(&["list", "--json", "--marking", "A"]).json()["marking"],
        "A"
    );
    let verified = place.skiff(&["log", "verify", "--json", "--marking", "A"]).json();
    assert_eq!(verified["marking"], "A");
    // An export has the bytes of the ledger, where the first record of a run bears its marking.
    let exported = place
        .skiff(&["log", "export", "--format", "jsonl", "--marking", "A"])
        .stdout;
    assert_eq!(exported, fs::read_to_string(segment(&place)).unwrap());
    assert!(
        exported
            .lines()
            .next()
            .unwrap()
            .contains(&format!("\"marking\":\"{marking}\""))
    );
    assert_eq!(place.skiff(&["list", "--marking", "a\nb"]).code, 2);
    place.git(&["am", "--quiet", "../out.mbox"]);
    assert!(place.git(&["log", "-1", "--format=%B"]).contains(&line));
}

#[test]
fn the_ledger_lies_where_the_settings_say() {
    let place = place();
    let elsewhere = place.root().join("elsewhere");
    let mut command = place.command(SKIFF);
    command.env("SKIFF_LEDGER_DIR", &elsewhere).arg("undo");
    assert_eq!(Outcome::of(&mut command).code, 1);
    assert!(elsewhere.join("ledger-000000000001.jsonl").is_file());
    assert!(!segment(&place).exists());
    assert!(place.home().join("state/skiff/keys/ledger.ed25519").is_file());
    // Each role is let there, and `log` to read it.
    let model = place.scripted(RETURNS_2);
    for args in [
        &["edit", "return 2", "--symbol", "f", "--apply", "--model", &model][..],
        &["show", "1"],
        &["undo"],
        &["apply", "1"],
        &["undo"],
        &["discard", "1"],
        &["log"],
        &["log", "verify"],
    ] {
        let mut command = place.command(SKIFF);
        let outcome = Outcome::of(command.env("SKIFF_LEDGER_DIR", &elsewhere).args(args));
        assert_eq!(outcome.code, 0, "{args:?}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("warning"), "{args:?}: {}", outcome.stderr);
    }
    assert!(!place.home().join("state/skiff/ledger").exists());
    let mut command = place.command(SKIFF);
    command.env("SKIFF_LEDGER_DIR", "here").arg("undo");
    assert_eq!(Outcome::of(&mut command).code, 1);
}

/// Limits the size of every file: a write beyond it fails, as on a full disk.
fn limited(place: &Place, blocks: u32, args: &[&str]) -> Outcome {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    Outcome::of(place.command("sh").args(["-c", &script, SKIFF]).args(args))
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    let place = place();
    let id = place.propose("a.py", "return 1", "return 2").to_string();
    // Fill the segment so far that a run begins and its decision does not fit: 512 bytes are a block.
    assert_eq!(place.skiff(&["undo"]).code, 1);
    let begun = fs::metadata(segment(&place)).unwrap().len();
    let mut refused = 0;
    for blocks in (begun.div_ceil(512)..).step_by(3).take(20) {
        let before = fs::read(segment(&place)).unwrap();
        let outcome = limited(&place, u32::try_from(blocks).unwrap(), &["apply", &id]);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        assert!(fs::read(segment(&place)).unwrap().starts_with(&before));
        assert_eq!(place.skiff(&["log", "verify"]).code, 0, "{blocks} blocks");
        let written = place.read("a.py") != "def f():\n    return 1\n";
        let decided = kinds(&place).iter().any(|kind| kind == "decided");
        assert!(decided || !written, "{blocks} blocks: written without a record");
        if !decided {
            refused += 1;
            assert_eq!(outcome.code, 1, "{}", outcome.stderr);
            assert!(outcome.stderr.contains("cannot be recorded"), "{}", outcome.stderr);
        }
        if written {
            break;
        }
    }
    assert!(refused > 0);
    assert_eq!(place.read("a.py"), "def f():\n    return 2\n");
}

/// A file system of 16 KB for the ledger, in a mount namespace of its own; skipped where the kernel does not let it.
#[test]
fn a_full_disk_ends_the_work_and_spoils_nothing() {
    let place = place();
    let ledger = place.home().join("state/skiff/ledger");
    fs::create_dir_all(&ledger).unwrap();
    let script = "mount -t tmpfs -o size=16k tmpfs \"$1\" || exit 77\n\
                  for n in $(seq 30); do code=0; \"$2\" undo 2> \"$3/undo.err\" || code=$?; echo \"undo $code\"; done\n\
                  code=0; \"$2\" log verify > /dev/null || code=$?; echo \"verify $code\"";
    let mut command = place.command("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-uc", script, "sh"]);
    command.arg(&ledger).arg(SKIFF).arg(place.home());
    let outcome = Outcome::of(&mut command);
    if outcome.code != 0 {
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!((lines.len(), lines[30]), (31, "verify 0"), "{}", outcome.stderr);
    assert!(lines[..30].iter().all(|line| *line == "undo 1"), "{lines:?}");
    let said = fs::read_to_string(place.home().join("undo.err")).unwrap();
    assert!(said.contains("cannot be recorded"), "{said}");
}

#[test]
fn without_the_right_to_write_nothing_is_done() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = place();
    let id = place.propose("a.py", "return 1", "return 2").to_string();
    // Not a directory: nobody can write there, an administrator neither.
    fs::write(place.home().join("state/skiff/ledger"), "").unwrap();
    for args in [&["apply", &id][..], &["discard", &id], &["undo"], &["edit", "x"]] {
        let outcome = place.skiff(args);
        assert_eq!(outcome.code, 1, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("cannot be recorded"), "{}", outcome.stderr);
    }
    assert_eq!(place.read("a.py"), "def f():\n    return 1\n");
    assert!(place.skiff(&["list"]).stdout.contains("open"));
    fs::remove_file(place.home().join("state/skiff/ledger")).unwrap();
    assert_eq!(place.skiff(&["apply", &id]).code, 0);
    let mode = |path: &str| fs::metadata(place.home().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("state/skiff/ledger"), 0o700);
    assert_eq!(mode("state/skiff/ledger/ledger-000000000001.jsonl"), 0o600);
    assert_eq!(mode("state/skiff/keys/ledger.ed25519"), 0o600);
}

fn writer_ledger(dir: &Path) -> Ledger {
    Ledger::new(&dir.join("ledger"), &dir.join("key"))
}

/// One of the writers of the test below, in a process of its own.
fn writer_setting() -> Setting {
    Setting {
        clock: || 0,
        texts: Texts::Digests,
        marking: None,
        role: "brain",
        confinement: "none",
        landlock_abi: None,
        policy_sha256: None,
    }
}

#[test]
#[ignore = "started by processes_take_turns"]
fn writer() {
    let Some(dir) = std::env::var_os("SKIFF_TEST_LEDGER").map(PathBuf::from) else {
        return;
    };
    for _ in 0..250 {
        let recorder = Recorder::begin(writer_ledger(&dir), writer_setting(), Verb::Apply).unwrap();
        recorder.note_work_tree(&std::process::id().to_string(), "/");
        recorder.end(0).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_a_ledger_to_go_on_with() {
    let dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let ledger = writer_ledger(dir.path());
    let mut records = 0;
    for round in 0..25 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "writer"]);
        command
            .env("SKIFF_TEST_LEDGER", dir.path())
            .stdout(std::process::Stdio::null());
        let mut writer = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20 + 3 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What is torn is put aside by whoever writes next; all else is sound at once.
        Recorder::begin(ledger.clone(), writer_setting(), Verb::Undo)
            .unwrap()
            .end(0)
            .unwrap();
        let verified = ledger.verify(&Expectation::default(), &mut |_, _| {}).unwrap();
        assert!(verified.records() >= records + 3 && verified.unsigned() == 0);
        records = verified.records();
    }
    assert!(records > 200, "the writers were killed before they wrote: {records}");
}

#[test]
fn processes_take_turns() {
    let dir = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let program = std::env::current_exe().unwrap();
    let start = || {
        let mut command = Command::new(&program);
        command.args(["--ignored", "--exact", "writer"]);
        command
            .env("SKIFF_TEST_LEDGER", dir.path())
            .stdout(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let writers = [start(), start()];
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let ledger = writer_ledger(dir.path());
    let keys = vec![ledger.public_key().unwrap()];
    let mut runs = RunList::default();
    let expected = Expectation { keys, head: None };
    let verified = ledger.verify(&expected, &mut |record, _| runs.see(record)).unwrap();
    let runs = runs.last(usize::MAX);
    assert_eq!(runs.len(), 500);
    assert!(runs.iter().all(|run| run.end.is_some()));
    // Four records a run, and a checkpoint where one fell due.
    assert!(verified.records() >= 2000);
    let turns = runs.windows(2).filter(|pair| pair[0].run + 4 > pair[1].run);
    println!(
        "{} records; {} runs began before the one before had ended",
        verified.records(),
        turns.count()
    );
}
