//! `hob eval`: a JSON request, a JSON response.

use std::io::{Read, Write};

use crate::args::EvalArgs;
use crate::grants;
use crate::report::{Done, Failure, HOST, print};
use crate::run::{compile_behind, load};

pub(crate) fn run(args: &EvalArgs) -> Done {
    let (host, log) = grants::host(&args.guest)?;
    let loaded = load(&host, &args.path)?;
    log.set_who(&loaded);
    let behavior = loaded.behavior()?;
    let request = request(&args.request, host.limits().request_bytes)?;
    let answer = match grants::recorder(&args.guest)? {
        Some(recorder) => behavior.eval_recorded(&request, recorder),
        None => behavior.eval(&request),
    };
    compile_behind(&loaded, &args.path, &args.guest);
    log.finish()?;
    let answer = answer?;
    if args.verdict {
        let verdict = hob::abi::json::verdict(&answer).map_err(hob::Error::from)?;
        print(&format!("{verdict}\n"))?;
    } else {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(&answer).and_then(|()| out.flush());
        written
            .map_err(|error| Failure::new(HOST, format!("failed to write to standard output: {error}")))?;
    }
    Ok(0)
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
