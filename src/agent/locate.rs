use crate::index::{Index, Symbol};
use crate::model::{CompletionRequest, Constraint, Role, Session, Usage};
use crate::prompt::{ActionPrompt, LocatePrompt, Template, choice_grammar};
use crate::text::RepoPath;

use super::candidate::{allowed, candidates, named_in_request};
use super::mention::Mentions;
use super::target::{Place, Target};
use super::{AgentError, Request, Scope, Workbench};

/// Returns the places that a request touches and what is to be done at each: from the command line where they are
/// named there, otherwise by the index and the model's choice among numbered candidates.
pub(super) fn locate(
    request: &Request,
    bench: &Workbench<'_>,
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<Located, AgentError> {
    const ALTERNATIVES: usize = 2;
    let mentions = Mentions::of(&request.text);
    let intent = Intent::of(&request.text);
    let mut targets: Vec<Target> = new_files(request, bench, &mentions, intent);
    let mut alternatives = Vec::new();
    let places = match request.symbols.is_empty() {
        _ if request.scope == Scope::Files => whole_files(request, bench),
        false => named_on_command_line(request, bench.index)?,
        // A request for a new file alone needs no other place.
        true if !targets.is_empty() && !intent.also_edits => Vec::new(),
        true => {
            let named = named_in_request(request, bench, &mentions);
            match named.is_empty() {
                false => named,
                true => {
                    let candidates = candidates(request, bench, &mentions);
                    let chosen = choose(request, bench, &candidates, session, usage)?;
                    alternatives.extend(
                        candidates
                            .into_iter()
                            .filter(|place| *place != chosen)
                            .take(ALTERNATIVES),
                    );
                    vec![chosen]
                }
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
    // Files in the order of the request, places in the order of the file, what exists before what is new: what is
    // written later is shown what came before.
    let files: Vec<RepoPath> = targets.iter().map(|target| target.path(bench.index).clone()).collect();
    targets.sort_by_key(|target| match target {
        Target::Rewrite(place) | Target::Insert(place) | Target::Delete(place) => {
            let file = files.iter().position(|path| path == place.path(bench.index));
            (0, file, place.symbol(bench.index).map(|symbol| symbol.id))
        }
        Target::Create(_) => (1, None, None),
    });
    targets.dedup();
    Ok(Located { targets, alternatives })
}

/// Where a request takes place.
pub(super) struct Located {
    pub(super) targets: Vec<Target>,
    /// What else may be meant, where the place was not named.
    pub(super) alternatives: Vec<Place>,
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

/// Returns the files that are named, those of folders too.
fn whole_files(request: &Request, bench: &Workbench<'_>) -> Vec<Place> {
    let files = bench.snapshot.files().iter().map(|file| &file.path);
    let named = files.filter(|path| !request.paths.is_empty() && allowed(request, path));
    named.take(bench.config.regions).cloned().map(Place::File).collect()
}

pub(super) fn named_on_command_line(request: &Request, index: &Index) -> Result<Vec<Place>, AgentError> {
    let mut places = Vec::new();
    for name in &request.symbols {
        let found = index.named(name);
        let found: Vec<&&Symbol> = found.iter().filter(|symbol| allowed(request, &symbol.path)).collect();
        match found[..] {
            [] => return Err(AgentError::no_such_symbol(index, name)),
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

/// Lets the model choose one of the candidates; a single one needs no choice.
///
/// One, since a small model that may list several lists them all.
fn choose(
    request: &Request,
    bench: &Workbench<'_>,
    candidates: &[Place],
    session: &mut dyn Session,
    usage: &mut Usage,
) -> Result<Place, AgentError> {
    let places: Vec<String> = candidates.iter().map(|place| described(place, bench.index)).collect();
    let numbers: Vec<String> = (1..=candidates.len()).map(|number| number.to_string()).collect();
    let chosen = match candidates {
        [] => None,
        [_] => Some(0),
        _ => {
            let prompt = LocatePrompt {
                places: &places,
                request: &request.text,
            };
            let answer = ask(&prompt, choice_grammar(&numbers), bench, session, usage)?;
            numbers.iter().position(|number| number == answer.trim())
        }
    };
    chosen.map(|i| candidates[i].clone()).ok_or(AgentError::NothingFound)
}

fn described(place: &Place, index: &Index) -> String {
    let Some(symbol) = place.symbol(index) else {
        return format!("file {}", place.path(index));
    };
    let definition = &symbol.definition;
    let doc = definition
        .doc
        .as_deref()
        .and_then(|doc| doc.lines().find(|line| !line.trim().is_empty()));
    format!(
        "{} {} in {}: {}{}",
        definition.kind.as_str(),
        symbol.qualified,
        symbol.path,
        definition.signature,
        doc.map_or(String::new(), |doc| format!(" - {}", doc.trim()))
    )
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
    let names_something_new = mentions.all().any(|name| index.named(name).is_empty());
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
            .all()
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
    let mut messages = prompt.messages()?;
    let prefix = match messages.pop_if(|message| message.role == Role::Assistant) {
        Some(begun) => format!("{} ", begun.content),
        None => String::new(),
    };
    let completion = session.complete(
        &CompletionRequest {
            assistant_prefix: &prefix,
            stop: &["\n"],
            constraint: Constraint::Gbnf(grammar),
            ..CompletionRequest::new(&messages, 48)
        },
        bench.progress,
    )?;
    *usage += completion.usage;
    Ok(completion.text)
}
