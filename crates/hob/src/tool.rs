//! A tool: JSON in, JSON out, held to the schemas of its package.

use hob_abi::tool;
use hob_os::{SharedBuffer, Sink, Source};
use hob_package::{Kind, Schema};
use serde_json::Value;

use crate::command::Command;
use crate::error::{Error, ErrorKind};
use crate::loaded::Loaded;
use crate::package;
use crate::record::Recorder;

pub use hob_abi::tool::{Decision, Kind as ToolKind};

/// Characters of what a tool wrote to standard error that an error shows.
const STDERR_CHARS_MAX: usize = 2000;

/// A module used under the tool contract. Each request runs in a process of its own.
///
/// ```
/// # let echo = br#"(module
/// #     (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
/// #     (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
/// #     (memory (export "memory") 1) (data (i32.const 0) "\10\00\00\00\00\01\00\00")
/// #     (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
/// #         (i32.store (i32.const 4) (i32.load (i32.const 8)))
/// #         (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;
/// let host = hob::Host::builder().stdio().build()?;
/// let tool = host.load_bytes("echo", echo)?.tool()?;
/// assert_eq!(tool.invoke(&serde_json::json!({"a": 1}))?.value(), Some(&serde_json::json!({"a": 1})));
/// # Ok::<(), hob::Error>(())
/// ```
#[derive(Clone)]
pub struct Tool {
    command: Command,
    kind: ToolKind,
    input: Option<Schema>,
    output: Option<Schema>,
}

/// What a tool answered.
///
/// ```
/// assert_eq!(hob::ToolAnswer::new(b"{\"a\":1}\n".to_vec(), Vec::new()).value(), Some(&serde_json::json!({"a": 1})));
/// assert_eq!(hob::ToolAnswer::new(b"plain text".to_vec(), Vec::new()).value(), None);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAnswer {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    value: Option<Value>,
}

impl ToolAnswer {
    /// An answer from what was written.
    ///
    /// ```
    /// assert_eq!(hob::ToolAnswer::new(b"1".to_vec(), b"log".to_vec()).stderr(), b"log");
    /// ```
    #[must_use]
    pub fn new(stdout: Vec<u8>, stderr: Vec<u8>) -> Self {
        let value = serde_json::from_slice(&stdout).ok();
        Self { stdout, stderr, value }
    }

    /// The answer as JSON, if it is that.
    ///
    /// ```
    /// assert!(hob::ToolAnswer::new(b"[]".to_vec(), Vec::new()).value().is_some());
    /// ```
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// The bytes of the answer.
    ///
    /// ```
    /// assert_eq!(hob::ToolAnswer::new(b"x".to_vec(), Vec::new()).stdout(), b"x");
    /// ```
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// What it wrote besides.
    ///
    /// ```
    /// assert!(hob::ToolAnswer::new(b"x".to_vec(), Vec::new()).stderr().is_empty());
    /// ```
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }
}

impl Tool {
    pub(crate) fn new(command: Command, loaded: &Loaded) -> Result<Self, Error> {
        let Some(package) = loaded.package() else {
            return Ok(Self { command, kind: ToolKind::Tool, input: None, output: None });
        };
        let kind = match package.kind {
            Kind::Tool(kind) => kind,
            Kind::Command | Kind::Module => ToolKind::Tool,
            other => {
                let why = format!("{} is a {}, and no tool", package.title(), other.name());
                return Err(Error::new(ErrorKind::WrongKind(why)));
            }
        };
        Ok(Self { command, kind, input: package.input.clone(), output: package.output.clone() })
    }

    /// What the tool is for.
    ///
    /// ```
    /// # let host = hob::Host::builder().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// assert_eq!(tool.kind(), hob::ToolKind::Tool);
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn kind(&self) -> ToolKind {
        self.kind
    }

    /// Hands the tool a request and returns its answer. Both are held to the schemas of the package.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// assert_eq!(tool.invoke(&serde_json::json!({}))?.stdout(), b"");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When request or answer do not fit, the tool ends with another code than 0, or a fault ends it.
    pub fn invoke(&self, request: &Value) -> Result<ToolAnswer, Error> {
        self.invoke_recorded(request, None)
    }

