use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::review::escape_json;

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub(crate) struct OutputError(#[source] io::Error);

impl OutputError {
    /// Tells whether the reader has gone away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// What stands behind standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A person (or a pager that was promised colour): foreign text must be escaped.
    Person,
    /// A file or a program: data goes as it is.
    Program,
}

/// Tells who reads standard output.
pub(crate) fn audience() -> Audience {
    let always = anstream::ColorChoice::global() == anstream::ColorChoice::Always;
    if always || io::stdout().is_terminal() {
        Audience::Person
    } else {
        Audience::Program
    }
}

/// Writes data as it is.
///
/// # Errors
/// [`OutputError`] when it cannot be written to the end.
pub(crate) fn write_raw(data: &[u8]) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(data)
        .and_then(|()| stdout.flush())
        .map_err(OutputError)
}

/// Writes text that holds our own colours and is otherwise escaped; the colours are dropped where none are wanted.
///
/// # Errors
/// [`OutputError`] when it cannot be written to the end.
pub(crate) fn write_styled(text: &str) -> Result<(), OutputError> {
    let mut stdout = anstream::AutoStream::auto(io::stdout().lock());
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(OutputError)
}

/// Writes one JSON object and a line feed. What would act on a terminal is spelled as JSON spells it.
///
/// # Errors
/// [`OutputError`] when it cannot be written to the end.
pub(crate) fn write_json(value: &impl Serialize) -> Result<(), OutputError> {
    write_raw(json(value)?.as_bytes())
}

/// Returns what [`write_json`] writes.
///
/// # Errors
/// [`OutputError`] for a value that JSON cannot hold.
pub(crate) fn json(value: &impl Serialize) -> Result<String, OutputError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| OutputError(error.into()))?;
    Ok(format!("{}\n", escape_json(&text)))
}

/// Writes one JSON object on a line of its own, as [`write_json`] does.
///
/// # Errors
/// As there.
pub(crate) fn write_json_line(value: &impl Serialize) -> Result<(), OutputError> {
    let text = serde_json::to_string(value).map_err(|error| OutputError(error.into()))?;
    write_raw(format!("{}\n", escape_json(&text)).as_bytes())
}
