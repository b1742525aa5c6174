//! The engine: everything that calls llama.cpp.

mod cache;
mod cost;
mod cpu;
mod draft_model;
mod drafting;
mod embedder;
mod kept;
mod pace;
mod sampler;
mod scheduler;
mod sequence;
mod session;
mod text;
mod threads;
mod vocabulary;

use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use cache::BATCH_TOKENS;
pub use cost::VerifyCurve;
pub use cpu::CpuCode;
use draft_model::DraftModel;
pub use embedder::{EmbeddingPlan, LlamaEmbedder};
use kept::{ENGINE_BUILD, Kept};
use llama_cpp_2::{
    llama_backend::LlamaBackend,
    model::{
        LlamaModel,
        params::{LlamaModelParams, LlamaSplitMode},
    },
    token::LlamaToken,
};
use scheduler::WORTH_KEEPING_TOKENS;
use serde::{Deserialize, Serialize};
use session::LlamaSession;
use threads::CoreUse;
pub use vocabulary::Vocabulary;

use super::{
    EngineStamp, FitPlan, FitWish, GpuLayers, KvType, LanguageModel, LlamaStamp, Message, ModelError, ModelFile,
    ModelScale, Session, TemplateSource,
    prefix::PrefixStore,
    template::{ChatTemplate, Segment},
};
use crate::progress::{Phase, Progress};

/// The trunk and sixteen completions at a time: more than that hardly raise the rate on a CPU.
const SEQUENCES: usize = 17;
/// Texts beyond this are not tokenized: they would fill any context.
const MAX_TEXT_BYTES: usize = 256 << 20;
/// How often loading looks at the cancel flag.
const LOAD_POLL: Duration = Duration::from_millis(50);

/// Whether drafts are made of text that a request expects to be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speculation {
    /// Where the model can take back what it has read.
    #[default]
    Copy,
    /// Never: one token at a time.
    Off,
}

/// How a model is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LlamaConfig {
    /// The context length in tokens; by default 8192, or less where the model was trained for less or memory is short.
    pub context_tokens: Option<u32>,
    /// How keys and values are stored; by default at half precision where memory allows.
    pub kv_type: Option<KvType>,
    /// Threads to compute with; by default the physical cores that nothing else keeps busy.
    pub threads: Option<u32>,
    /// Layers to put on the GPU.
    pub gpu_layers: GpuLayers,
    /// Whether to draft.
    pub speculation: Speculation,
    /// Where to keep what is worth keeping for the next process; by default nothing is.
    pub keep: Option<Keep>,
}

/// What is kept on disk between processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The folder, for files that can be deleted at any time.
    pub folder: PathBuf,
    /// The most that the states of prompts may take; 0 keeps none.
    pub prefix_bytes: u64,
}

/// A GGUF model that runs in this process.
pub struct LlamaCpp {
    model: LlamaModel,
    backend: &'static LlamaBackend,
    template: ChatTemplate,
    /// Tokens that are never chosen: control tokens that do not end the turn.
    control: Vec<bool>,
    name: String,
    file: String,
    digest: String,
    scale: ModelScale,
    threads: u32,
    plan: FitPlan,
    speculation: Speculation,
    curve: OnceLock<VerifyCurve>,
    kept: Option<Kept>,
    draft: Option<Box<DraftModel>>,
}

impl LlamaCpp {
    /// Loads a file whose hash and header were checked.
    ///
    /// # Errors
    /// [`ModelError::Load`] when llama.cpp refuses it, [`ModelError::Memory`] when it clearly does not fit, [`ModelError::Cancelled`] when `progress` says so.
    pub fn load(file: &ModelFile, config: &LlamaConfig, progress: &dyn Progress) -> Result<Self, ModelError> {
        let fail = |reason: String| ModelError::Load {
            file: file.path.display().to_string(),
            reason,
        };
        let backend = backend().map_err(|reason| fail(reason.to_owned()))?;
        let wish = FitWish {
            context_tokens: config.context_tokens,
            kv_type: config.kv_type,
            gpu_layers: config.gpu_layers,
        };
        let plan = FitPlan::for_this_machine(&file.header, wish);
        let core_use = CoreUse::begin();
        let model = load_weights(backend, file, &plan, progress)?;
        let threads = config.threads.unwrap_or_else(|| core_use.threads()).max(1);
        let vocab = model.vocab();
        let control: Vec<bool> = vocab
            .tokens()
            .map(|token| vocab.is_control(token) && !vocab.is_eog(token))
            .collect();
        if control.is_empty() {
            return Err(fail("it has no vocabulary".to_owned()));
        }
        let template = ChatTemplate::new(
            file.header.chat_template.as_deref(),
            text::special(&model, vocab.bos()),
            text::special(&model, vocab.eos()),
        );
        let kept = config
            .keep
            .as_ref()
            .map(|keep| Kept::new(keep, &file.sha256, &plan, threads));
        Ok(Self {
            backend,
            template,
            control,
            name: file.name.clone(),
            file: file.path.display().to_string(),
            digest: file.sha256.clone(),
            scale: ModelScale {
                parameters: Some(file.header.parameters),
                template: match file.header.chat_template {
                    Some(_) => TemplateSource::File,
                    None => TemplateSource::Missing,
                },
            },
            threads,
            plan,
            speculation: config.speculation,
            curve: OnceLock::new(),
            kept,
            draft: None,
            model,
        })
    }

