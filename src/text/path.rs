use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::is_default_ignorable;

/// A path inside a repository: relative, UTF-8, `/`-separated, without `.`, `..`, empty or `.git` components.
///
/// Every path that a model, a patch or a user names passes through [`RepoPath::new`] before it is used, so a value of
/// this type can be joined to the root of a work tree. Whether a component on disk is a symbolic link is for `repo`
/// to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// The most bytes of a path: one less than Linux's `PATH_MAX`, which counts the NUL at the end.
const MAX_PATH_BYTES: usize = 4095;

/// Why a string is not a [`RepoPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path has no component.
    #[error("the path is empty")]
    Empty,
    /// The path is not UTF-8.
    #[error("the path {0:?} is not UTF-8")]
    NotUtf8(PathBuf),
    /// The path is absolute, or climbs out with `..`.
    #[error("the path {0:?} is outside the repository")]
    Outside(String),
    /// A component is empty or `.`, or the path holds a NUL byte.
    #[error("the path {0:?} is not in normal form")]
    NotNormal(String),
    /// The path has more bytes than any system call takes.
    #[error("the path has {0} bytes; the limit is {MAX_PATH_BYTES}")]
    TooLong(usize),
    /// A component is `.git`, in any spelling that a file system may take for it.
    #[error("the path {0:?} is inside git's own directory")]
    GitDirectory(String),
}

impl RepoPath {
    /// Parses a repository-relative path.
    ///
    /// # Errors
    /// [`PathError`] names the first rule that the path breaks.
    pub fn new(path: &str) -> Result<Self, PathError> {
        if path.is_empty() {
            return Err(PathError::Empty);
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(PathError::TooLong(path.len()));
        }
        if path.starts_with('/') || has_drive_letter(path) {
            return Err(PathError::Outside(path.to_owned()));
        }
        if path.contains('\0') {
            return Err(PathError::NotNormal(path.to_owned()));
        }
        for component in path.split('/') {
            match component {
                "" | "." => return Err(PathError::NotNormal(path.to_owned())),
                ".." => return Err(PathError::Outside(path.to_owned())),
                // A backslash is a letter here and a separator where the patch may travel.
                _ if component.split('\\').any(|part| part == "..") => {
                    return Err(PathError::Outside(path.to_owned()));
                }
                _ if component.split('\\').any(is_dot_git) => {
                    return Err(PathError::GitDirectory(path.to_owned()));
                }
                _ => {}
            }
        }
        if cfg!(windows) && path.contains('\\') {
            return Err(PathError::NotNormal(path.to_owned()));
        }
        Ok(Self(path.to_owned()))
    }

    /// Parses a path as a person types it: `./` prefixes and `a/../b` are resolved, without touching the disk.
    ///
    /// # Errors
    /// [`PathError::Outside`] when the path climbs above its start; otherwise as [`RepoPath::new`].
    pub fn normalize(path: &Path) -> Result<Self, PathError> {
        let mut parts: Vec<&str> = Vec::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    if parts.pop().is_none() {
                        return Err(PathError::Outside(path.to_string_lossy().into_owned()));
                    }
                }
                Component::Normal(part) => match part.to_str() {
                    Some(part) => parts.push(part),
                    None => return Err(PathError::NotUtf8(path.to_owned())),
                },
                Component::RootDir | Component::Prefix(_) => {
                    return Err(PathError::Outside(path.to_string_lossy().into_owned()));
                }
            }
        }
        Self::new(&parts.join("/"))
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns everything before the last component, or `""`.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// Returns the file name's extension, without the dot.
    pub fn extension(&self) -> Option<&str> {
        match self.file_name().rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => Some(extension),
            _ => None,
        }
    }

    /// Joins the path to the root of a work tree.
    pub fn to_path(&self, root: &Path) -> PathBuf {
        let mut path = root.to_path_buf();
        path.extend(self.0.split('/'));
        path
    }
}

/// Tells whether a file system may take `component` for `.git`: case folding, trailing dots, spaces and streams
/// (NTFS), the short name `git~1`, and code points that are ignored by HFS+ or where names are case-folded. The list is
/// git's own (`verify_path`, `is_ntfs_dotgit`, `is_hfs_dotgit`), longer by what ext4 ignores.
fn is_dot_git(component: &str) -> bool {
    // Nearly every component is told by its first letter.
    if component.is_ascii() && !component.starts_with(['.', 'g', 'G']) {
        return false;
    }
    let visible: String = component
        .chars()
        .filter(|c| !is_default_ignorable(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let base = visible.split(':').next().unwrap_or("");
    let base = base.trim_end_matches(['.', ' ']);
    base == ".git" || base == "git~1"
}

fn has_drive_letter(path: &str) -> bool {
    let bytes = path.as_bytes();
    cfg!(windows) && bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = PathError;

    fn try_from(path: String) -> Result<Self, PathError> {
        Self::new(&path)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_paths_are_taken_as_they_are() {
        for path in [
            "a",
            "src/lib.rs",
            "a b/ü.py",
            ".github/x",
            ".gitignore",
            "git~2",
            "x.git/y",
            "a\\b",
            ".gitx:y",
        ] {
            assert_eq!(RepoPath::new(path).map(String::from), Ok(path.to_owned()));
        }
    }

    #[test]
    fn paths_that_leave_the_repository_are_refused() {
        for path in ["/etc/passwd", "../x", "a/../../x", "a/..", "a\\..\\x", "..\\x"] {
            assert!(matches!(RepoPath::new(path), Err(PathError::Outside(_))), "{path}");
        }
    }

    #[test]
    fn every_spelling_of_the_git_directory_is_refused() {
        for path in [
            ".git/config",
            "a/.GIT/x",
            ".git./x",
            ".git /x",
            "GIT~1/x",
            ".g\u{200c}it/x",
            ".git::$INDEX/x",
            ".git::$INDEX_ALLOCATION/config",
            "a\\.git\\config",
            "a/b\\GIT~1",
            ".git . ./x",
            "\u{feff}.git",
            ".gi\u{ad}t/x",
            ".git\u{e0001}/x",
        ] {
            assert!(matches!(RepoPath::new(path), Err(PathError::GitDirectory(_))), "{path}");
        }
    }

    #[test]
    fn a_path_that_no_system_call_takes_is_refused() {
        assert!(RepoPath::new(&"d/".repeat(2047)[..4093]).is_ok());
        assert_eq!(RepoPath::new(&"x".repeat(4096)), Err(PathError::TooLong(4096)));
    }

    #[test]
    fn typed_paths_are_normalised_without_the_disk() {
        let normal = |p: &str| RepoPath::normalize(Path::new(p)).map(String::from);
        assert_eq!(normal("./src//a/../lib.rs"), Ok("src/lib.rs".to_owned()));
        assert!(matches!(normal("a/../../b"), Err(PathError::Outside(_))));
        assert_eq!(normal("."), Err(PathError::Empty));
    }
}
