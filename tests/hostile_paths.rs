//! Paths that lead out of a work tree or into `.git`, in proposals that nobody could have made, in answers of a model, and
//! through folders that become links while a file is written. `scripts/trust/paths.sh` prints the figures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are read by a person")]

mod support;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};
use serde_json::{Value, json};
use skiff::repo::{BlobId, FileContent, FileMode, FileState, FileWrite, RepoError, Repository, WorkTree};
use skiff::text::RepoPath;
use support::Place;
use world::{Forge, World, asked, created, side, world};

const SOURCE: &str = "def double(n):\n    return n + n\n";

/// A repository beside a folder that nothing may be written to, with everything that leads there.
fn place() -> Place {
    let place = Place::with(&[
        ("src/calc.py", SOURCE),
        ("dir/file", "x\n"),
        (
            ".gitattributes",
            "*.key filter=crypt\n*.utf16 working-tree-encoding=UTF-16\n",
        ),
        ("secret.key", "x\n"),
        (
            "pointer.bin",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ),
    ]);
    let (root, repo) = (place.root(), place.repo());
    for folder in [
        "outside/deep",
        "repo/nested/.git",
        "repo/bare/objects",
        "repo/bare/refs",
        "repo/bare/hooks",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("outside/file"), "outside\n").unwrap();
    fs::write(repo.join("bare/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(repo.join("bare/config"), "").unwrap();
    fs::hard_link(root.join("outside/file"), repo.join("hard")).unwrap();
    mkfifoat(CWD, repo.join("fifo"), Mode::from_raw_mode(0o600)).unwrap();
    for (link, target) in [
        ("out", "../outside"),
        ("up", ".."),
        ("slash", "/"),
        ("tunnel", ".git"),
        ("loop", "loop"),
        ("dangling", "../outside/missing"),
        ("link", "src/calc.py"),
        ("outfile", "../outside/file"),
        ("dir/out", "../../outside"),
    ] {
        symlink(target, repo.join(link)).unwrap();
    }
    symlink(root.join("outside"), repo.join("absolute")).unwrap();
    // A gitlink without a checkout: the index alone knows of it.
    let commit = place.git(&["rev-parse", "HEAD"]);
    let entry = format!("160000,{},module", commit.trim());
    place.git(&["update-index", "--add", "--cacheinfo", &entry]);
    fs::create_dir(repo.join("module")).unwrap();
    place
}

/// Every spelling under which some file system or some git finds `.git`.
fn spellings() -> BTreeSet<String> {
    let plain = [
        ".git",
        ".GIT",
        ".Git",
        ".gIt",
        ".giT",
        "git~1",
        "GIT~1",
        "Git~1",
        ".git.",
        ".git...",
        ".git ",
        ".git  ",
        ".git. .",
        ".git::$INDEX_ALLOCATION",
        ".git:stream",
        ".git::$DATA",
        ".GIT::$INDEX_ALLOCATION",
        "git~1 .",
        "git~1::$DATA",
        ".git.:x",
    ];
    let mut all: BTreeSet<String> = plain.map(str::to_owned).into();
    for ignored in "\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202e}\u{206a}\u{206f}\u{feff}\u{ad}\u{200b}\u{2060}\u{fe0f}\u{e0020}".chars() {
        for at in 0..=4 {
            let mut name = ".git".to_owned();
            name.insert(at, ignored);
            all.insert(name);
        }
        all.insert(format!(".{ignored}G{ignored}I{ignored}T"));
    }
    all
}

/// The paths, of the kinds that git's own tests of `apply` know and of some more.
fn hostile(place: &Place) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for name in spellings() {
        for below in ["hooks/pre-commit", "config", "HEAD", "info/attributes"] {
            paths.insert(format!("{name}/{below}"));
        }
        paths.insert(format!("src/{name}/config"));
        paths.insert(format!("src\\{name}\\config"));
        paths.insert(name);
    }
    let outside = place.root().join("outside");
    let outside = outside.to_str().unwrap();
    for prefix in [
        "", "/", "//", "///", "/./", "./", "file://", "C:", "c:\\", "\\\\?\\", "~/", "$HOME/", "%2f", "\"", "a\0",
    ] {
        paths.insert(format!("{prefix}{outside}/x"));
        paths.insert(format!("{prefix}/tmp/x"));
    }
    for depth in 1..=12 {
        let up = "../".repeat(depth);
        for (before, after) in [
            ("", "outside/x"),
            ("src/", "x"),
            ("./", "x"),
            ("missing/", "outside/x"),
            ("out/", "x"),
        ] {
            paths.insert(format!("{before}{up}{after}"));
            paths.insert(format!("{before}{up}{after}").replace('/', "\\"));
        }
    }
    for link in [
        "out", "up", "slash", "tunnel", "loop", "dangling", "link", "outfile", "absolute", "dir/out",
    ] {
        for below in [
            "",
            "/x",
            "/deep/x",
            "/outside/x",
            "/tmp/x",
            "/hooks/x",
            "/config",
            "/new/deeper/x",
            "/../x",
        ] {
            paths.insert(format!("{link}{below}"));
        }
    }
    for held in ["nested", "module", "bare", "fifo", "hard", "dir", "dir/file"] {
        for below in [
            "",
            "/x",
            "/config",
            "/hooks/post-checkout",
            "/.git/config",
            "/deep/x",
            "/",
            "/.",
            "/..",
        ] {
            paths.insert(format!("{held}{below}"));
        }
    }
    // Names as git quotes them; here they are names, and nothing unquotes them.
    for quoted in [
        "\"\\056\\056/x\"",
        "\"\\056git/config\"",
        "\"..\\057x\"",
        "\\056\\056/x",
        "\"\\342\\200\\214.git/x\"",
        "..%2fx",
        "%2e%2e/x",
    ] {
        paths.insert(quoted.to_owned());
    }
    for odd in [
        "",
        ".",
        "..",
        "/",
        "//",
        "./x",
        "a//x",
        "a/./x",
        "a/",
        "a/.",
        "\0",
        "x\0/../y",
        ".../x",
        "..../x",
        ".. /x",
        "..\u{200b}/x",
    ] {
        paths.insert(odd.to_owned());
    }
    paths.insert("x".repeat(300));
    paths.insert("d/".repeat(3000) + "x");
    paths.insert(format!("{}x", "../".repeat(2000)));
    paths
}

/// All that may not change: everything but the work tree's own files and skiff's state.
fn forbidden(place: &Place) -> World {
    let (repo, home) = (place.repo(), place.home());
    let own = [home.join("state"), home.join("cache")];
    world(&place.root(), &|path| {
        let in_work_tree = path.starts_with(&repo)
            && path != repo
            && !["nested", "bare", ".git", "module"]
                .iter()
                .any(|held| path.starts_with(repo.join(held)));
        !in_work_tree && !own.iter().any(|own| path.starts_with(own))
    })
}

#[test]
fn no_path_of_a_proposal_leads_out() {
    let place = place();
    let forge = Forge::new(&place, "src/calc.py", "n + n");
    let mut proposals: Vec<(String, Vec<Value>)> = Vec::new();
    for path in hostile(&place) {
        proposals.push((path.clone(), vec![created(&path)]));
    }
    assert!(proposals.len() >= 500, "{}", proposals.len());
    // Of what is there: changed, deleted, moved away and moved over; and what a patch would have to make first.
    for path in [
        "outfile",
        "out/file",
        "hard",
        "absolute/file",
        "tunnel/HEAD",
        "bare/config",
        "secret.key",
        "pointer.bin",
        "link",
    ] {
        let text = fs::read_to_string(place.repo().join(path)).unwrap();
        let (old, new) = (side(&text, "100644"), side("written\n", "100644"));
        proposals.push((path.to_owned(), vec![json!({"path": path, "old": old, "new": new})]));
        proposals.push((path.to_owned(), vec![json!({"path": path, "old": old, "new": null})]));
        let away = json!({"path": path, "old": old, "new": null});
        proposals.push((path.to_owned(), vec![away, created("moved")]));
    }
    for path in ["out/moved", "../moved", ".git/hooks/moved", "new.key", "new.utf16"] {
        let calc = json!({"path": "src/calc.py", "old": side(SOURCE, "100644"), "new": null});
        proposals.push((path.to_owned(), vec![calc, created(path)]));
    }
    for mode in ["120000", "160000", "040000", "100600", "777"] {
        let made = json!({"path": "made", "old": null, "new": side("../outside", mode)});
        proposals.push((format!("made, {mode}"), vec![made, created("made/x")]));
    }
    let made = ["made/HEAD", "made/objects/x", "made/refs/x", "made/config"].map(created);
    proposals.push(("made, a bare repository".to_owned(), made.to_vec()));

    let before = forbidden(&place);
    let every = asked("SKIFF_TRUST_EVERY", 8);
    let (mut refused, mut inside, mut runs) = (0, 0, 0);
    for (number, (path, files)) in proposals.iter().enumerate() {
        // A process for each takes long in a test; the same code is called for all of them.
        let number = number + 2;
        forge.keep(number, files);
        let applied = if number % every == 0 {
            runs += 1;
            let outcome = place.skiff(&["apply", &number.to_string()]);
            assert!(outcome.code == 0 || !outcome.stderr.is_empty());
            assert!(!outcome.stderr.contains("panicked"), "{path:?}: {}", outcome.stderr);
            outcome.code == 0
        } else {
            apply_here(&place, files)
        };
        match applied {
            true => inside += 1,
            false => refused += 1,
        }
        if applied || number % 50 == 0 {
            assert_eq!(forbidden(&place), before, "{path:?}");
        }
    }
    assert_eq!(forbidden(&place), before);
    println!(
        "hostile paths: {} proposals ({runs} by `skiff apply`): {refused} refused, {inside} are plain names and were written inside, 0 writes outside",
        proposals.len()
    );
    assert!(refused >= 500, "{refused}");
    assert_eq!(fs::read_to_string(place.repo().join("src/calc.py")).unwrap(), SOURCE);
    assert!(!place.repo().join("moved").exists() && !place.repo().join("made").exists());
}

/// Does what `skiff apply` does with the files of a proposal; tells whether they were written.
fn apply_here(place: &Place, files: &[Value]) -> bool {
    let Ok(patch) = serde_json::from_value::<skiff::patch::Patch>(json!({"files": files})) else {
        return false;
    };
    let repository = Repository::discover(&place.repo()).unwrap();
    let mut work_tree = WorkTree::open(&repository, &place.home().join("state/skiff")).unwrap();
    work_tree.apply(&patch.writes(), "test").is_ok()
}

#[test]
fn no_answer_of_a_model_leads_out() {
    let answers = [
        "diff --git a/../../x b/../../x\n--- /dev/null\n+++ b/../../outside/x\n@@ -0,0 +1 @@\n+x\n",
        "--- a/.git/config\n+++ b/.git/config\n@@ -0,0 +1,2 @@\n+[core]\n+\tfsmonitor = touch x\n",
        "```python:../../outside/x\nx = 1\n```",
        "```../outside/x\ndef double(n):\n    return 2 * n\n```",
        "FILE: /etc/passwd\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE",
        "{\"tool\": \"write_file\", \"path\": \"../outside/x\", \"text\": \"x\"}",
        "*** Begin Patch\n*** Add File: ../outside/x\n+x\n*** End Patch",
        "rename from src/calc.py\nrename to ../outside/x\n",
        "<file path=\".git/hooks/pre-commit\">touch x</file>",
        "$(touch ../outside/x) `touch ../outside/x`",
        "../outside/x",
        "def double(n):\n    return open('../outside/x', 'w')\n",
    ];
    let place = place();
    let before = forbidden(&place);
    let script = place.home().join("script.jsonl");
    let model = format!("scripted:{}", script.display());
    for answer in answers {
        let line = json!({"reply": answer}).to_string() + "\n";
        fs::write(&script, line.repeat(8)).unwrap();
        let args = ["edit", "--symbol", "double", "return 2 * n", "--apply", "-m", &model];
        let outcome = place.skiff(&args);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        let script_gone = |mut world: World| {
            world.remove(&script);
            world
        };
        assert_eq!(script_gone(forbidden(&place)), script_gone(before.clone()), "{answer}");
        fs::write(place.repo().join("src/calc.py"), SOURCE).unwrap();
    }
    for path in [
        "../outside/file",
        "out/file",
        "outfile",
        ".git/config",
        "/etc/passwd",
        "hard",
        "fifo",
        "secret.key",
        "pointer.bin",
    ] {
        let outcome = place.skiff(&["edit", "change it", path, "--apply", "-m", &model]);
        assert_ne!(outcome.code, 0, "{path}");
    }
}

fn write(name: &str, old: Option<&str>, new: &str) -> FileWrite {
    let mode = FileMode::Regular;
    let blob = |text: &str| BlobId::of(text.as_bytes());
    FileWrite {
        path: RepoPath::new(name).unwrap(),
        before: old.map(|text| FileState { blob: blob(text), mode }),
        after: Some(FileContent {
            bytes: new.as_bytes().to_vec(),
            mode,
        }),
    }
}

/// Lets a folder and a link to the outside change places until `stop`, and counts.
fn swap(dir: &Path, link: &Path, stop: &AtomicBool, swaps: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        renameat_with(CWD, dir, CWD, link, RenameFlags::EXCHANGE).unwrap();
        swaps.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_folder_that_becomes_a_link_leads_nowhere() {
    let wanted = asked("SKIFF_TRUST_SWAPS", 50_000);
    let place = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let (repo, outside) = (place.path().join("repo"), place.path().join("outside"));
    git2::Repository::init(&repo).unwrap();
    for folder in [&repo.join("dir/sub"), &outside.join("sub")] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("file"), "0").unwrap();
    }
    symlink(&outside, repo.join("other")).unwrap();
    let before = world(&outside, &|_| true);
    let (stop, swaps) = (AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let (mut applied, mut refused, mut cut_short) = (0, 0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| swap(&repo.join("dir"), &repo.join("other"), &stop, &swaps));
        let repository = Repository::discover(&repo).unwrap();
        let mut now = "0".to_owned();
        let mut round = 0;
        while swaps.load(Ordering::Relaxed) < wanted && started.elapsed() < Duration::from_secs(240) {
            // Opening takes back what a swap had kept from being taken back at once.
            let Ok(mut work_tree) = WorkTree::open(&repository, &place.path().join("state")) else {
                continue;
            };
            if work_tree.recovered().is_some() {
                cut_short += 1;
            }
            round += 1;
            let next = round.to_string();
            let new = format!("dir/sub/new-{round}");
            let result = work_tree.apply(
                &[write("dir/sub/file", Some(&now), &next), write(&new, None, "x")],
                "swap",
            );
            match result {
                Ok(()) => {
                    applied += 1;
                    now = next;
                }
                Err(RepoError::CutShort { .. } | RepoError::RecoveryNeeded { .. }) => {}
                Err(_) => refused += 1,
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(world(&outside, &|_| true), before, "written outside");
    println!(
        "symlink swaps: {} while {applied} applies went through, {refused} were refused and {cut_short} were taken back later; 0 writes outside",
        swaps.load(Ordering::Relaxed)
    );
    assert!(refused > 0 && swaps.load(Ordering::Relaxed) > 0);
}
