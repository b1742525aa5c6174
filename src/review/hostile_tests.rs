//! A thousand of the worst strings, through everything that is shown: nothing of them may reach a terminal as it is.

use super::escape::is_hidden;
use super::*;
use crate::patch::{FilePatch, FileSide, Patch};
use crate::repo::FileMode;
use crate::text::RepoPath;

/// What acts on terminals or deceives readers.
const WORST: &[&str] = &[
    "\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;file:///x\u{1b}\\",
    "\u{1b}]52;c;eA==\u{7}",
    "\u{1b}P$q\u{1b}\\",
    "\u{1b}c",
    "\u{9b}31m",
    "\u{9d}0;t\u{9c}",
    "\u{90}q\u{9c}",
    "\u{1b}[6n",
    "\u{1b}[?1049h",
    "\u{1b}[35m",
    "\u{1b}[4m",
    "\u{8}\u{8}",
    "\r",
    "\r\n",
    "\u{b}",
    "\u{c}",
    "\u{7f}",
    "\u{e}",
    "\u{1b}",
    "\u{202e}",
    "\u{202a}",
    "\u{2066}",
    "\u{2069}",
    "\u{200f}",
    "\u{61c}",
    "\u{200b}",
    "\u{200d}",
    "\u{2060}",
    "\u{feff}",
    "\u{ad}",
    "\u{34f}",
    "\u{3164}",
    "\u{ffa0}",
    "\u{115f}",
    "\u{17b4}",
    "\u{180e}",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{fff9}",
    "\u{e0001}",
    "\u{e0041}\u{e007f}",
    "\u{e0101}",
    "\u{fe00}",
    "\u{1d173}",
    "рау",
    "ѕсоре",
    "𝐞𝐯𝐚𝐥",
    "if x:",
    "    ",
    "\t",
    "+",
    "-",
    "@@ -1 +1 @@",
    "\\ No newline",
    "a",
];

/// Strings of one to six of them, always the same.
fn strings() -> impl Iterator<Item = String> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    (0..1000).map(move |_| (0..1 + next() % 6).map(|_| WORST[next() % WORST.len()]).collect())
}

/// The renderer's own sequences: SGR with digits and semicolons.
fn without_own_colours(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 2..];
        let end = tail
            .find(|c: char| !c.is_ascii_digit() && c != ';')
            .unwrap_or(tail.len());
        let own = ["0", "1", "7", "31", "32", "33", "36"];
        let is_own = tail[end..].starts_with('m') && own.contains(&&tail[..end]);
        if !is_own {
            out.push('\u{1b}');
        }
        rest = if is_own { &tail[end + 1..] } else { tail };
    }
    out + rest
}

#[test]
fn nothing_of_a_thousand_hostile_strings_reaches_the_terminal_raw() {
    let (mut shown_bytes, mut raw, mut flagged) = (0, 0, 0);
    for (nth, worst) in strings().enumerate() {
        let path = RepoPath::new(&format!("d/{nth}{}", worst.replace('/', "_"))).unwrap();
        let side = |text: String| Some(FileSide::new(text, FileMode::Regular));
        let patch = Patch {
            files: vec![FilePatch {
                path: path.clone(),
                old: side(format!("def {worst}\nsame {worst}\nold {worst} word\nx")),
                new: side(format!("def {worst}\nsame {worst}\nnew {worst}{worst} word\n{worst}")),
            }],
        };
        let note = Note {
            path: None,
            text: worst.clone(),
        };
        let notes = [note];
        let mut pages = vec![
            escape(&worst).into_owned(),
            escape_line(&worst),
            Escaped(&worst).to_string(),
        ];
        for renderer in [Renderer::Plain, Renderer::Colored] {
            pages.push(renderer.render(&patch));
            pages.push(renderer.flags(&patch.flags()));
            let mut chooser = Chooser::new(&patch, &notes);
            pages.extend([chooser.page(renderer), chooser.prompt()]);
            if let Turn::Explain(text) = chooser.answer(&worst) {
                pages.push(text.to_owned());
            }
            if let Err(error) = chooser.edited(&worst) {
                pages.push(error.to_string());
            }
            chooser.answer("s");
            pages.extend([chooser.page(renderer), chooser.prompt()]);
        }
        pages.extend(patch.flags().iter().map(ToString::to_string));
        flagged += usize::from(!patch.flags().is_empty());
        for page in pages {
            shown_bytes += page.len();
            raw += without_own_colours(&page).chars().filter(|c| is_hidden(*c)).count();
        }
    }
    assert_eq!(raw, 0);
    assert!(
        shown_bytes > 1_000_000 && flagged > 800,
        "{shown_bytes} bytes, {flagged} flagged"
    );
}
