//! A schema is refused or enforced; what it lets through it lets through again, and nothing it says moves a cursor.

use hob::package::Schema;

/// One line of schema, one of value.
pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let mut json = || serde_json::from_slice::<serde_json::Value>(parts.next().unwrap_or_default()).ok();
    let (Some(schema), Some(value)) = (json(), json()) else { return Ok(()) };
    match Schema::new(&schema, "s.json") {
        Err(error) if error.to_string().chars().any(char::is_control) => {
            Err(format!("{error:?} is not fit to show"))
        }
        Err(_) => Ok(()),
        Ok(schema) => match (schema.validate(&value), schema.validate(&value)) {
            (Err(violation), _) if violation.to_string().chars().any(char::is_control) => {
                Err(format!("{violation:?} is not fit to show"))
            }
            (first, second) if first == second => Ok(()),
            _ => Err("one value fits and does not".into()),
        },
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}\n{\"a\":1}",
        "{\"oneOf\":[{\"const\":1},{\"enum\":[2,3]}]}\n2",
        "{\"pattern\":\"^a+$\",\"maxLength\":3}\n\"aaa\"",
        "{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"items\":{\"$ref\":\"#/$defs/x\"}}}}\n[[[]]]",
    ];
    seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}
