//! Asks the service it was granted for a title: `{"url": "https://…"}` becomes `{"status": 200, "title": "…"}`. Which
//! hosts it can reach is not for it to say.

use std::cell::RefCell;

#[link(wasm_import_module = "hob")]
unsafe extern "C" {
    fn http(request: *const u8, len: usize) -> u64;
}

thread_local! {
    /// What was handed to the host or by it stays until the instance ends.
    static KEPT: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

fn keep(bytes: Vec<u8>) -> *mut u8 {
    let mut bytes = bytes.into_boxed_slice();
    let at = bytes.as_mut_ptr();
    KEPT.with_borrow_mut(|kept| kept.push(bytes));
    at
}

#[unsafe(no_mangle)]
extern "C" fn samuel_alloc(len: u32) -> *mut u8 {
    keep(vec![0; len.max(1) as usize])
}

#[unsafe(no_mangle)]
extern "C" fn samuel_protocol_version() -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn health() -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn title(at: *const u8, len: u32) -> u64 {
    let request = unsafe { std::slice::from_raw_parts(at, len as usize) };
    // The host has checked the request against its schema: it is an object with the one member `url`.
    let asked = format!(r#"{{"method":"GET","headers":[["accept","text/html"]],{}"#, members(request));
    let packed = unsafe { http(asked.as_ptr(), asked.len()) };
    let (len, at) = ((packed >> 32) as usize, packed as u32 as usize);
    let response = String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(at as *const u8, len) }).into_owned();
    let answer = match after(&response, "\"status\":") {
        Some(status) => {
            let title = after(&response, "<title>").and_then(|rest| rest.split("</title>").next()).unwrap_or("");
            let status: String = status.chars().take_while(char::is_ascii_digit).collect();
            format!(r#"{{"status":{status},"title":"{title}"}}"#)
        }
        // What the host says of a failure is JSON already.
        None => response,
    };
    let len = answer.len() as u64;
    (keep(answer.into_bytes()) as u64) << 32 | len
}

/// The members of an object, with its closing brace.
fn members(object: &[u8]) -> String {
    String::from_utf8_lossy(object).trim().trim_start_matches('{').to_owned()
}

fn after<'a>(text: &'a str, what: &str) -> Option<&'a str> {
    text.split_once(what).map(|(_, rest)| rest)
}
