//! What a changed file must still be: the checks that need no tool but the grammar.

mod usage;

use std::fmt;

use crate::lang::{Definition, Language, MemberFault, MemberFaultKind, Mismatch, ParsedFile, UnboundName};
use crate::text::{LineIndex, TextRange};

pub use usage::Surroundings;

/// A file before and after one change.
#[derive(Clone, Copy, Debug)]
pub struct Changed<'a> {
    /// The language, where a grammar is at hand.
    pub language: Option<Language>,
    /// The whole file before; empty for a new file.
    pub before: &'a str,
    /// The whole file after.
    pub after: &'a str,
    /// The bytes of `before` that were replaced.
    pub range_before: TextRange,
    /// The bytes of `after` that stand there now.
    pub range_after: TextRange,
}

/// What a change promises about names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise<'a> {
    /// Every definition stays; the region's own name too.
    KeepsNames,
    /// The definition with this qualified name may be renamed or go; the others stay.
    MayLose(&'a str),
    /// New definitions appear, none goes, and none that was there is written again.
    AddsNames,
    /// A new file: there is nothing to keep.
    Nothing,
}

/// One reason why a change is not accepted, told so that a model or a person can mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateFailure {
    /// The answer holds no code.
    Empty,
    /// The region reads as before.
    Unchanged,
    /// The file has syntax errors that it had not.
    Syntax {
        /// Zero-based line of the first one.
        line: usize,
        /// That line and its neighbours.
        excerpt: String,
    },
    /// The grammar could not read the file within its limits, so that no other gate can tell.
    Unparsed,
    /// Definitions are gone that should have stayed.
    Lost {
        /// Their qualified names.
        names: Vec<String>,
    },
    /// Definitions that were left out have been put back, and were never written.
    Unwritten {
        /// Their qualified names.
        names: Vec<String>,
        /// The lines of them.
        excerpt: String,
    },
    /// Definitions that exist already are written once more.
    Repeated {
        /// Their qualified names.
        names: Vec<String>,
    },
    /// New code was asked for, and no new definition is there.
    NothingNew,
    /// A comment or a placeholder stands where code was left out.
    Elided {
        /// The text of it.
        text: String,
    },
    /// New code uses names that nothing binds.
    Undefined {
        /// Their uses in the new code, in the order of the text.
        names: Vec<UnboundName>,
        /// The lines of the first ones.
        excerpt: String,
    },
    /// New code calls a function in a way that its definition does not allow.
    Arity {
        /// The name that is called.
        call: String,
        /// Why it does not fit.
        mismatch: Mismatch,
        /// The line of the call.
        excerpt: String,
    },
    /// New code uses attributes of `self` that fail when it runs.
    Members {
        /// The uses, in the order of the text.
        faults: Vec<MemberFault>,
        /// The lines of the first ones.
        excerpt: String,
    },
}

impl fmt::Display for GateFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the answer holds no code"),
            Self::Unchanged => write!(f, "the code is the same as before"),
            Self::Syntax { line, .. } => write!(f, "there is a syntax error at line {}", line + 1),
            Self::Unparsed => write!(f, "the file is too large or too slow to parse"),
            Self::Lost { names } => write!(f, "missing now: {}", names.join(", ")),
            Self::Unwritten { names, .. } => write!(f, "still to be written: {}", names.join(", ")),
            Self::Repeated { names } => write!(f, "already defined elsewhere: {}", names.join(", ")),
            Self::NothingNew => write!(f, "no new definition was written"),
            Self::Elided { text } => write!(f, "code was left out at `{text}`"),
            Self::Undefined { names, .. } => {
                let mut quoted: Vec<String> = names.iter().map(|unbound| format!("`{}`", unbound.name)).collect();
                quoted.sort();
                quoted.dedup();
                let verb = if quoted.len() == 1 { "is" } else { "are" };
                write!(f, "{} {verb} used and not imported or defined", quoted.join(", "))
            }
            Self::Arity { call, mismatch, .. } => write!(f, "`{call}` {mismatch}"),
            Self::Members { faults, .. } => {
                let mut said: Vec<String> = faults.iter().map(fault).collect();
                said.dedup();
                write!(f, "{}", said.join(", "))
            }
        }
    }
}

fn fault(own: &MemberFault) -> String {
    let MemberFault { class, name, .. } = own;
    match own.kind {
        MemberFaultKind::HidesMethod => {
            format!("the attribute `{name}` hides the method `{class}.{name}` and needs another name")
        }
        MemberFaultKind::AssignsProperty => {
            format!("`{class}.{name}` is a property without a setter, so that its value needs another name")
        }
        MemberFaultKind::NeverAssigned => format!("`self.{name}` is used in `{class}` and never assigned"),
    }
}

/// Returns every gate that `changed` fails, the most telling first.
pub fn check(changed: &Changed<'_>, promise: Promise<'_>, surroundings: &Surroundings<'_>) -> Vec<GateFailure> {
    let written = &changed.after[changed.range_after.as_range()];
    if written.trim().is_empty() {
        return vec![GateFailure::Empty];
    }
    let replaced = &changed.before[changed.range_before.as_range()];
    if replaced.trim_end() == written.trim_end() {
        return vec![GateFailure::Unchanged];
    }
    let Some(language) = changed.language else {
        return elided_lines(replaced, written).into_iter().collect();
    };
    let before = ParsedFile::parse(language, changed.before);
    let after = ParsedFile::parse(language, changed.after);
    if after.tree().is_none() {
        return vec![GateFailure::Unparsed];
    }
    let mut failures = Vec::new();
    failures.extend(syntax(changed, &before, &after));
    failures.extend(elided(changed, &after, replaced));
    failures.extend(names(changed, promise, &before, &after));
    failures.extend(usage::check(changed, surroundings, &before, &after));
    failures
}