    /// Lets a smaller model with the same vocabulary propose what this one writes, where text that is repeated has
    /// nothing to offer and it pays. What is written stays the same. A model that keeps a running state is not drafted for.
    ///
    /// # Errors
    /// [`ModelError::DraftModel`] when the vocabularies differ, or `draft` keeps a running state.
    pub fn with_draft_model(mut self, draft: Self) -> Result<Self, ModelError> {
        let draft = DraftModel::new(draft, &self)?;
        self.draft = self.can_draft().then(|| Box::new(draft));
        Ok(self)
    }

    /// Returns where the layers went.
    pub fn plan(&self) -> &FitPlan {
        &self.plan
    }

    /// Returns the number of threads that it computes with.
    pub fn threads(&self) -> u32 {
        self.threads
    }

    /// Returns whether drafts are checked: off where the model cannot take them back.
    pub fn speculation(&self) -> Speculation {
        match self.can_draft() {
            true => Speculation::Copy,
            false => Speculation::Off,
        }
    }

    /// Returns what passes cost, as an earlier process or the first sequence that drafted measured it.
    pub fn verify_curve(&self) -> Option<&VerifyCurve> {
        self.curve.get()
    }

    /// Returns a conversation as the model reads it, in the numbers of its vocabulary: to give an equal prompt to another
    /// engine.
    ///
    /// # Errors
    /// [`ModelError::Template`] when the chat template cannot be rendered.
    pub fn prompt_tokens(&self, messages: &[Message], assistant_prefix: &str) -> Result<Vec<i32>, ModelError> {
        let tokens = self.prompt(messages, assistant_prefix)?;
        Ok(tokens.into_iter().map(|token| token.0).collect())
    }

    fn draft_model(&self) -> Option<&DraftModel> {
        self.draft.as_deref()
    }

    /// Returns the SHA-256 of the draft model's file.
    pub(super) fn draft_digest(&self) -> Option<&str> {
        self.draft.as_ref().map(|draft| draft.model.digest.as_str())
    }

    /// Tells whether drafts can be taken back and are wanted.
    fn can_draft(&self) -> bool {
        self.speculation == Speculation::Copy && !self.keeps_running_state()
    }

    /// Tells whether the model keeps a state that cannot be turned back to an earlier token.
    fn keeps_running_state(&self) -> bool {
        self.model.is_recurrent() || self.model.is_hybrid()
    }

    /// Returns how many sequences a session has.
    fn sequences(&self) -> usize {
        if self.keeps_running_state() { 1 } else { SEQUENCES }
    }

    /// Returns what passes cost, if it was measured by now, here or by an earlier process.
    fn known_curve(&self) -> Option<&VerifyCurve> {
        if self.curve.get().is_none() {
            let found = self.kept.as_ref().and_then(Kept::read_curve)?;
            return Some(self.curve.get_or_init(|| found));
        }
        self.curve.get()
    }

    /// Keeps what passes cost, for later sessions and processes.
    fn keep_curve(&self, measured: &VerifyCurve) {
        if let Some(kept) = &self.kept {
            kept.write_curve(measured);
        }
        self.curve.get_or_init(|| measured.clone());
    }

    /// Returns where the states of prompts are kept, if they are.
    fn prefixes(&self) -> Option<&PrefixStore> {
        // A state that cannot be cut would fit one prompt only.
        let kept = self.kept.as_ref().filter(|_| !self.keeps_running_state())?;
        kept.prefixes.as_ref()
    }

