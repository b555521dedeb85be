//! A package is read whole or refused with problems; whatever is in its files, nothing panics, nothing outside is read, and
//! what is valid grants no more than it asks for.

use hob::package::{Origin, check};

/// Cuts the input into the files of a package: one byte chooses the format, `\xff` parts the files.
pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let (format, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (first % 3, rest));
    let names: [&str; 5] = match format {
        0 => ["hob.toml", "m.wat", "in.json", "out.json", "more"],
        1 => ["samuel-plugin.toml", "plugin.wasm", "a", "b", "c"],
        _ => ["manifest.toml", "policy.toml", "component.wasm", "schema/input.json", "schema/output.json"],
    };
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::create_dir(dir.path().join("schema")).map_err(|error| error.to_string())?;
    for (name, content) in names.iter().zip(rest.split(|byte| *byte == 0xff)) {
        std::fs::write(dir.path().join(name), content).map_err(|error| error.to_string())?;
    }
    let checked = check(dir.path());
    let shown = serde_json::to_string(&checked.report).map_err(|error| error.to_string())?;
    if shown.contains('\u{1b}') {
        return Err("text of the package reached the report as it was".into());
    }
    match checked.package {
        None if checked.report.problems.is_empty() => Err("no package, and no problem".into()),
        None => {
            // Every problem says whose rule it is and in which file.
            let vague = checked
                .report
                .problems
                .iter()
                .any(|problem| problem.file.is_empty() || problem.rule.is_empty());
            let known = checked
                .report
                .problems
                .iter()
                .all(|problem| matches!(problem.origin, Origin::Upstream | Origin::Hob));
            if vague || !known { Err("a problem says too little".into()) } else { Ok(()) }
        }
        Some(package) if package.request.0.allows(&package.policy) => Ok(()),
        Some(_) => Err("a package is granted more than it asks for".into()),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let wat = r#"(module (func (export "_start")))"#;
    let hob = "\0[package]\nname = \"a\"\nversion = \"1.0.0\"\nkind = \"tool\"\nmodule = \"m.wat\"\ninput-schema = \"in.json\"\n\
         [request]\nfs = [{ path = \"/w\", access = \"rw\" }]\nnet = [\"https://*.example.com\"]\n[policy]\nfs = [{ path = \"/w\" }]\n";
    let samuel = "\x01name = \"ab\"\nversion = \"1.0.0\"\nkind = \"wasm\"\n[wasm]\nmodule = \"plugin.wasm\"\nexports = [\"f\"]\n\
                  [runtime]\ntimeout = \"1s\"\n[capabilities.filesystem]\nread = [\"/workspace\"]\n";
    let scoot = "\x02name = \"a\"\ndescription = \"d\"\nentry = \"_start\"\ninput_schema = \"schema/input.json\"\n\
                 output_schema = \"schema/output.json\"\ncapabilities = [\"compute\"]\n";
    let join = |parts: &[&[u8]]| parts.join(&0xff);
    vec![
        join(&[
            hob.as_bytes(),
            wat.as_bytes(),
            b"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/x\"}}}",
        ]),
        join(&[samuel.as_bytes(), b"\0asm\x01\0\0\0"]),
        join(&[
            scoot.as_bytes(),
            b"capabilities = [\"compute\"]\n",
            b"\0asm\x01\0\0\0",
            b"{\"type\":\"object\"}",
            b"true",
        ]),
    ]
}
