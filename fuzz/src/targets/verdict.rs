//! A response is a yes only if its `ok` is true, whatever else is in it.

use hob::abi::json::verdict;

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let read = verdict(bytes);
    let text = String::from_utf8_lossy(bytes);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(()) };
    let object = match value {
        serde_json::Value::Object(object) => object,
        serde_json::Value::Null => return expect(read == Ok(false), &text, &read),
        _ => return expect(read.is_err(), &text, &read),
    };
    // With several spellings of the name the order counts, which this model does not keep.
    let spellings: Vec<&serde_json::Value> =
        object.iter().filter(|(key, _)| key.to_lowercase() == "ok").map(|(_, value)| value).collect();
    match spellings.as_slice() {
        [] => expect(read == Ok(false), &text, &read),
        [serde_json::Value::Bool(yes)] => {
            expect(read == Ok(*yes) || text.matches("ok").count() > 1, &text, &read)
        }
        _ => Ok(()),
    }
}

fn expect(holds: bool, text: &str, read: &impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{text:?} is read as {read:?}")) }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"ok":true}"#,
        r#"{"ok":false,"x":[1,2,{"y":null}]}"#,
        r#"{"OK":true}"#,
        "null",
        "[true]",
        r#"{"ok":null}"#,
        r#"{"ok":1e999}"#,
        r#" {"a":"\ud800","ok":true} "#,
        r#"{"ok":true}x"#,
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
