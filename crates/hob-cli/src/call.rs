//! `hob call`: one exported function, with numbers, or with JSON where the module is a plugin.

use hob::package::Kind;
use hob::{Answer, Called, Host, Loaded, Plugin, PluginForm, Sink, Value};
use serde_json::json;

use crate::args::CallArgs;
use crate::behind::compile_behind;
use crate::eval::request;
use crate::grants;
use crate::report::{Done, Failure, HOST, USAGE, print, print_json, write_bytes};
use crate::subject::{self, Subject};

pub(crate) fn run(args: &CallArgs) -> Done {
    let Subject { host, log, loaded } = subject::open(&args.path, &args.guest)?;
    if let Some(refused) = refused(&loaded, &args.export) {
        return Err(refused);
    }
    let done = match loaded.plugin() {
        Ok(plugin) => match form(&plugin, &args.export) {
            Some(form) => call_plugin(&plugin, form, args, &host),
            None => call_numbers(&loaded, args, &host),
        },
        Err(error) if args.report || is_plugin(&loaded) => Err(subject::explain(&loaded, error)),
        Err(_) => call_numbers(&loaded, args, &host),
    };
    compile_behind(&loaded, &args.path, &args.guest);
    log.finish()?;
    done
}

/// Why a function of a package is not called: it is none that the package declares, so no schema would hold for it.
fn refused(loaded: &Loaded, export: &str) -> Option<Failure> {
    let package = loaded.package()?;
    let kind = package.kind.name();
    let why = match package.kind {
        Kind::Module => return None,
        Kind::Plugin => {
            if package.exports.is_empty() || package.exports.iter().any(|own| own.name == export) {
                return None;
            }
            let own: Vec<String> =
                package.exports.iter().map(|own| hob::escape_guest_text(&own.name, 128)).collect();
            format!(
                "no function is exported as `{}` and declared by the package; it declares {}",
                hob::escape_guest_text(export, 128),
                own.join(", ")
            )
        }
        Kind::Behavior => format!("the package is a {kind}; `hob eval` asks it"),
        Kind::Tool(hob::ToolKind::Tool) | Kind::Command => {
            format!("the package is a {kind}; `hob run` runs it")
        }
        Kind::Tool(_) => format!("the package is a {kind}; `hob hook` drives it"),
    };
    Some(Failure::new(HOST, why))
}

fn is_plugin(loaded: &Loaded) -> bool {
    loaded.package().is_some_and(|package| package.kind == Kind::Plugin)
}

fn form(plugin: &Plugin, export: &str) -> Option<PluginForm> {
    plugin.functions().find(|(name, _)| *name == export).map(|(_, form)| form)
}

fn call_plugin(plugin: &Plugin, form: PluginForm, args: &CallArgs, host: &Host) -> Done {
    let limit = host.limits().request_bytes;
    let request = match (form, args.args.as_slice()) {
        (PluginForm::Plain, []) => None,
        (PluginForm::Json, [text]) => Some(request(text, limit)?),
        (PluginForm::Json, []) if args.json => Some(request("-", limit)?),
        (PluginForm::Plain, _) => return Err(usage(args, "takes no arguments")),
        (PluginForm::Json, _) => {
            return Err(usage(args, "takes one JSON request; `-` reads it from standard input"));
        }
    };
    let called = plugin.call_with(&args.export, request.as_deref(), grants::recorder(&args.guest, host)?)?;
    if args.report { report(called) } else { show_called(called, args) }
}

fn usage(args: &CallArgs, why: &str) -> Failure {
    Failure::new(USAGE, format!("`{}` {why}", hob::escape_guest_text(&args.export, 128)))
}

/// Everything that came of a call, as one JSON object.
fn report(called: Called) -> Done {
    let lines: Vec<serde_json::Value> =
        called.log.iter().map(|line| json!({"level": line.level, "message": line.message})).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let callbacks: Vec<serde_json::Value> = called
        .callbacks
        .iter()
        .map(|callback| json!({"name": callback.name, "payload": text(&callback.payload)}))
        .collect();
    let mut object = json!({"log": lines, "dropped": called.dropped, "callbacks": callbacks});
    let (key, value) = match &called.answer {
        Ok(Answer::Values(values)) => ("values", values.iter().map(number).collect()),
        Ok(Answer::Json(bytes)) => {
            ("response", serde_json::from_slice(bytes).unwrap_or_else(|_| text(bytes).into()))
        }
        Err(error) => ("error", error.to_string().into()),
    };
    if let Some(object) = object.as_object_mut() {
        object.insert(key.into(), value);
    }
    print_json(&object)?;
    called.answer.map_or_else(|error| Ok(error.exit_code()), |_| Ok(0))
}

/// Prints what a plugin answered. What it logged goes to standard error, marked as the plugin's.
fn show_called(called: Called, args: &CallArgs) -> Done {
    for line in &called.log {
        eprintln!("[{}] {}", line.level, line.message);
    }
    if called.dropped > 0 {
        eprintln!("hob: {} more log lines were dropped", called.dropped);
    }
    for callback in &called.callbacks {
        eprintln!("[callback {}] {}", callback.name, hob::escape_guest_bytes(&callback.payload, 4096));
    }
    match called.answer? {
        Answer::Values(values) if args.json => print_json(&values.iter().map(number).collect::<Vec<_>>())?,
        Answer::Values(values) => {
            print(&values.iter().map(|value| format!("{value}\n")).collect::<String>())?;
        }
        Answer::Json(bytes) => {
            write_bytes(&[bytes.as_slice(), b"\n"].concat())?;
        }
    }
    Ok(0)
}

fn call_numbers(loaded: &Loaded, args: &CallArgs, host: &Host) -> Done {
    let export = hob::escape_guest_text(&args.export, 128);
    let Some(ty) = loaded.module().info().exported_func(&args.export) else {
        let functions: Vec<String> = loaded
            .module()
            .info()
            .exports
            .iter()
            .filter(|each| matches!(each.ty, hob::engine::ExternType::Func(_)))
            .map(|each| hob::escape_guest_text(&each.name, 128))
            .take(20)
            .collect();
        let have = if functions.is_empty() {
            "it exports none".into()
        } else {
            format!("it exports {}", functions.join(", "))
        };
        return Err(Failure::new(HOST, format!("no function is exported as `{export}`; {have}")));
    };
    let numbers = &args.args;
    if ty.params.len() != numbers.len() {
        return Err(Failure::new(
            USAGE,
            format!("`{export}` is {ty}; {} arguments were given", numbers.len()),
        ));
    }
    let values: Result<Vec<Value>, String> =
        ty.params.iter().zip(numbers).map(|(ty, text)| Value::parse(*ty, text)).collect();
    let values = values.map_err(|error| Failure::new(USAGE, error))?;
    let recorder = grants::recorder(&args.guest, host)?;
    let results = loaded.call_recorded(&args.export, &values, Sink::Host, Sink::Host, recorder)?;
    if args.json {
        print_json(&results.iter().map(number).collect::<Vec<_>>())?;
    } else {
        let lines: String = results.iter().map(|value| format!("{value}\n")).collect();
        print(&lines)?;
    }
    Ok(0)
}

/// A number as JSON; a float that is no number as a string, for JSON has none.
fn number(value: &Value) -> serde_json::Value {
    let float = |number: f64| match serde_json::Number::from_f64(number) {
        Some(number) => serde_json::Value::Number(number),
        None => serde_json::Value::String(number.to_string()),
    };
    match *value {
        Value::I32(number) => number.into(),
        Value::I64(number) => number.into(),
        Value::F32(number) => float(number.into()),
        Value::F64(number) => float(number),
    }
}
