//! The only place that names Nickel: sources become files of its cache, a line of Nickel applies the contract, and its errors
//! become messages.
//!
//! What is forgotten here is forgotten on purpose: values of Nickel are freed by recursion as deep as they are, and the process
//! ends anyway.

use std::mem::ManuallyDrop;
use std::path::Path;

use nickel_lang_core::cache::{CacheHub, ImportResolver, InputFormat, SourcePath};
use nickel_lang_core::error::report::{ColorOpt, report_as_str};
use nickel_lang_core::error::{Error, EvalErrorKind, ImportErrorKind, NullReporter, TypecheckErrorKind};
use nickel_lang_core::eval::cache::CacheImpl;
use nickel_lang_core::eval::{VirtualMachine, VmContext};
use nickel_lang_core::serialize::{ExportFormat, validate};

use crate::error::Refusal;
use crate::source::{Format, Source};
use crate::wire::{Asked, Reply, Task};

type Context = VmContext<CacheHub, CacheImpl>;
type File = nickel_lang_core::files::FileId;

/// What the line that applies the contract is called. No source can have this name.
const MAIN: &str = "<check>";

/// What Nickel says.
pub(super) fn answer(asked: Asked) -> Reply {
    let mut cache = CacheHub::new();
    for source in asked.grants.iter().chain([&asked.contract]).chain(&asked.config) {
        add(&mut cache, source.name(), input_format(source.format()), source.text());
    }
    let contract = import(&asked.contract);
    let main = match (asked.task, &asked.config) {
        (Task::Check, Some(config)) => {
            format!("let contract = {contract} in ({}) | contract", import(config))
        }
        _ => contract,
    };
    let main = add(&mut cache, MAIN, InputFormat::Nickel, &main);
    let mut context = ManuallyDrop::new(Context::new(cache, std::io::sink(), NullReporter {}));
    let done = match asked.task {
        Task::Contract => head(&mut context, main).map(|()| "null".to_owned()),
        Task::Check => export(&mut context, main),
    };
    match done {
        Ok(json) => Reply::Done(json),
        Err(error) => {
            let refusal = refusal(&error);
            let mut files = context.import_resolver.files().clone();
            Reply::Refused { refusal, message: report_as_str(&mut files, error, ColorOpt::Never) }
        }
    }
}

/// Adds a source. Messages call it by its name, and it lies in the root for whoever imports it: what is not there, Nickel looks
/// for in the file system, where the worker can open nothing.
fn add(cache: &mut CacheHub, name: &str, format: InputFormat, text: &str) -> File {
    let named = SourcePath::Path(name.into(), format);
    let file = cache.sources.add_string(named.clone(), text.to_owned());
    let rooted = SourcePath::Path(Path::new("/").join(name), format);
    if let Some(entry) = cache.sources.file_ids.remove(&named) {
        cache.sources.file_ids.insert(rooted.clone(), entry);
        cache.sources.file_paths.insert(file, rooted);
    }
    file
}

/// The expression that stands for a source. Names are plain: there is nothing to escape.
fn import(source: &Source) -> String {
    let format = match source.format() {
        Format::Nickel => "Nickel",
        Format::Json => "Json",
        Format::Toml => "Toml",
        Format::Yaml => "Yaml",
    };
    format!("import \"{}\" as '{format}", source.name())
}

fn input_format(format: Format) -> InputFormat {
    match format {
        Format::Nickel => InputFormat::Nickel,
        Format::Json => InputFormat::Json,
        Format::Toml => InputFormat::Toml,
        Format::Yaml => InputFormat::Yaml,
    }
}

/// Evaluates as far as it takes to know what it is.
fn head(context: &mut Context, main: File) -> Result<(), Error> {
    let value = context.prepare_eval(main)?;
    let value = VirtualMachine::new(context).eval_closure(value.into())?;
    let _forgotten = ManuallyDrop::new(value);
    Ok(())
}

fn export(context: &mut Context, main: File) -> Result<String, Error> {
    let value = context.prepare_eval(main)?;
    let value = VirtualMachine::new(context).eval_full_for_export_closure(value.into())?;
    let value = ManuallyDrop::new(value);
    let refused = |data| Error::export_error(context.pos_table.clone(), data);
    validate(ExportFormat::Json, &value).map_err(refused)?;
    serde_json::to_string(&*value).map_err(|error| {
        let text = nickel_lang_core::error::ExportErrorKind::Other(error.to_string());
        Error::export_error(context.pos_table.clone(), text)
    })
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::ParseErrors(_) => Refusal::Syntax,
        Error::TypecheckError(error) => match error.borrow_error() {
            TypecheckErrorKind::ImportError(error) => import_refusal(error),
            _ => Refusal::Type,
        },
        Error::ImportError(error) => import_refusal(error),
        Error::EvalError(error) => match &error.error {
            // A field that the contract requires and nobody defines is a violation as well.
            EvalErrorKind::BlameError { .. } | EvalErrorKind::MissingFieldDef { .. } => Refusal::Contract,
            EvalErrorKind::ParseError(_) => Refusal::Syntax,
            EvalErrorKind::SerializationError(_) => Refusal::Export,
            _ => Refusal::Evaluation,
        },
        Error::ExportError(_) => Refusal::Export,
        Error::IOError(_) | Error::ReplError(_) => Refusal::Evaluation,
    }
}

/// Contract and configuration are imported as well: one that does not parse is no wrong import.
fn import_refusal(error: &ImportErrorKind) -> Refusal {
    match error {
        ImportErrorKind::ParseErrors(..) => Refusal::Syntax,
        _ => Refusal::Import,
    }
}
