//! What is read from text is refused or understood, and what is shown of it is read back as the same.

use hob::{EnvGrant, FsGrant, GuestPath, NetGrant};

pub(crate) fn run(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    drop(hob::parse_bytes(&text));
    drop(hob::parse_duration(&text));
    drop(EnvGrant::parse(&text));
    if hob::escape_guest_text(&text, 100).chars().any(char::is_control) {
        return Err(format!("escaped text holds a control character: {text:?}"));
    }
    if let Ok(path) = GuestPath::new(&text) {
        same(&path, &GuestPath::new(path.as_str()))?;
        if path.as_str().split('/').any(|part| part == "..") {
            return Err(format!("a guest path climbs: {path}"));
        }
    }
    if let Ok(grant) = NetGrant::parse(&text) {
        same(&grant, &NetGrant::parse(&grant.to_string()))?;
    }
    if let Ok(grant) = FsGrant::parse(&text) {
        let spelled = format!("{}::{}:{}", grant.host, grant.guest, grant.access);
        // A host path that itself holds `::` has no spelling of its own.
        if !grant.host.contains("::") && !grant.host.ends_with(':') {
            same(&grant, &FsGrant::parse(&spelled))?;
        }
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
    first: &T,
    again: &Result<T, E>,
) -> Result<(), String> {
    match again {
        Ok(again) if again == first => Ok(()),
        other => Err(format!("{first:?} is shown and read back as {other:?}")),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "64MiB",
        "5s",
        "250ms",
        "1.5h",
        "A=B",
        "/a/b",
        "a/./b//c",
        ".",
        "./in::/data:rw",
        "x:ro",
        "https://*.example.com:443",
        "[GET,POST] http://a.b:8080/",
        "tcp://[::1]:22",
        "http://1.2.3.4",
        "https://xn--a.b",
        "\u{202e}abc\u{1b}[31m",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
