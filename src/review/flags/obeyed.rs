use crate::text::RepoPath;

/// Who does what a file says.
type Who = &'static str;

const AGENTS: Who = "instructions for agents";
const BUILD: Who = "commands of a build service";
const HOOKS: Who = "commands that hooks run";
const EDITOR: Who = "commands or settings of an editor";

/// Names of files or folders, anywhere in the repository; in small letters.
const NAMES: &[(&str, Who)] = &[
    ("agents.md", AGENTS),
    ("agents.override.md", AGENTS),
    ("claude.md", AGENTS),
    ("claude.local.md", AGENTS),
    ("gemini.md", AGENTS),
    ("qwen.md", AGENTS),
    ("copilot-instructions.md", AGENTS),
    ("opencode.json", AGENTS),
    ("opencode.jsonc", AGENTS),
    (".mcp.json", AGENTS),
    (".rules", AGENTS),
    (".goosehints", AGENTS),
    (".kiro", AGENTS),
    (".junie", AGENTS),
    (".amazonq", AGENTS),
    (".opencode", AGENTS),
    (".codex", AGENTS),
    (".agents", AGENTS),
    (".gitlab-ci.yml", BUILD),
    (".gitlab-ci.yaml", BUILD),
    ("jenkinsfile", BUILD),
    ("azure-pipelines.yml", BUILD),
    ("azure-pipelines.yaml", BUILD),
    ("bitbucket-pipelines.yml", BUILD),
    ("appveyor.yml", BUILD),
    (".appveyor.yml", BUILD),
    (".travis.yml", BUILD),
    (".cirrus.yml", BUILD),
    (".cirrus.star", BUILD),
    (".drone.yml", BUILD),
    (".build.yml", BUILD),
    (".circleci", BUILD),
    (".buildkite", BUILD),
    (".teamcity", BUILD),
    (".semaphore", BUILD),
    (".tekton", BUILD),
    (".githooks", HOOKS),
    (".git-hooks", HOOKS),
    (".hooks", HOOKS),
    (".husky", HOOKS),
    ("lefthook.yml", HOOKS),
    (".lefthook.yml", HOOKS),
    (".overcommit.yml", HOOKS),
    (".envrc", HOOKS),
    (".devcontainer", EDITOR),
    (".devcontainer.json", EDITOR),
    (".gitpod.yml", EDITOR),
];

/// Beginnings of such names.
const PREFIXES: &[(&str, Who)] = &[
    (".skiff", AGENTS),
    (".cursor", AGENTS),
    (".claude", AGENTS),
    (".windsurf", AGENTS),
    (".cline", AGENTS),
    (".roo", AGENTS),
    (".aider", AGENTS),
    (".gemini", AGENTS),
    (".augment", AGENTS),
    (".continue", AGENTS),
    ("jenkinsfile.", BUILD),
    (".woodpecker", BUILD),
    (".pre-commit-", HOOKS),
    (".lintstagedrc", HOOKS),
];

/// A folder, and what is in it.
const INSIDE: &[(&str, &str, Who)] = &[
    (".github", "workflows", BUILD),
    (".github", "actions", BUILD),
    (".github", "instructions", AGENTS),
    (".github", "prompts", AGENTS),
    (".github", "agents", AGENTS),
    (".github", "chatmodes", AGENTS),
    (".gitea", "workflows", BUILD),
    (".forgejo", "workflows", BUILD),
    (".vscode", "tasks.json", EDITOR),
    (".vscode", "launch.json", EDITOR),
    (".vscode", "settings.json", EDITOR),
    (".vscode", "mcp.json", AGENTS),
    (".idea", "runconfigurations", EDITOR),
    (".zed", "tasks.json", EDITOR),
    (".zed", "settings.json", EDITOR),
];

/// Returns who obeys a file, if a program does so without being told in this repository.
pub(super) fn by(path: &RepoPath) -> Option<Who> {
    // As file systems that fold case, and drop dots and spaces at the end, would find it.
    let path = path.as_str().to_lowercase();
    let components: Vec<&str> = path.split('/').map(|name| name.trim_end_matches(['.', ' '])).collect();
    let known = components.iter().find_map(|name| {
        let exact = NAMES.iter().find(|(known, _)| known == name);
        let begun = || PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
        exact.or_else(begun).map(|(_, who)| *who)
    });
    let inside = |pair: &[&str]| {
        let found = INSIDE.iter().find(|(folder, name, _)| pair == [*folder, *name]);
        found.map(|(_, _, who)| *who)
    };
    known.or_else(|| components.windows(2).find_map(inside))
}
