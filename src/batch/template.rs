use std::collections::BTreeMap;

use thiserror::Error;

/// A text with holes: `$NAME` and `$$$NAME`, as in a [`crate::lang::CodePattern`]. `\$` is a dollar sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A template with its holes filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The text.
    pub text: String,
    /// Where in it each hole begins, the first time that it comes.
    pub holes: BTreeMap<String, usize>,
}

/// A hole that nothing fills.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("${0} stands for nothing here")]
pub struct Unfilled(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// One piece.
    One(String),
    /// Any number of pieces; with none of them the comma beside it goes too.
    Many(String),
}

impl Template {
    /// Reads a template. Every text is one: a dollar sign without a name in capitals stands for itself.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '\\']) {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("\\$") {
                plain.push('$');
                rest = after;
                continue;
            }
            let (after, is_many) = match (rest.strip_prefix("$$$"), rest.strip_prefix('$')) {
                (Some(after), _) => (after, true),
                (None, Some(after)) => (after, false),
                (None, None) => (rest, false),
            };
            let name = &after[..name_length(after)];
            if name.is_empty() || after.len() == rest.len() {
                plain.push_str(&rest[..1]);
                rest = &rest[1..];
                continue;
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(match is_many {
                true => Part::Many(name.to_owned()),
                false => Part::One(name.to_owned()),
            });
            rest = &after[name.len()..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self { parts }
    }

    /// Returns the names of the holes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::One(name) | Part::Many(name) => Some(name.as_str()),
        })
    }

    /// Fills the holes. Lines of the template after its first begin with `indent`; those of what stands in a hole have
    /// theirs already.
    ///
    /// # Errors
    /// [`Unfilled`] where there is no such value, or `$NAME` stands for an empty text.
    pub fn fill(&self, values: &BTreeMap<&str, &str>, indent: &str) -> Result<Filled, Unfilled> {
        let newline = format!("\n{indent}");
        let mut out = String::new();
        let mut holes = BTreeMap::new();
        let mut drops_comma = false;
        for part in &self.parts {
            let (name, value) = match part {
                Part::Text(text) => {
                    let text = match (drops_comma, text.trim_start().strip_prefix(',')) {
                        (true, Some(after)) => after.trim_start(),
                        _ => text,
                    };
                    drops_comma = false;
                    out.push_str(&text.replace('\n', &newline));
                    continue;
                }
                Part::One(name) => match values.get(name.as_str()) {
                    Some(value) if !value.is_empty() => (name, value),
                    _ => return Err(Unfilled(name.clone())),
                },
                Part::Many(name) => {
                    let value = values.get(name.as_str()).ok_or_else(|| Unfilled(name.clone()))?;
                    if value.is_empty() {
                        let before = out.trim_end().strip_suffix(',').map(str::len);
                        drops_comma = before.is_none();
                        out.truncate(before.unwrap_or(out.len()));
                    }
                    (name, value)
                }
            };
            holes.entry(name.clone()).or_insert(out.len());
            out.push_str(value);
        }
        Ok(Filled { text: out, holes })
    }
}

/// Returns how many bytes of a text are the name of a hole.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return 0;
    }
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, values: &[(&str, &str)]) -> Result<String, Unfilled> {
        let filled = Template::new(template).fill(&values.iter().copied().collect(), "  ")?;
        Ok(filled.text)
    }

    #[test]
    fn holes_are_filled() {
        let values = [("TO", "a.b"), ("FROM", "f(x)"), ("N", "")];
        assert_eq!(fill("strlcpy($TO, $FROM)", &values).unwrap(), "strlcpy(a.b, f(x))");
        assert_eq!(fill("$TO$FROM", &values).unwrap(), "a.bf(x)");
        assert_eq!(
            fill("cost: $5, \\$TO, \\n, $, $to", &values).unwrap(),
            "cost: $5, $TO, \\n, $, $to"
        );
        assert_eq!(
            fill("if ($TO)\n  $FROM", &[("TO", "a\nb"), ("FROM", "c")]).unwrap(),
            "if (a\nb)\n    c"
        );
        assert_eq!(fill("$N", &values), Err(Unfilled("N".to_owned())));
        assert_eq!(fill("$ELSE", &values), Err(Unfilled("ELSE".to_owned())));
        assert_eq!(Template::new("$A($$$B)").names().collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn the_comma_beside_nothing_goes() {
        let nothing = [("REST", ""), ("A", "1")];
        assert_eq!(fill("g($A, $$$REST)", &nothing).unwrap(), "g(1)");
        assert_eq!(fill("g($$$REST, $A)", &nothing).unwrap(), "g(1)");
        assert_eq!(fill("g($$$REST)", &nothing).unwrap(), "g()");
        assert_eq!(
            fill("g($A, $$$REST)", &[("REST", "2, 3"), ("A", "1")]).unwrap(),
            "g(1, 2, 3)"
        );
    }
}
