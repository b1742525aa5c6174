use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _, Sym as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::EvidenceError;

/// An executable file.
#[derive(Clone, Debug, Serialize)]
pub struct Executable {
    pub sha256: String,
    pub bytes: u64,
    /// None where this is not Linux: then it is not reported.
    pub linkage: Option<Linkage>,
}

/// What an ELF file asks of the loader (System V ABI, chapter 5), and how it is protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Linkage {
    /// The loader; none in a static executable.
    pub interpreter: Option<String>,
    /// The shared libraries (`DT_NEEDED`), in the order of the file.
    pub needed: Vec<String>,
    /// Where libraries are looked for besides (`DT_RPATH`, `DT_RUNPATH`).
    pub search_paths: Vec<String>,
    /// Whether it is loaded at any address.
    pub position_independent: bool,
    /// Whether the stack cannot be executed.
    pub stack_not_executable: bool,
    pub relro: Relro,
    /// Whether no segment can be both written and executed.
    pub write_xor_execute: bool,
    /// Every function and variable that comes from a library, by name.
    pub imports: BTreeSet<String>,
    /// Those of [`Linkage::imports`] by which a program opens, connects or serves a socket, or asks for a name.
    pub network_imports: BTreeSet<String>,
}

/// How much of the tables of addresses is read-only once the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Relro {
    Full,
    Partial,
    None,
}

/// The functions of the C library by which a program opens, connects or serves a socket, or asks for a name. Others need a
/// socket that one of these made.
const OF_A_NETWORK: [&str; 10] = [
    "accept",
    "accept4",
    "bind",
    "connect",
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname2",
    "getnameinfo",
    "listen",
    "socket",
];

impl Executable {
    /// Reads and hashes a file, and on Linux its headers.
    ///
    /// # Errors
    /// [`EvidenceError::Io`], and [`EvidenceError::Elf`] when it is no ELF file of 64 bits.
    pub fn read(path: &Path) -> Result<Self, EvidenceError> {
        let data = fs::read(path).map_err(EvidenceError::io("cannot read", path))?;
        let linkage = match cfg!(target_os = "linux") {
            true => Some(Linkage::of(&data).map_err(|source| EvidenceError::Elf {
                path: path.to_owned(),
                source,
            })?),
            false => None,
        };
        Ok(Self {
            sha256: Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: data.len() as u64,
            linkage,
        })
    }
}

impl Linkage {
    /// Reads the headers, the dynamic section and the dynamic symbols.
    ///
    /// # Errors
    /// When the bytes are no ELF file of 64 bits, or a part of it lies outside.
    pub fn of(data: &[u8]) -> Result<Self, object::read::Error> {
        let header = elf::FileHeader64::<Endianness>::parse(data)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, data)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut linkage = Self {
            interpreter: None,
            needed: Vec::new(),
            search_paths: Vec::new(),
            position_independent: false,
            // Without the segment the loader makes the stack executable.
            stack_not_executable: false,
            relro: Relro::None,
            write_xor_execute: true,
            imports: BTreeSet::new(),
            network_imports: BTreeSet::new(),
        };
        for segment in header.program_headers(endian, data)? {
            let flags = segment.p_flags(endian);
            let executable = flags.contains(elf::PF_X);
            match segment.p_type(endian) {
                elf::PT_GNU_STACK => linkage.stack_not_executable = !executable,
                elf::PT_GNU_RELRO => linkage.relro = Relro::Partial,
                elf::PT_LOAD if executable && flags.contains(elf::PF_W) => linkage.write_xor_execute = false,
                _ => {}
            }
            if let Some(interpreter) = segment.interpreter(endian, data)? {
                linkage.interpreter = Some(text(interpreter));
            }
        }
        let mut bound_at_start = false;
        if let Some((entries, strings)) = sections.dynamic(endian, data)? {
            let strings = sections.strings(endian, data, strings)?;
            for entry in entries {
                let value: u64 = entry.d_val(endian);
                match entry.tag(endian) {
                    elf::DT_NEEDED => linkage.needed.push(text(entry.string(endian, strings)?)),
                    elf::DT_RPATH | elf::DT_RUNPATH => linkage.search_paths.push(text(entry.string(endian, strings)?)),
                    elf::DT_BIND_NOW => bound_at_start = true,
                    elf::DT_FLAGS => bound_at_start |= value & BIND_NOW != 0,
                    elf::DT_FLAGS_1 => {
                        bound_at_start |= value & NOW != 0;
                        linkage.position_independent = value & PIE != 0;
                    }
                    _ => {}
                }
            }
        }
        if linkage.relro == Relro::Partial && bound_at_start {
            linkage.relro = Relro::Full;
        }
        let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM)?;
        for symbol in symbols.iter().filter(|symbol| symbol.is_undefined(endian)) {
            let name = text(symbol.name(endian, symbols.strings())?);
            if !name.is_empty() {
                linkage.imports.insert(name);
            }
        }
        let of_network = linkage
            .imports
            .iter()
            .filter(|name| OF_A_NETWORK.contains(&name.as_str()));
        linkage.network_imports = of_network.cloned().collect();
        Ok(linkage)
    }
}

/// `DF_BIND_NOW` of `DT_FLAGS`.
const BIND_NOW: u64 = 0x8;
/// `DF_1_NOW` and `DF_1_PIE` of `DT_FLAGS_1`.
const NOW: u64 = 0x1;
const PIE: u64 = 0x0800_0000;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_program_tells_what_it_is_linked_to() {
        let path = std::env::current_exe().unwrap();
        let executable = Executable::read(&path).unwrap();
        let linkage = executable.linkage.unwrap();
        assert!(linkage.position_independent && linkage.stack_not_executable && linkage.write_xor_execute);
        assert_eq!(linkage.relro, Relro::Full);
        assert!(
            linkage.needed.iter().any(|library| library.starts_with("libc.")),
            "{linkage:?}"
        );
        assert!(linkage.interpreter.unwrap().contains("ld-"));
        assert!(linkage.imports.contains("malloc"), "{:?}", linkage.imports);
        assert_eq!(executable.bytes, fs::metadata(&path).unwrap().len());
    }

    #[test]
    fn damaged_files_are_errors() {
        let data = fs::read("/proc/self/exe").unwrap();
        assert!(Linkage::of(b"").is_err() && Linkage::of(b"#!/bin/sh\n").is_err());
        for length in [4, 63, 64, 100, 4096] {
            assert!(Linkage::of(&data[..length]).is_err(), "{length}");
        }
        let mut wrong = data[..4096].to_vec();
        // The table of segments lies outside.
        wrong[32..40].fill(0xff);
        assert!(Linkage::of(&wrong).is_err());
    }
}
