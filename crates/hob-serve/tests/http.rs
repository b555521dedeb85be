//! What the server answers, and to whom it does not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod common;

use common::{DOOR, LAMP, Place, exchange, raw};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn who_does_not_know_the_word_gets_nothing() {
    let place = Place::serve(DOOR);
    for path in ["/", "/state", "/0123456789abcdef0123456789abcdef/state", &format!("/{}", place.token)] {
        let answer = exchange(&place.address, "GET", path, &[("Host", &place.address)], "");
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains(&place.token) && !answer.body.contains("door"));
    }
    assert_ne!(place.token, Place::serve(DOOR).token);
    assert_eq!(place.token.len(), 32);
    assert!(place.address.starts_with("127.0.0.1:"));
}

#[test]
fn names_of_others_that_point_here_are_refused() {
    let place = Place::serve(DOOR);
    let path = format!("/{}/state", place.token);
    let port = place.address.split_once(':').unwrap().1;
    let check = |headers: &[(&str, &str)], expected: u16| {
        assert_eq!(exchange(&place.address, "GET", &path, headers, "").status, expected, "{headers:?}");
    };
    check(&[("Host", &format!("127.0.0.1:{port}"))], 200);
    check(&[("Host", &format!("localhost:{port}"))], 200);
    check(&[("Host", &format!("evil.example:{port}"))], 421);
    check(&[("Host", "127.0.0.1")], 421);
    check(&[("Host", &format!("127.0.0.1:{port}")), ("Host", "evil.example")], 421);
    let absolute = format!("GET http://evil.example{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(raw(&place.address, &absolute).status, 421);
}

#[test]
fn pages_of_others_are_refused() {
    let place = Place::serve(DOOR);
    let own = format!("http://{}", place.address);
    let fire = r#"{"event": "push"}"#;
    let check = |method: &str, headers: &[(&str, &str)], expected: u16| {
        let (path, body) = if method == "POST" { ("fire", fire) } else { ("state", "") };
        assert_eq!(place.send(method, path, headers, body).status, expected, "{method} {headers:?}");
    };
    check("GET", &[("Origin", "http://evil.example")], 403);
    check("GET", &[("Sec-Fetch-Site", "cross-site")], 403);
    check("GET", &[("Sec-Fetch-Site", "same-site")], 403);
    check("POST", &[("Origin", "http://evil.example"), JSON], 403);
    check("POST", &[("Origin", "null"), JSON], 403);
    check("POST", &[JSON], 403);
    check("POST", &[("Origin", &own), ("Content-Type", "text/plain")], 415);
    check("POST", &[("Origin", &own)], 415);
    check("PUT", &[("Origin", &own), JSON], 405);
    check("OPTIONS", &[("Origin", "http://evil.example")], 403);
    let state = place.get("state").json();
    assert_eq!(state["play"]["configuration"], json!(["shut"]), "none of these did anything");
    check("POST", &[("Origin", &own), JSON], 200);
    assert_eq!(place.get("state").json()["play"]["configuration"], json!(["open"]));
}

#[test]
fn every_answer_keeps_the_page_to_itself() {
    let place = Place::serve(DOOR);
    for path in ["", "page.js", "page.css", "chart.css", "chart.svg", "state", "nothing"] {
        let answer = place.get(path);
        let policy = answer.head.lines().find(|line| line.starts_with("content-security-policy: ")).unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}");
        for header in
            ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "cache-control: no-store"]
        {
            assert!(answer.head.contains(header), "{path}");
        }
    }
    let page = place.get("").body;
    for forbidden in ["http://", "https://", "style=", "onclick", "onload", "<style"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let place = Place::serve(DOOR);
    let limit = 1 << 20;
    let fire = |size: usize| {
        let rest = r#"{"event": "push", "data": ""}"#.len();
        place.post("fire", &format!(r#"{{"event": "push", "data": "{}"}}"#, "x".repeat(size - rest))).status
    };
    assert_eq!((fire(limit), fire(limit + 1)), (200, 413));
    // Announced, and never sent.
    let origin = format!("http://{}", place.address);
    let huge = ("Content-Length", "99999999999");
    assert_eq!(place.send("POST", "load", &[("Origin", &origin), JSON, huge], "").status, 413);
    // In pieces, without saying how much.
    let head = format!(
        "POST /{}/fire HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        place.token, place.address
    );
    let piece = format!("{:x}\r\n{}\r\n", limit / 2, "x".repeat(limit / 2));
    assert_eq!(raw(&place.address, &format!("{head}{}", piece.repeat(3))).status, 413);
    let long = format!("/{}/{}", place.token, "x".repeat(100_000));
    let answer = exchange(&place.address, "GET", &long, &[("Host", &place.address)], "");
    assert!([414, 431].contains(&answer.status), "{}", answer.status);
    assert_eq!(place.get("state").status, 200);
}

#[test]
fn a_machine_that_is_none_is_told_with_its_problems() {
    let place = Place::serve(DOOR);
    let check = |text: &str, expected: &[(&str, &str)]| {
        let answer = place.post("load", text);
        assert_eq!(answer.status, 422, "{text}");
        let state = answer.json();
        let problems: Vec<(&str, &str)> = state["problems"].as_array().unwrap().iter().map(two).collect();
        assert_eq!(problems, expected, "{text}");
        // The machine that was there is still there.
        assert_eq!(state["play"]["name"], "door");
    };
    check("{", &[("not_json", "")]);
    check("[]", &[("wrong_type", "")]);
    check(&format!("{}{}", "[".repeat(200), "]".repeat(200)), &[("nesting", "")]);
    check(
        r#"{"name": "m", "initial": "a", "hasInitial": true, "states": [{"name": "a", "children": [{"name": "b",
            "transitions": [{"from": "b", "to": "c", "on": "e"}]}], "initialChild": "b"}]}"#,
        &[("undeclared_target", "/states/0/children/0/transitions/0/to")],
    );
    check(
        r#"{"name": "m", "initial": "a", "hasInitial": true, "states": [{"name": "a", "transitions": [
            {"from": "a", "to": "a", "on": "", "eventLess": true, "reenter": true}]}]}"#,
        &[("start", "")],
    );
    assert_eq!(place.post("load", &format!("{{\"x\":\"{}\"}}", "y".repeat(8 << 20))).status, 413);
    let loaded = place.post("load", LAMP);
    assert_eq!((loaded.status, &loaded.json()["play"]["name"]), (200, &json!("lamp")));
    let nothing = Place::serve("nothing");
    assert_eq!(nothing.get("state").json()["play"], Value::Null);
    assert_eq!(nothing.post("fire", r#"{"event": "x"}"#).status, 200);
}

fn two(problem: &Value) -> (&str, &str) {
    (problem["code"].as_str().unwrap(), problem["at"].as_str().unwrap())
}

#[test]
fn what_cannot_be_read_is_refused() {
    let place = Place::serve(DOOR);
    let check = |path: &str, body: &str, expected: u16| {
        assert_eq!(place.post(path, body).status, expected, "{path} {body}");
    };
    check("fire", "", 400);
    check("fire", "{", 400);
    check("fire", r#"{"event": {}}"#, 400);
    check("fire", r#"{"event": "push", "extra": 1}"#, 400);
    check("go", r#"{"to": 7}"#, 400);
    check("go", r#"{"to": -1}"#, 400);
    check("guard", r#"{"name": "nobody", "yes": true}"#, 400);
    check("advance", r#"{"nanos": 1e99}"#, 400);
    check("nothing", "{}", 404);
    check("state", "{}", 404);
}

/// What comes from SCXML runs with its data model; what it sends itself comes by the clock.
#[test]
fn scxml_is_played_with_its_data() {
    let place = Place::serve(DOOR);
    let step = |path: &str, body: &str| place.post(path, body).json()["play"].clone();
    let play = step(
        "load",
        "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='ecmascript' name='till'>
           <datamodel><data id='sum' expr='0'/><data id='price' expr='3'/></datamodel>
           <state id='waits'>
             <transition event='coin' cond='_event.data &gt; 0'><assign location='sum' expr='sum + _event.data'/>
               <send event='count'/><send event='lost' delay='2s'><param name='sum' expr='sum'/></send></transition>
             <transition event='count' cond='sum &gt;= price' target='enough'><log label='paid' expr='sum'/></transition>
             <transition event='lost'><assign location='sum' expr='_event.data.sum * 100'/></transition>
           </state>
           <state id='enough'/>
         </scxml>",
    );
    assert_eq!((&play["name"], &play["guards"]), (&json!("till"), &json!([])));
    assert_eq!((&play["context"]["sum"], &play["context"]["price"]), (&json!(0), &json!(3)));

    let play = step("fire", r#"{"event": "coin", "data": 0}"#);
    assert_eq!((&play["context"]["sum"], &play["configuration"]), (&json!(0), &json!(["waits"])));
    let play = step("fire", r#"{"event": "coin", "data": 1}"#);
    assert_eq!((&play["context"]["sum"], &play["configuration"]), (&json!(1), &json!(["waits"])));
    let came: Vec<_> =
        play["moments"].as_array().unwrap().iter().map(|it| (&it["event"], &it["byClock"])).collect();
    assert_eq!(came[2..], [(&json!("coin"), &json!(false)), (&json!("count"), &json!(true))]);
    assert_eq!(play["timers"][0]["left"], 2_000_000_000_i64);
    let play = step("advance", r#"{"nanos": null}"#);
    assert_eq!((&play["context"]["sum"], &play["now"]), (&json!(100), &json!(2_000_000_000_i64)));
    let play = step("fire", r#"{"event": "coin", "data": 2}"#);
    assert_eq!(play["configuration"], json!(["enough"]));
    assert_eq!(
        play["step"]["effects"][0],
        json!({"name": "scxml.log", "value": {"label": "paid", "value": 102}})
    );

    // What is given takes the place of data of that name, and of nothing else.
    let play = step("restart", r#"{"context": {"price": 1, "_name": "other"}}"#);
    assert_eq!((&play["context"]["price"], &play["context"]["_name"]), (&json!(1), &json!("till")));
    let refused = place.post("restart", r#"{"context": 1}"#);
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("a JSON object, by their names"), "{}", refused.body);
    let play = step("fire", r#"{"event": "coin", "data": 1}"#);
    assert_eq!(play["configuration"], json!(["enough"]));

    // What is no SCXML is told with its place.
    let answer =
        place.post("load", "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0'><nonsense>");
    assert_eq!(answer.status, 422);
    let xstate = r#"{"id": "x", "initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {}}}"#;
    assert_eq!(place.post("load", xstate).json()["play"]["configuration"], json!(["a"]));
}

#[test]
fn a_machine_is_played_with() {
    let place = Place::serve(DOOR);
    let step = |path: &str, body: Value| place.post(path, &body.to_string()).json()["play"].clone();
    let enabled = |play: &Value| -> Vec<String> {
        let events = play["events"].as_array().unwrap().iter().filter(|event| event["enabled"] == true);
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    };
    let play = place.get("state").json()["play"].clone();
    assert_eq!((play["version"].as_str(), enabled(&play)), (Some("2.1.0"), vec!["push".to_owned()]));
    assert_eq!(play["context"], json!({"tries": {"left": 3}}));

    let play = step("guard", json!({"name": "unlocked", "yes": false}));
    assert!(enabled(&play).is_empty());
    let play = step("fire", json!({"event": "push"}));
    assert_eq!(play["step"]["error"], "guard \"unlocked\" said no");
    assert_eq!(play["configuration"], json!(["shut"]));

    step("guard", json!({"name": "unlocked", "yes": true}));
    let play = step("fire", json!({"event": "push", "data": {"force": 2}}));
    assert_eq!(play["active"], json!(["/states/1"]));
    assert_eq!(play["step"]["effects"][0], json!({"name": "creak", "value": {}}));
    assert_eq!(play["step"]["data"], json!({"force": 2}));
    assert_eq!(play["timers"][0]["left"], 3_000_000_000_i64);

    let play = step("advance", json!({"nanos": 1_000_000_000_i64}));
    assert_eq!(
        (&play["now"], &play["timers"][0]["left"]),
        (&json!(1_000_000_000_i64), &json!(2_000_000_000_i64))
    );
    assert_eq!(play["moments"].as_array().unwrap().len(), 3, "nothing happened but time");
    let play = step("advance", json!({"nanos": null}));
    assert_eq!((&play["configuration"], &play["now"]), (&json!(["shut"]), &json!(3_000_000_000_i64)));
    assert_eq!(
        (&play["moments"][3]["event"], &play["moments"][3]["byClock"]),
        (&json!("close"), &json!(true))
    );
    assert_eq!(play["timers"], json!([]));

    // Back, and on from there: what came after is forgotten.
    let play = step("go", json!({"to": 2}));
    assert_eq!((&play["configuration"], &play["at"]), (&json!(["open"]), &json!(2)));
    assert_eq!(play["moments"].as_array().unwrap().len(), 4);
    let play = step("fire", json!({"event": "pull"}));
    assert_eq!(play["step"]["trace"]["assignsApplied"], json!(["count"]));
    assert_eq!((play["moments"].as_array().unwrap().len(), &play["timers"]), (4, &json!([])));

    let play = step("restart", json!({"context": {"other": true}}));
    assert_eq!((&play["context"], play["moments"].as_array().unwrap().len()), (&json!({"other": true}), 1));
}
