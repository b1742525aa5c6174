use regex::Regex;

use super::ToolLoop;
use super::call::Lines;
use super::catalog::Spot;
use super::seen::{Seen, SeenKind};
use crate::agent::AgentError;
use crate::agent::candidate::is_local;
use crate::agent::target::Region;
use crate::index::{MapFocus, Symbol, SymbolId};
use crate::text::{LineIndex, RepoPath, TextRange, shortened};

/// The most characters that are shown of a line of a listing.
const LINE_CHARS: usize = 160;
/// The most definitions that a search shows.
const MOST_HITS: usize = 8;
/// The most lines of text that a search shows.
const MOST_MATCHES: usize = 6;
/// The most uses that are shown.
const MOST_USES: usize = 24;
/// The most definitions that are named beside code.
const MOST_NAMES: usize = 24;

impl ToolLoop<'_> {
    /// Searches definitions by name and by words, and lines that hold the very text.
    pub(super) fn find(&mut self, text: &str) -> Seen {
        let index = self.bench().index;
        let named = index
            .named(text.trim())
            .into_iter()
            .take(MOST_HITS)
            .map(|symbol| symbol.id);
        let ranked = index.search(text, MOST_HITS).into_iter().map(|hit| hit.symbol);
        let mut found: Vec<SymbolId> = Vec::new();
        for id in named.chain(ranked) {
            if !found.contains(&id) && !is_local(index, index.symbol(id)) {
                found.push(id);
            }
        }
        found.truncate(MOST_HITS);
        let mut lines: Vec<String> = found.into_iter().map(|id| self.definition_line(id)).collect();
        let matches = match Regex::new(&regex::escape(text.trim())) {
            Ok(pattern) if !text.trim().is_empty() => index.matches(&pattern, MOST_MATCHES),
            _ => Vec::new(),
        };
        for found in matches {
            lines.push(self.use_line(&found.path, found.range, found.line, &found.text));
        }
        self.listing(&format!("what was found for {text:?}"), lines, SeenKind::Nothing)
    }

    /// Shows code as it is now: a definition, a file, or some lines of a file.
    pub(super) fn open(&mut self, spot: &Spot, lines: Option<Lines>) -> Result<Seen, AgentError> {
        let index = self.bench().index;
        let path = spot.path(index).clone();
        let name = self.catalog.show(spot.clone());
        let gone = || Seen::new(SeenKind::Refused, name.clone(), format!("{name} is gone"));
        let Some(text) = self.branch.state.drafts.text(&path)? else {
            return Ok(gone());
        };
        let line_index = LineIndex::new(&text);
        let count = text.lines().count();
        let window = match spot {
            Spot::Symbol(_) => {
                let drafts = &mut self.branch.state.drafts;
                let place = spot.place();
                let extent = Region::new(&place, drafts.source(&path)?, index).extent(&place);
                let Some(range) = drafts.moved(&path, extent) else {
                    return Ok(gone());
                };
                let last = range.end.saturating_sub(1).max(range.start);
                line_index.line_of(range.start)..line_index.line_of(last) + 1
            }
            Spot::File(_) => lines.map_or(0..count, |lines| lines.start..lines.end),
        };
        let window = window.start.min(count)..window.end.min(count);
        let (mut code, mut tokens) = (Vec::new(), 0);
        for line in text.lines().skip(window.start).take(window.len()) {
            tokens += self.bench().model.count_tokens(line) + 1;
            if tokens > self.look_tokens {
                break;
            }
            code.push(line);
        }
        let end = window.start + code.len();
        let about = match count {
            0 => format!("{name}, an empty file"),
            _ => format!("{name}, lines {} to {end} of {count}", window.start + 1),
        };
        let mut seen = Seen::new(SeenKind::Shown, about, code.join("\n"));
        seen.left_out = window.end - end;
        seen.names = self.names_in(&path, spot);
        Ok(seen)
    }

    /// Lists what is defined in a file, or what the repository is about.
    pub(super) fn map(&mut self, path: Option<&RepoPath>) -> Seen {
        let index = self.bench().index;
        let symbols: Vec<SymbolId> = match path {
            Some(path) => {
                let own = index.in_file(path).iter();
                own.filter(|symbol| !is_local(index, symbol))
                    .map(|symbol| symbol.id)
                    .collect()
            }
            None => {
                let focus = MapFocus {
                    request: Some(&self.request.text),
                    paths: &self.request.paths,
                    ..MapFocus::default()
                };
                index.map(&focus).into_iter().map(|mapped| mapped.symbol).collect()
            }
        };
        let about = path.map_or("the repository".to_owned(), ToString::to_string);
        let (mut lines, mut tokens, count) = (Vec::new(), 0, symbols.len());
        for id in symbols {
            let line = self.definition_line(id);
            tokens += self.bench().model.count_tokens(&line) + 1;
            lines.push(line);
            if tokens > self.look_tokens {
                break;
            }
        }
        let left_out = count - lines.len();
        let mut seen = self.listing(&about, lines, SeenKind::Nothing);
        seen.left_out += left_out;
        seen
    }

    /// Lists the uses of a definition.
    pub(super) fn references(&mut self, id: SymbolId) -> Seen {
        let index = self.bench().index;
        let symbol = index.symbol(id);
        let name = self.catalog.show(Spot::Symbol(id));
        let found = index.reference_lines(&symbol.definition.name, MOST_USES);
        let lines = found
            .iter()
            .map(|found| self.use_line(&found.path, found.range, found.line, &found.text));
        let lines = lines.collect();
        let mut seen = self.listing(&name, lines, SeenKind::Unused);
        if seen.kind == SeenKind::Shown {
            seen.about = format!("uses of {name}");
        }
        seen
    }

    /// Returns a line for a definition, which may be named from now on.
    pub(super) fn definition_line(&mut self, id: SymbolId) -> String {
        let symbol = self.bench().index.symbol(id);
        let name = self.catalog.show(Spot::Symbol(id));
        let signature = shortened(&symbol.definition.signature, LINE_CHARS);
        format!("{name}  line {}: {signature}", symbol.line + 1)
    }

    /// Returns a line for a place in a text; what is around it may be named from now on.
    fn use_line(&mut self, path: &RepoPath, range: TextRange, line: usize, text: &str) -> String {
        let index = self.bench().index;
        let around = index.enclosing(path, range).filter(|symbol| !is_local(index, symbol));
        let spot = around.map_or_else(|| Spot::File(path.clone()), |symbol| Spot::Symbol(symbol.id));
        let name = self.catalog.show(spot);
        format!("{name}  line {}: {}", line + 1, shortened(text.trim(), LINE_CHARS))
    }

    /// Returns a listing of as many lines as there is room for.
    fn listing(&self, about: &str, lines: Vec<String>, nothing: SeenKind) -> Seen {
        if lines.is_empty() {
            return Seen::new(nothing, about, "");
        }
        let mut tokens = 0;
        let fits = |line: &&String| {
            tokens += self.bench().model.count_tokens(line) + 1;
            tokens <= self.look_tokens
        };
        let shown: Vec<&str> = lines.iter().take_while(fits).map(String::as_str).collect();
        let mut seen = Seen::new(SeenKind::Shown, about, shown.join("\n"));
        seen.left_out = lines.len() - shown.len();
        seen
    }

    /// Names the definitions of a file, or those inside of one of them.
    fn names_in(&mut self, path: &RepoPath, spot: &Spot) -> Vec<String> {
        let index = self.bench().index;
        let is_inside = |symbol: &&Symbol| match spot {
            Spot::File(_) => true,
            Spot::Symbol(id) => {
                symbol.id != *id && index.symbol(*id).definition.range.contains(symbol.definition.range)
            }
        };
        let own = index.in_file(path).iter().filter(is_inside);
        let own = own.filter(|symbol| !is_local(index, symbol)).take(MOST_NAMES);
        own.map(|symbol| self.catalog.show(Spot::Symbol(symbol.id))).collect()
    }
}
