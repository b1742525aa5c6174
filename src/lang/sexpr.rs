use super::pattern::{Argument, Item, Kind, Pattern, PatternError, PatternFile, Predicate, Quantifier, Shape};

/// Parses the s-expressions of a query.
pub(super) fn parse(source: &str) -> Result<PatternFile, PatternError> {
    let mut reader = Reader {
        source,
        at: 0,
        captures: Vec::new(),
        predicates: Vec::new(),
    };
    let mut patterns = Vec::new();
    reader.skip_space();
    while reader.peek().is_some() {
        let offset = reader.at;
        let Some(root) = reader.item()? else {
            return Err(unsupported(offset, "a predicate outside of a pattern"));
        };
        patterns.push(Pattern {
            root,
            predicates: std::mem::take(&mut reader.predicates),
        });
    }
    Ok(PatternFile {
        patterns,
        captures: reader.captures,
    })
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    captures: Vec<String>,
    /// Of the pattern that is being read.
    predicates: Vec<Predicate>,
}

impl<'a> Reader<'a> {
    /// Reads one item with its suffixes; none where a predicate stood.
    fn item(&mut self) -> Result<Option<Item>, PatternError> {
        let start = self.at;
        let mut item = match self.peek() {
            Some('(') => match self.parenthesis()? {
                Some(item) => item,
                None => return Ok(None),
            },
            Some('[') => Item::new(self.alternation()?),
            Some('"') => Item::new(Shape::leaf(Kind::Anonymous(self.string()?))),
            Some('_') if !self.rest()[1..].starts_with(is_identifier) => {
                self.bump();
                Item::new(Shape::leaf(Kind::Any))
            }
            Some(c) if is_identifier(c) => {
                let field = self.identifier().to_owned();
                self.skip_space();
                self.expect(':')?;
                self.skip_space();
                let offset = self.at;
                let mut item = self.item()?.ok_or(PatternError::Syntax { offset })?;
                item.field = Some(field);
                item
            }
            _ => return Err(PatternError::Syntax { offset: start }),
        };
        self.suffixes(&mut item)?;
        Ok(Some(item))
    }

    fn suffixes(&mut self, item: &mut Item) -> Result<(), PatternError> {
        loop {
            self.skip_space();
            let quantifier = match self.peek() {
                Some('?') => Quantifier::ZeroOrOne,
                Some('*') => Quantifier::ZeroOrMore,
                Some('+') => Quantifier::OneOrMore,
                Some('@') => {
                    self.bump();
                    let capture = self.capture()?;
                    item.captures.push(capture);
                    continue;
                }
                _ => return Ok(()),
            };
            if item.quantifier != Quantifier::One {
                return Err(unsupported(self.at, "a quantifier of a quantifier"));
            }
            item.quantifier = quantifier;
            self.bump();
        }
    }

    fn parenthesis(&mut self) -> Result<Option<Item>, PatternError> {
        self.expect('(')?;
        self.skip_space();
        match self.peek() {
            Some('#') => {
                self.predicate()?;
                Ok(None)
            }
            Some('(' | '[' | '"') => self.group().map(Some),
            Some(c) if is_identifier(c) => {
                let offset = self.at;
                let kind = match self.identifier() {
                    "_" => Kind::AnyNamed,
                    "MISSING" | "ERROR" => return Err(unsupported(offset, "an error node")),
                    name => Kind::Named(name.to_owned()),
                };
                self.node(kind).map(|shape| Some(Item::new(shape)))
            }
            _ => Err(PatternError::Syntax { offset: self.at }),
        }
    }

    /// Reads a group, which is its only item: siblings side by side are left to the engine.
    fn group(&mut self) -> Result<Item, PatternError> {
        let mut only = None;
        loop {
            self.skip_space();
            let offset = self.at;
            match self.peek() {
                Some(')') => {
                    self.bump();
                    return only.ok_or(PatternError::Syntax { offset });
                }
                Some('.') => return Err(unsupported(offset, "an anchor in a group")),
                _ => {}
            }
            if let Some(item) = self.item()?
                && only.replace(item).is_some()
            {
                return Err(unsupported(offset, "a group of siblings"));
            }
        }
    }

    fn node(&mut self, kind: Kind) -> Result<Shape, PatternError> {
        let mut negated = Vec::new();
        let mut children: Vec<Item> = Vec::new();
        let mut anchored = false;
        loop {
            self.skip_space();
            let offset = self.at;
            match self.peek() {
                Some(')') => {
                    self.bump();
                    match children.last_mut() {
                        Some(last) => last.last = anchored,
                        None if anchored => return Err(PatternError::Syntax { offset }),
                        None => {}
                    }
                    return Ok(Shape::Node {
                        kind,
                        negated,
                        children,
                    });
                }
                Some('!') => {
                    self.bump();
                    self.skip_space();
                    negated.push(self.identifier().to_owned());
                }
                Some('/') => return Err(unsupported(offset, "a subtype")),
                Some('.') => {
                    self.bump();
                    anchored = true;
                }
                _ => {
                    if let Some(mut item) = self.item()? {
                        item.anchored = std::mem::take(&mut anchored);
                        children.push(item);
                    }
                }
            }
        }
    }

    fn alternation(&mut self) -> Result<Shape, PatternError> {
        self.expect('[')?;
        let mut branches = Vec::new();
        loop {
            self.skip_space();
            let offset = self.at;
            if self.peek() == Some(']') {
                self.bump();
                return match branches.is_empty() {
                    true => Err(PatternError::Syntax { offset }),
                    false => Ok(Shape::OneOf(branches)),
                };
            }
            branches.push(self.item()?.ok_or(PatternError::Syntax { offset })?);
        }
    }