    /// As [`Tool::invoke`], recorded.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().recordable().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// let recorder = hob::Recorder::new(tempfile::tempfile().unwrap());
    /// assert_eq!(tool.invoke_recorded(&serde_json::json!({}), Some(recorder))?.stdout(), b"");
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tool::invoke`], and when the record cannot be begun.
    pub fn invoke_recorded(&self, request: &Value, recorder: Option<Recorder>) -> Result<ToolAnswer, Error> {
        if let Some(schema) = &self.input {
            schema
                .validate(request)
                .map_err(|violation| Error::new(ErrorKind::Schema { input: true, violation }))?;
        }
        let (stdout, stderr) = (SharedBuffer::default(), SharedBuffer::default());
        let mut run = self
            .command
            .start()
            .stdin(Source::Bytes(tool::line(request)))
            .stdout(Sink::Buffer(stdout.clone()))
            .stderr(Sink::Buffer(stderr.clone()));
        if let Some(recorder) = recorder {
            run = run.record(recorder);
        }
        let code = run.wait()?;
        let answer = ToolAnswer::new(stdout.take(), stderr.take());
        if code != 0 {
            let stderr = hob_cap::escape_guest_bytes(&answer.stderr, STDERR_CHARS_MAX);
            return Err(Error::new(ErrorKind::ToolFailed { code, stderr }));
        }
        if let Some(schema) = self.output.as_ref().filter(|_| self.kind != ToolKind::Audit) {
            package::fits(schema, &answer.stdout, false)?;
        }
        Ok(answer)
    }

    /// Asks a compressor for what stands in for the messages that are left out.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// // A tool that says nothing is an error, and the caller falls back.
    /// assert!(tool.compress(&serde_json::json!({"version": 1, "kind": "compressor"})).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tool::invoke`], and when the request or the answer is not what a compressor is given and gives.
    pub fn compress(&self, request: &Value) -> Result<String, Error> {
        self.compress_recorded(request, None)
    }

    /// As [`Tool::compress`], recorded.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().recordable().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// let recorder = hob::Recorder::new(Vec::new());
    /// assert!(tool.compress_recorded(&serde_json::json!({"kind": "compressor"}), Some(recorder)).is_err());
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tool::compress`], and when the record cannot be begun.
    pub fn compress_recorded(&self, request: &Value, recorder: Option<Recorder>) -> Result<String, Error> {
        tool::check_request(ToolKind::Compressor, request)?;
        Ok(tool::marker(&self.invoke_recorded(request, recorder)?.stdout)?)
    }

    /// Asks a policy about an action. Whatever goes wrong denies it.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start") unreachable))"#)?.tool()?;
    /// let request = serde_json::json!({"version": 1, "kind": "policy", "action": "shell"});
    /// assert!(matches!(tool.decide(&request), hob::Decision::Deny { .. }));
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn decide(&self, request: &Value) -> Decision {
        self.decide_recorded(request, None)
    }

    /// As [`Tool::decide`], recorded. A record that cannot be made denies.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// let request = serde_json::json!({"version": 1, "kind": "policy", "action": "shell"});
    /// let decision = tool.decide_recorded(&request, Some(hob::Recorder::new(Vec::new())));
    /// assert!(matches!(decision, hob::Decision::Deny { .. }));
    /// # Ok::<(), hob::Error>(())
    /// ```
    #[must_use]
    pub fn decide_recorded(&self, request: &Value, recorder: Option<Recorder>) -> Decision {
        let checked = tool::check_request(ToolKind::Policy, request).map_err(Error::from);
        match checked.and_then(|()| self.invoke_recorded(request, recorder)) {
            Ok(answer) => tool::decision(&answer.stdout),
            Err(error) => Decision::Deny {
                reason: format!(
                    "the policy could not be asked: {}",
                    hob_cap::escape_guest_text(&error.to_string(), 400)
                ),
            },
        }
    }

    /// Tells an audit tool what happened.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// tool.observe(&serde_json::json!({"version": 1, "kind": "observation"}))?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the tool did not take it. It changes nothing: what happened has happened.
    pub fn observe(&self, request: &Value) -> Result<(), Error> {
        self.observe_recorded(request, None)
    }

    /// As [`Tool::observe`], recorded.
    ///
    /// ```
    /// # let host = hob::Host::builder().stdio().recordable().build()?;
    /// # let tool = host.load_bytes("m", br#"(module (func (export "_start")))"#)?.tool()?;
    /// let recorder = hob::Recorder::new(Vec::new());
    /// tool.observe_recorded(&serde_json::json!({"version": 1, "kind": "observation"}), Some(recorder))?;
    /// # Ok::<(), hob::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Tool::observe`], and when the record cannot be begun.
    pub fn observe_recorded(&self, request: &Value, recorder: Option<Recorder>) -> Result<(), Error> {
        tool::check_request(ToolKind::Audit, request)?;
        self.invoke_recorded(request, recorder).map(drop)
    }
}
