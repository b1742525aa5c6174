//! What a reader of a patch could miss, and what should not change without a word.

mod name;
mod obeyed;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::escape::{escape_line, is_hidden};
use crate::patch::{FilePatch, LineKind, Patch};
use crate::text::RepoPath;
use name::{KnownNames, names};

/// The most things that one flag lists.
const MAX_FOUND: usize = 8;

/// Something in a patch that needs an explicit yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// What it is.
    pub kind: FlagKind,
    /// The file.
    pub path: RepoPath,
    /// The zero-based line of the new text; none where it is about the file or its name.
    pub line: Option<usize>,
    /// What was found: code points, a name, or who obeys the file. Foreign text, not escaped.
    pub found: String,
}

/// The kinds of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// A control of the direction of text, by which code reads in another order than it runs (CVE-2021-42574).
    Bidi,
    /// A character of no width: joiners, word joiner, byte order mark within a text.
    ZeroWidth,
    /// A tag character (U+E0000 to U+E007F), which spells text that nobody sees.
    Tag,
    /// A control character other than tab, line ending and form feed.
    Control,
    /// Any other character that is not shown (`Default_Ignorable_Code_Point`), or a separator of lines.
    Invisible,
    /// A name of letters that no one language writes together (UTS #39, below *moderately restrictive*).
    MixedScript,
    /// A name that looks like another one (UTS #39, the same skeleton).
    Confusable,
    /// A file that agents, build services, hooks or editors obey.
    AgentConfiguration,
}

impl FlagKind {
    /// Returns what it is, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Bidi => "changes the direction of text",
            Self::ZeroWidth => "characters of no width",
            Self::Tag => "tag characters, which spell text that is not shown",
            Self::Control => "control characters",
            Self::Invisible => "characters that are not shown",
            Self::MixedScript => "letters of several scripts in one name",
            Self::Confusable => "a name that looks like another",
            Self::AgentConfiguration => "a file that programs obey",
        }
    }

    /// Returns the kind of a character that no line should bring in.
    fn of_char(c: char) -> Option<Self> {
        match c {
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(Self::Bidi),
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{180e}' | '\u{feff}' => Some(Self::ZeroWidth),
            '\u{e0000}'..='\u{e007f}' => Some(Self::Tag),
            '\u{c}' => None,
            _ if !is_hidden(c) => None,
            _ if c.is_control() => Some(Self::Control),
            _ => Some(Self::Invisible),
        }
    }
}

/// On one line, with everything foreign escaped.
impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape_line(self.path.as_str()))?;
        if let Some(line) = self.line {
            write!(f, ":{}", line + 1)?;
        }
        write!(f, ": {}: {}", self.kind.describe(), escape_line(&self.found))
    }
}

impl Patch {
    /// Returns the flags of what the patch adds: of the lines that are new, the names of its files, and files that
    /// programs obey. Names that stood in one of its files before are not new.
    pub fn flags(&self) -> Vec<Flag> {
        let known = KnownNames::of(self);
        self.files.iter().flat_map(|file| file_flags(file, &known)).collect()
    }
}

fn file_flags(file: &FilePatch, known: &KnownNames) -> Vec<Flag> {
    let mut flags = Flags {
        path: &file.path,
        known,
        found: Vec::new(),
    };
    flags.text(file.path.as_str(), None);
    if let Some(who) = obeyed::by(&file.path) {
        flags.push(FlagKind::AgentConfiguration, None, vec![who.to_owned()]);
    }
    for hunk in file.hunks() {
        let mut line = hunk.new.start;
        for shown in &hunk.lines {
            if shown.kind == LineKind::Added {
                flags.text(&shown.text, Some(line));
            }
            line += usize::from(shown.kind != LineKind::Removed);
        }
    }
    flags.found
}

struct Flags<'a> {
    path: &'a RepoPath,
    known: &'a KnownNames<'a>,
    found: Vec<Flag>,
}

impl Flags<'_> {
    /// Looks at one line, or at the path, which has no line.
    fn text(&mut self, text: &str, line: Option<usize>) {
        // Nearly every line: nothing but visible ASCII.
        let plain = |b: u8| matches!(b, b' '..=b'~') || b == b'\t' && line.is_some();
        let ended = line.and_then(|_| text.strip_suffix("\r\n").or(text.strip_suffix('\n')));
        if ended.unwrap_or(text).bytes().all(plain) {
            return;
        }
        self.characters(text, line);
        let new = names(text).filter(|name| !name.is_ascii() && !self.known.has(name));
        let new: BTreeSet<&str> = new.collect();
        let mixed = new.iter().filter(|name| name::mixes_scripts(name));
        let mixed: Vec<String> = mixed.map(|name| (*name).to_owned()).collect();
        let alike = new.iter().filter_map(|name| {
            let other = self.known.lookalike(name)?;
            Some(format!("{name} looks like {other}"))
        });
        let alike: Vec<String> = alike.collect();
        self.push(FlagKind::MixedScript, line, mixed);
        self.push(FlagKind::Confusable, line, alike);
    }

    fn characters(&mut self, text: &str, line: Option<usize>) {
        let mut hidden: BTreeSet<(FlagKind, char)> = BTreeSet::new();
        for (at, c) in text.char_indices() {
            let ordinary = match c {
                '\n' | '\t' => line.is_some(),
                '\r' => line.is_some() && text[at..].starts_with("\r\n"),
                // A byte order mark is one at the beginning of a text only.
                '\u{feff}' => at == 0 && line == Some(0),
                '\u{200d}' => joins_emoji(text, at),
                _ => false,
            };
            if ordinary {
                continue;
            }
            let kind = match c {
                '\n' | '\t' => Some(FlagKind::Control),
                c => FlagKind::of_char(c),
            };
            hidden.extend(kind.map(|kind| (kind, c)));
        }
        let kinds: BTreeSet<FlagKind> = hidden.iter().map(|(kind, _)| *kind).collect();
        for kind in kinds {
            let of_kind = hidden.iter().filter(|(other, _)| *other == kind);
            let points = of_kind.map(|(_, c)| format!("U+{:04X}", u32::from(*c)));
            self.push(kind, line, points.collect());
        }
    }

    fn push(&mut self, kind: FlagKind, line: Option<usize>, things: Vec<String>) {
        if things.is_empty() {
            return;
        }
        let mut found = things[..things.len().min(MAX_FOUND)].join(", ");
        if things.len() > MAX_FOUND {
            found.push_str(", …");
        }
        let path = self.path.clone();
        self.found.push(Flag {
            kind,
            path,
            line,
            found,
        });
    }
}

/// Tells whether the joiner at a byte of the text stands between two pictures, as in the emoji of a family.
fn joins_emoji(text: &str, at: usize) -> bool {
    let picture = |c: char| matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}');
    let before = text[..at].chars().rev().find(|c| *c != '\u{fe0f}');
    let after = text[at..].chars().nth(1);
    before.is_some_and(picture) && after.is_some_and(|c| picture(c) || matches!(c, '\u{2190}'..='\u{21ff}'))
}

#[cfg(test)]
mod tests;
