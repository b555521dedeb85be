//! The structure of a binary module, in the words of Scoot's own decoder, as far as they are known.
//!
//! It looks at sections, counts and indices, never at bodies; full validation follows by other rules.

/// Names of the sections, by number.
const NAMES: [&str; 13] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data_count",
];

/// How many of each thing a module has, as the decoder counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Sections, custom ones too.
    pub sections: u32,
    /// Types.
    pub types: u32,
    /// Imported functions.
    pub imports: u32,
    /// Functions it defines.
    pub functions: u32,
    /// Bodies.
    pub codes: u32,
    /// Exports.
    pub exports: u32,
    /// Data segments.
    pub data: u32,
}

/// What is wrong with the structure, if anything.
pub(super) fn problem(wasm: &[u8]) -> Option<String> {
    structure(wasm).err()
}

/// Decodes the structure of a module.
///
/// # Errors
///
/// What is wrong with it, in the words of Scoot's decoder.
pub fn structure(wasm: &[u8]) -> Result<Structure, String> {
    if wasm.len() < 8 {
        return Err("wasm file is too small".into());
    }
    let (head, rest) = wasm.split_at_checked(8).unwrap_or_default();
    if !head.starts_with(b"\0asm") {
        return Err("wasm magic bytes are invalid".into());
    }
    if !head.ends_with(&[1, 0, 0, 0]) {
        return Err("wasm version must be 1".into());
    }
    let mut reader = Reader(rest);
    let mut shape = Shape::default();
    let mut last = 0;
    let mut seen = [false; 13];
    let mut sections = 0;
    while let Some(id) = reader.byte() {
        let Some(name) = NAMES.get(usize::from(id)) else {
            return Err(format!("unknown wasm section id {id}"));
        };
        sections += 1;
        let size = reader.u32(&format!("section {name} size"))?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let payload = reader.take(size).ok_or_else(|| format!("section {name} payload truncated"))?;
        if id == 0 {
            continue;
        }
        let place = place(id);
        if let Some(seen) = seen.get_mut(usize::from(id)) {
            if *seen {
                return Err(format!("duplicate section {name}"));
            }
            *seen = true;
        }
        if place < last {
            return Err(format!("section {name} appears out of order"));
        }
        last = place;
        let mut section = Reader(payload);
        if shape.read(id, &mut section)? && !section.0.is_empty() {
            return Err(format!("section {name} has trailing bytes"));
        }
    }
    shape.finish()?;
    Ok(Structure {
        sections,
        types: shape.types,
        imports: shape.imported,
        functions: shape.functions.unwrap_or(0),
        codes: shape.codes.unwrap_or(0),
        exports: shape.exports,
        data: shape.data,
    })
}

/// The place of a section: the data count stands between element and code.
fn place(id: u8) -> u8 {
    match id {
        12 => 10,
        10 => 11,
        11 => 12,
        id => id,
    }
}

#[derive(Default)]
struct Shape {
    types: u32,
    imported: u32,
    functions: Option<u32>,
    codes: Option<u32>,
    exports: u32,
    data: u32,
}

