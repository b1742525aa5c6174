use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

/// Where a repository lies, found before it is opened: what a confined process may then use of the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    root: PathBuf,
    dot_git: Option<PathBuf>,
}

/// Alternates of alternates are followed as far as git does.
const MOST_ALTERNATES: usize = 5;
/// Longer than any path; what is longer is no pointer.
const MOST_BYTES: u64 = 64 << 10;

impl Surroundings {
    /// Finds the nearest folder at or above `dir` that holds a `.git` or is a bare repository. Looks at names alone: no
    /// file is opened.
    pub fn find(dir: &Path) -> Option<Self> {
        let dir = fs::canonicalize(dir).ok()?;
        dir.ancestors().find_map(|above| {
            let dot_git = above.join(".git");
            if fs::symlink_metadata(&dot_git).is_ok() {
                return Some(Self {
                    root: above.to_owned(),
                    dot_git: Some(dot_git),
                });
            }
            let bare = above.join("HEAD").is_file() && is_common(above);
            bare.then(|| Self {
                root: above.to_owned(),
                dot_git: None,
            })
        })
    }

    /// Returns the root of the work tree; none for a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.dot_git.is_some().then_some(self.root.as_path())
    }

    /// Returns every folder that the repository consists of: the work tree, git's own, the one that linked work trees
    /// share, and those that objects are borrowed from. Reads the files that point to them; a folder that is not what it
    /// is said to be is left out, so that a repository cannot name any folder of the user.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.root.clone()];
        let git_dir = match &self.dot_git {
            None => Some(self.root.clone()),
            Some(dot_git) if dot_git.is_dir() => fs::canonicalize(dot_git).ok(),
            Some(file) => pointer(file, "gitdir: ").and_then(|to| fs::canonicalize(self.root.join(to)).ok()),
        };
        let Some(git_dir) = git_dir.filter(|dir| dir.join("HEAD").is_file()) else {
            return folders;
        };
        let common = match pointer(&git_dir.join("commondir"), "") {
            Some(to) => fs::canonicalize(git_dir.join(to)).ok(),
            None => Some(git_dir.clone()),
        };
        let Some(common) = common.filter(|dir| is_common(dir)) else {
            return folders;
        };
        folders.push(git_dir);
        // Work trees made by links share a folder of objects, and with it the repository that it belongs to.
        if let Some(objects) = fs::canonicalize(common.join("objects"))
            .ok()
            .filter(|to| is_objects(to))
        {
            let owner = objects
                .parent()
                .filter(|dir| is_common(dir) && dir.join("HEAD").is_file());
            folders.extend(owner.map(Path::to_owned));
            folders.push(objects);
        }
        borrowed(&common.join("objects"), MOST_ALTERNATES, &mut folders);
        folders.push(common);
        folders
    }
}

/// Adds the folders that objects are borrowed from.
fn borrowed(objects: &Path, depth: usize, folders: &mut Vec<PathBuf>) {
    let Some(lines) = depth
        .checked_sub(1)
        .and_then(|_| read(&objects.join("info/alternates")))
    else {
        return;
    };
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let named = objects.join(PathBuf::from(OsString::from_vec(line.to_vec())));
        let Ok(folder) = fs::canonicalize(named) else {
            continue;
        };
        if is_objects(&folder) && !folders.contains(&folder) {
            folders.push(folder.clone());
            borrowed(&folder, depth - 1, folders);
        }
    }
}

fn is_objects(dir: &Path) -> bool {
    dir.ends_with("objects") && (dir.join("pack").is_dir() || dir.join("info").is_dir())
}

fn is_common(dir: &Path) -> bool {
    dir.join("objects").is_dir() && dir.join("refs").is_dir()
}

/// Returns the path that a file of one line holds after `prefix`.
fn pointer(file: &Path, prefix: &str) -> Option<PathBuf> {
    let bytes = read(file)?;
    let line = bytes.strip_prefix(prefix.as_bytes())?.trim_ascii_end();
    let path = PathBuf::from(OsString::from_vec(line.to_vec()));
    let plain = path.components().all(|part| !matches!(part, Component::Prefix(_)));
    (plain && !line.is_empty()).then_some(path)
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(file).ok()?;
    match meta.is_file() && meta.len() <= MOST_BYTES {
        true => fs::read(file).ok(),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(dir: &Path) {
        for folder in ["objects/pack", "objects/info", "refs"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        fs::write(dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    #[test]
    fn a_repository_is_found_from_below_and_a_plain_folder_is_none() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        bare(&root.join("work/.git"));
        fs::create_dir_all(root.join("work/a/b")).unwrap();
        let found = Surroundings::find(&root.join("work/a/b")).unwrap();
        assert_eq!(found.work_dir(), Some(root.join("work").as_path()));
        let git = root.join("work/.git");
        let folders = found.folders();
        assert!(folders[0] == root.join("work") && folders[1..].iter().all(|folder| folder.starts_with(&git)));
        bare(&root.join("bare.git"));
        let found = Surroundings::find(&root.join("bare.git/refs")).unwrap();
        assert_eq!(found.work_dir(), None);
        assert!(found.folders().contains(&root.join("bare.git")));
    }

    #[test]
    fn linked_work_trees_and_alternates_are_followed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        bare(&root.join("main/.git"));
        bare(&root.join("lender/.git"));
        let linked = root.join("main/.git/worktrees/linked");
        fs::create_dir_all(&linked).unwrap();
        fs::write(linked.join("HEAD"), "ref: refs/heads/x\n").unwrap();
        fs::write(linked.join("commondir"), "../..\n").unwrap();
        fs::create_dir_all(root.join("linked")).unwrap();
        fs::write(root.join("linked/.git"), format!("gitdir: {}\n", linked.display())).unwrap();
        let alternates = format!("{}\n", root.join("lender/.git/objects").display());
        fs::write(root.join("main/.git/objects/info/alternates"), alternates).unwrap();
        let folders = Surroundings::find(&root.join("linked")).unwrap().folders();
        for folder in [
            "linked",
            "main/.git/worktrees/linked",
            "main/.git",
            "lender/.git/objects",
        ] {
            assert!(folders.contains(&root.join(folder)), "{folder}: {folders:?}");
        }
    }

    #[test]
    fn a_pointer_to_what_is_no_repository_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("secrets")).unwrap();
        fs::create_dir_all(root.join("work")).unwrap();
        fs::write(root.join("work/.git"), "gitdir: ../secrets\n").unwrap();
        let work = [root.join("work")];
        assert_eq!(Surroundings::find(&root.join("work")).unwrap().folders(), work);
        // Nor are alternates that are no store of objects.
        fs::remove_file(root.join("work/.git")).unwrap();
        bare(&root.join("work/.git"));
        fs::write(root.join("work/.git/objects/info/alternates"), "../../../secrets\n").unwrap();
        let folders = Surroundings::find(&root.join("work")).unwrap().folders();
        assert!(!folders.contains(&root.join("secrets")), "{folders:?}");
    }
}
