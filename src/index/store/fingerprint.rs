use std::sync::LazyLock;

use crate::lang::Language;

/// Raised when the format of the file or what is read off a file changes.
const ANALYSIS_VERSION: u32 = 2;

/// Returns what the content of a store depends on besides the repository: this program's version, and its grammars with
/// their queries. A store that says otherwise is made anew.
pub(super) fn fingerprint() -> &'static str {
    static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
        let mut sum = crc32fast::Hasher::new();
        for language in Language::ALL {
            let spec = language.spec();
            let grammar = (spec.grammar)();
            let shape = [
                grammar.node_kind_count(),
                grammar.parse_state_count(),
                grammar.field_count(),
            ];
            let texts = [spec.name, spec.tags, spec.references, spec.separator, spec.terminator];
            let lists = [spec.extensions, spec.file_names, spec.interpreters];
            sum.update(format!("{texts:?} {lists:?} {shape:?} {}", grammar.abi_version()).as_bytes());
        }
        let version = env!("CARGO_PKG_VERSION");
        format!(
            "skiff {version}, analysis {ANALYSIS_VERSION}, grammars {:08x}",
            sum.finalize()
        )
    });
    &FINGERPRINT
}
