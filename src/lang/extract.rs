use std::collections::{BTreeMap, HashMap, HashSet};

use tree_sitter::Tree;

use super::doc;
use super::extent::{Extents, Lead};
use super::name::{bare_name, last_scope, last_segment, names_constructors, object_name, unquoted};
use super::query::{Queries, TagCapture};
use super::table::Query;
use super::walk::{Match, Search};
use super::{Definition, Engine, Facts, Language, LanguageSpec, SymbolKind, UseKind};
use crate::text::TextRange;

/// Reads the wanted part of the facts off a tree; the rest stays empty.
pub(super) fn facts(language: Language, engine: Engine, search: Search, tree: &Tree, text: &str) -> Facts {
    let Some(queries) = Queries::of(language, engine) else {
        return Facts::default();
    };
    let mut tags = Tags::default();
    let mut uses = Vec::new();
    queries.for_each_match(search, tree, text, |query, found| match query {
        Query::Tags => tags.add(queries, text, found),
        Query::References => {
            let kind = |capture: u16| queries.use_kind(capture);
            uses.extend(
                found
                    .captures
                    .iter()
                    .map(|capture| (capture.range, kind(capture.index))),
            );
        }
    });
    Facts {
        comments: comments(&tags.leads),
        definitions: definitions(language, tags, text),
        uses: merged_uses(language, uses, text),
    }
}

/// Returns the definitions, outer before inner.
fn definitions(language: Language, mut tags: Tags, text: &str) -> Vec<Definition> {
    tags.raw
        .sort_by_key(|raw| (raw.name, raw.pattern, raw.node, raw.body, raw.container));
    merge_same_name(&mut tags.raw);
    tags.docs.sort_unstable();
    if let Some(end) = language.spec().clause_end {
        join_clauses(&mut tags.raw, text, end, language.spec());
    }
    reach(&mut tags.raw, text.len());
    let extents = Extents::new(language, text, tags.wrappers, tags.leads, &tags.raw);
    let mut found: Vec<(Raw, TextRange, TextRange)> = tags
        .raw
        .into_iter()
        .map(|raw| {
            let (range, full) = extents.of(raw.node);
            (raw, range, full)
        })
        .collect();
    found.sort_by_key(|(raw, range, _)| (range.start, std::cmp::Reverse(range.end), raw.name));
    let mut builder = Builder::new(language, text, &extents, &tags.docs);
    for (raw, range, full) in found {
        builder.add(raw, range, full);
    }
    builder.finish()
}

/// Returns the uses of names in the order of the text; one that several patterns match is taken once, as the most
/// particular kind.
fn merged_uses(language: Language, mut uses: Vec<(TextRange, UseKind)>, text: &str) -> Vec<(TextRange, UseKind)> {
    for (range, _) in &mut uses {
        *range = bare_name(language, text, *range);
    }
    uses.sort_unstable();
    uses.dedup_by_key(|(range, _)| *range);
    uses.retain(|(range, _)| !range.is_empty() && text.get(range.as_range()).is_some());
    uses
}

/// Returns the comments in the order of the text.
fn comments(leads: &[Lead]) -> Vec<TextRange> {
    let mut comments: Vec<TextRange> = leads
        .iter()
        .filter_map(|lead| match lead {
            Lead::Comment(range) => Some(*range),
            Lead::Attached(_) => None,
        })
        .collect();
    comments.sort_unstable();
    comments.dedup();
    comments
}

/// A definition as the query gives it.
pub(super) struct Raw {
    pattern: usize,
    kind: SymbolKind,
    pub(super) node: TextRange,
    name: TextRange,
    body: Option<TextRange>,
    container: Option<TextRange>,
    doc: Option<TextRange>,
    reach: Reach,
}

/// How far a definition goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// To the end of its node.
    Node,
    /// To the next definition that reaches as far, as in a language of lines: the node is what it starts with.
    Next,
}

#[derive(Default)]
struct Tags {
    raw: Vec<Raw>,
    wrappers: HashMap<TextRange, TextRange>,
    leads: Vec<Lead>,
    docs: Vec<TextRange>,
}

