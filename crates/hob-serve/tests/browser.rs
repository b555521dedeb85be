//! The page in a real browser: Debian's Chromium, without a window, driven through the W3C's WebDriver protocol.
//!
//! `cargo xtask test` installs it. What is clicked is what a person would click; what is read is what the browser made of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{DOOR, LAMP, Place, exchange};
use serde_json::{Value, json};

const DRIVER: &str = "/usr/bin/chromedriver";
/// How a found element is named in WebDriver.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(20);

struct Browser {
    driver: Child,
    address: String,
    session: String,
    _home: tempfile::TempDir,
}

impl Browser {
    fn open(url: &str) -> Self {
        let driver =
            Command::new(DRIVER).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver =
            driver.unwrap_or_else(|error| panic!("{DRIVER}: {error}; cargo xtask test installs it"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let home = tempfile::tempdir().unwrap();
        let profile = format!("--user-data-dir={}", home.path().display());
        let mut browser = Self {
            driver,
            address: format!("127.0.0.1:{}", port.unwrap()),
            session: String::new(),
            _home: home,
        };
        let flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &profile];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": flags},
            "goog:loggingPrefs": {"browser": "ALL"}}}});
        let made = browser.ask("POST", "", &wanted);
        browser.session = made["sessionId"].as_str().unwrap().into();
        browser.ask("POST", "/window/rect", &json!({"width": 1400, "height": 1000}));
        browser.ask("POST", "/url", &json!({"url": url}));
        browser
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = match self.session.as_str() {
            "" => "/session".to_owned(),
            session => format!("/session/{session}{path}"),
        };
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = exchange(&self.address, method, &path, &[("Host", &self.address)], &body);
        let value = answer.json()["value"].clone();
        assert_eq!(answer.status, 200, "{path} {body}: {value}");
        value
    }

    fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Waits until an expression of the page has this value.
    fn until(&self, expression: &str, expected: &Value) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.run(&format!("return {expression};"));
            if found == *expected {
                return;
            }
            assert!(Instant::now() < end, "{expression} is {found} and not {expected}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn element(&self, css: &str) -> String {
        let found = self.ask("POST", "/element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap().into()
    }

    /// A real click: in the middle of the element, and only when nothing is in front of it.
    fn click(&self, css: &str) {
        self.ask("POST", &format!("/element/{}/click", self.element(css)), &json!({}));
    }

    fn keys(&self, css: &str, text: &str) {
        self.ask("POST", &format!("/element/{}/value", self.element(css)), &json!({"text": text}));
    }

    /// The names of the states that are marked in the chart.
    fn lit(&self, expected: &[&str]) {
        let names = "[...document.querySelectorAll('#chart .state.active')].map((s) => s.dataset.name)";
        self.until(names, &json!(expected));
    }

    /// Nothing was blocked, nothing failed.
    fn no_complaints(&self) {
        let log = self.ask("POST", "/se/log", &json!({"type": "browser"}));
        // Browsers look for an icon on their own, and answers that say no are in the log too.
        let ours = |entry: &&Value| {
            let message = entry["message"].as_str().unwrap_or_default();
            !message.contains("favicon.ico") && !message.contains("status of 422")
        };
        let complaints: Vec<&Value> = log.as_array().unwrap().iter().filter(ours).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            exchange(
                &self.address,
                "DELETE",
                &format!("/session/{}", self.session),
                &[("Host", &self.address)],
                "",
            );
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn a_person_plays_with_a_machine() {
    let place = Place::serve(DOOR);
    let page = Browser::open(&place.url());
    page.until("document.querySelector('#name').textContent", &json!("door"));
    page.lit(&["shut"]);
    let enabled = "[...document.querySelectorAll('#events .enabled')].map((b) => b.textContent)";
    page.until(enabled, &json!(["push"]));

    // The highlight moves, and its colour is another: the style was allowed.
    let fill = |name: &str| {
        page.run(&format!(
            "return getComputedStyle(document.querySelector('#chart [data-name=\"{name}\"] .box')).fill"
        ))
    };
    page.click("#events [data-event='\"push\"']");
    page.lit(&["open"]);
    page.until(enabled, &json!(["pull", "close"]));
    std::thread::sleep(Duration::from_millis(400));
    assert_ne!(fill("open"), fill("shut"));
    page.until("document.querySelector('#effects li').textContent", &json!("creak"));
    page.until("document.querySelector('#timers li').textContent", &json!("closeopenin 3 s"));

    // The clock, by hand.
    page.click("#next-timer");
    page.lit(&["shut"]);
    page.until("document.querySelector('#now').textContent", &json!("3 s"));

    // Back, forth, and to any step.
    page.click("#back");
    page.lit(&["open"]);
    page.keys("body", "[");
    page.lit(&["shut"]);
    page.keys("body", "]");
    page.lit(&["open"]);
    page.click("#history [data-go='0']");
    page.lit(&["shut"]);
    page.until("document.querySelectorAll('#history .later').length", &json!(2));

    // A guard that says no.
    page.click("#guards input");
    page.until(enabled, &json!([]));
    page.click("#events [data-event='\"push\"']");
    page.until("document.querySelector('#step-error').textContent", &json!("guard \"unlocked\" said no"));
    page.lit(&["shut"]);
    page.click("#guards input");
    page.until(enabled, &json!(["push"]));

    // Data, by the keyboard, and the event by clicking the chart.
    page.click("#with-data summary");
    page.keys("#data", "{\"force\": 2}");
    page.click("#chart .transition.ready text");
    page.lit(&["open"]);
    page.until("document.querySelector('#trace').textContent.includes('{\"force\":2}')", &json!(true));
    page.until("document.querySelector('#context').textContent.includes('left: 3')", &json!(true));
    page.no_complaints();
}

#[test]
fn another_machine_is_loaded() {
    let place = Place::serve(DOOR);
    let page = Browser::open(&place.url());
    page.lit(&["shut"]);
    let paste = |text: &str| {
        page.click("#open-load");
        page.run("document.querySelector('#document').value = ''");
        page.keys("#document", text);
        page.click("#do-load");
    };
    paste(r#"{"name": "m", "initial": "a", "hasInitial": true, "states": [{"name": "b"}]}"#);
    page.until("document.querySelector('#problems code')?.textContent", &json!("/initial"));
    page.until("document.querySelector('#name').textContent", &json!("door"));
    paste(LAMP);
    page.until("document.querySelector('#name').textContent", &json!("lamp"));
    page.until("document.querySelector('#problems').hidden", &json!(true));
    page.lit(&["dark"]);

    // A file, dropped.
    page.run(&format!(
        "const data = new DataTransfer(); data.items.add(new File([{}], 'door.json'));
         document.body.dispatchEvent(new DragEvent('drop', {{dataTransfer: data, bubbles: true, cancelable: true}}));",
        json!(DOOR)
    ));
    page.until("document.querySelector('#name').textContent", &json!("door"));
    page.lit(&["shut"]);
    page.no_complaints();
}

#[test]
fn names_are_text_wherever_they_stand() {
    let evil = "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script>";
    let machine = json!({"name": evil, "version": evil, "initial": evil, "hasInitial": true, "states": [
        {"name": evil, "onEntry": [{"name": evil, "params": {evil: evil}}], "transitions": [
            {"from": evil, "to": evil, "on": evil, "reenter": true, "after": 1000, "guards": [{"name": evil}]}]}]});
    let place = Place::serve(&machine.to_string());
    let page = Browser::open(&place.url());
    page.lit(&[evil]);
    page.click("#events button");
    page.until("document.querySelectorAll('#history button').length", &json!(2));
    assert_eq!(page.run("return window.hit ?? null"), Value::Null);
    let made = page.run("return document.querySelectorAll('img, script:not([src])').length");
    assert_eq!(made, json!(0));
    page.no_complaints();
}

#[test]
fn the_page_can_be_used_without_a_mouse() {
    let place = Place::serve(DOOR);
    let page = Browser::open(&place.url());
    page.lit(&["shut"]);
    page.run("document.querySelector('#events button').focus()");
    // Enter, as WebDriver writes it.
    let press = |key: &str| {
        let actions = json!({"actions": [{"type": "key", "id": "k", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]});
        page.ask("POST", "/actions", &actions);
    };
    press("\u{e007}");
    page.lit(&["open"]);
    page.until("document.activeElement.textContent", &json!("push"));
    press("\u{e004}");
    press(" ");
    page.lit(&["shut"]);
    let nameless =
        "[...document.querySelectorAll('button, input, textarea')].filter((each) => !(each.textContent.trim()
        || each.getAttribute('aria-label') || each.labels?.length)).length";
    page.until(nameless, &json!(0));
    page.until("document.querySelector('#said').textContent", &json!("pull: shut"));
    page.no_complaints();
}
