//! Names by scope, as `grammars/<language>/scopes.scm` tells them: which use of a name has which bindings, and which has none.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

use tree_sitter::Query;

use super::matches::{self, Seen};
use super::{Language, PARSE_BUDGET, ParsedFile};
use crate::text::TextRange;

/// Scopes in each other that are looked at; a text that has more is not one that people wrote.
const MOST_DEPTH: usize = 100;

/// The names of a file by scope.
#[derive(Debug)]
pub struct Scopes {
    scopes: Vec<Scope>,
    /// In the order of the text.
    uses: Vec<Use>,
    builtins: &'static str,
}

/// A name that is used and bound nowhere in its file, nor by the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnboundName {
    /// The name.
    pub name: String,
    /// Where it is used.
    pub range: TextRange,
    /// What is asked of it: `sub` of `re.sub`.
    pub member: Option<String>,
}

/// Where a name is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The name there.
    pub range: TextRange,
    /// What binds it.
    pub by: BoundBy,
}

/// What binds a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundBy {
    /// An import.
    Import,
    /// Anything else: a definition, an assignment, a parameter.
    Definition,
}

#[derive(Debug)]
struct Scope {
    range: TextRange,
    kind: ScopeKind,
    /// The smallest scope around it in the text.
    around: Option<usize>,
    /// The scope in which its names are looked for next.
    parent: Option<usize>,
    /// Parts of it that belong to its parent, the outermost ones in the order of the text.
    outside: Vec<TextRange>,
    bindings: HashMap<String, Vec<Binding>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScopeKind {
    Module,
    Function,
    Class,
    Block,
}

#[derive(Debug)]
struct Use {
    name: String,
    range: TextRange,
    member: Option<String>,
    scope: usize,
}

/// What an identifier is to the names of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Reference(Option<TextRange>),
    Defines(BoundBy, Reach),
    Ignored,
}

/// In which scope a definition binds its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Scope,
    Function,
    Module,
}

/// What a capture of the query stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capture {
    Scope(ScopeKind),
    Outside,
    Defines(BoundBy, Reach),
    Reference,
    Member,
    Ignored,
    Guarded,
    Opaque,
    Other,
}

impl Scopes {
    /// Reads the scopes off a tree. None where nothing certain can be said: for a language without a query of scopes, a
    /// text with syntax errors, one that takes too long, and one that binds names in ways that cannot be read off it
    /// (`from m import *`, `exec`, `globals()`).
    pub fn of(parsed: &ParsedFile, text: &str) -> Option<Self> {
        let tree = parsed.tree()?;
        let Compiled { query, captures } = compiled(parsed.language())?;
        if tree.root_node().has_error() {
            return None;
        }
        let deadline = Instant::now() + PARSE_BUDGET;
        let mut raw = Raw::default();
        let seen = matches::for_each(query, deadline, tree, text, |found| {
            let of = |index: u16| captures.get(usize::from(index)).copied().unwrap_or(Capture::Other);
            let member = found
                .captures
                .iter()
                .find(|capture| of(capture.index) == Capture::Member)
                .map(|capture| capture.range);
            for capture in found.captures {
                raw.add(found.pattern, of(capture.index), capture.range, member);
            }
        });
        match (seen, raw.is_opaque) {
            (Seen::All, false) => raw.resolved(text, parsed.language().spec().builtins),
            _ => None,
        }
    }

    /// Returns the uses of names that nothing binds, in the order of the text.
    pub fn unbound(&self) -> Vec<UnboundName> {
        let unbound = self.uses.iter().filter(|used| {
            self.found(used).is_none() && !self.builtins.split_whitespace().any(|builtin| builtin == used.name)
        });
        unbound
            .map(|used| UnboundName {
                name: used.name.clone(),
                range: used.range,
                member: used.member.clone(),
            })
            .collect()
    }

    /// Returns where the name is bound that is used at `range`: everything that binds it in one scope.
    pub fn bindings(&self, range: TextRange) -> &[Binding] {
        let at = self.uses.binary_search_by_key(&range, |used| used.range);
        at.ok().and_then(|at| self.found(&self.uses[at])).unwrap_or_default()
    }

