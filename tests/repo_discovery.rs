//! The shapes that a repository comes in, and what is refused as the target of an edit.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "support/git.rs"]
mod git;

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use git::{Bench, chmod, put};
use skiff::repo::{BlobId, FileMode, Head, MAX_EDIT_BYTES, RepoError, Repository, Snapshot, WorkTree};
use skiff::text::{PathError, RepoPath};

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn snapshot(root: &Path) -> Snapshot {
    Repository::discover(root).unwrap().snapshot().unwrap()
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files().iter().map(|file| file.path.as_str()).collect()
}

fn refusal(root: &Path, name: &str) -> RepoError {
    snapshot(root).read(&path(name)).unwrap_err()
}

#[cfg(target_os = "linux")]
/// Runs `work` on a thread without the powers of root, so that permissions mean something where tests run as root.
fn as_somebody_else<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    const NOBODY: libc::uid_t = 65534;
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: the raw call changes the effective user of this thread alone, and the thread ends below.
            let changed = unsafe { libc::syscall(libc::SYS_setresuid, -1, NOBODY, -1) };
            // SAFETY: asks a number of the process.
            let is_root = unsafe { libc::getuid() } == 0;
            assert!(changed == 0 || !is_root);
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn a_repository_is_found_from_any_directory_inside() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("src/deep/a.rs", b"a")]);
    let found = Repository::discover(&root.join("src/deep")).unwrap();
    assert_eq!(found.work_dir(), Some(root.as_path()));
    assert_eq!(found.key(), Repository::discover(&root).unwrap().key());
    assert_eq!(found.key().len(), 16);
    let commit = bench.git(&root, ["rev-parse", "HEAD"]).trim().to_owned();
    let name = "main".to_owned();
    assert_eq!(found.head().unwrap(), Head::Branch { name, commit });
}

#[test]
fn what_is_no_repository_is_named() {
    let bench = Bench::new();
    fs::create_dir(bench.path("plain")).unwrap();
    let plain = Repository::discover(&bench.path("plain")).err().unwrap();
    assert!(
        matches!(&plain, RepoError::NotARepository(dir) if *dir == bench.path("plain")),
        "{plain:?}"
    );
    assert!(plain.to_string().contains("plain"));
    let missing = Repository::discover(&bench.path("missing")).err().unwrap();
    assert!(matches!(missing, RepoError::Io { .. }), "{missing:?}");
    put(&bench.path("broken"), ".git", b"gitdir: /nowhere/at/all\n");
    assert!(Repository::discover(&bench.path("broken")).is_err());
}

#[test]
fn detached_and_unborn_heads_have_snapshots_too() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("a", b"a")]);
    bench.git(&root, ["checkout", "--quiet", "--detach"]);
    let repo = Repository::discover(&root).unwrap();
    assert!(matches!(repo.head().unwrap(), Head::Detached { commit } if commit.len() == 40));
    assert_eq!(names(&repo.snapshot().unwrap()), ["a"]);

    let unborn = bench.path("unborn");
    bench.git(
        &bench.path("."),
        ["init", "--quiet", "--initial-branch=topic/x", "unborn"],
    );
    put(&unborn, "b", b"b");
    let repo = Repository::discover(&unborn).unwrap();
    assert_eq!(
        repo.head().unwrap(),
        Head::Unborn {
            name: "topic/x".to_owned()
        }
    );
    assert_eq!(names(&repo.snapshot().unwrap()), ["b"]);
}

#[test]
fn linked_work_trees_have_keys_and_files_of_their_own() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("a", b"a"), (".gitignore", b"*.log\n")]);
    bench.git(&root, ["worktree", "add", "--quiet", "../linked"]);
    let linked = bench.path("linked");
    put(&linked, "b", b"b");
    put(&linked, "c.log", b"c");
    let repo = Repository::discover(&linked).unwrap();
    assert_eq!(repo.work_dir(), Some(linked.as_path()));
    assert_ne!(repo.key(), Repository::discover(&root).unwrap().key());
    assert_eq!(names(&repo.snapshot().unwrap()), [".gitignore", "a", "b"]);
    let here = WorkTree::open(&repo, &bench.state()).unwrap();
    let there = WorkTree::open(&Repository::discover(&root).unwrap(), &bench.state());
    assert!(there.is_ok(), "each work tree has its own lock");
    drop(here);
}

