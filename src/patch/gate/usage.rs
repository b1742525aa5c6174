//! What new code uses: names that nothing binds, calls that do not fit their function, attributes of `self` that fail.

use std::collections::BTreeSet;

use super::{Changed, GateFailure};
use crate::lang::{Arity, BoundBy, Call, MemberFault, MemberFaultKind, ParsedFile, Scopes, UnboundName, imported_from};
use crate::text::{LineIndex, TextRange};

/// What is known beside a changed file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Import lines that come into the file with the change.
    pub imports: &'a [String],
    /// Names that other changes may bind or define anew: nothing is said of them.
    pub unsettled: &'a BTreeSet<String>,
    /// Returns how a function is called that another file defines, by its name and the module it is imported from.
    pub elsewhere: &'a dyn Fn(&str, &str) -> Option<Arity>,
}

/// The most lines of new code that are shown.
const MOST_LINES: usize = 5;

/// Returns what is wrong with what the new code uses, where that is certain.
pub(super) fn check(
    changed: &Changed<'_>,
    surroundings: &Surroundings<'_>,
    before: &ParsedFile,
    after: &ParsedFile,
) -> Vec<GateFailure> {
    let mut failures: Vec<GateFailure> = members(changed, before, after).into_iter().collect();
    let (Some(language), Some(old)) = (changed.language, Scopes::of(before, changed.before)) else {
        return failures;
    };
    // At the end they move nothing, and names of a module do not ask for an order.
    let whole = format!("{}\n{}\n", changed.after, surroundings.imports.join("\n"));
    let parsed = ParsedFile::parse(language, &whole);
    let Some(scopes) = Scopes::of(&parsed, &whole) else {
        return failures;
    };
    let known: BTreeSet<String> = old.unbound().into_iter().map(|unbound| unbound.name).collect();
    let is_new = |unbound: &UnboundName| {
        changed.range_after.contains(unbound.range)
            && !known.contains(&unbound.name)
            && !surroundings.unsettled.contains(&unbound.name)
    };
    let names: Vec<UnboundName> = scopes.unbound().into_iter().filter(is_new).collect();
    if !names.is_empty() {
        let excerpt = lines(&whole, names.iter().map(|unbound| unbound.range));
        failures.push(GateFailure::Undefined { names, excerpt });
    }
    for call in Call::all_in(&parsed, &whole, changed.range_after) {
        if surroundings.unsettled.contains(&call.name) {
            continue;
        }
        let mismatch = arity(&call, &scopes, &parsed, &whole, surroundings).and_then(|arity| arity.mismatch(&call));
        let stood_there = || {
            let written = whole.get(call.range.as_range());
            written.is_none_or(|written| changed.before.contains(written))
        };
        if let Some(mismatch) = mismatch.filter(|_| !stood_there()) {
            failures.push(GateFailure::Arity {
                excerpt: lines(&whole, [call.name_range].into_iter()),
                call: call.name,
                mismatch,
            });
            break;
        }
    }
    failures
}

/// Returns the uses of attributes that fail and were not there before. A class that was incomplete before gets its
/// attributes from elsewhere.
fn members(changed: &Changed<'_>, before: &ParsedFile, after: &ParsedFile) -> Option<GateFailure> {
    let known = MemberFault::all_in(before, changed.before);
    let mut faults = MemberFault::all_in(after, changed.after);
    faults.retain(|own| {
        let was = |other: &MemberFault| {
            let is_incomplete = own.kind == MemberFaultKind::NeverAssigned && own.kind == other.kind;
            other.class == own.class && (other.name == own.name || is_incomplete)
        };
        changed.range_after.contains(own.range) && !known.iter().any(was)
    });
    let excerpt = lines(changed.after, faults.iter().map(|own| own.range));
    (!faults.is_empty()).then_some(GateFailure::Members { faults, excerpt })
}

/// Returns how the function is called that a call means: the only one that its name is bound to.
fn arity(
    call: &Call,
    scopes: &Scopes,
    parsed: &ParsedFile,
    text: &str,
    surroundings: &Surroundings<'_>,
) -> Option<Arity> {
    let [binding] = scopes.bindings(call.name_range) else {
        return None;
    };
    match binding.by {
        BoundBy::Definition => Arity::of(parsed, text, binding.range),
        BoundBy::Import => (surroundings.elsewhere)(&call.name, imported_from(parsed, text, binding.range)?),
    }
}

/// Returns the lines on which ranges start, each once.
fn lines(text: &str, ranges: impl Iterator<Item = TextRange>) -> String {
    let index = LineIndex::new(text);
    let mut numbers: Vec<usize> = ranges.map(|range| index.line_of(range.start)).collect();
    numbers.dedup();
    let lines = numbers.into_iter().take(MOST_LINES);
    let lines: Vec<&str> = lines
        .map(|line| text[index.line_range(line).as_range()].trim_end())
        .collect();
    lines.join("\n")
}
