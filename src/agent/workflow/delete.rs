use super::Run;
use crate::agent::AgentError;
use crate::agent::branch::State;
use crate::agent::followup;
use crate::agent::proposal::{Action, RegionReport};
use crate::agent::target::{Place, from_line_start};
use crate::index::Symbol;
use crate::text::{TextEdit, TextRange};

impl Run<'_> {
    /// Takes a definition or a file out; names what still uses it.
    pub(super) fn delete(&self, state: &mut State<'_>, place: &Place) -> Result<(), AgentError> {
        let index = self.bench.index;
        let path = place.path(index).clone();
        let mut gate_hits = Vec::new();
        match place.symbol(index) {
            None => state.drafts.delete(path.clone())?,
            Some(symbol) => {
                // Prototypes go with what they declare.
                for gone in std::iter::once(symbol).chain(index.declarations_of(symbol)) {
                    let text = &state.drafts.source(&gone.path)?.text;
                    let edit = TextEdit {
                        range: with_blank_lines(text, from_line_start(text, gone.definition.full_range)),
                        replacement: String::new(),
                    };
                    state.drafts.edit(&gone.path, edit)?;
                }
                let (_, dangling) = followup::forget(&mut state.drafts, index, &symbol.definition.name)?;
                let elsewhere = |other: &&Symbol| other.qualified != symbol.qualified;
                if !index.named(&symbol.definition.name).iter().any(elsewhere) {
                    gate_hits.extend(
                        dangling
                            .iter()
                            .map(|d| format!("still used at {}:{}", d.path, d.line + 1)),
                    );
                }
            }
        }
        for hit in &gate_hits {
            self.bench.progress.note(hit);
        }
        state.regions.push(RegionReport {
            symbol: place.symbol(index).map(|symbol| symbol.qualified.clone()),
            path,
            action: Action::Delete,
            attempts: 0,
            gate_hits,
            failure: None,
        });
        Ok(())
    }
}

/// Widens a deleted range to its line ending and to the blank lines that set it apart.
fn with_blank_lines(text: &str, range: TextRange) -> TextRange {
    let mut end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    if !text[range.end..end].trim_matches([';', ',']).trim().is_empty() {
        return range;
    }
    let blank = |line: &str| line.trim().is_empty() && line.ends_with('\n');
    for line in text[end..].split_inclusive('\n').take_while(|line| blank(line)) {
        end += line.len();
    }
    let mut start = range.start;
    if end >= text.len() || text[end..].trim_start().starts_with('}') {
        start = text[..start].trim_end().len();
        start = text[start..]
            .find('\n')
            .map_or(start, |at| start + at + 1)
            .min(range.start);
    }
    TextRange::new(start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_takes_its_blank_lines_along() {
        let text = "a\n\n\nb\n\n\nc\n";
        let cut = |text: &str, what: &str| {
            let at = text.find(what).unwrap();
            let range = with_blank_lines(text, TextRange::new(at, at + what.len()));
            format!("{}{}", &text[..range.start], &text[range.end..])
        };
        assert_eq!(cut(text, "b"), "a\n\n\nc\n");
        assert_eq!(cut(text, "c"), "a\n\n\nb\n");
        assert_eq!(cut("x {\n  a\n\n  b\n}\n", "  b"), "x {\n  a\n}\n");
        assert_eq!(cut("b; c\n", "b"), "; c\n");
    }
}