impl Tags {
    fn add(&mut self, queries: &Queries, text: &str, found: Match<'_>) {
        let (mut definition, mut name, mut body, mut container) = (None, None, None, None);
        let (mut body_start, mut doc) = (None, None);
        let (mut wrapper, mut wrapped) = (None, None);
        let mut reach = Reach::Node;
        for capture in found.captures {
            let range = capture.range;
            match queries.tag(capture.index) {
                TagCapture::Definition(kind) => definition = Some((kind, range)),
                TagCapture::Name => name = Some(range),
                TagCapture::Body => body = Some(range),
                TagCapture::Head => body_start = Some(range.end),
                TagCapture::Open => body_start = Some(range.start),
                TagCapture::Start => reach = Reach::Next,
                TagCapture::Container => container = Some(range),
                TagCapture::Wrapper => wrapper = Some(range),
                TagCapture::Wrapped => wrapped = Some(range),
                TagCapture::Attached => self.leads.push(Lead::Attached(range)),
                TagCapture::Comment => self.leads.push(Lead::Comment(range)),
                TagCapture::Doc => doc = Some(range),
                TagCapture::Ignored => {}
            }
        }
        if let (Some((kind, node)), Some(name)) = (definition, name)
            && !name.is_empty()
        {
            self.raw.push(Raw {
                pattern: found.pattern,
                kind,
                node,
                name,
                body: body.or_else(|| trimmed(text, TextRange::new(body_start?, node.end))),
                container,
                doc,
                reach,
            });
        } else {
            self.docs.extend(doc);
        }
        if let (Some(wrapper), Some(wrapped)) = (wrapper, wrapped) {
            let nearest = self.wrappers.entry(wrapped).or_insert(wrapper);
            if nearest.len() > wrapper.len() {
                *nearest = wrapper;
            }
        }
    }
}

/// Keeps of several patterns that match one name the first in the query, which is the most particular, with the
/// first body any of them found. The bodies that one pattern found are one from the first to the last: some grammars
/// have no node for a body.
fn merge_same_name(raw: &mut Vec<Raw>) {
    raw.dedup_by(|later, first| {
        let same = later.name == first.name;
        if same && later.node == first.node {
            first.body = match (first.body, later.body) {
                (Some(body), Some(more)) if later.pattern == first.pattern => {
                    Some(TextRange::new(body.start.min(more.start), body.end.max(more.end)))
                }
                (body, more) => body.or(more),
            };
        }
        same
    });
}

/// Joins what is written as several clauses (equations, or a signature and what follows it) to one definition: of one
/// name, with nothing but comments between, each but the last ending with `end`.
fn join_clauses(raw: &mut Vec<Raw>, text: &str, end: &str, spec: &LanguageSpec) {
    let mut last_of: HashMap<&str, usize> = HashMap::new();
    let mut joined: Vec<Raw> = Vec::with_capacity(raw.len());
    for clause in raw.drain(..) {
        let Some(name) = text.get(clause.name.as_range()) else {
            continue;
        };
        let open = last_of.get(name).map(|index| &mut joined[*index]).filter(|open| {
            let written = text.get(open.node.as_range()).unwrap_or_default().trim_end();
            let gap = text.get(open.node.end..clause.node.start);
            let close = gap.is_some_and(|gap| {
                let mut lines = gap.lines().map(str::trim);
                lines.all(|line| {
                    line.is_empty() || line.starts_with(spec.line_comment) || line.starts_with(spec.block_comment.0)
                })
            });
            let one_function = clause.kind.is_callable() && (open.kind == clause.kind || open.body.is_none());
            one_function && close && written.ends_with(end)
        });
        match open {
            Some(open) => {
                let body = open.body.map_or(clause.node.start, |body| body.start);
                open.body = Some(TextRange::new(body, clause.node.end));
                open.node = TextRange::new(open.node.start, clause.node.end);
            }
            None => {
                last_of.insert(name, joined.len());
                joined.push(clause);
            }
        }
    }
    *raw = joined;
}

/// Returns a range without the white space at both ends.
fn trimmed(text: &str, range: TextRange) -> Option<TextRange> {
    let written = text.get(range.as_range())?;
    let start = range.end - written.trim_start().len();
    Some(TextRange::new(start, start + written.trim().len()))
}

