//! `docs/cli.md` is generated from the definition of the command line. `SKIFF_UPDATE_DOCS=1` writes it anew.

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
         fixes (`model`, `threads`, `ctx`, `gpu_layers`) cannot be changed by what comes later. \
         The file knows the keys `model`, `seed`, `threads`, `ctx`, `gpu_layers` and `color`; the environment \
         `SKIFF_MODEL`, `SKIFF_SEED`, `SKIFF_THREADS`, `SKIFF_CTX`, `SKIFF_GPU_LAYERS` and `SKIFF_COLOR`. \
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
