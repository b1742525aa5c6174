use super::StoreError;
use super::encoding::{Reader, Writer};
use crate::lang::{Definition, SymbolKind};
use crate::text::TextRange;

/// The most characters that are kept of a doc comment: its first line, cut.
const MAX_DOC_CHARS: usize = 100;
/// How far back a definition is looked for whose name and container are the container.
const MAX_BACK: usize = 64;

const HAS_BODY: u64 = 1;
const BODY_ENDS: u64 = 1 << 1;
const FULL_ENDS: u64 = 1 << 2;
const NAME_LENGTH: u64 = 1 << 3;
const HAS_DOC: u64 = 1 << 4;
const CONTAINER: u64 = 5;

/// Where the container of a definition comes from.
const NO_CONTAINER: u64 = 0;
const SAME_CONTAINER: u64 = 1;
const BY_NAME: u64 = 2;
const WRITTEN_OUT: u64 = 3;

/// A definition as it is kept: with its lines, and of its doc comment the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::index) struct StoredDefinition {
    pub(in crate::index) definition: Definition,
    /// The zero-based line of the name, and the first and last of the range.
    pub(in crate::index) line: usize,
    pub(in crate::index) first_line: usize,
    pub(in crate::index) last_line: usize,
}

/// Encodes the definitions of one file; offsets as distances from those before, containers by reference.
pub(in crate::index) fn encode_definitions(definitions: &[StoredDefinition], separator: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.size(definitions.len());
    let (mut last_start, mut last_line) = (0, 0);
    for (at, stored) in definitions.iter().enumerate() {
        let definition = &stored.definition;
        let (name, range, full) = (definition.name_range, definition.range, definition.full_range);
        let doc = definition
            .doc
            .as_deref()
            .map(first_line)
            .filter(|line| !line.is_empty());
        let (source, back) = container_source(definitions, at, separator);
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        let flags = bit(definition.body.is_some(), HAS_BODY)
            | bit(definition.body.is_some_and(|body| body.end == range.end), BODY_ENDS)
            | bit(full.end == range.end, FULL_ENDS)
            | bit(name.len() == definition.name.len(), NAME_LENGTH)
            | bit(doc.is_some(), HAS_DOC)
            | source << CONTAINER;
        writer.byte(flags as u8);
        writer.byte(kind_code(definition.kind));
        writer.text(definition.name.as_bytes());
        writer.distance(last_start, full.start);
        writer.distance(full.start, range.start);
        writer.distance(range.start, name.start);
        if flags & NAME_LENGTH == 0 {
            writer.size(name.len());
        }
        writer.size(range.len());
        if flags & FULL_ENDS == 0 {
            writer.distance(range.end, full.end);
        }
        if let Some(body) = definition.body {
            writer.distance(name.end, body.start);
            if flags & BODY_ENDS == 0 {
                writer.distance(range.end, body.end);
            }
        }
        match source {
            BY_NAME => writer.size(back),
            WRITTEN_OUT => writer.text(definition.container.as_deref().unwrap_or_default().as_bytes()),
            _ => {}
        }
        writer.distance(last_line, stored.first_line);
        writer.distance(stored.first_line, stored.line);
        writer.distance(stored.first_line, stored.last_line);
        writer.text(definition.signature.as_bytes());
        if let Some(doc) = doc {
            writer.text(doc.as_bytes());
        }
        (last_start, last_line) = (full.start, stored.first_line);
    }
    writer.finish()
}