impl Shape {
    /// Reads what is needed of a section; says whether it read all of it.
    fn read(&mut self, id: u8, section: &mut Reader<'_>) -> Result<bool, String> {
        match id {
            1 => {
                let count = section.u32("type count")?;
                self.types = count;
                // Each type is looked into only as far as its end must be found.
                for _ in 0..count {
                    if section.byte() != Some(0x60) {
                        return Ok(false);
                    }
                    for what in ["parameter", "result"] {
                        for _ in 0..section.u32(&format!("function {what} count"))? {
                            match section.byte() {
                                Some(0x7b..=0x7f) => {}
                                Some(other) => {
                                    return Err(format!(
                                        "function {what} type: invalid value type {other:#04x}"
                                    ));
                                }
                                None => return Err(format!("function {what} type: EndOfStream")),
                            }
                        }
                    }
                }
                Ok(true)
            }
            2 => {
                for _ in 0..section.u32("import count")? {
                    if section.name().and_then(|()| section.name()).is_none() {
                        return Ok(false);
                    }
                    match section.byte() {
                        Some(0) => {
                            let index = section.u32("import type index")?;
                            self.check_type(index, "import type")?;
                            self.imported += 1;
                        }
                        Some(1) => {
                            section.byte();
                            section.limits("table")?;
                        }
                        Some(2) => section.limits("memory")?,
                        Some(3) => drop(section.take(2)),
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            3 => {
                let count = section.u32("function count")?;
                for _ in 0..count {
                    let index = section.u32("function type index")?;
                    self.check_type(index, "function type")?;
                }
                self.functions = Some(count);
                Ok(true)
            }
            7 => {
                self.exports = section.u32("export count")?;
                for _ in 0..self.exports {
                    if section.name().is_none() {
                        return Ok(false);
                    }
                    let kind = section.byte();
                    let index = section.u32("export index")?;
                    if kind == Some(0) && index >= self.all_functions() {
                        return Err(format!("export index {index} out of bounds for function"));
                    }
                }
                Ok(true)
            }
            5 => {
                for _ in 0..section.u32("memory count")? {
                    section.limits("memory")?;
                }
                Ok(true)
            }
            8 => {
                let index = section.u32("start function index")?;
                if index >= self.all_functions() {
                    return Err(format!("start function index {index} out of bounds"));
                }
                Ok(true)
            }
            10 => {
                self.codes = Some(section.u32("code count")?);
                Ok(false)
            }
            11 => {
                self.data = section.u32("data count")?;
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    fn check_type(&self, index: u32, what: &str) -> Result<(), String> {
        if index < self.types { Ok(()) } else { Err(format!("{what} index {index} out of bounds")) }
    }

    fn all_functions(&self) -> u32 {
        self.imported.saturating_add(self.functions.unwrap_or(0))
    }

    fn finish(&self) -> Result<(), String> {
        match (self.functions.unwrap_or(0), self.codes) {
            (0, None) => Ok(()),
            (_, None) => Err("function section is present without code section".into()),
            (functions, Some(codes)) if functions == codes => Ok(()),
            (functions, Some(codes)) => {
                Err(format!("function section count {functions} does not match code section count {codes}"))
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(front)
    }

    fn u32(&mut self, what: &str) -> Result<u32, String> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let wrong = |why: &str| format!("{what}: invalid or truncated u32 LEB128 ({why})");
            let byte = self.byte().ok_or_else(|| wrong("EndOfStream"))?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| wrong("Overflow"));
            }
        }
        Err(format!("{what}: invalid or truncated u32 LEB128 (Overflow)"))
    }

    fn limits(&mut self, what: &str) -> Result<(), String> {
        let flags = self.byte().unwrap_or_default();
        if flags > 3 {
            return Err(format!("{what} limits: invalid limits flags {flags}"));
        }
        self.u32(&format!("{what} limits minimum"))?;
        if flags & 1 == 1 {
            self.u32(&format!("{what} limits maximum"))?;
        }
        Ok(())
    }

    fn name(&mut self) -> Option<()> {
        let len = self.u32("name").ok()?;
        self.take(usize::try_from(len).ok()?).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_described_in_upstreams_words() {
        let check = |tail: &[u8], want: Option<&str>| {
            let wasm = [b"\0asm\x01\0\0\0".as_slice(), tail].concat();
            assert_eq!(problem(&wasm).as_deref(), want, "{tail:?}");
        };
        check(&[], None);
        check(&[1, 1], Some("section type payload truncated"));
        check(&[13, 0], Some("unknown wasm section id 13"));
        check(&[1, 1, 0, 1, 1, 0], Some("duplicate section type"));
        check(&[3, 1, 0, 1, 1, 0], Some("section type appears out of order"));
        check(&[1, 2, 0, 0], Some("section type has trailing bytes"));
        check(&[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0], Some("function section is present without code section"));
        check(&[3, 2, 1, 0], Some("function type index 0 out of bounds"));
        check(&[7, 5, 1, 1, b'a', 0, 0], Some("export index 0 out of bounds for function"));
        check(&[8, 1, 0], Some("start function index 0 out of bounds"));
        check(&[1, 5, 1, 0x60, 0, 1, 0x6f], Some("function result type: invalid value type 0x6f"));
        assert_eq!(problem(b"\0asm").as_deref(), Some("wasm file is too small"));
        assert_eq!(problem(b"MZ\0\0\x01\0\0\0").as_deref(), Some("wasm magic bytes are invalid"));
        assert_eq!(problem(b"\0asm\x0d\0\x01\0").as_deref(), Some("wasm version must be 1"));
    }
}
