//! The command line: arguments, settings, progress, messages and exit codes around the other rooms.
//!
//! Imports every room; no room but `fuzz` imports it.

mod args;
mod bars;
mod batch_json;
mod batch_page;
mod check_choice;
mod check_level;
mod child;
mod commands;
mod config;
mod context;
mod data_flow;
mod dialogue;
mod directories;
mod engine;
mod exit;
mod fleet;
mod hand;
mod input;
mod interrupt;
mod json;
mod log_json;
mod mail;
mod message;
mod output;
mod price;
mod record;
mod role;
mod self_test;
mod spending;
mod stamp;
mod stats_json;
mod store;
mod user_checks;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::sandbox::Role;
use args::{Args, Command};
use context::Context;
use exit::ExitStatus;
use fleet::Muster;
use hand::{Applier, Side};
use role::Ground;

/// Runs the command line of this process and returns what to exit with.
///
/// The arguments are parsed and the configuration is read before the process is confined, and nothing else.
pub fn main() -> ExitCode {
    let mut args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    if let Some(color) = args.global.color {
        context::color_choice(color).write_global();
    }
    let status = run(&mut args).unwrap_or_else(|error| message::report(&error));
    // A write was finished although a signal came.
    let status = if interrupt::requested() {
        ExitStatus::Interrupted
    } else {
        status
    };
    status.into()
}

/// Returns the definition of the command line, for generated documents.
pub fn command() -> clap::Command {
    Args::command()
}

/// Reads bytes as the configuration of the user and as a policy, and puts both together.
pub(crate) fn read_foreign_config(bytes: &[u8]) {
    config::read_foreign(bytes);
}

fn run(args: &mut Args) -> anyhow::Result<ExitStatus> {
    let ground = Ground::find(args, context::layer(args))?;
    match fleet::muster(args)? {
        Muster::Alone => run_on(ground, args),
        Muster::Member => run_on(Ground::find(args, context::layer(args))?, args),
        Muster::Counts(fleet) => {
            let entered = ground.enter(Role::Brain, args)?;
            interrupt::watch()?;
            let as_json = matches!(&args.command, Command::Batch(batch) if batch.json || batch.jsonl);
            fleet.run(&Context::new(args, entered, Applier::Here)?, as_json)
        }
    }
}

fn run_on(ground: Ground, args: &Args) -> anyhow::Result<ExitStatus> {
    let mut applier = Applier::Here;
    if let Command::Edit(edit) = &args.command
        && edit.apply
        && hand::IS_SEPARATE
    {
        match hand::split()? {
            Side::Brain(hand) => applier = hand,
            Side::Hand(brain) => {
                let entered = ground.enter(Role::Hand, args)?;
                return brain.wait_and_apply(&Context::new(args, entered, applier)?);
            }
        }
    }
    if let Command::Batch(batch) = &args.command
        && batch.branch.is_some()
        && hand::IS_SEPARATE
    {
        match hand::split()? {
            Side::Brain(hand) => applier = hand,
            Side::Hand(brain) => {
                let entered = ground.enter(Role::Hand, args)?;
                return brain.wait_and_branch(batch, &Context::new(args, entered, applier)?);
            }
        }
    }
    let entered = ground.enter(role::of(&args.command), args)?;
    interrupt::watch()?;
    commands::run(&args.command, &Context::new(args, entered, applier)?)
}

/// Prints what clap has to say: help and version on stdout, errors on stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to hear that the stream is closed.
    let _ = error.print();
    if error.use_stderr() {
        ExitStatus::Usage.into()
    } else {
        ExitStatus::Done.into()
    }
}
