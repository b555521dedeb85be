//! The only place that names Nickel: sources become files of its cache, a line of Nickel applies the contract, and its errors
//! become messages.
//!
//! What is forgotten here is forgotten on purpose: values of Nickel are freed by recursion as deep as they are, and the process
//! ends anyway.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use nickel_lang_core::cache::{
    CacheHub, IN_MEMORY_SOURCE_PATH_PREFIX, ImportResolver, InputFormat, SourcePath,
};
use nickel_lang_core::error::report::{ColorOpt, report_as_str};
use nickel_lang_core::error::{Error, EvalErrorKind, ImportErrorKind, NullReporter};
use nickel_lang_core::eval::cache::CacheImpl;
use nickel_lang_core::eval::{VirtualMachine, VmContext};
use nickel_lang_core::serialize::{ExportFormat, validate};

use crate::error::Refusal;
use crate::source::{Format, Source};
use crate::wire::{Asked, Reply, Task};

type Context = VmContext<CacheHub, CacheImpl>;

/// What Nickel says.
pub(super) fn answer(asked: Asked) -> Reply {
    let mut cache = CacheHub::new();
    // Granted sources lie in a root that no file system has; the others are known by their names alone.
    for grant in &asked.grants {
        add(&mut cache, &Path::new("/").join(grant.name()), grant);
    }
    let mut main = import(&mut cache, &asked.contract);
    if let (Task::Check, Some(config)) = (asked.task, &asked.config) {
        main = format!("let contract = {main} in ({}) | contract", import(&mut cache, config));
    }
    let main = cache.sources.add_string(SourcePath::Generated("check".into()), main);
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

fn add(cache: &mut CacheHub, name: &Path, source: &Source) {
    cache.sources.add_string(SourcePath::Path(name.to_owned(), format(source)), source.text().to_owned());
}

/// Adds a source and answers the expression that stands for it. Names are plain: there is nothing to escape.
fn import(cache: &mut CacheHub, source: &Source) -> String {
    add(cache, &PathBuf::from(source.name()), source);
    let format = match source.format() {
        Format::Nickel => "Nickel",
        Format::Json => "Json",
        Format::Toml => "Toml",
        Format::Yaml => "Yaml",
    };
    format!("import \"{IN_MEMORY_SOURCE_PATH_PREFIX}{}\" as '{format}", source.name())
}

fn format(source: &Source) -> InputFormat {
    match source.format() {
        Format::Nickel => InputFormat::Nickel,
        Format::Json => InputFormat::Json,
        Format::Toml => InputFormat::Toml,
        Format::Yaml => InputFormat::Yaml,
    }
}

type File = nickel_lang_core::files::FileId;

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
        Error::TypecheckError(_) => Refusal::Type,
        Error::ImportError(error) => match &**error {
            ImportErrorKind::ParseErrors(..) => Refusal::Syntax,
            _ => Refusal::Import,
        },
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
