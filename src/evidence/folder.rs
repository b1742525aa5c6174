use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha384};

use super::EvidenceError;

/// The file of the sums. It is written last: a folder without it is not complete.
pub const SUMS: &str = "SHA384SUMS";

/// A new folder for documents.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// One document.
#[derive(Clone, Debug)]
pub struct Document {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

impl Folder {
    /// Makes a folder, or takes one that is there and empty.
    ///
    /// # Errors
    /// [`EvidenceError::NotEmpty`], and [`EvidenceError::Io`] when it cannot be made or listed.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        fs::create_dir_all(path).map_err(EvidenceError::io("cannot make the folder", path))?;
        let mut entries = fs::read_dir(path).map_err(EvidenceError::io("cannot list", path))?;
        match entries.next() {
            Some(_) => Err(EvidenceError::NotEmpty(path.to_owned())),
            None => Ok(Self { path: path.to_owned() }),
        }
    }

    /// Writes the documents, then their SHA-384 (FIPS 180-4) in the form that `sha384sum --check` reads, below `heading` as a
    /// comment. All are on the disk when it returns; where one cannot be written, none is left.
    ///
    /// # Errors
    /// [`EvidenceError::Io`] names the file.
    pub fn write(&self, documents: &[Document], heading: Option<&str>) -> Result<(), EvidenceError> {
        let mut sums = heading.map_or(String::new(), |heading| format!("# {heading}\n"));
        for document in documents {
            let digest: String = Sha384::digest(&document.bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            sums.push_str(&format!("{digest}  {}\n", document.name));
        }
        let mut written = Vec::new();
        let all = documents.iter().map(|document| (document.name, &document.bytes[..]));
        for (name, bytes) in all.chain([(SUMS, sums.as_bytes())]) {
            let path = self.path.join(name);
            let outcome = write_new(&path, bytes, &mut written);
            if let Err(source) = outcome {
                for path in &written {
                    // What cannot be removed either is without its sum.
                    let _ = fs::remove_file(path);
                }
                return Err(EvidenceError::io("cannot write", &path)(source));
            }
        }
        let folder = File::open(&self.path).and_then(|folder| folder.sync_all());
        folder.map_err(EvidenceError::io("cannot write", &self.path))
    }
}

fn write_new(path: &Path, bytes: &[u8], written: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    written.push(path.to_owned());
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(name: &'static str, text: &str) -> Document {
        Document {
            name,
            bytes: text.as_bytes().to_vec(),
        }
    }

    #[test]
    fn documents_lie_beside_their_sums() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b");
        let folder = Folder::open(&path).unwrap();
        folder.write(&[document("abc", "abc")], Some("Marking: X")).unwrap();
        // The example of FIPS 180-4.
        let sum = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        assert_eq!(
            fs::read_to_string(path.join(SUMS)).unwrap(),
            format!("# Marking: X\n{sum}  abc\n")
        );
        assert!(matches!(Folder::open(&path), Err(EvidenceError::NotEmpty(_))));
        assert!(matches!(Folder::open(&path.join("abc")), Err(EvidenceError::Io { .. })));
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let twice = [document("a", "1"), document("a", "2")];
        assert!(matches!(folder.write(&twice, None), Err(EvidenceError::Io { .. })));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
