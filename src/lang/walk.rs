use std::time::Instant;

use tree_sitter::{Node, Tree, TreeCursor};

use super::table::{Branch, Class, Plan, Query, Root, Row, Step, Table, Test};
use crate::text::TextRange;

/// Nodes between two looks at the clock.
const NODES_PER_CHECK: u32 = 1 << 12;

/// One match of one pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'a> {
    /// Index in the query.
    pub(super) pattern: usize,
    /// Outer before inner.
    pub(super) captures: &'a [Capture],
}

/// A node that a pattern captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capture {
    /// Index among the names of the query's captures.
    pub(super) index: u16,
    pub(super) range: TextRange,
}

/// What is looked for in a tree, and how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    pub(super) wanted: Wanted,
    /// When it ends with what was found so far.
    pub(super) deadline: Instant,
}

/// Which queries of a table are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Tags,
    References,
    Both,
}

impl Wanted {
    /// Tells whether a query is among them.
    pub(super) fn includes(self, query: Query) -> bool {
        match self {
            Self::Both => true,
            Self::Tags => query == Query::Tags,
            Self::References => query == Query::References,
        }
    }
}

/// Visits every node of a tree once and reports what matches, until the time is over.
pub(super) fn walk(table: &Table, search: Search, tree: &Tree, text: &str, mut each: impl FnMut(Query, Match<'_>)) {
    let mut cursor = tree.walk();
    let mut matcher = Matcher::new(table, search, tree, text);
    let mut left = NODES_PER_CHECK;
    loop {
        let node = cursor.node();
        if let Some(row) = table.row(node.kind_id()) {
            for plain in &row.plain {
                if search.wanted.includes(plain.query) {
                    let capture = Capture {
                        index: plain.capture,
                        range: node.byte_range().into(),
                    };
                    let found = Match {
                        pattern: plain.pattern,
                        captures: &[capture],
                    };
                    each(plain.query, found);
                }
            }
            if !row.roots.is_empty() {
                matcher.at(row, &cursor, node, &mut each);
            }
        }
        left -= 1;
        if left == 0 {
            left = NODES_PER_CHECK;
            matcher.look_at_clock();
        }
        if matcher.expired {
            return;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Matches the patterns that begin at one node after the other.
struct Matcher<'a, 't> {
    table: &'a Table,
    search: Search,
    text: &'a str,
    /// Lists children without moving the walk.
    probe: TreeCursor<'t>,
    /// The children that were listed below the node at hand.
    nodes: Vec<Child<'t>>,
    /// Whether the lists hold anonymous nodes.
    anonymous: bool,
    /// What the match at hand has captured so far.
    captures: Vec<Capture>,
    /// The complete matches of the pattern at hand: their captures, and where each ends.
    complete: Vec<Capture>,
    ends: Vec<usize>,
    left: u32,
    expired: bool,
}

#[derive(Clone, Copy)]
struct Child<'t> {
    node: Node<'t>,
    kind: u16,
    field: u16,
    class: Class,
    /// Whether a named sibling follows.
    followed: bool,
    /// Its own children among [`Matcher::nodes`], once they are listed.
    children: Option<List>,
}

/// Siblings, as a part of [`Matcher::nodes`].
#[derive(Clone, Copy)]
struct List {
    start: usize,
    end: usize,
}

/// What is still to be matched when the children at hand are done.
#[derive(Clone, Copy)]
enum Then<'a> {
    Nothing,
    Siblings {
        steps: &'a [Step],
        list: List,
        then: &'a Then<'a>,
    },
}

impl<'a, 't> Matcher<'a, 't> {
    fn new(table: &'a Table, search: Search, tree: &'t Tree, text: &'a str) -> Self {
        Self {
            table,
            search,
            text,
            probe: tree.walk(),
            nodes: Vec::new(),
            anonymous: false,
            captures: Vec::new(),
            complete: Vec::new(),
            ends: Vec::new(),
            left: NODES_PER_CHECK,
            expired: false,
        }
    }

    fn look_at_clock(&mut self) {
        self.expired |= Instant::now() >= self.search.deadline;
    }

    fn at(&mut self, row: &Row, cursor: &TreeCursor<'t>, node: Node<'t>, each: &mut impl FnMut(Query, Match<'_>)) {
        self.nodes.clear();
        self.anonymous = row.anonymous;
        let mut children = None;
        for Root { plan, branch } in &row.roots {
            let plan = &self.table.plans[*plan];
            if !self.search.wanted.includes(plan.query) {
                continue;
            }
            if branch.field != 0 && cursor.field_id().map_or(0, u16::from) != branch.field {
                continue;
            }
            if !lacks(node, &branch.negated) {
                continue;
            }
            let list = match children {
                _ if branch.children.is_empty() => List { start: 0, end: 0 },
                Some(list) => list,
                None => *children.insert(self.list(node)),
            };
            self.captures.clear();
            self.capture(branch, node);
            self.siblings(&branch.children, list, &Then::Nothing);
            self.report(plan, each);
            if self.expired {
                return;
            }
        }
    }

    /// Matches steps against siblings in every way; tells whether any came to the end of the pattern.
    fn siblings(&mut self, steps: &[Step], list: List, then: &Then<'_>) -> bool {
        let Some((step, rest)) = steps.split_first() else {
            return match *then {
                Then::Nothing => {
                    self.complete.extend_from_slice(&self.captures);
                    self.ends.push(self.complete.len());
                    true
                }
                Then::Siblings { steps, list, then } => self.siblings(steps, list, then),
            };
        };
        // Where nothing is captured and no anchor follows, a later place gives nothing new; nor does it where what
        // follows has failed.
        let once = !step.captures && !rest.first().is_some_and(|next| next.anchored);
        let mut found = false;
        for at in list.start..list.end {
            self.left -= 1;
            if self.left == 0 {
                self.left = NODES_PER_CHECK;
                self.look_at_clock();
            }
            if self.expired {
                return found;
            }
            let child = self.nodes[at];
            if !(step.last && child.followed) {
                let behind = List {
                    start: at + 1,
                    end: list.end,
                };
                let mut matched = false;
                for branch in step.branches.iter().filter(|branch| child.fits(branch)) {
                    let before = self.captures.len();
                    self.capture(branch, child.node);
                    found |= if branch.children.is_empty() {
                        matched = true;
                        self.siblings(rest, behind, then)
                    } else {
                        let inner = self.list_of(at);
                        let then = Then::Siblings {
                            steps: rest,
                            list: behind,
                            then,
                        };
                        self.siblings(&branch.children, inner, &then)
                    };
                    self.captures.truncate(before);
                }
                if once && (found || matched) {
                    break;
                }
            }
            if step.anchored && child.class != Class::Anonymous {
                break;
            }
        }
        if step.optional && (step.captures || !found) {
            found |= self.siblings(rest, list, then);
        }
        found
    }

    fn capture(&mut self, branch: &Branch, node: Node<'t>) {
        for &index in &branch.captures {
            self.captures.push(Capture {
                index,
                range: node.byte_range().into(),
            });
        }
    }

    /// Hands on the complete matches of one pattern at one node. Of those that capture part of what another one
    /// captures only the largest count; the predicates are asked after that.
    fn report(&mut self, plan: &Plan, each: &mut impl FnMut(Query, Match<'_>)) {
        let mut start = 0;
        for (at, &end) in self.ends.iter().enumerate() {
            let captures = &self.complete[start..end];
            start = end;
            if plan.nested && self.is_part_of_another(at) {
                continue;
            }
            if plan
                .predicates
                .iter()
                .all(|predicate| predicate.holds(captures, self.text))
            {
                let found = Match {
                    pattern: plan.pattern,
                    captures,
                };
                each(plan.query, found);
            }
        }
        self.complete.clear();
        self.ends.clear();
    }

    fn is_part_of_another(&self, at: usize) -> bool {
        let captures = self.complete_captures(at);
        (0..self.ends.len()).any(|other| {
            let other = self.complete_captures(other);
            other.len() > captures.len() && captures.iter().all(|capture| other.contains(capture))
        })
    }

    fn complete_captures(&self, at: usize) -> &[Capture] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.complete[start..self.ends[at]]
    }

    fn list_of(&mut self, at: usize) -> List {
        if let Some(list) = self.nodes[at].children {
            return list;
        }
        let list = self.list(self.nodes[at].node);
        self.nodes[at].children = Some(list);
        list
    }

    /// Lists the children of a node.
    fn list(&mut self, node: Node<'t>) -> List {
        let start = self.nodes.len();
        self.probe.reset(node);
        let mut more = self.probe.goto_first_child();
        while more {
            let node = self.probe.node();
            let kind = node.kind_id();
            let class = self.table.class(kind);
            if self.anonymous || class != Class::Anonymous {
                self.nodes.push(Child {
                    node,
                    kind,
                    field: self.probe.field_id().map_or(0, u16::from),
                    class,
                    followed: false,
                    children: None,
                });
            }
            more = self.probe.goto_next_sibling();
        }
        let mut followed = false;
        for child in self.nodes[start..].iter_mut().rev() {
            child.followed = followed;
            followed |= child.class != Class::Anonymous;
        }
        List {
            start,
            end: self.nodes.len(),
        }
    }
}

impl Child<'_> {
    fn fits(&self, branch: &Branch) -> bool {
        let kind = match branch.test {
            Test::Named(kind) | Test::Anonymous(kind) => self.kind == kind,
            Test::AnyNamed => self.class == Class::Named,
            Test::Any => self.class != Class::Error,
        };
        kind && (branch.field == 0 || self.field == branch.field) && lacks(self.node, &branch.negated)
    }
}

/// Tells whether a node has none of the fields.
fn lacks(node: Node<'_>, fields: &[u16]) -> bool {
    fields.iter().all(|field| node.child_by_field_id(*field).is_none())
}