/// Decodes the definitions of one file.
pub(in crate::index) fn decode_definitions(bytes: &[u8], separator: &str) -> Result<Vec<StoredDefinition>, StoreError> {
    let mut reader = Reader::new(bytes, "a record of definitions");
    let count = reader.count()?;
    let mut found: Vec<StoredDefinition> = Vec::new();
    let (mut last_start, mut last_line) = (0, 0);
    for at in 0..count {
        let flags = u64::from(reader.byte()?);
        let kind = kind_of(reader.byte()?).ok_or_else(|| reader.damaged())?;
        let name = reader.string()?.to_owned();
        let full_start = reader.distance(last_start)?;
        let start = reader.distance(full_start)?;
        let name_start = reader.distance(start)?;
        let name_len = match flags & NAME_LENGTH {
            0 => reader.size()?,
            _ => name.len(),
        };
        let name_range = spanned(&reader, name_start, name_len)?;
        let len = reader.size()?;
        let range = spanned(&reader, start, len)?;
        let full_end = match flags & FULL_ENDS {
            0 => reader.distance(range.end)?,
            _ => range.end,
        };
        let body = match flags & HAS_BODY {
            0 => None,
            _ => {
                let body_start = reader.distance(name_range.end)?;
                let body_end = match flags & BODY_ENDS {
                    0 => reader.distance(range.end)?,
                    _ => range.end,
                };
                Some(TextRange::new(body_start, body_end))
            }
        };
        let container = match flags >> CONTAINER & 3 {
            NO_CONTAINER => None,
            SAME_CONTAINER => found.last().and_then(|before| before.definition.container.clone()),
            BY_NAME => {
                let back = reader.size()?;
                let scope = at.checked_sub(back).and_then(|scope| found.get(scope));
                Some(qualified(&scope.ok_or_else(|| reader.damaged())?.definition, separator))
            }
            _ => Some(reader.string()?.to_owned()),
        };
        let first_line = reader.distance(last_line)?;
        let line = reader.distance(first_line)?;
        let line_after = reader.distance(first_line)?;
        let signature = reader.string()?.to_owned();
        let doc = match flags & HAS_DOC {
            0 => None,
            _ => Some(reader.string()?.to_owned()),
        };
        (last_start, last_line) = (full_start, first_line);
        found.push(StoredDefinition {
            definition: Definition {
                kind,
                name,
                name_range,
                range,
                full_range: TextRange::new(full_start, full_end),
                body,
                container,
                signature,
                doc,
            },
            line,
            first_line,
            last_line: line_after,
        });
    }
    Ok(found)
}

/// Returns container and name as the language writes them.
pub(in crate::index) fn qualified(definition: &Definition, separator: &str) -> String {
    match &definition.container {
        Some(container) => format!("{container}{separator}{}", definition.name),
        None => definition.name.clone(),
    }
}

/// Returns what is kept of a doc comment.
pub(in crate::index) fn first_line(doc: &str) -> &str {
    let line = doc.lines().next().unwrap_or_default().trim_end();
    line.char_indices()
        .nth(MAX_DOC_CHARS)
        .map_or(line, |(end, _)| &line[..end])
}

fn spanned(reader: &Reader<'_>, start: usize, len: usize) -> Result<TextRange, StoreError> {
    let end = start.checked_add(len).ok_or_else(|| reader.damaged())?;
    Ok(TextRange::new(start, end))
}

fn container_source(definitions: &[StoredDefinition], at: usize, separator: &str) -> (u64, usize) {
    let Some(container) = definitions[at].definition.container.as_deref() else {
        return (NO_CONTAINER, 0);
    };
    let before = &definitions[at.saturating_sub(MAX_BACK)..at];
    if before
        .last()
        .is_some_and(|last| last.definition.container.as_deref() == Some(container))
    {
        return (SAME_CONTAINER, 0);
    }
    let is_scope = |scope: &StoredDefinition| {
        let rest = container.strip_suffix(scope.definition.name.as_str());
        let outer = scope.definition.container.as_deref();
        rest.is_some_and(|rest| match outer {
            Some(outer) => rest.strip_suffix(separator) == Some(outer),
            None => rest.is_empty(),
        })
    };
    match before.iter().rev().position(is_scope) {
        Some(back) => (BY_NAME, back + 1),
        None => (WRITTEN_OUT, 0),
    }
}

