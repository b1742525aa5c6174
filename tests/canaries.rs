//! No configuration of git makes skiff run a program. Every vector names one that leaves a trace; every verb is run; git
//! itself is the control that the vectors are alive. `scripts/trust/canaries.sh` runs the verbs for each vector alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures are read by a person")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use support::Place;

const SOURCE: &str = "def double(n):\n    return n + n\n";

/// What plants one vector; the last argument is the program.
type Plant = fn(&Place, &str);

/// Keys whose value is a program, or the beginning of a command line.
const KEYS: &[&str] = &[
    "core.fsmonitor",
    "core.sshCommand",
    "core.editor",
    "core.pager",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "sequence.editor",
    "diff.external",
    "diff.canary.command",
    "diff.canary.textconv",
    "merge.canary.driver",
    "filter.canary.clean",
    "filter.canary.smudge",
    "filter.canary.process",
    "filter.lfs.clean",
    "filter.lfs.smudge",
    "filter.lfs.process",
    "credential.helper",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.x509.program",
    "gpg.ssh.defaultKeyCommand",
    "interactive.diffFilter",
    "pager.log",
    "pager.diff",
    "uploadpack.packObjectsHook",
    "browser.canary.cmd",
    "difftool.canary.cmd",
    "mergetool.canary.cmd",
    "man.canary.cmd",
    "trailer.canary.command",
    "trailer.canary.cmd",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "sendemail.smtpServer",
    "tar.tar.gz.command",
    "log.showSignature",
    "instaweb.browser",
];

/// Hooks that some command of git runs.
const HOOKS: &[&str] = &[
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-checkout",
    "post-index-change",
    "pre-applypatch",
    "applypatch-msg",
    "post-applypatch",
    "reference-transaction",
    "fsmonitor-watchman",
    "post-rewrite",
    "pre-auto-gc",
];

fn config(place: &Place, key: &str, value: &str) {
    place.git(&["config", "--local", key, value]);
}

fn append(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = fs::read_to_string(file).unwrap_or_default();
    fs::write(file, before + text).unwrap();
}

