//! What a request may be about: the symbols that it names, and those that the index ranks high.

use crate::index::{Index, Symbol, SymbolId, is_test_path};
use crate::lang::SymbolKind;
use crate::text::RepoPath;

use super::mention::Mentions;
use super::target::Place;
use super::{Request, Workbench};

/// Returns the places that the request itself names: symbols, and files without symbols. A class that is named without
/// any of its members is no place: which member is meant is for the index and the model to say.
pub(super) fn named_in_request(request: &Request, bench: &Workbench<'_>, mentions: &Mentions) -> Vec<Place> {
    let index = bench.index;
    let about_tests = mentions.says("test") || mentions.says("tests");
    let is_place = |symbol: &Symbol| {
        !(is_container(symbol) && has_members(index, symbol)) && (about_tests || !is_test_path(symbol.path.as_str()))
    };
    let mut symbols: Vec<&Symbol> = mentioned(request, index, mentions)
        .into_iter()
        .chain(spelled(request, index, mentions))
        .map(|id| index.symbol(id))
        .filter(|symbol| is_place(symbol))
        .collect();
    if symbols.is_empty() {
        symbols = said(request, index, mentions);
    }
    // What is called is changed; types and constants beside it are mostly what it uses.
    if symbols.iter().any(|symbol| symbol.definition.kind.is_callable()) {
        symbols.retain(|s| s.definition.kind.is_callable() || mentions.objects.contains(&s.definition.name));
    }
    let referred = |symbol: &Symbol| {
        let name = symbol.definition.name.as_str();
        let is_it = |own: &String| own == name || own.rsplit(['.', ':', '#']).next() == Some(name);
        mentions.referred.iter().any(is_it)
    };
    if symbols.iter().any(|symbol| !referred(symbol)) {
        symbols.retain(|symbol| !referred(symbol));
    }
    let mut places: Vec<Place> = Vec::new();
    for symbol in symbols {
        let place = Place::Symbol(symbol.id);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let files = request.paths.iter().chain(&mentions.paths);
    let has_code = |path: &RepoPath| {
        index
            .in_file(path)
            .iter()
            .any(|symbol| symbol.definition.kind.is_code())
    };
    for path in files.filter(|path| !has_code(path)) {
        let is_file = bench.snapshot.files().iter().any(|file| file.path == *path);
        if is_file && !places.iter().any(|place| place.path(index) == path) {
            places.push(Place::File(path.clone()));
        }
    }
    places.truncate(bench.config.regions);
    places
}

/// Returns what the request may mean, as the index ranks it; members of a class that is named come first.
pub(super) fn candidates(request: &Request, bench: &Workbench<'_>, mentions: &Mentions) -> Vec<Place> {
    let index = bench.index;
    let most = bench.config.places;
    let containers = mentioned(request, index, mentions);
    let hits = index.search(&request.text, most * 8);
    let ranked = || {
        let symbols = hits.iter().map(|hit| index.symbol(hit.symbol));
        symbols.filter(|symbol| allowed(request, &symbol.path) && is_editable(index, symbol))
    };
    let inside = |symbol: &Symbol| containers.iter().any(|id| contains(index.symbol(*id), symbol));
    let members = ranked().filter(|symbol| inside(symbol));
    let others = ranked().filter(|symbol| !inside(symbol));
    let mut places: Vec<Place> = members.chain(others).map(|symbol| Place::Symbol(symbol.id)).collect();
    places.truncate(most);
    if places.is_empty() {
        let hits = index.search_files(&request.text, 3);
        let files = hits
            .into_iter()
            .map(|hit| hit.path)
            .filter(|path| allowed(request, path));
        places.extend(files.map(Place::File));
    }
    places
}

/// Returns the symbols that a request names. A name that several symbols have counts where the request also names the
/// file or the container of one.
fn mentioned(request: &Request, index: &Index, mentions: &Mentions) -> Vec<SymbolId> {
    const MOST_OF_ONE_NAME: usize = 3;
    let mut found = Vec::new();
    for name in mentions.all() {
        let mut own = index.named(name);
        own.retain(|symbol| {
            allowed(request, &symbol.path) && !is_local(index, symbol) && symbol.definition.kind != SymbolKind::Impl
        });
        own.retain(|symbol| !is_declaration(index, symbol));
        let in_named_container = |symbol: &&Symbol| {
            let container = symbol.definition.container.as_deref().unwrap_or("");
            mentions
                .all()
                .any(|other| other != name && container.ends_with(other.as_str()))
        };
        let in_named_file = |symbol: &&Symbol| is_named_file(request, mentions, &symbol.path);
        // A heading or a key is meant only where it is quoted as it is written, or its file is named.
        let is_quoted = mentions.names.contains(name);
        own.retain(|symbol| symbol.definition.kind.is_code() || is_quoted || in_named_file(symbol));
        if own.iter().any(in_named_container) {
            own.retain(in_named_container);
        } else if own.iter().any(in_named_file) {
            own.retain(in_named_file);
        } else if own.iter().any(|symbol| symbol.definition.kind.is_code()) {
            own.retain(|symbol| symbol.definition.kind.is_code());
        }
        found.extend(own.into_iter().take(MOST_OF_ONE_NAME).map(|symbol| symbol.id));
    }
    found
}

/// Returns the symbols that the prose spells in other words: `late charge` for `lateCharge`, the constructor of a class
/// that is named. Whoever writes one function's name as code does not mean others by plain words.
fn spelled(request: &Request, index: &Index, mentions: &Mentions) -> Vec<SymbolId> {
    const MOST: usize = 3;
    let containers = mentioned(request, index, mentions);
    let is_constructor = |symbol: &Symbol| {
        let name = symbol.definition.name.as_str();
        symbol.definition.kind == SymbolKind::Constructor || matches!(name, "__init__" | "new" | "constructor")
    };
    let is_callable = |name: &String| {
        index
            .named(name)
            .iter()
            .any(|found| found.definition.kind.is_callable())
    };
    let has_code = mentions.names.iter().any(is_callable);
    let mut found = match has_code {
        true => Vec::new(),
        false => index.spelled_in(&request.text),
    };
    found.retain(|symbol| mentions.spells(&symbol.definition.name));
    if mentions.says("constructor") {
        for container in containers.iter().map(|id| index.symbol(*id)) {
            let inside = index.in_file(&container.path).iter();
            found.extend(inside.filter(|symbol| is_constructor(symbol) && contains(container, symbol)));
        }
    }
    found.sort_by_key(|symbol| symbol.id);
    found.dedup_by_key(|symbol| symbol.id);
    found
        .into_iter()
        .filter(|symbol| symbol.definition.kind.is_callable())
        .filter(|symbol| allowed(request, &symbol.path) && !is_test_path(symbol.path.as_str()))
        // Looks at the whole file, so it comes last.
        .filter(|symbol| !is_local(index, symbol))
        .take(MOST)
        .map(|symbol| symbol.id)
        .collect()
}

/// Returns the callables of a named file or class whose name stands in the request as a plain word.
fn said<'a>(request: &Request, index: &'a Index, mentions: &Mentions) -> Vec<&'a Symbol> {
    let containers = mentioned(request, index, mentions);
    let in_container = |path: &RepoPath| containers.iter().any(|id| index.symbol(*id).path == *path);
    let files = index.files().iter().map(|file| &file.path);
    let files = files.filter(|path| is_named_file(request, mentions, path) || in_container(path));
    files
        .flat_map(|path| index.in_file(path))
        .filter(|symbol| symbol.definition.kind.is_callable())
        .filter(|symbol| {
            is_named_file(request, mentions, &symbol.path)
                || containers.iter().any(|id| contains(index.symbol(*id), symbol))
        })
        .filter(|symbol| symbol.definition.name.len() > 2 && mentions.says_name(&symbol.definition.name))
        .filter(|symbol| !is_local(index, symbol))
        .collect()
}

