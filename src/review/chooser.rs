use super::hunk_text::{self, HunkTextError};
use super::renderer::Renderer;
use crate::patch::{MisfitError, Patch, Piece, PieceChange};
use crate::text::RepoPath;

/// The choice of hunks as in `git add -p`, without a terminal: lines go in, decisions come out.
#[derive(Clone, Debug)]
pub struct Chooser<'a> {
    patch: &'a Patch,
    notes: &'a [Note],
    offers: Vec<Offer>,
    at: usize,
}

/// Something to know about a file while its hunks are chosen; foreign text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file; none where it is about all of them.
    pub path: Option<RepoPath>,
    /// One line.
    pub text: String,
}

/// What comes after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next hunk is to be shown and asked for.
    Show,
    /// This is to be said, and the same hunk asked for again.
    Explain(&'static str),
    /// This text is to be edited; [`Chooser::edited`] takes what became of it.
    Edit(String),
    /// Everything is decided.
    Done,
}

#[derive(Clone, Debug)]
struct Offer {
    piece: Piece,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Undecided,
    Taken,
    Left,
}

/// What `?` says.
const HELP: &str = "\
y - apply this hunk
n - leave this hunk
a - apply this hunk and all later ones of the file
d - leave this hunk and all later ones of the file
s - split this hunk at its unchanged lines
e - edit this hunk
j - decide later, go to the next undecided hunk
k - decide later, go back to the undecided hunk before
q - leave this hunk and all that are undecided, and apply what was chosen
? - say this";

impl<'a> Chooser<'a> {
    /// Starts with the first piece of a patch.
    pub fn new(patch: &'a Patch, notes: &'a [Note]) -> Self {
        let offer = |piece| Offer {
            piece,
            verdict: Verdict::Undecided,
        };
        Self {
            patch,
            notes,
            offers: patch.pieces().into_iter().map(offer).collect(),
            at: 0,
        }
    }

    /// Tells whether nothing is left to decide.
    pub fn is_done(&self) -> bool {
        self.offers.iter().all(|offer| offer.verdict != Verdict::Undecided)
    }

    /// Renders the piece that is asked for, everything foreign escaped; empty when all is decided.
    pub fn page(&self, renderer: Renderer) -> String {
        let Some((offer, file)) = self
            .offers
            .get(self.at)
            .and_then(|offer| Some((offer, self.patch.files.get(offer.piece.file)?)))
        else {
            return String::new();
        };
        let about = |note: &&Note| note.path.as_ref().is_none_or(|path| *path == file.path);
        let notes: Vec<&str> = self.notes.iter().filter(about).map(|note| note.text.as_str()).collect();
        // A piece by itself brings in what its own lines bring in.
        let flags = self.patch.restricted([&offer.piece]).map(|patch| patch.flags());
        renderer.piece(file, &offer.piece.change, &notes, &flags.unwrap_or_default())
    }

    /// Returns the question, with the keys that mean something now.
    pub fn prompt(&self) -> String {
        let Some(offer) = self.offers.get(self.at) else {
            return String::new();
        };
        let what = match offer.piece.change {
            PieceChange::Create(_) => "create this file",
            PieceChange::Delete(_) => "delete this file",
            PieceChange::Mode => "change this mode",
            PieceChange::Lines(_) => "apply this hunk",
        };
        let mut keys = vec!["y", "n", "a", "d"];
        keys.extend((self.parts().len() > 1).then_some("s"));
        keys.extend(self.editable().is_some().then_some("e"));
        keys.extend(self.later().is_some().then_some("j"));
        keys.extend(self.earlier().is_some().then_some("k"));
        keys.extend(["q", "?"]);
        format!("({}/{}) {what} [{}]? ", self.at + 1, self.offers.len(), keys.join(","))
    }

    /// Takes one line of input.
    pub fn answer(&mut self, line: &str) -> Turn {
        match line.trim() {
            "y" => self.decide(Verdict::Taken, self.at + 1),
            "n" => self.decide(Verdict::Left, self.at + 1),
            "a" => self.decide(Verdict::Taken, self.end_of_file()),
            "d" => self.decide(Verdict::Left, self.end_of_file()),
            "q" => {
                for offer in self
                    .offers
                    .iter_mut()
                    .filter(|offer| offer.verdict == Verdict::Undecided)
                {
                    offer.verdict = Verdict::Left;
                }
                Turn::Done
            }
            "s" => {
                let parts = self.parts();
                if parts.len() < 2 {
                    return Turn::Explain("this hunk has no unchanged lines to split it at");
                }
                self.offers.splice(self.at..=self.at, parts);
                Turn::Show
            }
            "e" => match self.editable() {
                Some(text) => Turn::Edit(text),
                None => Turn::Explain("there are no lines to edit here"),
            },
            "j" => self.go(self.later(), "there is no later hunk to decide"),
            "k" => self.go(self.earlier(), "there is no earlier hunk to decide"),
            _ => Turn::Explain(HELP),
        }
    }