    fn found(&self, used: &Use) -> Option<&[Binding]> {
        let mut is_class_visible = true;
        let mut at = Some(used.scope);
        while let Some(scope) = at.map(|at| &self.scopes[at]) {
            let is_seen = scope.kind != ScopeKind::Class || is_class_visible;
            if let Some(bindings) = scope.bindings.get(&used.name).filter(|_| is_seen) {
                return Some(bindings);
            }
            is_class_visible &= scope.kind != ScopeKind::Function;
            at = scope.parent;
        }
        None
    }
}

/// The query of scopes of one language.
struct Compiled {
    query: Query,
    /// What its captures stand for, by their index.
    captures: Vec<Capture>,
}

/// What the query finds, before it is known what lies in what.
#[derive(Default)]
struct Raw {
    scopes: Vec<(TextRange, ScopeKind)>,
    outside: Vec<TextRange>,
    guarded: Vec<TextRange>,
    /// By the identifier: the pattern that decides, and what it says.
    parts: HashMap<TextRange, (usize, Part)>,
    is_opaque: bool,
}

impl Raw {
    fn add(&mut self, pattern: usize, capture: Capture, range: TextRange, member: Option<TextRange>) {
        let part = match capture {
            Capture::Scope(kind) => return self.scopes.push((range, kind)),
            Capture::Outside => return self.outside.push(range),
            Capture::Guarded => return self.guarded.push(range),
            Capture::Opaque => {
                self.is_opaque = true;
                return;
            }
            Capture::Member | Capture::Other => return,
            Capture::Defines(by, reach) => Part::Defines(by, reach),
            Capture::Reference => Part::Reference(member),
            Capture::Ignored => Part::Ignored,
        };
        let decided = self.parts.entry(range).or_insert_with(|| (pattern, part.clone()));
        if decided.0 <= pattern {
            *decided = (pattern, part);
        }
    }

    fn resolved(mut self, text: &str, builtins: &'static str) -> Option<Scopes> {
        self.scopes
            .sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut scopes = nested(&self.scopes)?;
        let guarded = outermost(self.guarded);
        for range in outermost_first(self.outside) {
            let around = innermost(&scopes, range);
            let outside = &mut scopes[around].outside;
            if !is_within(range, outside) {
                outside.push(range);
            }
        }
        // A scope comes after what is around it.
        for at in 1..scopes.len() {
            let parent = scopes[at].around.map(|around| home(&scopes, around, scopes[at].range));
            scopes[at].parent = parent;
        }
        let word = |range: TextRange| text.get(range.as_range()).map(str::to_owned);
        let mut uses = Vec::new();
        let mut parts: Vec<(TextRange, Part)> =
            self.parts.into_iter().map(|(range, (_, part))| (range, part)).collect();
        parts.sort_by_key(|(range, _)| *range);
        for (range, part) in parts {
            let Some(name) = word(range).filter(|name| !name.is_empty()) else {
                continue;
            };
            let around = innermost(&scopes, range);
            let scope = home(&scopes, around, range);
            match part {
                Part::Ignored => {}
                Part::Reference(_) if is_within(range, &guarded) => {}
                Part::Reference(member) => uses.push(Use {
                    name,
                    range,
                    member: member.and_then(word),
                    scope,
                }),
                Part::Defines(by, reach) => {
                    let scope = reached(&scopes, scope, reach);
                    let bindings = scopes[scope].bindings.entry(name).or_default();
                    bindings.push(Binding { range, by });
                }
            }
        }
        Some(Scopes { scopes, uses, builtins })
    }
}

fn outermost_first(mut ranges: Vec<TextRange>) -> Vec<TextRange> {
    ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    ranges
}

/// Returns those of nested ranges that lie in no other, in the order of the text.
fn outermost(ranges: Vec<TextRange>) -> Vec<TextRange> {
    let mut outermost: Vec<TextRange> = Vec::new();
    for range in outermost_first(ranges) {
        if !is_within(range, &outermost) {
            outermost.push(range);
        }
    }
    outermost
}

/// Tells whether a range lies in one of several that follow each other.
fn is_within(range: TextRange, following: &[TextRange]) -> bool {
    let after = following.partition_point(|other| other.start <= range.start);
    after > 0 && following[after - 1].contains(range)
}

