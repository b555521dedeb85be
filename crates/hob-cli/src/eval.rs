//! `hob eval`: a JSON request, a JSON response.

use std::io::Read;

use hob::{Answer, Host, Loaded};

use crate::args::EvalArgs;
use crate::behind::compile_behind;
use crate::grants;
use crate::report::{Done, Failure, HOST, print, write_bytes};
use crate::subject::{self, Subject};

pub(crate) fn run(args: &EvalArgs) -> Done {
    let Subject { host, log, loaded } = subject::open(&args.path, &args.guest)?;
    let answer = answer(&loaded, args, &host);
    compile_behind(&loaded, &args.path, &args.guest);
    log.finish()?;
    let answer = answer?;
    if args.verdict {
        let verdict = hob::abi::json::verdict(&answer).map_err(hob::Error::from)?;
        print(&format!("{verdict}\n"))?;
    } else {
        write_bytes(&answer)?;
    }
    Ok(0)
}

fn answer(loaded: &Loaded, args: &EvalArgs, host: &Host) -> Result<Vec<u8>, Failure> {
    let request = request(&args.request, host.limits().request_bytes)?;
    let recorder = grants::recorder(&args.guest, host)?;
    if let Some(export) = &args.export {
        return match loaded.plugin()?.call_with(export, Some(&request), recorder)?.answer? {
            Answer::Json(bytes) => Ok(bytes),
            Answer::Values(_) => Err(Failure::new(HOST, "the function answers numbers, and no JSON")),
        };
    }
    let behavior = loaded.behavior()?;
    Ok(match recorder {
        Some(recorder) => behavior.eval_recorded(&request, recorder)?,
        None => behavior.eval(&request)?,
    })
}

/// A request as it was given, or from standard input.
pub(crate) fn request(text: &str, limit: u64) -> Result<Vec<u8>, Failure> {
    if text != "-" {
        return Ok(text.as_bytes().to_vec());
    }
    let mut request = Vec::new();
    // One byte more than is allowed is enough to be refused for it.
    let read = std::io::stdin().lock().take(limit.saturating_add(1)).read_to_end(&mut request);
    read.map_err(|error| Failure::new(HOST, format!("failed to read standard input: {error}")))?;
    Ok(request)
}
