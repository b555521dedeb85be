//! Executable content, one element one action, in the order of the document.
//!
//! What needs a data model becomes an action whose name begins with `scxml.` and whose parameters are the element's attributes;
//! blocks inside an element are lists of actions under `do`. Nothing of it is run here.

use roxmltree::Node;

use super::super::make::{Object, reference};
use super::states::Reader;
use super::{delay, xml};
use crate::builtin::is_reserved;
use crate::json::Json;
use crate::position;
use crate::problem::Problem;

/// The type of an event that goes to a session, and its short name.
const PROCESSORS: [&str; 2] = ["http://www.w3.org/TR/scxml/#SCXMLEventProcessor", "scxml"];

/// What a block becomes: actions, and what is ours and changes the context.
#[derive(Default)]
pub(super) struct Block {
    pub(super) actions: Vec<Object>,
    pub(super) assigns: Vec<Object>,
}

impl Reader<'_> {
    /// Everything in a block.
    pub(super) fn block<'a, 'i: 'a>(
        &mut self,
        elements: impl Iterator<Item = Node<'a, 'i>>,
        into: &mut Block,
    ) {
        for element in elements {
            self.element(element, into);
        }
    }

    fn element(&mut self, element: Node<'_, '_>, into: &mut Block) {
        let action = match (xml::name(element), xml::own_name(element)) {
            (Some("raise"), _) => {
                let mut params = Object::new();
                params.put("event", element.attribute("event").unwrap_or_default());
                reference("hob.raise", params)
            }
            (Some("send"), _) => self.send(element),
            (Some("cancel"), _) if element.attribute("sendid").is_some() => {
                let mut params = Object::new();
                params.put("id", element.attribute("sendid"));
                reference("crucible.cancel", params)
            }
            (Some("if"), _) => self.branches(element),
            (Some("foreach"), _) => {
                let mut params = attributes(element);
                params.put("do", self.inner(xml::elements(element)));
                self.named("foreach", params, element)
            }
            (Some("script"), _) => {
                let params = self.script(element);
                self.named("script", params, element)
            }
            (Some("assign"), _) => {
                let mut params = attributes(element);
                params.put("content", Some(xml::inner(element)).filter(|text| !text.trim().is_empty()));
                self.named("assign", params, element)
            }
            (Some(name @ ("log" | "cancel")), _) => self.named(name, attributes(element), element),
            (_, Some(kind @ ("action" | "assign"))) => {
                let Some(action) = self.own(element) else { return };
                if kind == "assign" {
                    into.assigns.push(stood(action, element));
                    return;
                }
                if !into.assigns.is_empty() {
                    let message =
                        "actions run before changes of the context here, and this one came after one";
                    self.note(Problem::warning("order", xml::place(element), message));
                }
                action
            }
            _ => return self.unknown(element),
        };
        // The others cannot fail.
        let fails = |name: &Json| matches!(name, Json::Text(name) if !is_reserved(name));
        let fails = action.0.get("name").is_some_and(fails);
        into.actions.push(if fails { stood(action, element) } else { action });
    }

    /// A block inside an element.
    fn inner<'a, 'i: 'a>(&mut self, elements: impl Iterator<Item = Node<'a, 'i>>) -> Vec<Object> {
        let mut block = Block::default();
        self.block(elements, &mut block);
        block.actions.extend(block.assigns);
        block.actions
    }

    /// What needs a data model.
    fn named(&mut self, name: &str, params: Object, element: Node<'_, '_>) -> Object {
        let message = format!("<{name}> becomes the action scxml.{name}, which the host has to bind");
        let place = xml::place(element);
        self.note(match name {
            "log" => Problem::info("data_model", place, message),
            _ => Problem::warning("data_model", place, message),
        });
        reference(&format!("scxml.{name}"), params)
    }

    fn send(&mut self, element: Node<'_, '_>) -> Object {
        let literal = ["event", "target", "type", "id", "delay"];
        let plain = element.attributes().all(|attribute| literal.contains(&attribute.name()))
            && xml::elements(element).next().is_none()
            && xml::text(element).trim().is_empty()
            && element.attribute("type").is_none_or(|of| PROCESSORS.contains(&of));
        let delay = element.attribute("delay").map_or(Some(0), delay::parse);
        let mut params = Object::new();
        if let (true, Some(event), Some(delay)) = (plain, element.attribute("event"), delay) {
            params.put("event", event);
            match element.attribute("target") {
                Some("#_internal") if delay == 0 => return reference("hob.raise", params),
                Some("#_parent") if delay == 0 && element.attribute("id").is_none() => {
                    return reference("crucible.sendParent", params);
                }
                None => {
                    let id = element.attribute("id").map_or_else(|| self.send_id(), str::to_owned);
                    params.put("id", id);
                    params.put("delay", delay);
                    if delay > 0 {
                        let message = "a second <send> of this place before the first has come takes its place, \
                                       where a timer is known by its id";
                        self.note(Problem::info("timer_id", xml::place(element), message));
                    }
                    return reference("hob.schedule", params);
                }
                _ => {}
            }
        }
        let mut params = attributes(element);
        let mut given = Vec::new();
        for child in xml::elements(element) {
            match xml::name(child) {
                Some("param") => given.push(attributes(child)),
                Some("content") => params.put("content", self.content(child)),
                _ => self.unknown(child),
            }
        }
        params.put("params", given);
        self.named("send", params, element)
    }

    /// `<script>`: its text, or the name of a file that has it.
    pub(super) fn script(&mut self, element: Node<'_, '_>) -> Object {
        let mut script = attributes(element);
        script.put("text", Some(xml::text(element)).filter(|text| !text.trim().is_empty()));
        self.fetched(&mut script, "text", element);
        script
    }

    /// `<content>`: an expression, or what stands in it.
    pub(super) fn content(&mut self, element: Node<'_, '_>) -> Object {
        let mut content = attributes(element);
        content.put("text", Some(xml::inner(element)).filter(|text| !text.trim().is_empty()));
        content
    }

    fn branches(&mut self, element: Node<'_, '_>) -> Object {
        let mut branches = Vec::new();
        let mut branch = attributes(element);
        let mut inside = Vec::new();
        for child in xml::elements(element) {
            if matches!(xml::name(child), Some("elseif" | "else")) {
                branch.put("do", self.inner(std::mem::take(&mut inside).into_iter()));
                branches.push(std::mem::replace(&mut branch, attributes(child)));
            } else {
                inside.push(child);
            }
        }
        branch.put("do", self.inner(inside.into_iter()));
        branches.push(branch);
        let mut params = Object::new();
        params.put("branches", branches);
        self.named("if", params, element)
    }

    /// `<hob:action name="…" params="{…}"/>`: what an export of ours wrote.
    fn own(&mut self, element: Node<'_, '_>) -> Option<Object> {
        let Some(name) = element.attribute("name") else {
            self.unknown(element);
            return None;
        };
        let params = match element.attribute("params").map(Json::parse) {
            None => Object::new(),
            Some(Ok(Json::Object(fields))) => Object(fields),
            Some(_) => {
                let message = format!("the parameters of {name:?} are no JSON object, and are left out");
                self.note(Problem::warning("wrong_value", xml::place(element), message));
                Object::new()
            }
        };
        Some(reference(name, params))
    }
}

/// With where it stood.
pub(super) fn stood(mut object: Object, element: Node<'_, '_>) -> Object {
    object.put(position::KEY, xml::place(element));
    object
}

/// The attributes as they stand.
pub(super) fn attributes(element: Node<'_, '_>) -> Object {
    let mut fields = Object::new();
    for attribute in element.attributes() {
        fields.put(attribute.name(), attribute.value());
    }
    fields
}
