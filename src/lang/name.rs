//! Names as source writes them, and what is left of them as names of definitions and uses.

use super::Language;
use crate::text::TextRange;

/// Returns the name that an object or receiver gives as a container: of `Type.prototype` the type, of the module
/// object and `this` none.
pub(super) fn object_name(object: &str) -> Option<&str> {
    let object = object.trim();
    let object = object.strip_suffix(".prototype").unwrap_or(object);
    let module = matches!(
        object,
        "exports" | "module" | "module.exports" | "this" | "window" | "globalThis" | "self"
    );
    let plain = object
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | ':'));
    (!module && plain && !object.is_empty()).then_some(object)
}

/// Tells whether a method with the name of its class is the constructor.
pub(super) fn names_constructors(language: Language) -> bool {
    #[cfg(feature = "all-languages")]
    if language == Language::Julia {
        return true;
    }
    matches!(language, Language::Cpp | Language::PowerShell | Language::Matlab)
}

/// Cuts sigils, scopes and types off a name as written: of PowerShell's `[int]$Script:Limit`, `Limit` is left, and
/// nothing of what is no single name.
pub(super) fn bare_name(language: Language, text: &str, written: TextRange) -> TextRange {
    let Some(name) = text
        .get(written.as_range())
        .filter(|_| language == Language::PowerShell)
    else {
        return written;
    };
    let Some(sigil) = name.rfind('$') else {
        return written;
    };
    let start = name[sigil..].find(':').map_or(sigil + 1, |colon| sigil + colon + 1);
    let plain = name[start..].chars().all(|c| c.is_alphanumeric() || c == '_');
    let end = if plain { name.len() } else { start };
    TextRange::new(written.start + start, written.start + end)
}

/// Returns a name without the quotes around it.
pub(super) fn unquoted(name: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| name.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(name)
}

/// Returns where the last `::` outside of template arguments stands.
pub(super) fn last_scope(written: &str) -> Option<usize> {
    let mut depth = 0usize;
    let bytes = written.as_bytes();
    let mut last = None;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(at + 1) == Some(&b':') => last = Some(at),
            _ => {}
        }
    }
    last
}

/// Returns the last part of a scope, without template arguments.
pub(super) fn last_segment(scope: &str) -> &str {
    let segment = last_scope(scope).map_or(scope, |at| &scope[at + 2..]);
    let segment = segment.rsplit('.').next().unwrap_or(segment);
    segment.split('<').next().unwrap_or(segment).trim()
}
