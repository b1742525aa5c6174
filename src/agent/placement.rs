use crate::lang::{Definition, ParsedFile};
use crate::patch::gate::qualified;
use crate::text::{Eol, TextEdit, TextRange};

use super::answer::Answer;
use super::target::{Region, common_indent, from_line_start, reindent, unindent};

/// An answer at its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// The edit of the file as it was.
    pub(super) edit: TextEdit,
    /// The whole file afterwards.
    pub(super) after: String,
    /// Where the answer stands in it.
    pub(super) range_after: TextRange,
}

impl Placed {
    /// Adds an insertion into the answer to the answer.
    pub(super) fn insert(&mut self, insertion: &TextEdit) {
        let TextRange { start, end } = self.range_after;
        let at = insertion.range.start.clamp(start, end);
        let text = &insertion.replacement;
        self.edit
            .replacement
            .insert_str(self.edit.replacement.len() - (end - at), text);
        self.after.insert_str(at, text);
        self.range_after = TextRange::new(start, end + text.len());
    }
}

/// Puts an answer in the place of a region: by the indentation of the region, without neighbours that the model wrote
/// once more, and without a container that it wrote around.
pub(super) fn replace(text: &str, region: &Region, name: Option<&str>, answer: &Answer) -> Placed {
    let slot = Slot {
        text,
        range: region.range,
        indent: &region.indent,
        before: String::new(),
    };
    best(
        answer
            .readings(&region.indent, inner_indent(&region.code))
            .into_iter()
            .map(|code| slot.tidy(region, name, code)),
        region,
    )
}

/// Puts an answer after a region, separated by blank lines.
pub(super) fn insert_after(text: &str, anchor: &Region, blank_lines: usize, answer: &Answer) -> Placed {
    let line_end = text[anchor.range.end..]
        .find('\n')
        .map_or(text.len(), |at| anchor.range.end + at);
    let at = match text[..line_end].ends_with('\r') {
        true => line_end - 1,
        false => line_end,
    };
    let slot = Slot {
        text,
        range: TextRange::empty(at),
        indent: &anchor.indent,
        before: "\n".repeat(blank_lines + 1),
    };
    best(
        answer
            .readings(&anchor.indent, inner_indent(&anchor.code))
            .into_iter()
            .map(|code| slot.tidy(anchor, None, code)),
        anchor,
    )
}

/// Returns the indentation of the lines below the first.
fn inner_indent(code: &str) -> &str {
    code.split_once('\n').map_or("", |(_, rest)| common_indent(rest))
}

/// Takes the reading with the fewest syntax errors, the first of equals.
fn best(readings: impl Iterator<Item = Placed>, region: &Region) -> Placed {
    let errors = |placed: &Placed| match region.language {
        Some(language) => ParsedFile::parse(language, &placed.after).syntax_errors().len(),
        None => 0,
    };
    let mut readings: Vec<(usize, Placed)> = readings.map(|placed| (errors(&placed), placed)).collect();
    readings.sort_by_key(|(errors, _)| *errors);
    readings.swap_remove(0).1
}

/// A hole in a file that code goes into.
struct Slot<'a> {
    text: &'a str,
    range: TextRange,
    indent: &'a str,
    /// What separates the code from what stands before the hole.
    before: String,
}

impl Slot<'_> {
    fn fill(&self, code: &str) -> Placed {
        let code = reindent(code.trim_end(), self.indent);
        let replacement = Eol::of(self.text).normalize(&format!("{}{code}", self.before));
        let mut after = String::with_capacity(self.text.len() + replacement.len());
        after.push_str(&self.text[..self.range.start]);
        after.push_str(&replacement);
        after.push_str(&self.text[self.range.end..]);
        let start = self.range.start + Eol::of(self.text).normalize(&self.before).len();
        let end = self.range.start + replacement.len();
        Placed {
            edit: TextEdit {
                range: self.range,
                replacement,
            },
            after,
            range_after: TextRange::new(start.min(end), end),
        }
    }

    /// Fills the hole and takes out what does not belong there, until nothing more is found.
    fn tidy(&self, region: &Region, name: Option<&str>, code: String) -> Placed {
        let mut placed = self.fill(&code);
        let Some(language) = region.language else { return placed };
        for _ in 0..3 {
            let parsed = ParsedFile::parse(language, &placed.after);
            let definitions = parsed.definitions(&placed.after);
            let Some(code) =
                unwrapped(&placed, &definitions, name).or_else(|| without_repeats(&placed, &definitions, name))
            else {
                break;
            };
            placed = self.fill(&code);
        }
        placed
    }
}

