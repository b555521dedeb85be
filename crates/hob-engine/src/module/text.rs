//! The text format: read so that `hob` takes `.wat` wherever it takes `.wasm`.

use crate::error::LoadError;

/// Turns the text format into the binary format; binary input comes back as it is.
///
/// ```
/// let wasm = hob_engine::wasm_from_text(b"(module)")?;
/// assert!(wasm.starts_with(b"\0asm"));
/// # Ok::<(), hob_engine::LoadError>(())
/// ```
///
/// # Errors
///
/// When the input is neither, or the text is not well-formed; the message carries line and column.
pub fn wasm_from_text(input: &[u8]) -> Result<std::borrow::Cow<'_, [u8]>, LoadError> {
    if input.starts_with(b"\0asm") {
        return Ok(input.into());
    }
    // Only text that could be a module reaches the parser: a stray file should be told what it is not.
    let text = std::str::from_utf8(input).map_err(|_| LoadError::NotWasm)?;
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    if !(trimmed.starts_with('(') || trimmed.starts_with(";;")) {
        return Err(LoadError::NotWasm);
    }
    match wat::parse_str(text) {
        Ok(binary) => Ok(binary.into()),
        Err(error) => Err(LoadError::Text(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_binary_and_neither() {
        assert_eq!(wasm_from_text(b"\0asm\x01\0\0\0").map(|wasm| wasm.len()), Ok(8));
        assert!(wasm_from_text(b"  ;; a comment\n(module)").is_ok());
        assert_eq!(wasm_from_text(b"\x7fELF"), Err(LoadError::NotWasm));
        assert_eq!(wasm_from_text(b"hello"), Err(LoadError::NotWasm));
        assert_eq!(wasm_from_text(b""), Err(LoadError::NotWasm));
        assert!(matches!(wasm_from_text(b"(module"), Err(LoadError::Text(_))));
    }
}