#[test]
fn partial_clones_are_opened_and_unknown_formats_named() {
    let bench = Bench::new();
    let origin = bench.repo("origin", &[("a", b"a"), ("big", b"b")]);
    bench.git(&origin, ["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", origin.display());
    bench.git(
        &bench.path("."),
        ["clone", "--quiet", "--filter=blob:none", url.as_str(), "partial"],
    );
    // Older versions of git mark the repository so.
    let partial = bench.path("partial");
    bench.git(&partial, ["config", "core.repositoryFormatVersion", "1"]);
    bench.git(&partial, ["config", "extensions.partialClone", "origin"]);
    let repo = Repository::discover(&partial).unwrap();
    assert!(matches!(repo.head().unwrap(), Head::Branch { .. }));
    assert_eq!(names(&repo.snapshot().unwrap()), ["a", "big"]);

    bench.git(&origin, ["config", "core.repositoryFormatVersion", "1"]);
    bench.git(&origin, ["config", "extensions.fromTheFuture", "true"]);
    let error = Repository::discover(&origin).err().unwrap();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("fromthefuture"), "{cause}");
}

#[test]
fn a_bare_repository_has_no_snapshot() {
    let bench = Bench::new();
    bench.git(&bench.path("."), ["init", "--quiet", "--bare", "bare"]);
    let repo = Repository::discover(&bench.path("bare")).unwrap();
    assert_eq!(repo.work_dir(), None);
    assert_eq!(repo.key().len(), 16);
    assert!(matches!(repo.snapshot(), Err(RepoError::Bare(_))));
    assert!(matches!(WorkTree::open(&repo, &bench.state()), Err(RepoError::Bare(_))));
    assert!(matches!(
        repo.relative(&bench.path("bare"), Path::new("x")),
        Err(RepoError::Bare(_))
    ));
}

#[test]
fn typed_paths_are_taken_from_where_the_person_stands() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("src/a.rs", b"a")]);
    symlink(&root, bench.path("alias")).unwrap();
    symlink(bench.path("."), root.join("out")).unwrap();
    let repo = Repository::discover(&root).unwrap();
    let src = root.join("src");
    let typed = |cwd: &Path, typed: &Path| repo.relative(cwd, typed).map(String::from);
    assert_eq!(typed(&src, Path::new("a.rs")).unwrap(), "src/a.rs");
    assert_eq!(typed(&src, Path::new("./../new/b.rs")).unwrap(), "new/b.rs");
    assert_eq!(typed(&src, &root.join("src/../c")).unwrap(), "c");
    assert_eq!(typed(&src, &bench.path("alias/src/a.rs")).unwrap(), "src/a.rs");
    assert_eq!(typed(&bench.path("alias/src"), Path::new("a.rs")).unwrap(), "src/a.rs");
    assert_eq!(
        typed(&root, Path::new("out/x")).unwrap(),
        "out/x",
        "links inside are for the reader to refuse"
    );
    for outside in ["../../x", "/etc/passwd", "../../repo-not/x"] {
        let error = typed(&src, Path::new(outside)).unwrap_err();
        assert!(matches!(error, RepoError::Outside { .. }), "{outside}: {error:?}");
    }
    assert!(matches!(typed(&src, Path::new("..")), Err(RepoError::WorkTreeRoot(_))));
    let dot_git = typed(&root, Path::new(".git/config")).unwrap_err();
    assert!(matches!(dot_git, RepoError::Path(PathError::GitDirectory(_))));
}

#[test]
fn a_snapshot_lists_what_git_would() {
    let bench = Bench::new();
    let files: [(&str, &[u8]); 6] = [
        (".gitignore", b"target/\n*.log\n"),
        (".hidden/x", b"x"),
        ("b/c", b"c"),
        ("b.c", b"c"),
        ("kept.log", b"tracked although it is ignored"),
        (".ignore", b"b/\n"),
    ];
    let root = bench.repo("repo", &files);
    put(&root, "target/out", b"o");
    put(&root, "other.log", b"o");
    put(&root, "untracked", b"u");
    put(&bench.path("."), ".gitignore", b"untracked\n");
    bench.git(&root, ["init", "--quiet", "nested"]);
    put(&root, "nested/n", b"n");
    symlink("b.c", root.join("link")).unwrap();
    fs::remove_file(root.join("b/c")).unwrap();
    put(&root, ".skiff-tmp-x-0-new", b"left by a crash");
    put(&root, "info", b"i");
    put(&root, ".git/info/exclude", b"/info\n");
    let snapshot = snapshot(&root);
    assert_eq!(
        names(&snapshot),
        [".gitignore", ".hidden/x", ".ignore", "b.c", "kept.log", "untracked"]
    );
    assert_eq!(snapshot.files()[3].size_bytes, 1);
    assert!(snapshot.exists(&path("target")) && !snapshot.exists(&path("b/c")));
}

