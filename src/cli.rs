//! The command line: arguments, settings, progress, messages and exit codes around the other rooms.
//!
//! Imports every room; no room imports it.

mod args;
mod bars;
mod commands;
mod config;
mod context;
mod directories;
mod engine;
mod exit;
mod interrupt;
mod json;
mod log_json;
mod mail;
mod message;
mod output;
mod record;
mod stamp;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::sandbox::Confinement;
use args::Args;
use context::Context;
use exit::ExitStatus;

/// Runs the command line of this process and returns what to exit with.
///
/// The arguments are only parsed before the process is confined; no file is read.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    if let Some(color) = args.global.color {
        context::color_choice(color).write_global();
    }
    let status = run(&args).unwrap_or_else(|error| message::report(&error));
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

fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let confinement = Confinement::enter()?;
    interrupt::watch().map_err(anyhow::Error::from)?;
    let context = Context::new(args, confinement)?;
    commands::run(&args.command, &context)
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