/// Returns the wanted definition alone when the model wrote its container around it.
fn unwrapped(placed: &Placed, definitions: &[Definition], name: Option<&str>) -> Option<String> {
    let name = name?;
    let (container, simple) = name.rsplit_once('.')?;
    let inside = || definitions.iter().filter(|d| placed.range_after.contains(d.range));
    if inside().any(|d| qualified(d) == name) {
        return None;
    }
    let last = container.rsplit('.').next()?;
    let wrapped = inside().find(|d| {
        d.name == simple
            && d.container
                .as_deref()
                .is_some_and(|c| c.replace("::", ".").ends_with(&format!("{container}.{last}")))
    })?;
    Some(lines_of(placed, wrapped))
}

/// Returns the code without definitions that exist elsewhere in the file already.
fn without_repeats(placed: &Placed, definitions: &[Definition], name: Option<&str>) -> Option<String> {
    let (inside, outside): (Vec<&Definition>, Vec<&Definition>) =
        definitions.iter().partition(|d| placed.range_after.contains(d.range));
    let wanted = inside.iter().find(|d| name.is_some_and(|name| qualified(d) == name));
    let repeated = inside.iter().find(|d| {
        let own = qualified(d);
        Some(own.as_str()) != name
            && wanted.is_none_or(|wanted| !wanted.range.contains(d.range) && !d.range.contains(wanted.range))
            && outside.iter().any(|other| qualified(other) == own)
    })?;
    let range = from_line_start(&placed.after, repeated.full_range);
    let range = TextRange::new(range.start.max(placed.range_after.start), range.end);
    let mut code = placed.after[placed.range_after.start..range.start]
        .trim_end()
        .to_owned();
    let rest = placed.after[range.end..placed.range_after.end]
        .trim_matches('\n')
        .trim_end();
    if code.is_empty() {
        code = rest.to_owned();
    } else if !rest.is_empty() {
        code = format!("{code}\n\n{rest}");
    }
    let code = code.replace("\r\n", "\n");
    Some(unindent(&code, common_indent(&code)))
}

fn lines_of(placed: &Placed, definition: &Definition) -> String {
    let range = from_line_start(&placed.after, definition.full_range);
    let code = placed.after[range.as_range()].replace("\r\n", "\n");
    unindent(&code, common_indent(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;
    use crate::text::RepoPath;

    const TEXT: &str = "class Stack:\n    def push(self, x):\n        self.items.append(x)\n\n    def pop(self):\n        return self.items.pop()\n";

    fn region(code: &str) -> Region {
        let start = TEXT.find(code).unwrap();
        Region {
            path: RepoPath::new("a.py").unwrap(),
            language: Some(Language::Python),
            kind: "method".to_owned(),
            name: "Stack.push".to_owned(),
            range: TextRange::new(start, start + code.len()),
            indent: "    ".to_owned(),
            code: unindent(code, "    "),
        }
    }

    fn push() -> Region {
        region("    def push(self, x):\n        self.items.append(x)")
    }

    fn replaced(answer: &str) -> String {
        replace(
            TEXT,
            &push(),
            Some("Stack.push"),
            &Answer::new(answer, Some(Language::Python)),
        )
        .after
    }

    const WANTED: &str = "class Stack:\n    def push(self, x):\n        return x\n\n    def pop(self):\n        return self.items.pop()\n";

    #[test]
    fn any_indentation_of_the_answer_comes_out_right() {
        assert_eq!(replaced("def push(self, x):\n    return x"), WANTED);
        assert_eq!(replaced("    def push(self, x):\n        return x\n"), WANTED);
        assert_eq!(replaced("def push(self, x):\n        return x\n"), WANTED);
    }

    #[test]
    fn a_container_around_the_answer_is_taken_off() {
        assert_eq!(
            replaced("class Stack:\n    def push(self, x):\n        return x"),
            WANTED
        );
    }

    #[test]
    fn neighbours_written_once_more_are_dropped() {
        assert_eq!(
            replaced("def push(self, x):\n    return x\n\ndef pop(self):\n    return 0"),
            WANTED
        );
    }

    #[test]
    fn insertions_keep_distance_and_line_endings() {
        let text = TEXT.replace('\n', "\r\n");
        let mut anchor = push();
        anchor.range = TextRange::new(anchor.range.start + 1, anchor.range.end + 2);
        let answer = Answer::new("def peek(self):\n    return self.items[-1]", Some(Language::Python));
        let placed = insert_after(&text, &anchor, 1, &answer);
        assert!(
            placed
                .after
                .contains("append(x)\r\n\r\n    def peek(self):\r\n        return self.items[-1]\r\n\r\n    def pop")
        );
        assert_eq!(placed.after.matches('\n').count(), placed.after.matches("\r\n").count());
        assert!(placed.after[placed.range_after.as_range()].starts_with("    def peek"));
    }
}
