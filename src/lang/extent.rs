use std::collections::HashMap;

use super::Language;
use super::extract::Raw;
use crate::text::TextRange;

/// Something that may stand before a definition and belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lead {
    /// An attribute, decorator or annotation.
    Attached(TextRange),
    /// A comment.
    Comment(TextRange),
}

impl Lead {
    fn range(self) -> TextRange {
        match self {
            Self::Attached(range) | Self::Comment(range) => range,
        }
    }
}

/// How far definitions reach beyond their syntax nodes.
pub(super) struct Extents<'a> {
    text: &'a str,
    terminator: &'static str,
    wrappers: HashMap<TextRange, TextRange>,
    /// Disjoint, in the order of the text, without trailing white space.
    leads: Vec<Lead>,
    /// Sorted ends of all definition nodes: nothing reaches back over one.
    ends: Vec<usize>,
}

impl<'a> Extents<'a> {
    pub(super) fn new(
        language: Language,
        text: &'a str,
        wrappers: HashMap<TextRange, TextRange>,
        leads: Vec<Lead>,
        raw: &[Raw],
    ) -> Self {
        let mut extents = Self {
            text,
            terminator: language.spec().terminator,
            wrappers,
            leads: disjoint(text, leads),
            ends: Vec::new(),
        };
        extents.ends = raw.iter().map(|raw| extents.own(raw.node).end).collect();
        extents.ends.sort_unstable();
        extents
    }

    /// Returns the range of a definition, and the range with the comment above.
    pub(super) fn of(&self, node: TextRange) -> (TextRange, TextRange) {
        let mut outer = node;
        while let Some(wrapper) = self.wrappers.get(&outer) {
            if !wrapper.contains(outer) || *wrapper == outer {
                break;
            }
            outer = *wrapper;
        }
        let outer = self.with_terminator(self.own(outer));
        let (attached, full) = self.lead_starts(outer.start);
        (TextRange::new(attached, outer.end), TextRange::new(full, outer.end))
    }

    /// Returns the leads that lie inside a range.
    pub(super) fn leads_in(&self, range: TextRange) -> Vec<TextRange> {
        let first = self.leads.partition_point(|lead| lead.range().start < range.start);
        self.leads[first..]
            .iter()
            .map(|lead| lead.range())
            .take_while(|lead| lead.start < range.end)
            .filter(|lead| range.contains(*lead))
            .collect()
    }

    /// Returns the comments between the start of a definition's full range and its node.
    pub(super) fn comments_above(&self, full: TextRange, node: TextRange) -> Vec<TextRange> {
        let first = self.leads.partition_point(|lead| lead.range().start < full.start);
        self.leads[first..]
            .iter()
            .take_while(|lead| lead.range().end <= node.start)
            .filter_map(|lead| match lead {
                Lead::Comment(range) => Some(*range),
                Lead::Attached(_) => None,
            })
            .collect()
    }

    /// Returns a node's range without white space and comments at its end that stand directly above what follows, no
    /// deeper than the node: some grammars leave them in the block that has just ended.
    fn own(&self, node: TextRange) -> TextRange {
        let mut own = trim_end(self.text, node);
        let Some(margin) = self.margin(own.start) else {
            return own;
        };
        let mut next = match self.text[own.end..].find(|c: char| !c.is_whitespace()) {
            Some(gap) => own.end + gap,
            None => return own,
        };
        let before = self.leads.partition_point(|lead| lead.range().end <= own.end);
        for lead in self.leads[..before].iter().rev() {
            let range = lead.range();
            let alone = self.margin(range.start).is_some_and(|own| own.len() <= margin.len());
            if range.end != own.end || range.start <= own.start || !alone || !self.is_close(range.end, next) {
                break;
            }
            next = range.start;
            own = trim_end(self.text, TextRange::new(own.start, range.start));
        }
        own
    }

    fn is_close(&self, end: usize, next: usize) -> bool {
        self.text[end..next].bytes().filter(|byte| *byte == b'\n').count() <= 1
    }

    fn with_terminator(&self, range: TextRange) -> TextRange {
        let terminator = self.terminator;
        if terminator.is_empty() || self.text[range.as_range()].ends_with(terminator) {
            return range;
        }
        let rest = &self.text[range.end..];
        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[gap..].starts_with(terminator) {
            TextRange::new(range.start, range.end + gap + terminator.len())
        } else {
            range
        }
    }

    /// Walks back from `start` over attributes and comments with only white space between, and returns where the
    /// first attribute and where the first of all starts.
    fn lead_starts(&self, start: usize) -> (usize, usize) {
        let floor = match self.ends.partition_point(|end| *end <= start) {
            0 => 0,
            count => self.ends[count - 1],
        };
        let (mut attached, mut full) = (start, start);
        let mut next = self.leads.partition_point(|lead| lead.range().end <= start);
        while next > 0 {
            next -= 1;
            let lead = self.leads[next];
            let range = lead.range();
            let gap = &self.text[range.end..full];
            if range.start < floor || !gap.chars().all(char::is_whitespace) {
                break;
            }
            match lead {
                Lead::Attached(_) => attached = range.start,
                Lead::Comment(_) => {
                    let close = self.is_close(range.end, full);
                    let margin = self.margin(full);
                    let alone = margin.is_some() && self.margin(range.start) == margin;
                    if !close || !alone || !documents_what_follows(&self.text[range.as_range()]) {
                        break;
                    }
                }
            }
            full = range.start;
        }
        (attached, full)
    }

    /// Returns the white space before `at` when nothing else stands before it on its line.
    fn margin(&self, at: usize) -> Option<&'a str> {
        let before = &self.text[..at];
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        let line = line.trim_start_matches('\u{feff}');
        line.chars().all(char::is_whitespace).then_some(line)
    }
}

/// Tells whether a comment can belong to what stands below it: `//!` documents what encloses it, and `#!` is for the
/// operating system.
fn documents_what_follows(comment: &str) -> bool {
    !["//!", "/*!", "#!"].iter().any(|opener| comment.starts_with(opener))
}

fn disjoint(text: &str, leads: Vec<Lead>) -> Vec<Lead> {
    let mut trimmed: Vec<Lead> = leads
        .into_iter()
        .map(|lead| match lead {
            Lead::Attached(range) => Lead::Attached(trim_end(text, range)),
            Lead::Comment(range) => Lead::Comment(trim_end(text, range)),
        })
        .filter(|lead| !lead.range().is_empty())
        .collect();
    trimmed.sort_by_key(|lead| (lead.range().start, std::cmp::Reverse(lead.range().end)));
    let mut end = 0;
    trimmed.retain(|lead| {
        let keep = lead.range().start >= end;
        if keep {
            end = lead.range().end;
        }
        keep
    });
    trimmed
}

fn trim_end(text: &str, range: TextRange) -> TextRange {
    let end = range.start + text[range.as_range()].trim_end().len();
    TextRange::new(range.start, end)
}
