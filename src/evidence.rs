//! What a person needs who must decide whether skiff may be used: what it is made of, what it is linked to, and documents with
//! their sums, in a folder.
//!
//! Imports `review`. The words of the documents are those of `evidence/`.

mod bill;
mod component;
mod executable;
mod folder;
mod template;

pub use bill::{Bill, Model};
pub use component::{Crate, LicenceGroup, Vendored, components, licence_groups};
pub use executable::{Executable, Linkage, Relro};
pub use folder::{Document, Folder, SUMS};
pub use template::{Page, render};

use std::io;
use std::path::PathBuf;

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// There are files in the folder that was named.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The file system refused.
    #[error("{action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The running program is not the ELF file that it must be.
    #[error("cannot tell what {} is linked to", path.display())]
    Elf {
        path: PathBuf,
        #[source]
        source: object::read::Error,
    },
    /// The list of components in this program cannot be read: a fault of this program.
    #[error("the list of components is damaged")]
    Components(#[source] serde_json::Error),
    /// A document cannot be put into words: a fault of this program.
    #[error("the document {name} does not render")]
    Template {
        name: &'static str,
        #[source]
        source: minijinja::Error,
    },
    /// A document cannot be written as JSON: a fault of this program.
    #[error("a document cannot be written as JSON")]
    Json(#[source] serde_json::Error),
}

impl EvidenceError {
    fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
