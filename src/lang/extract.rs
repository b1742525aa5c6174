use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Instant;

use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, Query, QueryCursor, QueryCursorOptions, QueryMatch, Tree};

use super::doc;
use super::extent::{Extents, Lead};
use super::parse::PARSE_BUDGET;
use super::query::{Queries, TagCapture};
use super::{Definition, Language, NameUse, SymbolKind};
use crate::text::TextRange;

/// States that a query may have open at once; a tree that needs more is not one that people wrote.
const MATCH_LIMIT: u32 = 1 << 14;

/// Returns the definitions of a tree, outer before inner.
pub(super) fn definitions(language: Language, tree: &Tree, text: &str) -> Vec<Definition> {
    let Some(queries) = Queries::of(language) else {
        return Vec::new();
    };
    let mut tags = Tags::collect(queries, tree, text);
    tags.raw.sort_by_key(|raw| (raw.name, raw.pattern));
    merge_same_name(&mut tags.raw);
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

/// Returns every use of a name in the order of the text; a name that several patterns match is taken once, as the
/// most particular kind.
pub(super) fn references(language: Language, tree: &Tree, text: &str) -> Vec<NameUse> {
    let Some(queries) = Queries::of(language) else {
        return Vec::new();
    };
    let mut uses = Vec::new();
    for_each_match(&queries.references, tree, text, |found| {
        for capture in found.captures() {
            let range = TextRange::from(capture.node.byte_range());
            uses.push((range, queries.use_kinds[capture.index as usize]));
        }
    });
    uses.sort_unstable();
    uses.dedup_by_key(|(range, _)| *range);
    uses.into_iter()
        .filter_map(|(range, kind)| {
            let name = text.get(range.as_range())?.to_owned();
            (!name.is_empty()).then_some(NameUse { name, range, kind })
        })
        .collect()
}

/// Returns the comments of a tree in the order of the text.
pub(super) fn comments(language: Language, tree: &Tree, text: &str) -> Vec<TextRange> {
    let Some(queries) = Queries::of(language) else {
        return Vec::new();
    };
    let tags = Tags::collect(queries, tree, text);
    let mut comments: Vec<TextRange> = tags
        .leads
        .into_iter()
        .filter_map(|lead| match lead {
            Lead::Comment(range) => Some(range),
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
}

#[derive(Default)]
struct Tags {
    raw: Vec<Raw>,
    wrappers: HashMap<TextRange, TextRange>,
    leads: Vec<Lead>,
    docs: Vec<TextRange>,
}

impl Tags {
    fn collect(queries: &Queries, tree: &Tree, text: &str) -> Self {
        let mut tags = Self::default();
        for_each_match(&queries.tags, tree, text, |found| tags.add(queries, found));
        tags
    }

    fn add(&mut self, queries: &Queries, found: &QueryMatch<'_, '_>) {
        let (mut definition, mut name, mut body, mut container) = (None, None, None, None);
        let (mut wrapper, mut wrapped) = (None, None);
        for capture in found.captures() {
            let range = node_range(capture.node);
            match queries.tag_captures[capture.index as usize] {
                TagCapture::Definition(kind) => definition = Some((kind, range)),
                TagCapture::Name => name = Some(range),
                TagCapture::Body => body = Some(range),
                TagCapture::Container => container = Some(range),
                TagCapture::Wrapper => wrapper = Some(range),
                TagCapture::Wrapped => wrapped = Some(range),
                TagCapture::Attached => self.leads.push(Lead::Attached(range)),
                TagCapture::Comment => self.leads.push(Lead::Comment(range)),
                TagCapture::Doc => self.docs.push(range),
                TagCapture::Ignored => {}
            }
        }
        if let (Some((kind, node)), Some(name)) = (definition, name)
            && !name.is_empty()
        {
            self.raw.push(Raw {
                pattern: found.pattern_index,
                kind,
                node,
                name,
                body,
                container,
            });
        }
        if let (Some(wrapper), Some(wrapped)) = (wrapper, wrapped) {
            self.wrappers.insert(wrapped, wrapper);
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

struct Builder<'a> {
    language: Language,
    text: &'a str,
    extents: &'a Extents<'a>,
    doc_strings: HashMap<usize, TextRange>,
    out: Vec<Definition>,
    /// Indices into `out` of what encloses the next definition.
    open: Vec<usize>,
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
        let (prefix, name) = self.split_name(written);
        if name.is_empty() {
            return;
        }
        let name_start = raw.name.start + (name.as_ptr() as usize - written.as_ptr() as usize);
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
        let signature = doc::signature(self.text, head, &self.extents.leads_in(head));
        let doc = body
            .and_then(|body| self.doc_strings.get(&body.start))
            .and_then(|range| self.text.get(range.as_range()))
            .and_then(doc::of_string)
            .or_else(|| doc::of_comments(self.text, &self.extents.comments_above(full_range, raw.node)));
        if let Some(outer) = self.open.last().copied() {
            // `typedef struct node { … } node;` is one thing with one name.
            let outer = &mut self.out[outer];
            if outer.name == name && kind != SymbolKind::Function && is_typedef_of(outer, kind) {
                outer.kind = kind;
                outer.body = outer.body.or(body);
                return;
            }
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

    /// Splits a C++ name as written into scope and name, and cuts template arguments and parameters off.
    fn split_name<'t>(&self, written: &'t str) -> (Option<&'t str>, &'t str) {
        if self.language != Language::Cpp {
            // A symbol of Ruby (`attr_reader :size`) is written with a colon.
            return (None, written.trim_start_matches(':'));
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
                let owner = owner.filter(|owner| {
                    !self
                        .out
                        .iter()
                        .any(|other| other.kind == SymbolKind::Module && other.name == *owner)
                });
                match owner {
                    Some(owner) if owner == name && matches!(self.language, Language::Cpp | Language::Julia) => {
                        Some(SymbolKind::Constructor)
                    }
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

/// Returns the name that an object or receiver gives as a container: of `Type.prototype` the type, of the module
/// object and `this` none.
fn object_name(object: &str) -> Option<&str> {
    let object = object.trim();
    let object = object.strip_suffix(".prototype").unwrap_or(object);
    let module = matches!(
        object,
        "exports" | "module" | "module.exports" | "this" | "window" | "globalThis" | "self"
    );
    let plain = object
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | ':'));
    (!module && plain && !object.is_empty()).then_some(object)
}

fn is_typedef_of(outer: &Definition, inner: SymbolKind) -> bool {
    let aggregate = matches!(inner, SymbolKind::Struct | SymbolKind::Enum);
    aggregate && (outer.kind == SymbolKind::Type || outer.kind == inner) && outer.signature.starts_with("typedef")
}

/// Returns where the last `::` outside of template arguments stands.
fn last_scope(written: &str) -> Option<usize> {
    let mut depth = 0usize;
    let bytes = written.as_bytes();
    let mut last = None;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(at + 1) == Some(&b':') => last = Some(at),
            _ => {}
        }
    }
    last
}

fn last_segment(scope: &str) -> &str {
    let segment = last_scope(scope).map_or(scope, |at| &scope[at + 2..]);
    let segment = segment.rsplit('.').next().unwrap_or(segment);
    segment.split('<').next().unwrap_or(segment).trim()
}

fn node_range(node: Node<'_>) -> TextRange {
    node.byte_range().into()
}

fn for_each_match(query: &Query, tree: &Tree, text: &str, mut each: impl FnMut(&QueryMatch<'_, '_>)) {
    let deadline = Instant::now() + PARSE_BUDGET;
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
    while let Some(found) = matches.next() {
        each(found);
    }
}