/// Gives the definitions of which the query has only the start what follows them, as their body.
fn reach(raw: &mut [Raw], text_len: usize) {
    let (mut start, mut end) = (text_len, text_len);
    for raw in raw.iter_mut().rev().filter(|raw| raw.reach == Reach::Next) {
        // Several names of one node reach equally far.
        if raw.node.start < start {
            (start, end) = (raw.node.start, start);
        }
        raw.body = Some(TextRange::new(raw.node.end.min(end), end));
        raw.node = TextRange::new(raw.node.start, end);
    }
}

struct Builder<'a> {
    language: Language,
    text: &'a str,
    extents: &'a Extents<'a>,
    /// By where they start.
    doc_strings: BTreeMap<usize, TextRange>,
    out: Vec<Definition>,
    /// Indices into `out` of what encloses the next definition.
    open: Vec<usize>,
    /// The names of the modules so far: what stands in one is no method.
    modules: HashSet<String>,
    /// Container and name of the variables so far: an assignment to one of them defines nothing new.
    variables: HashSet<(Option<String>, String)>,
}

impl<'a> Builder<'a> {
    fn new(language: Language, text: &'a str, extents: &'a Extents<'a>, docs: &[TextRange]) -> Self {
        Self {
            language,
            text,
            extents,
            doc_strings: docs.iter().map(|range| (range.start, *range)).collect(),
            out: Vec::new(),
            open: Vec::new(),
            modules: HashSet::new(),
            variables: HashSet::new(),
        }
    }

    fn add(&mut self, raw: Raw, range: TextRange, full_range: TextRange) {
        let (Some(written), Some(_)) = (self.text.get(raw.name.as_range()), self.text.get(range.as_range())) else {
            return;
        };
        while let Some(top) = self.open.last().map(|index| &self.out[*index]) {
            if top.range.contains(range) && top.range != range {
                break;
            }
            self.open.pop();
        }
        let bare = bare_name(self.language, self.text, raw.name);
        let written = self.text.get(bare.as_range()).unwrap_or(written);
        let (prefix, name) = self.split_name(written);
        if name.is_empty() {
            return;
        }
        let name_start = bare.start + (name.as_ptr() as usize - written.as_ptr() as usize);
        let name_range = TextRange::new(name_start, name_start + name.len());
        let explicit = raw
            .container
            .and_then(|container| object_name(self.text.get(container.as_range())?))
            .or(prefix);
        let Some(kind) = self.kind(&raw, name, explicit) else {
            return;
        };
        let container = self.container(explicit);
        if kind == SymbolKind::Variable || kind == SymbolKind::Field {
            let key = (container.clone(), name.to_owned());
            if !self.variables.insert(key) {
                return;
            }
        }
        // Indented blocks reach to the next line with text in some grammars.
        let body = raw
            .body
            .filter(|body| body.start < range.end)
            .map(|body| TextRange::new(body.start, body.end.min(range.end)))
            .filter(|body| range.contains(*body) && !body.is_empty());
        let head = TextRange::new(range.start, body.map_or(range.end, |body| body.start));
        let head = match kind.is_code() || body.is_some() {
            true => head,
            false => first_line(self.text, head),
        };
        let signature = doc::signature(self.text, head, &self.extents.leads_in(head));
        let spec = self.language.spec();
        let doc_end = body.map_or(name_range.start, |body| body.start);
        let doc = raw
            .doc
            .or_else(|| {
                let first = self.doc_strings.range(range.start..).next();
                first.filter(|(at, _)| **at <= doc_end).map(|(_, range)| *range)
            })
            .and_then(|range| self.text.get(range.as_range()))
            .and_then(|written| doc::of_capture(written, spec))
            .or_else(|| doc::of_comments(self.text, &self.extents.comments_above(full_range, raw.node), spec));
        if let Some(outer) = self.open.last().copied() {
            // `typedef struct node { … } node;` is one thing with one name.
            let outer = &mut self.out[outer];
            if outer.name == name && kind != SymbolKind::Function && is_typedef_of(outer, kind) {
                outer.kind = kind;
                outer.body = outer.body.or(body);
                return;
            }
        }
        if kind == SymbolKind::Module {
            self.modules.insert(name.to_owned());
        }
        self.open.push(self.out.len());
        self.out.push(Definition {
            kind,
            name: name.to_owned(),
            name_range,
            range,
            full_range,
            body,
            container,
            signature,
            doc,
        });
    }