fn syntax(changed: &Changed<'_>, before: &ParsedFile, after: &ParsedFile) -> Option<GateFailure> {
    let errors = after.syntax_errors();
    if errors.len() <= before.syntax_errors().len() {
        return None;
    }
    let inside = errors.iter().find(|e| {
        changed.range_after.contains(TextRange::empty(e.range.start)) || changed.range_after.overlaps(e.range)
    });
    let start = inside.or(errors.first())?.range.start.max(changed.range_after.start);
    let lines = LineIndex::new(changed.after);
    let line = lines.line_of(start);
    let from = lines.line_range(line.saturating_sub(2)).start;
    let to = lines.line_range(line + 2).end;
    Some(GateFailure::Syntax {
        line,
        excerpt: changed.after[from..to].trim_end().to_owned(),
    })
}

fn elided(changed: &Changed<'_>, after: &ParsedFile, replaced: &str) -> Option<GateFailure> {
    let comments = after.comments(changed.after);
    let new_comment = comments
        .into_iter()
        .filter(|range| changed.range_after.contains(*range))
        .map(|range| changed.after[range.as_range()].trim())
        .find(|text| is_elision(text) && !replaced.contains(text));
    if let Some(text) = new_comment {
        return Some(GateFailure::Elided { text: text.to_owned() });
    }
    let written = &changed.after[changed.range_after.as_range()];
    ["todo!(", "unimplemented!("]
        .into_iter()
        .find(|mark| written.contains(mark) && !replaced.contains(mark))
        .map(str::to_owned)
        .or_else(|| bare_ellipsis(replaced, written))
        .map(|text| GateFailure::Elided { text })
}

/// In a file without a grammar every line may be a comment.
fn elided_lines(replaced: &str, written: &str) -> Option<GateFailure> {
    written
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(['#', '/', ';', '<', '-', '.', '[']))
        .find(|line| is_elision(line) && !replaced.contains(line))
        .map(|line| GateFailure::Elided { text: line.to_owned() })
}

fn bare_ellipsis(replaced: &str, written: &str) -> Option<String> {
    let bare = |text: &str| text.lines().any(|line| matches!(line.trim(), "..." | "…"));
    (bare(written) && !bare(replaced)).then(|| "...".to_owned())
}

/// Tells whether a comment stands for code that was left out.
fn is_elision(comment: &str) -> bool {
    const PHRASES: &[&str] = &[
        "rest of the",
        "rest of your",
        "rest unchanged",
        "remains the same",
        "remain the same",
        "remains unchanged",
        "remain unchanged",
        "existing code",
        "existing methods",
        "other methods",
        "other functions",
        "same as before",
        "unchanged code",
        "code here",
        "implementation here",
        "omitted for brevity",
    ];
    let text = comment
        .trim_matches(|c: char| c.is_whitespace() || "/*#;-<>!{}[]".contains(c))
        .to_lowercase();
    let dots = text.starts_with("...") || text.starts_with('…');
    (dots && text.trim_matches(['.', '…', ' ']).split_whitespace().count() <= 8)
        || PHRASES
            .iter()
            .any(|phrase| text.contains(phrase) && text.split_whitespace().count() <= 12)
}

fn names(changed: &Changed<'_>, promise: Promise<'_>, before: &ParsedFile, after: &ParsedFile) -> Option<GateFailure> {
    let old = before.definitions(changed.before);
    let new = after.definitions(changed.after);
    let lost = || -> Vec<String> {
        let may_lose = match promise {
            Promise::MayLose(name) => Some(name),
            Promise::KeepsNames | Promise::AddsNames | Promise::Nothing => None,
        };
        let mut lost: Vec<String> = counted(&old)
            .filter(|(name, count)| count_of(&new, name) < *count && !is_within(name, may_lose))
            .map(|(name, _)| name)
            .collect();
        lost.dedup();
        lost
    };
    match promise {
        Promise::Nothing => None,
        Promise::KeepsNames | Promise::MayLose(_) => {
            let lost = lost();
            (!lost.is_empty()).then_some(GateFailure::Lost { names: lost })
        }
        Promise::AddsNames => {
            let lost = lost();
            if !lost.is_empty() {
                return Some(GateFailure::Lost { names: lost });
            }
            let repeated: Vec<String> = counted(&old)
                .filter(|(name, count)| count_of(&new, name) > *count)
                .map(|(name, _)| name)
                .collect();
            if !repeated.is_empty() {
                return Some(GateFailure::Repeated { names: repeated });
            }
            (new.len() <= old.len()).then_some(GateFailure::NothingNew)
        }
    }
}

/// Returns each qualified name with the number of its definitions. Local names inside functions are not counted: how
/// a function is built inside is its own affair.
fn counted(definitions: &[Definition]) -> impl Iterator<Item = (String, usize)> {
    let mut names: Vec<String> = definitions.iter().map(qualified).collect();
    names.sort();
    let mut counts: Vec<(String, usize)> = Vec::new();
    for name in names {
        match counts.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counts.push((name, 1)),
        }
    }
    counts.into_iter()
}

fn count_of(definitions: &[Definition], name: &str) -> usize {
    definitions.iter().filter(|d| qualified(d) == name).count()
}

fn is_within(name: &str, outer: Option<&str>) -> bool {
    outer.is_some_and(|outer| name == outer || name.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.')))
}

/// Returns the name of a definition with its containers, joined by dots whatever the language writes.
pub fn qualified(definition: &Definition) -> String {
    match &definition.container {
        Some(container) => format!("{}.{}", container.replace("::", "."), definition.name),
        None => definition.name.clone(),
    }
}

#[cfg(test)]
mod tests;
