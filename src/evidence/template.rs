use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::EvidenceError;
use crate::review::escape_line;

/// A document whose words lie in `evidence/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Readme,
    Controls,
    DataFlow,
    Licences,
    Policy,
}

impl Page {
    /// Every page.
    pub const ALL: [Self; 5] = [
        Self::Readme,
        Self::Controls,
        Self::DataFlow,
        Self::Licences,
        Self::Policy,
    ];

    /// Returns the name of the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Readme => "README.md",
            Self::Controls => "controls.md",
            Self::DataFlow => "data-flow.md",
            Self::Licences => "licences.md",
            Self::Policy => "policy.toml",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Readme => include_str!("../../evidence/README.md"),
            Self::Controls => include_str!("../../evidence/controls.md"),
            Self::DataFlow => include_str!("../../evidence/data-flow.md"),
            Self::Licences => include_str!("../../evidence/licences.md"),
            Self::Policy => include_str!("../../evidence/policy.toml"),
        }
    }
}

/// Puts facts into the words of a page. The filter `code` shows text from outside as code, on one line.
///
/// # Errors
/// [`EvidenceError::Template`] when the page asks for a fact that is not there.
pub fn render(page: Page, facts: &impl Serialize) -> Result<String, EvidenceError> {
    let name = page.name();
    let text = || -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // A line that holds a tag and nothing else leaves no line.
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?;
        environment.set_syntax(syntax);
        environment.add_filter("code", |text: String| code(&text));
        environment.add_filter("line", |text: String| escape_line(&text));
        environment.render_named_str(name, page.source(), Value::from(Serde(facts)))
    };
    text().map_err(|source| EvidenceError::Template { name, source })
}

/// Marks text as code (CommonMark, section 6.1), in a cell of a table too.
fn code(text: &str) -> String {
    let text = escape_line(text).replace('|', "\\|");
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_code() {
        assert_eq!(code("/a b"), "`/a b`");
        assert_eq!(code("/a`|\n\u{202e}"), "`` /a`\\|\\n\\u{202e} ``");
    }
}
