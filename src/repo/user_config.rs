use std::path::{Path, PathBuf};

/// Returns the files that git's configuration of this user and of this machine names: those that it includes, and those of
/// exclusions and attributes. What a repository's own configuration names is not among them.
pub fn configured_files(home: &Path) -> Vec<PathBuf> {
    let Ok(config) = git2::Config::open_default() else {
        return Vec::new();
    };
    let Ok(mut entries) = config.entries(None) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else {
            continue;
        };
        let (Ok(name), Ok(value)) = (entry.name(), entry.value()) else {
            continue;
        };
        let includes = name == "include.path" || name.starts_with("includeif.") && name.ends_with(".path");
        if includes || matches!(name, "core.excludesfile" | "core.attributesfile") {
            // A relative one stands beside the file that names it, which is in the home but for the machine's.
            files.push(match value.strip_prefix("~/") {
                Some(rest) => home.join(rest),
                None => home.join(value),
            });
        }
    }
    files
}
