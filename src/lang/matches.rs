use std::ops::ControlFlow;
use std::time::Instant;

use streaming_iterator::StreamingIterator;
use tree_sitter::{Query, QueryCursor, QueryCursorOptions, Tree};

use super::walk::{Capture, Match};

/// States that a query may have open at once; a tree that needs more is not one that people wrote.
const MATCH_LIMIT: u32 = 1 << 14;

/// How much of a tree was searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Everything.
    All,
    /// What the time and [`MATCH_LIMIT`] allowed.
    Part,
}

/// Reports what tree-sitter's query engine finds, until the time is over.
pub(super) fn for_each(
    query: &Query,
    deadline: Instant,
    tree: &Tree,
    text: &str,
    mut each: impl FnMut(Match<'_>),
) -> Seen {
    let mut progress = |_: &tree_sitter::QueryCursorState| {
        if Instant::now() < deadline {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let mut cursor = QueryCursor::new();
    cursor.set_match_limit(MATCH_LIMIT);
    let options = QueryCursorOptions::new().progress_callback(&mut progress);
    let mut matches = cursor.matches_with_options(query, tree.root_node(), text.as_bytes(), options);
    let mut captures = Vec::new();
    while let Some(found) = matches.next() {
        captures.clear();
        captures.extend(found.captures().iter().filter_map(|capture| {
            Some(Capture {
                index: u16::try_from(capture.index).ok()?,
                range: capture.node.byte_range().into(),
            })
        }));
        each(Match {
            pattern: found.pattern_index,
            captures: &captures,
        });
    }
    drop(matches);
    match cursor.did_exceed_match_limit() || Instant::now() >= deadline {
        true => Seen::Part,
        false => Seen::All,
    }
}
