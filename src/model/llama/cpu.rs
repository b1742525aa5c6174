use std::{fmt, sync::OnceLock};

use llama_cpp_sys_2::{ggml_backend_cpu_reg, ggml_backend_reg_t, ggml_backend_register, ggml_backend_unload};

/// A copy of ggml's CPU code, compiled for the processors that have certain instructions.
///
/// `build.rs` compiles the copies; what is the same in all of them, and llama.cpp itself, is in the binary once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuCode {
    /// For every processor that the binary is built for: AVX2 on x86-64, unless the compiler was told of more.
    Base,
    /// AVX-512 with F, CD, BW, DQ and VL: Intel from Skylake-X, AMD from Zen 4.
    Avx512,
    /// The same with VNNI, products of 8-bit integers: Intel from Cascade Lake, AMD from Zen 4.
    Avx512Vnni,
}

/// The copies of this binary beside the base, the slowest first, each with what makes its back end.
const COPIES: &[(CpuCode, Registration)] = &[
    #[cfg(cpu_code = "avx512")]
    (CpuCode::Avx512, skiff_avx512_ggml_backend_cpu_reg),
    #[cfg(cpu_code = "avx512-vnni")]
    (CpuCode::Avx512Vnni, skiff_avx512_vnni_ggml_backend_cpu_reg),
];

type Registration = unsafe extern "C" fn() -> ggml_backend_reg_t;

unsafe extern "C" {
    #[cfg(cpu_code = "avx512")]
    fn skiff_avx512_ggml_backend_cpu_reg() -> ggml_backend_reg_t;
    #[cfg(cpu_code = "avx512-vnni")]
    fn skiff_avx512_vnni_ggml_backend_cpu_reg() -> ggml_backend_reg_t;
}

static IN_USE: OnceLock<CpuCode> = OnceLock::new();

impl CpuCode {
    /// Returns what this binary carries, the slowest first.
    pub fn built() -> Vec<Self> {
        let copies = COPIES.iter().map(|(code, _)| *code);
        [Self::Base].into_iter().chain(copies).collect()
    }

    /// Returns whether this processor, and the system on it, can run the code.
    pub fn runs_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        let (avx512, vnni) = (
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl"),
            is_x86_feature_detected!("avx512vnni"),
        );
        #[cfg(not(target_arch = "x86_64"))]
        let (avx512, vnni) = (false, false);
        match self {
            Self::Base => true,
            Self::Avx512 => avx512,
            Self::Avx512Vnni => avx512 && vnni,
        }
    }

    /// Returns the code that the models of this process run on. The first call chooses: the best that runs here.
    pub fn in_use() -> Self {
        let best = Self::built().into_iter().rfind(|code| code.runs_here());
        best.unwrap_or(Self::Base).choose()
    }

    /// Chooses this code for the life of the process, and returns the one in use: another where this one does not run
    /// here, is not in this binary, or comes too late.
    pub fn choose(self) -> Self {
        *IN_USE.get_or_init(|| {
            let copy = COPIES.iter().find(|(code, _)| *code == self && code.runs_here());
            let Some((code, registration)) = copy else {
                return Self::Base;
            };
            register(*registration);
            *code
        })
    }

    /// Returns the name on screen and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512-vnni",
        }
    }
}

impl fmt::Display for CpuCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Puts a copy in the place of the base in ggml's registry, where llama.cpp looks for the CPU.
fn register(registration: Registration) {
    // SAFETY: `ggml_backend_cpu_reg` and `registration` take nothing and return a pointer to a static of theirs. The
    // processor has the instructions of the copy: `choose` has asked. The registry only forgets the base, of which
    // nothing is in use: no model is loaded before `IN_USE` is set, and its lock keeps other threads out of here.
    // The copy is of the same sources as the registry, so the structs agree.
    unsafe {
        ggml_backend_unload(ggml_backend_cpu_reg());
        ggml_backend_register(registration());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_always_there_and_runs() {
        assert_eq!(CpuCode::built().first(), Some(&CpuCode::Base));
        assert!(CpuCode::Base.runs_here());
    }

    #[test]
    fn the_first_choice_stays() {
        let first = CpuCode::in_use();
        assert!(first.runs_here() && CpuCode::built().contains(&first));
        for code in CpuCode::built() {
            assert_eq!(code.choose(), first);
        }
        assert_eq!(CpuCode::in_use(), first);
    }
}
