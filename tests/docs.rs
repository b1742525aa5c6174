//! `docs/cli.md` and the table of `docs/languages.md` are generated from the program's own definitions.
//! `SKIFF_UPDATE_DOCS=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::env;
use std::fmt::Write;
use std::fs;

use clap::Command;

#[test]
fn the_reference_is_up_to_date() {
    let file = support::project().join("docs/cli.md");
    let text = reference();
    if env::var_os("SKIFF_UPDATE_DOCS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "docs/cli.md is out of date; run `SKIFF_UPDATE_DOCS=1 cargo test --test docs`"
    );
}

/// The list is that of a build without `all-languages`.
#[test]
#[cfg(not(feature = "all-languages"))]
fn the_languages_are_listed() {
    let file = support::project().join("docs/languages.md");
    let written = fs::read_to_string(&file).unwrap();
    let head = written.find("| language |").unwrap();
    let mut table = String::from("| language | files |\n|---|---|\n");
    for language in skiff::lang::Language::ALL {
        let spec = language.spec();
        let endings = spec.extensions.iter().map(|extension| format!("`.{extension}`"));
        let names = spec.file_names.iter().map(|name| format!("`{name}`"));
        let files: Vec<String> = endings.chain(names).collect();
        let _ = writeln!(table, "| {} | {} |", spec.name, files.join(" "));
    }
    let text = format!("{}{table}", &written[..head]);
    if env::var_os("SKIFF_UPDATE_DOCS").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    assert!(
        written == text,
        "docs/languages.md is out of date; run `SKIFF_UPDATE_DOCS=1 cargo test --test docs`"
    );
}

#[test]
fn every_verb_shows_examples() {
    let mut command = skiff::cli::command().term_width(100);
    command.build();
    visit(&mut command, &mut |verb| {
        if verb.get_subcommands().next().is_none() {
            let help = verb.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", verb.get_name());
        }
    });
}

fn reference() -> String {
    let mut command = skiff::cli::command().term_width(100);
    command.build();
    let mut out = String::from(
        "# Command line\n\nGenerated from the program's own definitions; see `tests/docs.rs`. \
         JSON output is described in [schema/](schema/).\n\n\
         Settings come from, later ones winning: built-in values, `/etc/skiff/policy.toml`, \
         `$XDG_CONFIG_HOME/skiff/config.toml`, the environment, the command line. What a table `[lock]` in the policy \
         fixes (`model`, `embed_model`, `draft_model`, `threads`, `ctx`, `kv_type`, `gpu_layers`, `prefix_cache_mib`, `marking`, `ledger_dir`, `ledger_texts`) cannot be changed by what comes later. \
         The file knows the keys `model`, `embed_model`, `draft_model`, `seed`, `threads`, `ctx`, `kv_type`, `gpu_layers`, `prefix_cache_mib`, `color`, `marking`, `ledger_dir`, `ledger_texts`, and for check commands `check_env` (a list of variables that they are given), `check_seconds` and \
         `check_memory_mib`, and tables `[[repository]]` with `path`, the absolute path of a work tree, and `checks`, a list of what \
         `edit` there is to `--check` where the command line says nothing; for what tokens would cost elsewhere `price_prompt_per_million`, \
         `price_completion_per_million`, `price_cached_per_million` (that of prompt tokens where it is not set) and `currency`; the \
         environment `SKIFF_MODEL`, `SKIFF_EMBED_MODEL`, `SKIFF_DRAFT_MODEL`, `SKIFF_SEED`, `SKIFF_THREADS`, `SKIFF_CTX`, `SKIFF_KV_TYPE`, `SKIFF_GPU_LAYERS`, `SKIFF_PREFIX_CACHE_MIB`, `SKIFF_MARKING`, `SKIFF_LEDGER_DIR`, `SKIFF_LEDGER_TEXTS` and `SKIFF_COLOR`. \
         The policy can also demand a level of confinement (`confinement = \"seccomp\"` or `\"landlock\"`), list the models that may be loaded \
         (`allowed_models`, SHA-256) and forbid check commands (`check = \"deny\"`). \
         No file of a repository is read as configuration.\n",
    );
    visit(&mut command, &mut |verb| {
        let name = verb.get_bin_name().unwrap_or(verb.get_name()).to_owned();
        let help = verb.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(out, "\n## {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    });
    out
}

/// Visits a command and its verbs, without the generated `help`.
fn visit(command: &mut Command, see: &mut dyn FnMut(&mut Command)) {
    see(command);
    for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
        visit(verb, see);
    }
}
