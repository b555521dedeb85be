//! Names of files inside a package: relative, plain, and the same on every system.

/// Whether a text is a safe relative path: no root, no drive, no `.` or `..` or hidden segment, no empty one.
pub(crate) fn is_safe(path: &str) -> bool {
    let segments_safe =
        path.split(['/', '\\']).all(|segment| !segment.is_empty() && !segment.starts_with('.'));
    !path.is_empty() && !path.contains(':') && segments_safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_paths_stay_below() {
        let check = |path: &str, safe| assert_eq!(is_safe(path), safe, "{path}");
        check("component.wasm", true);
        check("a/b/c.json", true);
        check("sub\\component.wasm", true);
        check("", false);
        check("/a", false);
        check("\\a", false);
        check("a/", false);
        check("a//b", false);
        check("../a", false);
        check("a/../b", false);
        check("./a", false);
        check(".a", false);
        check("a/.b", false);
        check("C:a", false);
        check("//srv/x", false);
    }
}
