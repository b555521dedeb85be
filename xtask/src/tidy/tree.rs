//! Rules about the tree as a whole: every guest has a host test, every limit is documented, the documents are there.

use super::Finding;

/// Documents a reader may count on.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/README.md",
    "docs/limits.md",
    "docs/features.md",
    "docs/abi/json.md",
    "docs/abi/command.md",
    "docs/abi/actor.md",
];

/// Where the names of limits are.
const LIMITS: &str = "crates/hob-cap/src/limits.rs";

pub(super) fn check(files: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        if text(files, document).is_none() {
            findings.push(Finding::new(document, 1, "the document is missing"));
        }
    }
    findings.extend(guests(files));
    findings.extend(limits(files));
    findings
}

/// A guest that no host test names is a guest nobody runs.
fn guests(files: &[(String, String)]) -> Vec<Finding> {
    let tests: Vec<&str> = files
        .iter()
        .filter(|(file, _)| file.starts_with("crates/") && file.contains("/tests/") && file.ends_with(".rs"))
        .map(|(_, text)| text.as_str())
        .collect();
    let mut findings = Vec::new();
    for (file, _) in files {
        let mut parts = file.split('/');
        let (Some("guests"), Some(name), Some(source)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if !source.starts_with("guest.") {
            continue;
        }
        if !["command-", "tool-", "plugin-", "json-", "actor-", "hostile-"]
            .iter()
            .any(|contract| name.starts_with(contract))
        {
            findings.push(Finding::new(
                file,
                1,
                "a guest is named <contract>-<what>: command-…, tool-…, plugin-…, json-…, actor-… or hostile-…",
            ));
        }
        let named = format!("\"{name}\"");
        // A test that runs one guest in every language names it without the language.
        let family = name.rsplit_once('-').map(|(family, _)| format!("\"{family}-{{language}}\""));
        let tested = |text: &&str| {
            text.contains(&named) || family.as_ref().is_some_and(|family| text.contains(family))
        };
        if !tests.iter().any(tested) {
            findings.push(Finding::new(file, 1, format!("no host test names {named}")));
        }
    }
    findings
}

fn limits(files: &[(String, String)]) -> Vec<Finding> {
    let (Some(code), Some(document)) = (text(files, LIMITS), text(files, "docs/limits.md")) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        let Some(name) = line.split("row(\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        if !document.contains(&format!("`{name}`")) {
            findings.push(Finding::new(LIMITS, number, format!("limit `{name}` is not in docs/limits.md")));
        }
    }
    findings
}

fn text<'a>(files: &'a [(String, String)], name: &str) -> Option<&'a str> {
    files.iter().find(|(file, _)| file == name).map(|(_, text)| text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(extra: &[(&str, &str)]) -> Vec<String> {
        let documents = DOCUMENTS.iter().map(|document| ((*document).into(), "`memory`".into()));
        let extra = extra.iter().map(|(file, text)| ((*file).into(), (*text).into()));
        let files: Vec<(String, String)> = documents.chain(extra).collect();
        check(&files).into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn a_guest_without_a_host_test_is_found() {
        let guest = ("guests/json-a-c/guest.c", "");
        assert_eq!(rules(&[guest]), ["guests/json-a-c/guest.c"]);
        assert!(rules(&[guest, ("crates/a/tests/t.rs", "run(\"json-a-c\")")]).is_empty());
        assert!(rules(&[guest, ("crates/a/tests/t.rs", "format!(\"json-a-{language}\")")]).is_empty());
        assert_eq!(rules(&[("guests/odd/guest.c", ""), ("crates/a/tests/t.rs", "\"odd\"")]).len(), 1);
    }

    #[test]
    fn a_limit_without_a_line_is_found() {
        assert!(rules(&[(LIMITS, "row(\"memory\", …)")]).is_empty());
        assert_eq!(rules(&[(LIMITS, "row(\"other\", …)")]), [LIMITS]);
    }

    #[test]
    fn a_missing_document_is_found() {
        assert_eq!(check(&[]).len(), DOCUMENTS.len());
    }
}