fn script(file: &Path, program: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("#!/bin/sh\nexec {program}\n")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn filter_in(place: &Place, file: &Path, program: &str) {
    append(file, "*.py filter=elsewhere diff=elsewhere merge=elsewhere\n");
    for key in [
        "filter.elsewhere.clean",
        "filter.elsewhere.smudge",
        "diff.elsewhere.textconv",
        "merge.elsewhere.driver",
    ] {
        config(place, key, program);
    }
}

/// Vectors that are more than a key.
const OTHERS: &[(&str, Plant)] = &[
    ("core.hooksPath", |place, program| {
        for hook in HOOKS {
            script(&place.root().join("hooks").join(hook), program);
        }
        config(place, "core.hooksPath", place.root().join("hooks").to_str().unwrap());
    }),
    ("attributes in the work tree", |place, program| {
        filter_in(place, &place.repo().join(".gitattributes"), program);
    }),
    ("attributes in a folder", |place, program| {
        filter_in(place, &place.repo().join("src/.gitattributes"), program);
    }),
    ("attributes in .git/info", |place, program| {
        filter_in(place, &place.repo().join(".git/info/attributes"), program);
    }),
    ("attributes of the user", |place, program| {
        filter_in(place, &place.home().join("config/git/attributes"), program);
    }),
    ("core.attributesFile", |place, program| {
        let file = place.home().join("attributes");
        filter_in(place, &file, program);
        config(place, "core.attributesFile", file.to_str().unwrap());
    }),
    ("an attribute macro", |place, program| {
        append(
            &place.repo().join(".gitattributes"),
            "[attr]every filter=macro\n* every\n",
        );
        config(place, "filter.macro.clean", program);
        config(place, "filter.macro.required", "true");
    }),
    ("include.path", |place, program| {
        append(
            &place.repo().join(".git/more"),
            &format!("[core]\n\tfsmonitor = {program}\n"),
        );
        config(place, "include.path", "more");
    }),
    ("includeIf.gitdir", |place, program| {
        append(
            &place.root().join("more"),
            &format!("[core]\n\tfsmonitor = {program}\n[alias]\n\tst = !{program}\n"),
        );
        config(
            place,
            "includeIf.gitdir:/**.path",
            place.root().join("more").to_str().unwrap(),
        );
    }),
    ("includeIf.onbranch", |place, program| {
        append(
            &place.root().join("branch"),
            &format!("[core]\n\tfsmonitor = {program}\n"),
        );
        config(
            place,
            "includeIf.onbranch:**.path",
            place.root().join("branch").to_str().unwrap(),
        );
    }),
    ("the user's configuration", |place, program| {
        append(
            &place.home().join(".gitconfig"),
            &format!("[core]\n\tfsmonitor = {program}\n\tpager = {program}\n"),
        );
    }),
    ("the user's other configuration", |place, program| {
        append(
            &place.home().join("config/git/config"),
            &format!("[core]\n\tfsmonitor = {program}\n"),
        );
    }),
    ("configuration of the work tree", |place, program| {
        config(place, "extensions.worktreeConfig", "true");
        append(
            &place.repo().join(".git/config.worktree"),
            &format!("[core]\n\tfsmonitor = {program}\n"),
        );
    }),
    ("aliases", |place, program| {
        for verb in ["status", "diff", "apply", "canary"] {
            config(place, &format!("alias.{verb}"), &format!("!{program}"));
        }
    }),
    ("a submodule's update command", |place, program| {
        let module = "[submodule \"m\"]\n\tpath = m\n\turl = ./m\n\tupdate = !";
        append(&place.repo().join(".gitmodules"), &format!("{module}{program}\n"));
        append(
            &place.repo().join(".git/config"),
            &format!("{module}{program}\n\tactive = true\n"),
        );
        let head = place.git(&["rev-parse", "HEAD"]);
        place.git(&[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("160000,{},m", head.trim()),
        ]);
    }),
    ("a submodule with configuration of its own", |place, program| {
        append(&place.repo().join("sub/.git/HEAD"), "ref: refs/heads/main\n");
        for folder in ["objects", "refs"] {
            fs::create_dir_all(place.repo().join("sub/.git").join(folder)).unwrap();
        }
        append(
            &place.repo().join("sub/.git/config"),
            &format!("[core]\n\tfsmonitor = {program}\n"),
        );
        append(&place.repo().join("sub/x.py"), "x = 1\n");
    }),
    ("an embedded bare repository", |place, program| {
        append(&place.repo().join("bare/HEAD"), "ref: refs/heads/main\n");
        for folder in ["objects", "refs"] {
            append(&place.repo().join("bare").join(folder).join("keep"), "");
        }
        append(
            &place.repo().join("bare/config"),
            &format!(
                "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ..\n\tfsmonitor = {program}\n"
            ),
        );
    }),
    ("safe.directory and safe.bareRepository", |place, _| {
        append(
            &place.home().join(".gitconfig"),
            "[safe]\n\tdirectory = *\n\tbareRepository = all\n",
        );
    }),
    ("protocol.ext", |place, program| {
        config(place, "protocol.ext.allow", "always");
        config(place, "remote.ext.url", &format!("ext::{program}"));
        config(place, "remote.ext.promisor", "true");
        config(place, "extensions.partialClone", "ext");
    }),
    ("url.insteadOf", |place, program| {
        config(place, &format!("url.ext::{program}.insteadOf"), "https://");
    }),
    ("programs of those names in PATH", |place, program| {
        for name in [
            "git", "sh", "ssh", "git-lfs", "less", "vi", "editor", "gpg", "watchman", "python3", "cc", "bash",
        ] {
            script(&place.root().join("bin").join(name), program);
        }
    }),
];

/// How many runs of skiff there are for each place.
const VERBS: usize = 13;

/// A repository in which `vectors` are planted; each has a program of its own.
struct Mine {
    place: Place,
}

impl Mine {
    fn new(vectors: &[usize]) -> Self {
        let place = Place::with(&[("src/calc.py", SOURCE), ("main.py", "from src.calc import double\n")]);
        fs::create_dir(place.root().join("fired")).unwrap();
        let mine = Self { place };
        // Proposals are made before, by a library that reads no less.
        mine.place.propose("src/calc.py", "n + n", "2 * n");
        for vector in vectors {
            let program = mine.program(*vector);
            match vector.checked_sub(KEYS.len()) {
                None => config(&mine.place, KEYS[*vector], &program),
                Some(at) if at < HOOKS.len() => {
                    script(&mine.place.repo().join(".git/hooks").join(HOOKS[at]), &program);
                }
                Some(at) => OTHERS[at - HOOKS.len()].1(&mine.place, &program),
            }
        }
        mine
    }

    /// A program that leaves its number behind.
    fn program(&self, vector: usize) -> String {
        let file = self.place.root().join(format!("program-{vector}"));
        let fired = self.place.root().join("fired").join(vector.to_string());
        fs::write(&file, format!("#!/bin/sh\n/usr/bin/touch {}\n", fired.display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    fn fired(&self) -> BTreeSet<PathBuf> {
        let fired = fs::read_dir(self.place.root().join("fired")).unwrap();
        fired.map(|entry| entry.unwrap().path()).collect()
    }

    /// Runs every verb that comes near a repository; tells how many did what they were asked.
    fn run_verbs(&self) -> usize {
        let script = self.place.home().join("script.jsonl");
        let reply = "{\"reply\": \"```python\\ndef double(n):\\n    return 2 * n\\n```\"}\n";
        fs::write(&script, reply.repeat(4)).unwrap();
        let model = format!("scripted:{}", script.display());
        let verbs: [&[&str]; VERBS] = [
            &["index"],
            &["map"],
            &["find", "double"],
            &["list", "--all"],
            &["show", "1"],
            &["apply", "1"],
            &["undo"],
            &["edit", "--symbol", "double", "return 2 * n", "-m", &model],
            &["edit", "--symbol", "double", "return 2 * n", "-m", &model, "--apply"],
            &["undo"],
            &["discard", "1"],
            &["doctor"],
            &["model", "list"],
        ];
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.place.root().join("bin").display());
        let done = verbs.iter().map(|args| {
            let mut command = self.place.command(env!("CARGO_BIN_EXE_skiff"));
            let output = command
                .args(*args)
                .env("PATH", &path)
                .env("EDITOR", "vi")
                .env("PAGER", "less")
                .output()
                .unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
            usize::from(output.status.success())
        });
        done.sum()
    }

    /// Runs a few commands of git, which are expected to set programs off.
    fn run_git(&self) {
        let file = self.place.repo().join("main.py");
        fs::write(&file, "from src.calc import double\nx = 1\n").unwrap();
        for args in [
            &["status"][..],
            &["diff"],
            &["log", "-p", "--ext-diff", "--textconv"],
            &["add", "--all"],
            &["commit", "-m", "more"],
            &["checkout", "-q", "-b", "other"],
            &["-C", "bare", "status"],
            &["submodule", "update"],
            &["ls-remote", "ext"],
        ] {
            let mut command = self.place.command("git");
            let _ = command.args(args).stdin(std::process::Stdio::null()).output().unwrap();
        }
    }
}

fn name(vector: usize) -> &'static str {
    match vector.checked_sub(KEYS.len()) {
        None => KEYS[vector],
        Some(at) if at < HOOKS.len() => HOOKS[at],
        Some(at) => OTHERS[at - HOOKS.len()].0,
    }
}

#[test]
fn no_configuration_of_git_runs_a_program() {
    let all: Vec<usize> = (0..KEYS.len() + HOOKS.len() + OTHERS.len()).collect();
    assert!(all.len() >= 40);
    let each = std::env::var_os("SKIFF_TRUST_EACH").is_some();
    // Alone, in a script; in a test all keys and all hooks at once, and the others alone, as some of them keep git out.
    let (keys, rest) = all.split_at(KEYS.len());
    let (hooks, others) = rest.split_at(HOOKS.len());
    let mut groups = vec![keys.to_vec(), hooks.to_vec()];
    groups.extend(others.iter().map(|vector| vec![*vector]));
    if each {
        groups = all.iter().map(|vector| vec![*vector]).collect();
    }
    let (mut done, mut alive) = (0, 0);
    for vectors in &groups {
        let mine = Mine::new(vectors);
        // What is planted by git itself may have fired already.
        for fired in mine.fired() {
            fs::remove_file(fired).unwrap();
        }
        let verbs_done = mine.run_verbs();
        let names: Vec<&str> = vectors.iter().map(|vector| name(*vector)).collect();
        assert!(mine.fired().is_empty(), "{names:?}: {:?}", mine.fired());
        println!("{verbs_done:>3} of {VERBS} verbs did their work: {names:?}");
        // Nor is a filtered file written: not where the filter is set in a file that may not be read either.
        if names[0].contains("attributes") {
            assert!(verbs_done < VERBS, "{names:?}");
        }
        // A configuration with parts that may not be read leaves the two that read no repository.
        assert!(verbs_done >= 2, "{names:?}: {verbs_done}");
        done += verbs_done;
        mine.run_git();
        alive += mine.fired().len();
    }
    println!(
        "canaries: {} vectors, {} places, {done} verbs did their work, 0 programs run by skiff; git itself ran {alive} of them",
        all.len(),
        groups.len()
    );
    assert!(done > groups.len() * VERBS / 2, "{done}");
    assert!(alive >= 10, "the vectors are dead: git ran {alive}");
}