/// Returns the number that a kind is kept as. The numbers are part of the format.
pub(super) fn kind_code(kind: SymbolKind) -> u8 {
    KINDS
        .iter()
        .position(|own| *own == kind)
        .map_or(u8::MAX >> 3, |at| at as u8)
}

/// Returns the kind of a number.
pub(super) fn kind_of(code: u8) -> Option<SymbolKind> {
    KINDS.get(usize::from(code)).copied()
}

const KINDS: [SymbolKind; 20] = [
    SymbolKind::Function,
    SymbolKind::Method,
    SymbolKind::Constructor,
    SymbolKind::Class,
    SymbolKind::Struct,
    SymbolKind::Enum,
    SymbolKind::Interface,
    SymbolKind::Trait,
    SymbolKind::Impl,
    SymbolKind::Module,
    SymbolKind::Constant,
    SymbolKind::Variable,
    SymbolKind::Type,
    SymbolKind::Field,
    SymbolKind::Macro,
    SymbolKind::Section,
    SymbolKind::Key,
    SymbolKind::Table,
    SymbolKind::Target,
    SymbolKind::Selector,
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn definition() -> impl Strategy<Value = StoredDefinition> {
        let offsets = prop::array::uniform8(0usize..1 << 20);
        let texts = (
            "[a-zA-Z_=<>]{1,12}",
            prop::option::of("[A-D]{1,2}(::[A-D])?"),
            "[ -~]{0,40}",
            prop::option::of("[ -~]{1,99}[a-z]"),
        );
        (
            offsets,
            texts,
            0usize..20,
            any::<bool>(),
            prop::array::uniform3(0usize..9999),
        )
            .prop_map(
                |(o, (name, container, signature, doc), kind, has_body, lines)| StoredDefinition {
                    definition: Definition {
                        kind: KINDS[kind],
                        name_range: TextRange::new(o[0], o[0] + if has_body { name.len() } else { o[1] }),
                        name,
                        range: TextRange::new(o[2], o[3]),
                        full_range: TextRange::new(o[4], o[5]),
                        body: has_body.then(|| TextRange::new(o[6], o[7])),
                        container,
                        signature,
                        doc,
                    },
                    line: lines[0],
                    first_line: lines[1],
                    last_line: lines[2],
                },
            )
    }

    proptest! {
        #[test]
        fn definitions_come_back(definitions in prop::collection::vec(definition(), 0..20)) {
            let bytes = encode_definitions(&definitions, "::");
            prop_assert_eq!(decode_definitions(&bytes, "::").unwrap(), definitions);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = decode_definitions(&bytes, ".");
        }
    }

    #[test]
    fn every_kind_has_its_number() {
        for (at, kind) in KINDS.into_iter().enumerate() {
            assert_eq!((kind_code(kind), kind_of(at as u8)), (at as u8, Some(kind)));
        }
        assert_eq!(kind_of(31), None);
    }

    #[test]
    fn methods_do_not_repeat_their_class() {
        let method = |name: &str, container: Option<&str>| StoredDefinition {
            definition: Definition {
                kind: SymbolKind::Method,
                name: name.to_owned(),
                name_range: TextRange::new(5, 5 + name.len()),
                range: TextRange::new(0, 40),
                full_range: TextRange::new(0, 40),
                body: None,
                container: container.map(str::to_owned),
                signature: String::new(),
                doc: None,
            },
            line: 0,
            first_line: 0,
            last_line: 0,
        };
        let class = "AVeryLongNameOfAClass";
        let all = [method(class, None), method("a", Some(class)), method("b", Some(class))];
        let bytes = encode_definitions(&all, ".");
        assert_eq!(decode_definitions(&bytes, ".").unwrap(), all);
        assert_eq!(
            bytes
                .windows(class.len())
                .filter(|part| *part == class.as_bytes())
                .count(),
            1
        );
    }
}