    fn predicate(&mut self) -> Result<(), PatternError> {
        self.expect('#')?;
        let mut name = self.identifier().to_owned();
        match self.bump() {
            Some(end @ ('?' | '!')) => name.push(end),
            _ => return Err(PatternError::Syntax { offset: self.at }),
        }
        let mut arguments = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(')') => {
                    self.bump();
                    self.predicates.push(Predicate { name, arguments });
                    return Ok(());
                }
                Some('@') => {
                    self.bump();
                    arguments.push(Argument::Capture(self.capture()?));
                }
                Some('"') => arguments.push(Argument::Text(self.string()?)),
                Some(c) if is_identifier(c) => arguments.push(Argument::Text(self.identifier().to_owned())),
                _ => return Err(PatternError::Syntax { offset: self.at }),
            }
        }
    }

    fn capture(&mut self) -> Result<u16, PatternError> {
        let offset = self.at;
        let name = self.identifier().to_owned();
        let known = self.captures.iter().position(|capture| *capture == name);
        let index = known.unwrap_or(self.captures.len());
        if known.is_none() && !name.is_empty() {
            self.captures.push(name);
        }
        match u16::try_from(index) {
            Ok(index) if usize::from(index) < self.captures.len() => Ok(index),
            _ => Err(PatternError::Syntax { offset }),
        }
    }

    fn string(&mut self) -> Result<String, PatternError> {
        let offset = self.at;
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match (self.bump(), self.peek()) {
                (Some('"'), _) => return Ok(text),
                (Some('\\'), Some(escaped)) => {
                    self.bump();
                    text.push(match escaped {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        '0' => '\0',
                        other => other,
                    });
                }
                (None | Some('\\' | '\n'), _) => return Err(PatternError::Syntax { offset }),
                (Some(c), _) => text.push(c),
            }
        }
    }

    fn identifier(&mut self) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|c| !is_identifier(c)).unwrap_or(rest.len());
        &self.source[start..self.at]
    }

    /// Skips white space and comments.
    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let text = rest.trim_start();
            let comment = text.starts_with(';');
            let end = if comment {
                text.find('\n').unwrap_or(text.len())
            } else {
                0
            };
            self.at += rest.len() - text.len() + end;
            if !comment {
                return;
            }
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), PatternError> {
        let offset = self.at;
        match self.bump() {
            Some(found) if found == wanted => Ok(()),
            _ => Err(PatternError::Syntax { offset }),
        }
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }
}

fn unsupported(offset: usize, what: &'static str) -> PatternError {
    PatternError::Unsupported { offset, what }
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported_part(source: &str) -> &'static str {
        match parse(source) {
            Err(PatternError::Unsupported { what, .. }) => what,
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn the_parts_of_a_pattern_are_told_apart() {
        let file = parse(
            "; one\n((a !f name: [(b) \"\\\"x\" _]? @n . (_) @m @n .) @d ; two\n (#eq? @n \"y\") (#set! k v))\n\"z\" @n",
        );
        let file = file.unwrap();
        assert_eq!(file.captures, ["n", "m", "d"]);
        assert_eq!(file.patterns.len(), 2);
        let Pattern { root, predicates } = &file.patterns[0];
        assert_eq!(root.captures, [2]);
        let Shape::Node {
            kind,
            negated,
            children,
        } = &root.shape
        else {
            panic!("{root:?}");
        };
        assert_eq!((kind, &negated[..]), (&Kind::Named("a".into()), &["f".to_owned()][..]));
        let [name, other] = &children[..] else {
            panic!("{children:?}")
        };
        assert_eq!(
            (name.field.as_deref(), name.quantifier),
            (Some("name"), Quantifier::ZeroOrOne)
        );
        assert_eq!((name.anchored, name.last, &name.captures[..]), (false, false, &[0][..]));
        assert_eq!(
            (other.anchored, other.last, &other.captures[..]),
            (true, true, &[1, 0][..])
        );
        let Shape::OneOf(branches) = &name.shape else {
            panic!("{name:?}")
        };
        let kinds: Vec<&Kind> = branches
            .iter()
            .map(|branch| match &branch.shape {
                Shape::Node { kind, .. } => kind,
                Shape::OneOf(_) => panic!("{branch:?}"),
            })
            .collect();
        assert_eq!(
            kinds,
            [&Kind::Named("b".into()), &Kind::Anonymous("\"x".into()), &Kind::Any]
        );
        assert_eq!(predicates[0].name, "eq?");
        assert_eq!(
            predicates[0].arguments,
            [Argument::Capture(0), Argument::Text("y".into())]
        );
        assert_eq!(predicates[1].name, "set!");
    }

    #[test]
    fn what_only_the_engine_knows_is_named() {
        assert_eq!(unsupported_part("((a) (b))"), "a group of siblings");
        assert_eq!(unsupported_part("((a) . (b))"), "an anchor in a group");
        assert_eq!(unsupported_part("(MISSING \";\")"), "an error node");
        assert_eq!(unsupported_part("(expression/call)"), "a subtype");
        assert_eq!(unsupported_part("(#eq? @a \"b\")"), "a predicate outside of a pattern");
    }

    #[test]
    fn broken_queries_are_errors() {
        for source in [
            "(",
            "(a",
            "[",
            "[]",
            "()",
            "\"a",
            "(a @)",
            "(a) )",
            "a",
            "a:",
            "(a .)",
            "(a (#eq @b))",
            "((a) (#",
            "é(",
            "\\",
        ] {
            assert!(matches!(parse(source), Err(PatternError::Syntax { .. })), "{source}");
        }
    }
}