/// Returns the module and the scopes in it, which are sorted, by what is around them; none where they are too deep.
fn nested(sorted: &[(TextRange, ScopeKind)]) -> Option<Vec<Scope>> {
    let scope = |range, kind, around| Scope {
        range,
        kind,
        around,
        parent: None,
        outside: Vec::new(),
        bindings: HashMap::new(),
    };
    let mut scopes = vec![scope(TextRange::new(0, usize::MAX), ScopeKind::Module, None)];
    let mut depths = vec![0];
    for (range, kind) in sorted {
        let mut around = scopes.len() - 1;
        while !scopes[around].range.contains(*range) {
            around = scopes[around].around.unwrap_or(0);
        }
        if depths[around] == MOST_DEPTH {
            return None;
        }
        depths.push(depths[around] + 1);
        scopes.push(scope(*range, *kind, Some(around)));
    }
    Some(scopes)
}

/// Returns the smallest scope that is greater than a range and holds it.
fn innermost(scopes: &[Scope], range: TextRange) -> usize {
    let mut at = scopes.partition_point(|scope| scope.range.start <= range.start) - 1;
    while !scopes[at].range.contains(range) || scopes[at].range == range {
        match scopes[at].around {
            Some(around) => at = around,
            None => break,
        }
    }
    at
}

/// Returns the scope that a range in `scope` belongs to.
fn home(scopes: &[Scope], scope: usize, range: TextRange) -> usize {
    match (is_within(range, &scopes[scope].outside), scopes[scope].parent) {
        (true, Some(parent)) => parent,
        _ => scope,
    }
}

fn reached(scopes: &[Scope], scope: usize, reach: Reach) -> usize {
    let mut at = scope;
    loop {
        let is_there = match reach {
            Reach::Scope => true,
            Reach::Function => scopes[at].kind != ScopeKind::Block,
            Reach::Module => scopes[at].kind == ScopeKind::Module,
        };
        match scopes[at].parent {
            Some(parent) if !is_there => at = parent,
            _ => return at,
        }
    }
}

/// Returns the query of scopes and what its captures stand for, compiled at the first call; none where the language has none.
fn compiled(language: Language) -> Option<&'static Compiled> {
    const COUNT: usize = Language::ALL.len();
    static COMPILED: [OnceLock<Option<Compiled>>; COUNT] = [const { OnceLock::new() }; COUNT];
    COMPILED[language as usize]
        .get_or_init(|| compile(language).ok().flatten())
        .as_ref()
}

/// Compiles the query of scopes; none where the language has none.
///
/// # Errors
/// What the grammar refuses.
fn compile(language: Language) -> Result<Option<Compiled>, tree_sitter::QueryError> {
    let spec = language.spec();
    if spec.scopes.is_empty() {
        return Ok(None);
    }
    let query = Query::new(&(spec.grammar)(), spec.scopes)?;
    let captures = query.capture_names().iter().map(|name| capture(name)).collect();
    Ok(Some(Compiled { query, captures }))
}

/// Tells whether the query of scopes compiles.
///
/// # Errors
/// What the grammar refuses.
pub(super) fn check(language: Language) -> Result<(), tree_sitter::QueryError> {
    compile(language).map(drop)
}

fn capture(name: &str) -> Capture {
    match name {
        "scope.function" => Capture::Scope(ScopeKind::Function),
        "scope.class" => Capture::Scope(ScopeKind::Class),
        "scope.block" => Capture::Scope(ScopeKind::Block),
        "outside" => Capture::Outside,
        "definition" => Capture::Defines(BoundBy::Definition, Reach::Scope),
        "definition.function" => Capture::Defines(BoundBy::Definition, Reach::Function),
        "definition.global" => Capture::Defines(BoundBy::Definition, Reach::Module),
        "import" => Capture::Defines(BoundBy::Import, Reach::Scope),
        "reference" => Capture::Reference,
        "member" => Capture::Member,
        "ignored" => Capture::Ignored,
        "guarded" => Capture::Guarded,
        "opaque" => Capture::Opaque,
        _ => Capture::Other,
    }
}

#[cfg(test)]
mod tests;