    /// Renders and tokenizes a conversation, and the beginning of the assistant's turn.
    fn prompt(&self, messages: &[Message], assistant_prefix: &str) -> Result<Vec<LlamaToken>, ModelError> {
        let segments = self.template.render(messages)?;
        let bytes: usize = segments.iter().map(|segment| segment.text().len()).sum();
        if bytes.saturating_add(assistant_prefix.len()) > MAX_TEXT_BYTES {
            return Err(ModelError::ContextFull {
                // No token of any vocabulary in use spells more than 256 bytes.
                prompt_tokens: bytes / 256,
                context_tokens: self.context_tokens(),
            });
        }
        let vocab = self.model.vocab();
        let mut tokens = Vec::new();
        for segment in &segments {
            match segment {
                Segment::Template(text) => vocab.tokenize_into(text.as_bytes(), &mut tokens, false, true),
                Segment::Content(text) => vocab.tokenize_into(text.as_bytes(), &mut tokens, false, false),
            }
        }
        vocab.tokenize_into(assistant_prefix.as_bytes(), &mut tokens, false, false);
        if vocab.should_add_bos() && tokens.first() != Some(&vocab.bos()) {
            tokens.insert(0, vocab.bos());
        }
        Ok(tokens)
    }
}

impl LanguageModel for LlamaCpp {
    fn scale(&self) -> ModelScale {
        self.scale
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn digest(&self) -> &str {
        &self.digest
    }

    fn engine(&self) -> EngineStamp {
        let cpu_code = CpuCode::in_use().as_str();
        let stamp = LlamaStamp::new(self, ENGINE_BUILD, cpu_code, self.sequences(), BATCH_TOKENS);
        EngineStamp::Llama(stamp)
    }

    fn context_tokens(&self) -> usize {
        self.plan.context_tokens as usize
    }

    fn least_kept_tokens(&self) -> Option<usize> {
        self.prefixes().map(|_| WORTH_KEEPING_TOKENS)
    }

    fn count_tokens(&self, text: &str) -> usize {
        if text.len() > MAX_TEXT_BYTES {
            return text.len();
        }
        self.model.vocab().tokenize(text.as_bytes(), false, false).len()
    }

    fn count_conversation(&self, messages: &[Message]) -> Result<usize, ModelError> {
        self.prompt(messages, "").map(|tokens| tokens.len())
    }

    fn session(&self) -> Result<Box<dyn Session + '_>, ModelError> {
        Ok(Box::new(LlamaSession::new(self)?))
    }
}

/// Initializes llama.cpp, once in the life of the process, and keeps its log lines off the terminal.
fn backend() -> Result<&'static LlamaBackend, &'static str> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            CpuCode::in_use();
            let mut backend = LlamaBackend::init().map_err(|error| error.to_string())?;
            backend.void_logs();
            Ok(backend)
        })
        .as_ref()
        .map_err(String::as_str)
}

/// Loads on another thread, so that this one can report progress and pass the cancel flag on.
fn load_weights(
    backend: &LlamaBackend,
    file: &ModelFile,
    plan: &FitPlan,
    progress: &dyn Progress,
) -> Result<LlamaModel, ModelError> {
    if let Some((needed_bytes, free_bytes)) = plan.shortage() {
        return Err(ModelError::Memory {
            file: file.path.display().to_string(),
            needed_bytes,
            free_bytes,
        });
    }
    let thousandths = Arc::new(AtomicU32::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    progress.begin(Phase::Load, 1000);
    let loaded = thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let (thousandths_there, stop_there) = (Arc::clone(&thousandths), Arc::clone(&stop));
        scope.spawn(move || {
            let params = LlamaModelParams::default()
                .with_n_gpu_layers(plan.gpu_layers)
                .with_split_mode(LlamaSplitMode::Layer)
                // On the CPU llama.cpp repacks weights into buffers of its own; mapped, the file's pages would stay
                // resident beside them and the model would be in memory twice.
                .with_use_mmap(plan.gpu_layers > 0)
                .with_progress_callback(move |fraction| {
                    thousandths_there.store((fraction * 1000.0) as u32, Ordering::Relaxed);
                    !stop_there.load(Ordering::Relaxed)
                });
            // A closed channel means that nobody waits any more.
            let _ = sender.send(LlamaModel::load_from_file(backend, &file.path, &params));
        });
        loop {
            match receiver.recv_timeout(LOAD_POLL) {
                Ok(loaded) => break loaded.map_err(|error| error.to_string()),
                Err(RecvTimeoutError::Timeout) => {
                    progress.advance(Phase::Load, thousandths.load(Ordering::Relaxed).into());
                    if progress.cancelled() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break Err("the loading thread ended early".to_owned()),
            }
        }
    });
    progress.end(Phase::Load);
    if stop.load(Ordering::Relaxed) {
        return Err(ModelError::Cancelled);
    }
    loaded.map_err(|error| ModelError::Load {
        file: file.path.display().to_string(),
        reason: format!(
            "llama.cpp refused it ({error}); its architecture is {:?}",
            file.header.architecture
        ),
    })
}
