//! `skiff evidence` writes documents that somebody else can check.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod support;
#[path = "support/tiny_gguf.rs"]
mod tiny_gguf;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{Outcome, Place};

const FILES: [&str; 9] = [
    "README.md",
    "SHA384SUMS",
    "controls.md",
    "data-flow.md",
    "licences.md",
    "linkage.json",
    "policy.toml",
    "sbom.cdx.json",
    "self-test.json",
];

fn evidence(place: &Place, more: &[&str]) -> (PathBuf, Outcome) {
    let folder = place.root().join("evidence");
    let outcome = place.skiff(&[&["evidence", "-o", folder.to_str().unwrap()], more].concat());
    (folder, outcome)
}

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The packages of `Cargo.lock` by name and version, with their checksums; not skiff itself.
fn locked() -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(support::project().join("Cargo.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let field = |package: &toml::Value, name: &str| package[name].as_str().unwrap().to_owned();
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .filter(|package| package.get("source").is_some())
        .map(|package| {
            let key = (field(package, "name"), field(package, "version"));
            (key, field(package, "checksum"))
        })
        .collect()
}

#[test]
fn the_list_of_components_is_that_of_cargo_lock() {
    const HINT: &str = "run scripts/components.sh";
    let listing: Value =
        serde_json::from_str(&fs::read_to_string(support::project().join("evidence/components.json")).unwrap())
            .unwrap();
    let locked = locked();
    let field = |component: &Value, name: &str| component[name].as_str().unwrap().to_owned();
    let mut named = BTreeSet::new();
    for component in listing["crates"].as_array().unwrap() {
        let key = (field(component, "name"), field(component, "version"));
        assert_eq!(Some(&field(component, "sha256")), locked.get(&key), "{key:?}: {HINT}");
        assert!(named.insert(format!("{} {}", key.0, key.1)));
    }
    for component in listing["crates"].as_array().unwrap() {
        for need in component["needs"].as_array().unwrap() {
            assert!(named.contains(need.as_str().unwrap()), "{need}: {HINT}");
        }
    }
    // What is not linked is named too, so that no package is in neither list.
    let left_out = listing["left_out"].as_array().unwrap().iter();
    named.extend(left_out.map(|name| name.as_str().unwrap().to_owned()));
    let all: BTreeSet<String> = locked
        .keys()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    assert_eq!(named, all, "{HINT}");

    let manifest: toml::Table = fs::read_to_string(support::project().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let linux = ["cfg(unix)", "cfg(target_os = \"linux\")"];
    let tables = linux.map(|target| &manifest["target"][target]["dependencies"]);
    let wanted: BTreeSet<&str> = [&manifest["dependencies"]]
        .into_iter()
        .chain(tables)
        .flat_map(|table| table.as_table().unwrap().keys().map(String::as_str))
        .collect();
    let crates = listing["crates"].as_array().unwrap().iter();
    let direct: BTreeSet<&str> = crates
        .filter(|component| component["direct"] == true)
        .map(|component| component["name"].as_str().unwrap())
        .collect();
    assert_eq!(direct, wanted, "{HINT}");
}

#[test]
fn the_folder_holds_what_its_sums_say() {
    let place = Place::with(&[("a.py", "def f():\n    return 1\n")]);
    let (folder, outcome) = evidence(&place, &[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, FILES);
    let checked = Outcome::of(
        place
            .command("sha384sum")
            .args(["--check", "--strict", "SHA384SUMS"])
            .current_dir(&folder),
    );
    assert_eq!(checked.code, 0, "{checked:?}");
    assert_eq!(checked.stdout.lines().count(), FILES.len() - 1);
    for name in FILES.iter().filter(|name| name.ends_with(".md")) {
        let page = text(&folder, name);
        assert!(page.starts_with("# ") && page.ends_with('\n'), "{name}");
        for left in ["{{", "{%", "%}", "\n\n\n"] {
            assert!(!page.contains(left), "{name} holds {left:?}");
        }
    }
    assert!(text(&folder, "policy.toml").starts_with("# No policy is in force"));
    // Whoever sees it once more sees the same, but for what is measured.
    let again = place.root().join("again");
    assert_eq!(place.skiff(&["evidence", "-o", again.to_str().unwrap()]).code, 0);
    let measured = ["self-test.json", "SHA384SUMS"];
    // The folder that may be written is one of the places.
    for name in FILES.iter().filter(|name| !measured.contains(name)) {
        assert_eq!(text(&folder, name), text(&again, name), "{name}");
    }
}

#[test]
fn the_bill_names_every_crate_and_the_executable() {
    let place = Place::with(&[]);
    let (folder, _) = evidence(&place, &[]);
    let bill = json(&folder, "sbom.cdx.json");
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&"CycloneDX".into(), &"1.6".into())
    );
    let executable = hex(Sha256::digest(fs::read(env!("CARGO_BIN_EXE_skiff")).unwrap()));
    assert_eq!(bill["metadata"]["component"]["hashes"][0]["content"], executable);
    assert!(text(&folder, "README.md").contains(&executable));
    let locked = locked();
    let components = bill["components"].as_array().unwrap();
    for component in components {
        let key = ["name", "version"].map(|name| component[name].as_str().unwrap().to_owned());
        let checksum = &locked[&(key[0].clone(), key[1].clone())];
        assert_eq!(component["hashes"][0]["content"], *checksum, "{key:?}");
        assert!(component["licenses"][0]["expression"].is_string(), "{key:?}");
    }
    let find = |name: &str| components.iter().find(|component| component["name"] == name).unwrap();
    let carried: Vec<&Value> = find("llama-cpp-sys-2")["components"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    assert_eq!(
        (&carried[0]["name"], &carried[1]["name"]),
        (&"llama.cpp".into(), &"ggml".into())
    );
    assert_eq!(find("tree-sitter-python")["type"], "library");
    assert!(find("libgit2-sys")["purl"].as_str().unwrap().contains("%2B"));
    // Every reference is of something.
    let mut known: BTreeSet<&str> = components
        .iter()
        .map(|component| component["bom-ref"].as_str().unwrap())
        .collect();
    known.insert("skiff");
    let dependencies = bill["dependencies"].as_array().unwrap();
    assert_eq!(dependencies.len(), known.len());
    for dependency in dependencies {
        let on = dependency["dependsOn"].as_array().unwrap().iter();
        for name in on.chain([&dependency["ref"]]) {
            assert!(known.contains(name.as_str().unwrap()), "{name}");
        }
    }
}

#[test]
fn models_are_listed_by_digest() {
    let place = Place::with(&[]);
    let weights = tiny_gguf::tiny_gguf(3);
    let model = place.root().join("tiny.gguf");
    fs::write(&model, &weights).unwrap();
    let file = model.to_str().unwrap();
    assert_eq!(place.skiff(&["model", "add", file, "--name", "kept"]).code, 0);
    let other = place.root().join("other.gguf");
    fs::write(&other, tiny_gguf::tiny_gguf(4)).unwrap();
    let (folder, outcome) = evidence(&place, &["--model", other.to_str().unwrap()]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let bill = json(&folder, "sbom.cdx.json");
    let models: Vec<&Value> = bill["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|component| component["type"] == "machine-learning-model")
        .collect();
    let names: Vec<&Value> = models.iter().map(|model| &model["name"]).collect();
    assert_eq!(names, ["kept", "other"]);
    assert_eq!(models[0]["hashes"][0]["content"], hex(Sha256::digest(&weights)));
    let missing = place.skiff(&["evidence", "-o", "new", "--model", "nobody"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert_eq!(fs::read_dir(place.repo().join("new")).unwrap().count(), 0);
}

#[test]
fn a_marking_stands_on_every_document() {
    let place = Place::with(&[]);
    let (folder, outcome) = evidence(&place, &["--marking", "INTERNAL | two"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for name in FILES {
        let document = text(&folder, name);
        match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("json") => assert!(document.contains("\"INTERNAL | two\""), "{name}"),
            Some("md") => assert!(document.starts_with("Marking: INTERNAL | two\n\n# "), "{name}"),
            _ => assert!(document.starts_with("# Marking: INTERNAL | two\n"), "{name}"),
        }
    }
    let property = &json(&folder, "sbom.cdx.json")["metadata"]["properties"][0];
    assert_eq!(
        (&property["name"], &property["value"]),
        (&"skiff:marking".into(), &"INTERNAL | two".into())
    );
}

#[test]
fn what_is_there_is_not_touched() {
    let place = Place::with(&[]);
    let folder = place.root().join("evidence");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "mine").unwrap();
    let (_, outcome) = evidence(&place, &[]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("is not empty"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: "), "{}", outcome.stderr);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    let over_a_file = place.skiff(&["evidence", "-o", folder.join("mine").to_str().unwrap()]);
    assert_eq!(over_a_file.code, 1);
    assert!(
        over_a_file.stderr.contains("cannot make the folder"),
        "{}",
        over_a_file.stderr
    );
    assert_eq!(text(&folder, "mine"), "mine");
}

#[test]
fn a_full_disk_leaves_no_documents() {
    let place = Place::with(&[]);
    // Blocks of 512 bytes: the first document fits, another does not. A write beyond the limit fails, as on a full disk.
    for blocks in [0, 8, 64] {
        let folder = place.root().join(format!("blocks-{blocks}"));
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = place.command("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_skiff"), "evidence", "-o"])
            .arg(&folder);
        let outcome = Outcome::of(&mut command);
        assert_eq!(outcome.code, 1, "{blocks}: {outcome:?}");
        let said = format!("cannot write {}", folder.display());
        assert!(
            outcome.stderr.contains(&said) && outcome.stderr.contains("caused by: "),
            "{}",
            outcome.stderr
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{blocks}");
        // What was left is a folder that can be used.
        assert_eq!(place.skiff(&["evidence", "-o", folder.to_str().unwrap()]).code, 0);
    }
}

#[test]
fn the_places_are_those_of_this_user() {
    let place = Place::with(&[]);
    fs::create_dir_all(place.home().join("config/skiff")).unwrap();
    let ledger = place.root().join("records");
    let config = format!(
        "ledger_dir = {:?}\nprefix_cache_mib = 0\n",
        ledger.display().to_string()
    );
    fs::write(place.home().join("config/skiff/config.toml"), config).unwrap();
    let (folder, outcome) = evidence(&place, &[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let page = text(&folder, "data-flow.md");
    let section = |verb: &str| {
        let start = page.find(&format!("### `skiff {verb}")).unwrap();
        page[start..].split("\n###").next().unwrap().to_owned()
    };
    let repo = format!("`{}`", place.repo().display());
    let writes = |verb: &str| {
        section(verb)
            .lines()
            .find(|line| line.starts_with("Writes"))
            .unwrap()
            .to_owned()
    };
    assert!(
        writes("apply").contains(&repo) && !writes("edit`").contains(&repo),
        "{page}"
    );
    assert!(writes("edit`").contains(&format!("`{}`", ledger.display())), "{page}");
    assert_eq!(writes("model list"), "Writes: nothing.");
    assert!(page.contains("nothing of what the model has read"), "{page}");
}

#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn the_self_test_tries_every_role() {
    let place = Place::with(&[("a.py", "x = 1\n")]);
    let (folder, outcome) = evidence(&place, &[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report = json(&folder, "self-test.json");
    let schema = fs::read_to_string(support::project().join("docs/schema/self-test.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let roles = report["roles"].as_array().unwrap();
    let names: Vec<&Value> = roles.iter().map(|role| &role["role"]).collect();
    assert_eq!(names, ["brain", "hand", "checker"]);
    for role in roles {
        assert_eq!(role["holds"], true, "{role:#}");
        let calls = role["calls"].as_array().unwrap();
        let families: BTreeSet<&str> = calls
            .iter()
            .filter(|call| call["call"] == "socket" && call["outcome"] == "denied" && call["errno"] == libc::EACCES)
            .map(|call| call["argument"].as_str().unwrap())
            .collect();
        let of_drivers = cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm")) && role["role"] == "brain";
        assert_eq!(families.len(), 46 * 3 + 1 - if of_drivers { 3 } else { 0 });
        let ptrace = calls.iter().find(|call| call["call"] == "ptrace").unwrap();
        assert_eq!(
            (&ptrace["outcome"], &ptrace["errno"]),
            (&"denied".into(), &libc::EACCES.into())
        );
        if cfg!(target_arch = "x86_64") {
            let foreign: Vec<&Value> = calls.iter().filter(|call| call["call"] == "getpid").collect();
            let outcomes: Vec<&Value> = foreign.iter().map(|call| &call["outcome"]).collect();
            assert_eq!(outcomes, ["denied", "killed"], "{foreign:?}");
        }
    }
    // Each may do what it is for.
    let outcome = |role: &Value, call: &str, argument: &str| {
        let calls = role["calls"].as_array().unwrap();
        let found = calls.iter().find(|c| c["call"] == call && c["argument"] == argument);
        found.unwrap_or_else(|| panic!("{call} {argument}"))["outcome"].clone()
    };
    assert_eq!(outcome(&roles[2], "clone", "a process"), "allowed");
    assert_eq!(outcome(&roles[1], "clone", "a process"), "denied");
    if roles[0]["kind"] == "landlock" {
        let in_repo = format!("in {}", place.repo().display());
        let tried = roles.iter().map(|role| outcome(role, "mkdir", &in_repo));
        assert_eq!(tried.collect::<Vec<_>>(), ["denied", "allowed", "denied"]);
    } else {
        eprintln!("SKIPPED: this kernel has no Landlock");
    }
    assert_eq!(fs::read_dir(place.repo()).unwrap().count(), 2);
}

#[test]
#[cfg(target_os = "linux")]
fn the_linkage_is_what_readelf_says() {
    let place = Place::with(&[]);
    let (folder, _) = evidence(&place, &[]);
    let linkage = &json(&folder, "linkage.json")["linkage"];
    let output = Outcome::of(place.command("readelf").args(["-d", env!("CARGO_BIN_EXE_skiff")]));
    if output.code != 0 {
        eprintln!("SKIPPED: no readelf");
        return;
    }
    let needed: Vec<&str> = output
        .stdout
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    assert_eq!(linkage["needed"], Value::from(needed));
    // A driver of graphics cards may need them.
    if !cfg!(any(feature = "cuda", feature = "vulkan", feature = "rocm")) {
        assert_eq!(linkage["network_imports"], Value::Array(Vec::new()));
    }
    assert_eq!(linkage["relro"], "full");
}

#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn the_policy_is_copied_with_what_it_fixes() {
    let place = Place::with(&[]);
    let policy = "check = 'deny'\n[lock]\nthreads = 3\nmarking = 'INTERNAL'\n";
    let script = "mount -t tmpfs none /etc && mkdir /etc/skiff && printf '%s' \"$POLICY\" > /etc/skiff/policy.toml || exit 77; \
                  exec \"$0\" \"$@\"";
    let folder = place.root().join("evidence");
    let mut command = place.command("unshare");
    command
        .args([
            "-r",
            "-m",
            "sh",
            "-c",
            script,
            env!("CARGO_BIN_EXE_skiff"),
            "evidence",
            "-o",
        ])
        .arg(&folder)
        .env("POLICY", policy);
    let outcome = Outcome::of(&mut command);
    if outcome.code == 77 || outcome.stderr.starts_with("unshare: ") {
        eprintln!("SKIPPED: no mount namespace for a policy: {}", outcome.stderr);
        return;
    }
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let written = text(&folder, "policy.toml");
    assert!(
        written.starts_with("# Marking: INTERNAL\n") && written.ends_with(policy),
        "{written}"
    );
    assert!(
        written.contains("#   threads = 3\n") && written.contains("check commands: denied"),
        "{written}"
    );
    assert!(written.contains(&hex(Sha256::digest(policy))), "{written}");
    assert!(written.parse::<toml::Table>().is_ok(), "{written}");
}
