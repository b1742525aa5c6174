use super::paths;
use crate::agent::AgentError;
use crate::cli::args::MapArgs;
use crate::cli::context::Context;
use crate::cli::engine::TokenCounter;
use crate::cli::exit::ExitStatus;
use crate::cli::json;
use crate::cli::output::{self, Audience};
use crate::cli::store::{self, Subject};
use crate::index::{Index, MapFocus, SymbolId};
use crate::progress::Progress;
use crate::prompt::map_within;
use crate::review::escape;

/// Prints the ranked outline of the repository within a token budget.
pub(super) fn run(args: &MapArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let paths = paths(&repository, context, &args.paths)?;
    let subject = Subject::new(&repository, args.rev.as_deref())?;
    let counter = TokenCounter::new(context)?;
    let (map, view) = store::with_index(context, &repository, &subject, |index| {
        let symbols = symbols(index, &args.symbol)?;
        let ranked = index.map(&MapFocus {
            request: args.request.as_deref(),
            paths: &paths,
            symbols: &symbols,
        });
        let map = map_within(index, &ranked, args.tokens as usize, &|text| counter.count(text));
        let view = json::MapView::of(&map, index, counter.as_str());
        Ok((map, view))
    })?;
    if args.json {
        output::write_json(&view)?;
        return Ok(ExitStatus::Done);
    }
    match output::audience() {
        Audience::Person => output::write_styled(&escape(&map.text))?,
        Audience::Program => output::write_raw(map.text.as_bytes())?,
    }
    if let TokenCounter::Estimate = counter {
        context
            .progress
            .note("tokens are estimated; choose a model with --model to count them exactly");
    }
    Ok(ExitStatus::Done)
}

fn symbols(index: &Index, names: &[String]) -> Result<Vec<SymbolId>, AgentError> {
    let mut symbols = Vec::new();
    for name in names {
        let found = index.named(name);
        if found.is_empty() {
            return Err(AgentError::no_such_symbol(index, name));
        }
        symbols.extend(found.into_iter().map(|symbol| symbol.id));
    }
    Ok(symbols)
}