    /// Takes the piece that is asked for, as it was edited.
    ///
    /// # Errors
    /// [`HunkTextError`] says why the text is not a hunk for the same lines of the file; [`MisfitError`] why the file cannot
    /// become what it says. The piece stays undecided then.
    pub fn edited(&mut self, text: &str) -> Result<Turn, EditedError> {
        let Some(offer) = self.offers.get_mut(self.at) else {
            return Ok(Turn::Done);
        };
        let change = match &offer.piece.change {
            PieceChange::Lines(hunk) => PieceChange::Lines(hunk_text::read(hunk, text)?),
            PieceChange::Create(hunk) => PieceChange::Create(hunk_text::read(hunk, text)?),
            PieceChange::Delete(_) | PieceChange::Mode => return Ok(Turn::Show),
        };
        let file = offer.piece.file;
        let piece = Piece { file, change };
        self.patch.restricted([&piece])?;
        offer.piece = piece;
        Ok(self.decide(Verdict::Taken, self.at + 1))
    }

    /// Returns the patch that does what was chosen; empty when nothing was.
    ///
    /// # Errors
    /// [`MisfitError`] when edited hunks do not go together.
    pub fn chosen(&self) -> Result<Patch, MisfitError> {
        let taken = self.offers.iter().filter(|offer| offer.verdict == Verdict::Taken);
        self.patch.restricted(taken.map(|offer| &offer.piece))
    }

    /// Decides on the undecided pieces from this one up to `end`, and goes on to the next that is undecided.
    fn decide(&mut self, verdict: Verdict, end: usize) -> Turn {
        for (nth, offer) in self.offers.iter_mut().enumerate().take(end).skip(self.at) {
            if nth == self.at || offer.verdict == Verdict::Undecided {
                offer.verdict = verdict;
            }
        }
        let undecided = |offer: &Offer| offer.verdict == Verdict::Undecided;
        match self.later().or_else(|| self.offers.iter().position(undecided)) {
            Some(next) => {
                self.at = next;
                Turn::Show
            }
            None => Turn::Done,
        }
    }

    fn go(&mut self, to: Option<usize>, otherwise: &'static str) -> Turn {
        match to {
            Some(to) => {
                self.at = to;
                Turn::Show
            }
            None => Turn::Explain(otherwise),
        }
    }

    fn later(&self) -> Option<usize> {
        let after = self.offers.iter().enumerate().skip(self.at + 1);
        let mut undecided = after.filter(|(_, offer)| offer.verdict == Verdict::Undecided);
        undecided.next().map(|(at, _)| at)
    }

    fn earlier(&self) -> Option<usize> {
        let mut before = self.offers.iter().take(self.at);
        before.rposition(|offer| offer.verdict == Verdict::Undecided)
    }

    fn end_of_file(&self) -> usize {
        let file = self.offers.get(self.at).map(|offer| offer.piece.file);
        let of_file = |offer: &&Offer| Some(offer.piece.file) == file;
        self.at + self.offers.iter().skip(self.at).take_while(of_file).count()
    }

    /// Returns what the piece splits into.
    fn parts(&self) -> Vec<Offer> {
        let Some(Offer { piece, verdict }) = self.offers.get(self.at) else {
            return Vec::new();
        };
        let PieceChange::Lines(hunk) = &piece.change else {
            return Vec::new();
        };
        let part = |hunk| Offer {
            piece: Piece {
                file: piece.file,
                change: PieceChange::Lines(hunk),
            },
            verdict: *verdict,
        };
        hunk.split().into_iter().map(part).collect()
    }

    fn editable(&self) -> Option<String> {
        match &self.offers.get(self.at)?.piece.change {
            PieceChange::Lines(hunk) | PieceChange::Create(hunk) if !hunk.lines.is_empty() => {
                Some(hunk_text::write(hunk))
            }
            PieceChange::Lines(_) | PieceChange::Create(_) | PieceChange::Delete(_) | PieceChange::Mode => None,
        }
    }
}

/// Why an edited hunk cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditedError {
    /// The text is no hunk for these lines.
    #[error(transparent)]
    Text(#[from] HunkTextError),
    /// The file cannot become what the hunk says.
    #[error(transparent)]
    Misfit(#[from] MisfitError),
}

#[cfg(test)]
mod tests;
