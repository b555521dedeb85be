//! `hob call`: one exported function, with numbers.

use hob::{Sink, Value};

use crate::args::CallArgs;
use crate::grants;
use crate::report::{Done, Failure, HOST, USAGE, print, print_json};
use crate::run::{compile_behind, load};

pub(crate) fn run(args: &CallArgs) -> Done {
    let (host, _log) = grants::host(&args.guest)?;
    let loaded = load(&host, &args.path)?;
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
    if ty.params.len() != args.args.len() {
        return Err(Failure::new(
            USAGE,
            format!("`{export}` is {ty}; {} arguments were given", args.args.len()),
        ));
    }
    let values: Result<Vec<Value>, String> =
        ty.params.iter().zip(&args.args).map(|(ty, text)| Value::parse(*ty, text)).collect();
    let values = values.map_err(|error| Failure::new(USAGE, error))?;
    let results = loaded.call_with(&args.export, &values, Sink::Host, Sink::Host);
    compile_behind(&loaded, &args.path, &args.guest.engine, args.guest.limits.fuel.is_some());
    let results = results?;
    if args.json {
        let results: Vec<serde_json::Value> = results.iter().map(json).collect();
        print_json(&results)?;
    } else {
        let lines: String = results.iter().map(|value| format!("{value}\n")).collect();
        print(&lines)?;
    }
    Ok(0)
}

/// A number as JSON; a float that is no number as a string, for JSON has none.
fn json(value: &Value) -> serde_json::Value {
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