#[test]
fn threads_share_a_snapshot() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("a", b"a"), ("b", b"b")]);
    let snapshot = snapshot(&root);
    std::thread::scope(|scope| {
        let read = |name| snapshot.read(&path(name)).unwrap().text;
        let threads = ["a", "b"].map(|name| (name, scope.spawn(move || read(name))));
        for (name, thread) in threads {
            assert_eq!(thread.join().unwrap(), name);
        }
    });
}

#[test]
fn a_text_file_is_read_as_it_is_on_disk() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[(".gitattributes", b"* text=auto eol=lf\n"), ("run", b"old")]);
    put(&root, "run", "\u{feff}a\r\nb".as_bytes());
    chmod(&root.join("run"), 0o755);
    let source = snapshot(&root).read(&path("run")).unwrap();
    assert_eq!(source.text, "\u{feff}a\r\nb");
    assert_eq!(source.mode, FileMode::Executable);
    let git = bench.git(&root, ["hash-object", "--no-filters", "run"]);
    assert_eq!(format!("{}\n", source.blob), git);
    assert_eq!(source.blob, BlobId::of(source.text.as_bytes()));
}

#[test]
fn what_cannot_be_edited_says_why() {
    let bench = Bench::new();
    let large = vec![b'a'; usize::try_from(MAX_EDIT_BYTES).unwrap() + 1];
    let root = bench.repo(
        "repo",
        &[
            ("dir/file", b"x"),
            ("binary", b"a\0b"),
            ("latin1", b"ab\xfc"),
            ("large", &large),
        ],
    );
    symlink("dir/file", root.join("link")).unwrap();
    symlink("dir", root.join("through")).unwrap();
    symlink("/nowhere", root.join("dangling")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(root.join("fifo"))
        .status()
        .unwrap();
    assert!(fifo.success());

    assert!(matches!(refusal(&root, "missing"), RepoError::Missing(p) if p == path("missing")));
    assert!(matches!(refusal(&root, "no/such/dir"), RepoError::Missing(_)));
    assert!(matches!(refusal(&root, "dir"), RepoError::Directory(_)));
    assert!(matches!(refusal(&root, "binary/x"), RepoError::NotADirectory { parent, .. } if parent == path("binary")));
    assert!(matches!(refusal(&root, "binary"), RepoError::Binary(_)));
    assert!(matches!(refusal(&root, "latin1"), RepoError::NotUtf8 { offset: 2, .. }));
    assert!(matches!(
        refusal(&root, "large"),
        RepoError::TooLarge {
            limit_bytes: MAX_EDIT_BYTES,
            ..
        }
    ));
    assert!(matches!(refusal(&root, "link"), RepoError::Symlink { link, .. } if link == path("link")));
    assert!(matches!(refusal(&root, "dangling"), RepoError::Symlink { .. }));
    assert!(matches!(refusal(&root, "through/file"), RepoError::Symlink { link, .. } if link == path("through")));
    assert!(matches!(refusal(&root, "fifo"), RepoError::Special(_)));
    let message = refusal(&root, "through/file").to_string();
    assert_eq!(message, "through/file cannot be used: through is a symbolic link");

    let snapshot = snapshot(&root);
    assert!(matches!(
        snapshot.vacant(&path("through/new")),
        Err(RepoError::Symlink { .. })
    ));
    assert!(matches!(snapshot.vacant(&path("dangling")), Err(RepoError::Exists(_))));
    assert!(snapshot.vacant(&path("new/dir/file")).is_ok());
    assert_eq!(snapshot.read_bytes(&path("binary"), 3).unwrap(), b"a\0b");
    assert!(matches!(
        snapshot.read_bytes(&path("binary"), 2),
        Err(RepoError::TooLarge { size_bytes: 3, .. })
    ));
}

#[test]
fn files_that_git_converts_are_refused_and_no_filter_runs() {
    let bench = Bench::new();
    let attributes = b"*.enc filter=crypt\n*.u16 working-tree-encoding=UTF-16\n*.id ident\nplain.enc -filter\n";
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    let files: [(&str, &[u8]); 6] = [
        ("a.enc", b"x"),
        ("a.u16", b"x"),
        ("with.id", b"$Id$"),
        ("without.id", b"x"),
        ("plain.enc", b"x"),
        ("pointer", lfs),
    ];
    let root = bench.repo("repo", &files);
    put(&root, ".gitattributes", attributes);
    let ran = bench.path("ran");
    for step in ["clean", "smudge", "process"] {
        let command = format!("touch {}", ran.display());
        bench.git(&root, ["config", &format!("filter.crypt.{step}"), &command]);
    }
    let attribute = |name| match refusal(&root, name) {
        RepoError::Filtered { attribute, .. } => attribute,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(attribute("a.enc"), "filter=crypt");
    assert_eq!(attribute("a.u16"), "working-tree-encoding=UTF-16");
    assert_eq!(attribute("with.id"), "ident");
    assert!(matches!(refusal(&root, "pointer"), RepoError::LfsPointer(_)));
    let snapshot = snapshot(&root);
    assert!(snapshot.read(&path("without.id")).is_ok() && snapshot.read(&path("plain.enc")).is_ok());
    assert!(matches!(
        snapshot.vacant(&path("new.enc")),
        Err(RepoError::Filtered { .. })
    ));
    assert!(!ran.exists(), "a filter ran");
}

#[test]
fn submodules_and_nested_repositories_are_left_alone() {
    let bench = Bench::new();
    let library = bench.repo("library", &[("f", b"f")]);
    let root = bench.repo("repo", &[("a", b"a")]);
    bench.git(
        &root,
        ["submodule", "--quiet", "add", library.to_str().unwrap(), "vendor/lib"],
    );
    bench.git(&root, ["init", "--quiet", "nested"]);
    put(&root, "nested/n", b"n");
    let module_of = |name| match refusal(&root, name) {
        RepoError::Submodule { module, .. } => module.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(module_of("vendor/lib/f"), "vendor/lib");
    assert_eq!(module_of("vendor/lib"), "vendor/lib");
    assert_eq!(module_of("nested/n"), "nested");
    assert_eq!(module_of("nested"), "nested");
    assert_eq!(names(&snapshot(&root)), [".gitmodules", "a"]);
    let from_inside = Repository::discover(&root.join("vendor/lib")).unwrap();
    assert_eq!(from_inside.work_dir(), Some(root.join("vendor/lib").as_path()));
    assert_eq!(names(&from_inside.snapshot().unwrap()), ["f"]);

    bench.git(&root, ["submodule", "--quiet", "deinit", "--force", "vendor/lib"]);
    assert_eq!(module_of("vendor/lib/new"), "vendor/lib", "the index alone knows it");
}

#[cfg(target_os = "linux")]
#[test]
fn files_and_repositories_without_permission_say_so() {
    let bench = Bench::new();
    let root = bench.repo("repo", &[("secret", b"s"), ("closed/x", b"x"), ("open", b"o")]);
    for dir in [bench.path("."), root.clone()] {
        chmod(&dir, 0o755);
    }
    chmod(&root.join("secret"), 0);
    chmod(&root.join("closed"), 0);
    let snapshot = snapshot(&root);
    let denied = |name: &str| {
        as_somebody_else(|| match snapshot.read(&path(name)) {
            Err(RepoError::PermissionDenied(path)) => path,
            other => panic!("{name}: {other:?}"),
        })
    };
    assert_eq!(denied("secret"), root.join("secret"));
    assert_eq!(denied("closed/x"), root.join("closed"));
    chmod(&root.join("closed"), 0o755);

    chmod(&root.join(".git"), 0);
    let error = as_somebody_else(|| Repository::discover(&root).err().unwrap());
    chmod(&root.join(".git"), 0o755);
    assert!(
        matches!(&error, RepoError::PermissionDenied(dir) if *dir == root.join(".git")),
        "{error:?}"
    );
}

#[test]
fn a_repository_of_another_user_is_not_trusted() {
    let trusted = git2::Config::open_default().and_then(|config| config.get_string("safe.directory"));
    let bench = Bench::new();
    let root = bench.repo("repo", &[("a", b"a")]);
    let given_away = [root.clone(), root.join(".git")]
        .iter()
        .all(|path| chown(path, Some(65534), None).is_ok());
    if !given_away || trusted.is_ok() {
        eprintln!("skipped: only root can give a repository away, and safe.directory must not be set");
        return;
    }
    let error = Repository::discover(&root).err().unwrap();
    assert!(matches!(error, RepoError::Ownership(_)), "{error:?}");
    assert!(error.to_string().contains("safe.directory"));
}