fn is_named_file(request: &Request, mentions: &Mentions, path: &RepoPath) -> bool {
    let mut named = request.paths.iter().chain(&mentions.paths);
    named.any(|own| path == own || path.as_str().ends_with(&format!("/{own}")))
}

/// Tells whether the paths of the command line, if any, cover a path.
pub(super) fn allowed(request: &Request, path: &RepoPath) -> bool {
    let covers = |own: &RepoPath| {
        own == path
            || path
                .as_str()
                .strip_prefix(own.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    };
    request.paths.is_empty() || request.paths.iter().any(covers)
}

/// Tells whether a symbol makes a good region: code, not inside a function, and no container of many lines, whose
/// members are candidates themselves.
fn is_editable(index: &Index, symbol: &Symbol) -> bool {
    if matches!(
        symbol.definition.kind,
        SymbolKind::Impl | SymbolKind::Module | SymbolKind::Field
    ) || !symbol.definition.kind.is_code()
        || is_local(index, symbol)
        || is_declaration(index, symbol)
    {
        return false;
    }
    !(is_container(symbol) && has_members(index, symbol))
}

/// Tells whether a symbol only declares what another one defines, as a prototype in a header does.
fn is_declaration(index: &Index, symbol: &Symbol) -> bool {
    symbol.definition.kind.is_callable()
        && symbol.definition.body.is_none()
        && index
            .named(&symbol.definition.name)
            .iter()
            .any(|other| other.qualified == symbol.qualified && other.definition.body.is_some())
}

fn has_members(index: &Index, symbol: &Symbol) -> bool {
    index.in_file(&symbol.path).iter().any(|other| contains(symbol, other))
}

fn contains(outer: &Symbol, inner: &Symbol) -> bool {
    outer.id != inner.id && outer.path == inner.path && outer.definition.range.contains(inner.definition.range)
}

fn is_container(symbol: &Symbol) -> bool {
    use SymbolKind::{Class, Enum, Impl, Interface, Module, Struct, Trait};
    matches!(
        symbol.definition.kind,
        Class | Enum | Impl | Interface | Module | Struct | Trait
    )
}

/// Tells whether a symbol stands inside a function. Two symbols of one range are one thing with two names, and neither
/// inside the other.
pub(super) fn is_local(index: &Index, symbol: &Symbol) -> bool {
    let mut others = index.in_file(&symbol.path).iter();
    others.any(|other| {
        other.definition.kind.is_callable()
            && other.definition.range != symbol.definition.range
            && contains(other, symbol)
    })
}