    fn finish(self) -> Vec<Definition> {
        self.out
    }

    /// Splits a C++ name as written into scope and name, and cuts template arguments and parameters off; takes the
    /// quotes off the names of other languages.
    fn split_name<'t>(&self, written: &'t str) -> (Option<&'t str>, &'t str) {
        if self.language != Language::Cpp {
            let name = unquoted(written);
            // A symbol of Ruby (`attr_reader :size`) is written with a colon.
            let symbol = name.strip_prefix(':').filter(|_| self.language == Language::Ruby);
            return (None, symbol.unwrap_or(name));
        }
        let operator = written.find("operator").filter(|at| {
            let before = written[..*at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        });
        let search_end = operator.unwrap_or_else(|| written.find('(').unwrap_or(written.len()));
        let (prefix, name) = match last_scope(&written[..search_end]) {
            Some(at) => (Some(written[..at].trim()), written[at + 2..].trim_start()),
            None => (None, written),
        };
        let end = match operator {
            Some(_) => name[8..].find('(').filter(|at| *at > 0).map(|at| at + 8),
            None => name.find(['<', '(']),
        };
        let name = name[..end.unwrap_or(name.len())].trim_end();
        // A macro that the grammar does not know leaves the return type in front of the name.
        let name = match operator {
            Some(_) => name,
            None => name.rsplit(char::is_whitespace).next().unwrap_or(name),
        };
        (prefix.filter(|prefix| !prefix.is_empty()), name)
    }

    /// Returns what a definition is, given what encloses it; none where it is a local variable.
    fn kind(&self, raw: &Raw, name: &str, explicit: Option<&str>) -> Option<SymbolKind> {
        let enclosing = self.open.last().map(|index| &self.out[*index]);
        let inside_function = self.open.iter().any(|index| self.out[*index].kind.is_callable());
        match raw.kind {
            SymbolKind::Variable | SymbolKind::Constant if inside_function => None,
            // A prototype inside a function is nearly always a variable with constructor arguments.
            SymbolKind::Function
                if inside_function && raw.body.is_none() && matches!(self.language, Language::C | Language::Cpp) =>
            {
                None
            }
            SymbolKind::Variable if enclosing.is_some_and(|outer| outer.kind == SymbolKind::Class) => {
                Some(SymbolKind::Field)
            }
            SymbolKind::Function | SymbolKind::Method => {
                let owner = explicit.map(last_segment).or(enclosing
                    .filter(|outer| outer.kind.has_methods())
                    .map(|outer| outer.name.as_str()));
                let owner = owner.filter(|owner| !self.modules.contains(*owner));
                match owner {
                    Some(owner) if owner == name && names_constructors(self.language) => Some(SymbolKind::Constructor),
                    Some(_) => Some(SymbolKind::Method),
                    None => Some(raw.kind),
                }
            }
            kind => Some(kind),
        }
    }

    fn container(&self, explicit: Option<&str>) -> Option<String> {
        let separator = self.language.spec().separator;
        let scope = self
            .open
            .iter()
            .rev()
            .map(|index| &self.out[*index])
            .find(|outer| outer.kind.is_scope());
        let parts: Vec<&str> = scope
            .and_then(|scope| scope.container.as_deref())
            .into_iter()
            .chain(scope.map(|scope| scope.name.as_str()))
            .chain(explicit)
            .collect();
        (!parts.is_empty()).then(|| parts.join(separator))
    }
}

fn is_typedef_of(outer: &Definition, inner: SymbolKind) -> bool {
    let aggregate = matches!(inner, SymbolKind::Struct | SymbolKind::Enum);
    aggregate && (outer.kind == SymbolKind::Type || outer.kind == inner) && outer.signature.starts_with("typedef")
}

fn first_line(text: &str, range: TextRange) -> TextRange {
    let end = text[range.as_range()]
        .find('\n')
        .map_or(range.end, |at| range.start + at);
    TextRange::new(range.start, end)
}
