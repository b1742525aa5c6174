use crate::index::{Index, Symbol, SymbolId};
use crate::lang::SymbolKind;
use crate::model::{CompletionRequest, Constraint, Sampling, Session, Usage};
use crate::prompt::{ActionPrompt, LocatePrompt, Template, choice_grammar};
use crate::text::RepoPath;

use super::mention::Mentions;
use super::target::{Place, Target};
use super::{AgentError, Request, Workbench};

/// Returns the places that a request touches and what is to be done at each: from the command line where they are
/// named there, otherwise by the index and the model's choice among numbered candidates.
pub(super) fn locate(
    request: &Request,
    bench: &Workbench<'_>,
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<Vec<Target>, AgentError> {
    let mentions = Mentions::of(&request.text);
    let intent = Intent::of(&request.text);
    let mut targets: Vec<Target> = new_files(request, bench, &mentions, intent);
    let places = match request.symbols.is_empty() {
        false => named_on_command_line(request, bench.index)?,
        // A request for a new file alone needs no other place.
        true if !targets.is_empty() && !intent.also_edits => Vec::new(),
        true => {
            let named = named_in_request(request, bench, &mentions);
            match named.is_empty() {
                false => named,
                true => choose(request, bench, candidates(request, bench, &mentions), session, usage)?,
            }
        }
    };
    if places.is_empty() && targets.is_empty() {
        return Err(AgentError::NothingFound);
    }
    for place in without_containers(places, bench.index) {
        let action = action(&place, request, bench, &mentions, intent, session, usage)?;
        targets.push(action);
    }
    // What exists is changed first, so that a new file can be written knowing it.
    targets.sort_by_key(|target| matches!(target, Target::Create(_)));
    targets.dedup();
    Ok(targets)
}

/// What the verbs of a request allow.
#[derive(Clone, Copy, Debug)]
struct Intent {
    adds: bool,
    deletes: bool,
    also_edits: bool,
}

impl Intent {
    fn of(text: &str) -> Self {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        const ADDS: &[&str] = &[
            "add",
            "introduce",
            "write",
            "create",
            "implement",
            "provide",
            "new",
            "extract",
        ];
        const THINGS: &[&str] = &[
            "function",
            "method",
            "class",
            "helper",
            "test",
            "tests",
            "struct",
            "enum",
            "trait",
            "interface",
            "constant",
            "functions",
            "methods",
            "macro",
            "constructor",
            "subcommand",
            "command",
            "getter",
            "setter",
            "property",
        ];
        let adds = words.iter().enumerate().any(|(i, word)| {
            ADDS.contains(&word.as_str())
                && words[i + 1..]
                    .iter()
                    .take(5)
                    .any(|near| THINGS.contains(&near.as_str()))
        });
        Self {
            adds,
            deletes: any(&["delete", "remove", "drop", "rid"]),
            also_edits: any(&[
                "use", "change", "update", "call", "move", "import", "replace", "extract", "export",
            ]),
        }
    }
}

/// Returns the paths that a request names and that do not exist, when it is about making something.
fn new_files(request: &Request, bench: &Workbench<'_>, mentions: &Mentions, intent: Intent) -> Vec<Target> {
    let makes = intent.adds || {
        let lower = request.text.to_lowercase();
        ["create", "add", "write", "new", "move", "extract"]
            .iter()
            .any(|word| lower.contains(word))
    };
    let named = mentions.paths.iter().chain(&request.paths);
    let missing = named.filter(|path| {
        let ends = format!("/{path}");
        !bench.snapshot.exists(path)
            && !bench
                .snapshot
                .files()
                .iter()
                .any(|file| file.path.as_str().ends_with(&ends))
    });
    let mut paths: Vec<&RepoPath> = missing.collect();
    paths.dedup();
    match makes {
        true => paths.into_iter().map(|path| Target::Create(path.clone())).collect(),
        false => Vec::new(),
    }
}

fn named_on_command_line(request: &Request, index: &Index) -> Result<Vec<Place>, AgentError> {
    let mut places = Vec::new();
    for name in &request.symbols {
        let found = index.named(name);
        let found: Vec<&&Symbol> = found.iter().filter(|symbol| allowed(request, &symbol.path)).collect();
        match found[..] {
            [] => {
                let similar = index
                    .search(name, 3)
                    .into_iter()
                    .map(|hit| index.symbol(hit.symbol).qualified.clone());
                return Err(AgentError::NoSuchSymbol {
                    name: name.clone(),
                    similar: similar.collect(),
                });
            }
            [symbol] => places.push(Place::Symbol(symbol.id)),
            _ => {
                return Err(AgentError::AmbiguousSymbol {
                    name: name.clone(),
                    places: found
                        .iter()
                        .map(|s| format!("{}:{}: {}", s.path, s.line + 1, s.qualified))
                        .collect(),
                });
            }
        }
    }
    Ok(places)
}

fn allowed(request: &Request, path: &RepoPath) -> bool {
    request.paths.is_empty()
        || request.paths.iter().any(|own| {
            own == path
                || path
                    .as_str()
                    .strip_prefix(own.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
}

/// Returns the places that the request itself names: symbols, and files without symbols. A class that is named without
/// any of its members is no place: which member is meant is for the index and the model to say.
fn named_in_request(request: &Request, bench: &Workbench<'_>, mentions: &Mentions) -> Vec<Place> {
    let index = bench.index;
    let about_tests = request.text.to_lowercase().contains("test");
    let mut places: Vec<Place> = mentioned(request, index, mentions)
        .into_iter()
        .filter(|id| {
            let symbol = index.symbol(*id);
            !(is_container(symbol) && has_members(index, symbol)) && (about_tests || !is_test_path(&symbol.path))
        })
        .map(Place::Symbol)
        .collect();
    let files = request.paths.iter().chain(&mentions.paths);
    for path in files.filter(|path| index.in_file(path).is_empty()) {
        let is_file = bench.snapshot.files().iter().any(|file| file.path == *path);
        if is_file && !places.iter().any(|place| place.path(index) == path) {
            places.push(Place::File(path.clone()));
        }
    }
    places.truncate(bench.config.regions);
    places
}

/// Returns what the request may mean, as the index ranks it; members of a class that is named come first.
fn candidates(request: &Request, bench: &Workbench<'_>, mentions: &Mentions) -> Vec<Place> {
    let index = bench.index;
    let most = bench.config.candidates;
    let containers = mentioned(request, index, mentions);
    let hits = index.search(&request.text, most * 8);
    let ranked = || {
        let symbols = hits.iter().map(|hit| index.symbol(hit.symbol));
        symbols.filter(|symbol| allowed(request, &symbol.path) && is_editable(index, symbol))
    };
    let inside = |symbol: &Symbol| {
        containers.iter().map(|id| index.symbol(*id)).any(|container| {
            container.path == symbol.path && container.definition.range.contains(symbol.definition.range)
        })
    };
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

fn is_test_path(path: &RepoPath) -> bool {
    path.as_str()
        .split(['/', '_', '.', '-'])
        .any(|part| matches!(part, "test" | "tests" | "spec" | "specs"))
}

/// Returns the symbols that a request names. A name that several symbols have counts where the request also names the
/// file or the container of one.
fn mentioned(request: &Request, index: &Index, mentions: &Mentions) -> Vec<SymbolId> {
    let mut found = Vec::new();
    for name in mentions.names.iter().chain(&mentions.words) {
        let all = index.named(name);
        let mut own: Vec<&&Symbol> = all
            .iter()
            .filter(|s| allowed(request, &s.path) && !is_local(index, s))
            .collect();
        if own.len() > 1 {
            let in_named_file: Vec<&&Symbol> = own
                .iter()
                .filter(|s| mentions.paths.iter().any(|p| s.path.as_str().ends_with(p.as_str())))
                .copied()
                .collect();
            let in_named_container: Vec<&&Symbol> = own
                .iter()
                .filter(|s| {
                    let container = s.definition.container.as_deref().unwrap_or("");
                    mentions
                        .names
                        .iter()
                        .chain(&mentions.words)
                        .any(|n| n != name && container.ends_with(n.as_str()))
                })
                .copied()
                .collect();
            if !in_named_container.is_empty() {
                own = in_named_container;
            } else if !in_named_file.is_empty() {
                own = in_named_file;
            }
        }
        for symbol in own.into_iter().take(3) {
            if !found.contains(&symbol.id) && symbol.definition.kind != SymbolKind::Impl {
                found.push(symbol.id);
            }
        }
    }
    found
}

/// Tells whether a symbol makes a good region: not inside a function, and no container of many lines, whose members
/// are candidates themselves.
fn is_editable(index: &Index, symbol: &Symbol) -> bool {
    if matches!(
        symbol.definition.kind,
        SymbolKind::Impl | SymbolKind::Module | SymbolKind::Field
    ) || is_local(index, symbol)
    {
        return false;
    }
    !(is_container(symbol) && has_members(index, symbol))
}

fn has_members(index: &Index, symbol: &Symbol) -> bool {
    let inside = |other: &Symbol| other.id != symbol.id && symbol.definition.range.contains(other.definition.range);
    index.in_file(&symbol.path).iter().any(inside)
}

fn is_container(symbol: &Symbol) -> bool {
    use SymbolKind::{Class, Enum, Impl, Interface, Module, Struct, Trait};
    matches!(
        symbol.definition.kind,
        Class | Enum | Impl | Interface | Module | Struct | Trait
    )
}

fn is_local(index: &Index, symbol: &Symbol) -> bool {
    index.in_file(&symbol.path).iter().any(|other| {
        matches!(
            other.definition.kind,
            SymbolKind::Function | SymbolKind::Method | SymbolKind::Constructor
        ) && other.id != symbol.id
            && other.definition.range.contains(symbol.definition.range)
    })
}

/// Lets the model choose one of the candidates; a single one needs no choice.
///
/// One, since a small model that may list several lists them all.
fn choose(
    request: &Request,
    bench: &Workbench<'_>,
    candidates: Vec<Place>,
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<Vec<Place>, AgentError> {
    if candidates.len() <= 1 {
        return Ok(candidates);
    }
    let places: Vec<String> = candidates.iter().map(|place| described(place, bench.index)).collect();
    let prompt = LocatePrompt {
        places: &places,
        request: &request.text,
    };
    let numbers: Vec<String> = (1..=candidates.len()).map(|number| number.to_string()).collect();
    let answer = ask(&prompt, choice_grammar(&numbers), bench, session, usage)?;
    let chosen = numbers.iter().position(|number| number == answer.trim());
    chosen
        .map(|i| vec![candidates[i].clone()])
        .ok_or(AgentError::NothingFound)
}

fn described(place: &Place, index: &Index) -> String {
    match place.symbol(index) {
        Some(symbol) => format!(
            "{} {} in {}: {}",
            symbol.definition.kind.as_str(),
            symbol.qualified,
            symbol.path,
            symbol.definition.signature
        ),
        None => format!("file {}", place.path(index)),
    }
}

/// Drops a container when one of its members is chosen too: the smaller edit is the safer one.
fn without_containers(places: Vec<Place>, index: &Index) -> Vec<Place> {
    let contains = |outer: &Place, inner: &Place| match (outer.symbol(index), inner.symbol(index)) {
        (Some(a), Some(b)) => a.id != b.id && a.path == b.path && a.definition.range.contains(b.definition.range),
        _ => false,
    };
    let kept = places
        .iter()
        .filter(|outer| !places.iter().any(|inner| contains(outer, inner)));
    kept.cloned().collect()
}

/// Settles what happens at a place; the model is asked only where the request allows more than one reading.
fn action(
    place: &Place,
    request: &Request,
    bench: &Workbench<'_>,
    mentions: &Mentions,
    intent: Intent,
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<Target, AgentError> {
    let index = bench.index;
    let names_something_new = mentions
        .names
        .iter()
        .chain(&mentions.words)
        .any(|name| index.named(name).is_empty());
    let mut words = vec!["change"];
    if intent.adds && names_something_new && place.symbol(index).is_some() {
        words.push("add");
    }
    if intent.deletes && is_named(place, index, mentions) {
        words.push("delete");
    }
    let word = match words[..] {
        [only] => only.to_owned(),
        _ => {
            let described = described(place, index);
            let prompt = ActionPrompt {
                place: &described,
                request: &request.text,
            };
            let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            ask(&prompt, choice_grammar(&owned), bench, session, usage)?
        }
    };
    Ok(match word.trim() {
        "add" => Target::Insert(place.clone()),
        "delete" => Target::Delete(place.clone()),
        _ => Target::Rewrite(place.clone()),
    })
}

fn is_named(place: &Place, index: &Index, mentions: &Mentions) -> bool {
    match place.symbol(index) {
        Some(symbol) => mentions
            .names
            .iter()
            .chain(&mentions.words)
            .any(|name| index.named(name).iter().any(|found| found.id == symbol.id)),
        None => mentions.paths.contains(place.path(index)),
    }
}

fn ask(
    prompt: &impl Template,
    grammar: String,
    bench: &Workbench<'_>,
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<String, AgentError> {
    let messages = prompt.messages()?;
    let completion = session.complete(
        &CompletionRequest {
            messages: &messages,
            assistant_prefix: "",
            stop: &["\n"],
            max_tokens: 48,
            sampling: Sampling::default(),
            constraint: Constraint::Gbnf(grammar),
            exclude: &[],
        },
        bench.progress,
    )?;
    *usage += completion.usage;
    Ok(completion.text)
}
