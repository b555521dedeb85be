//! Any text as a machine of another format is read or refused; what was read can be checked, and written again.

use hob_machine::convert::{Converted, scxml, xstate};
use hob_machine::{Chart, Document, Refused, ecmascript};

type Import = fn(&str) -> Result<Converted<Document>, Refused>;
type Export = fn(&Document) -> Result<Converted<String>, Refused>;

pub(super) fn scxml(input: &[u8]) -> Result<(), String> {
    check(input, scxml::import, scxml::export)
}

pub(super) fn xstate(input: &[u8]) -> Result<(), String> {
    check(input, xstate::import, xstate::export)
}

fn check(input: &[u8], import: Import, export: Export) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let Ok(imported) = import(&text) else { return Ok(()) };
    // What is in it of ECMAScript ends, whatever it is.
    drop(ecmascript::begin(&imported.result));
    // Most of what is mutated is no machine that could run; to say so is all that is asked.
    let loads = Chart::load(&imported.result).is_ok();
    for export in [scxml::export as Export, xstate::export as Export] {
        let written = export(&imported.result);
        if loads && written.is_err() {
            return Err(format!("what can be loaded cannot be written: {}", imported.result));
        }
    }
    let Ok(written) = export(&imported.result) else { return Ok(()) };
    match import(&written.result) {
        Ok(_) => Ok(()),
        Err(refused) if loads => Err(format!("what was written is not read: {refused}\n{}", written.result)),
        Err(_) => Ok(()),
    }
}

pub(super) fn scxml_seeds() -> Vec<Vec<u8>> {
    let machines = [
        r##"<scxml xmlns="http://www.w3.org/2005/07/scxml" initial="a"><state id="a"><onentry><raise event="x"/><send event="y" delay="1s" id="t"/><if cond="x &lt; 1"><log expr="x"/><else/><assign location="x" expr="2"/></if></onentry><transition event="e f.*" cond="In('b') &amp;&amp; !In('c')" target="b c"/></state><parallel id="p"><history id="h" type="deep"><transition target="b c"/></history><state id="r" initial="b"><state id="b"/></state><state id="s"><initial><transition target="c"><cancel sendid="t"/></transition></initial><final id="c"/></state></parallel></scxml>"##,
        r##"<scxml xmlns="http://www.w3.org/2005/07/scxml" datamodel="ecmascript"><datamodel><data id="x" expr="1"/></datamodel><state><invoke type="scxml" id="i"><content><scxml/></content><finalize/></invoke><transition event="*" type="internal"/></state><script>y = 1</script></scxml>"##,
        r##"<!DOCTYPE a [<!ENTITY b "c">]><scxml>&b;</scxml>"##,
    ];
    machines.iter().map(|machine| machine.as_bytes().to_vec()).collect()
}

pub(super) fn xstate_seeds() -> Vec<Vec<u8>> {
    let machines = [
        r##"{"id":"m","initial":"a","context":{"n":1},"states":{"a":{"on":{"E":"b","F":[{"target":".x","guard":{"type":"xstate.and","guards":["g",{"type":"xstate.stateIn","stateValue":"#m.b"}]}},{"actions":{"type":"xstate.raise","event":{"type":"G"},"delay":5}}],"*":null},"after":{"10":"b","later":"b"},"initial":"x","states":{"x":{}},"invoke":{"src":"s","onDone":"b","onError":{"target":"#m.b"}}},"b":{"type":"parallel","states":{"r":{"initial":"x","states":{"x":{"type":"final"},"h":{"type":"history","history":"deep","target":"x"}},"onDone":{"actions":"z"}}},"always":{"guard":"no","target":"a"}}}}"##,
        r##"{"type":"parallel","entry":{"type":"xstate.assign","assignment":{}},"states":{"a":{"on":{"x.y":"b","x":{"target":["a","b"],"reenter":true}}},"b":{"tags":["t"],"meta":{"k":1},"output":2}}}"##,
    ];
    machines.iter().map(|machine| machine.as_bytes().to_vec()).collect()
}
