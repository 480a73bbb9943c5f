//! The API's description, OpenAPI 3.1, made from the code: routes, roles, types and their documentation.
//!
//! The table of routes says what there is, who may ask and which query names are read; [`operations`]
//! adds what goes in and out, and why; schemas come from the types themselves. `src/api/openapi.json` is
//! this document as committed, for those who read or generate without building; a test fails when it is
//! not what the code says, and `scripts/gen-api` writes it.

mod operations;
mod parameters;
mod schemas;

use std::sync::OnceLock;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::routes::{Need, ROUTES, Route};
use super::types::{ApprovalView, Problem};
use operations::{Answered, Asked, Operation};

/// A body that is no JSON.
const BINARY: &str = "application/octet-stream";

/// The document as it is served.
pub(super) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    // A value of maps and texts always has a JSON form.
    TEXT.get_or_init(|| serde_json::to_string_pretty(&document()).unwrap_or_default())
}

/// The document.
fn document() -> Value {
    let mut answers = generator(SchemaSettings::draft2020_12().for_serialize());
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operations::find(route);
        let described = describe(route, operation, &mut answers);
        let path = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = described;
    }
    answers.subschema_for::<Problem>();
    let schemas = answers.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "FossilSafe",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sizes are bytes, times are UTC with nanoseconds. Lists come in pages: pass \
                `next` as `after`. What takes long is a job: it is answered with 202 and its view. Every \
                refusal has the shape of `Problem`.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let mut settings = settings;
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

fn describe(route: &Route, operation: &Operation, answers: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation_id(route),
        "tags": [tag(route.path)],
        "summary": operation.summary,
        "description": format!("{} Needs the role: {}.", operation.text, role(route.need)),
        "x-required-role": role(route.need),
        "parameters": parameters(route),
        "responses": responses(route, operation, answers),
    });
    let (schema, is_required) = match operation.asked {
        Asked::Nothing => return described,
        Asked::Binary => {
            let schema = json!({ "type": "string", "contentMediaType": BINARY });
            described["requestBody"] =
                json!({ "required": true, "content": { BINARY: { "schema": schema } } });
            return described;
        }
        Asked::Json(schema) => (schema, true),
        Asked::OptionalJson(schema) => (schema, false),
    };
    // Written out in place: what may be left out of a request stands in every answer.
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = schema(&mut generator(settings));
    described["requestBody"] =
        json!({ "required": is_required, "content": { "application/json": { "schema": schema } } });
    described
}

fn operation_id(route: &Route) -> String {
    let parts = route.path.split('/').filter(|part| !part.is_empty() && *part != "api");
    let plain = parts.map(|part| part.trim_matches(['{', '}']).replace(['.', '-'], "_"));
    let words: Vec<String> =
        std::iter::once(route.method.as_str().to_ascii_lowercase()).chain(plain).collect();
    words.join("_")
}

/// The resource: the first part of the path that names one.
fn tag(path: &str) -> &str {
    path.split('/').find(|part| !part.is_empty() && *part != "api").unwrap_or("api")
}

fn role(need: Need) -> &'static str {
    need.role().map_or("anyone", crate::people::Role::as_str)
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path =
        route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| (name, "path", true));
    let in_query = route.query.iter().map(|name| (*name, "query", false));
    let parameter = |(name, place, is_required): (&str, &str, bool)| {
        let (schema, text) = parameters::parameter(name);
        json!({
            "name": name, "in": place, "required": is_required, "schema": schema, "description": text,
        })
    };
    in_path.chain(in_query).map(parameter).collect()
}

fn responses(route: &Route, operation: &Operation, answers: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for (status, answered) in operation.answered {
        let (text, content) = match answered {
            Answered::Json(schema) => {
                ("The answer.", json!({ "application/json": { "schema": schema(answers) } }))
            }
            Answered::Text(media_type) => {
                ("The answer.", json!({ *media_type: { "schema": { "type": "string" } } }))
            }
            Answered::Switched | Answered::Done => {
                let text = match answered {
                    Answered::Switched => "The connection is a WebSocket from here on.",
                    _ => "Done; there is nothing to say.",
                };
                responses.insert(status.to_string(), json!({ "description": text }));
                continue;
            }
        };
        responses.insert(status.to_string(), json!({ "description": text, "content": content }));
    }
    if route.need == Need::TwoAdmins {
        waits_for_a_second_admin(&mut responses, answers);
    }
    let problem =
        json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
    for (status, text) in refusals(route, operation) {
        let refusal = json!({ "description": text, "content": problem });
        responses.entry(status.to_owned()).or_insert(refusal);
    }
    Value::Object(responses)
}

/// Under the two-person rule what destroys is answered with the request that a second admin has to agree to; what
/// was accepted has the same status.
fn waits_for_a_second_admin(responses: &mut Map<String, Value>, answers: &mut SchemaGenerator) {
    let approval = json!(answers.subschema_for::<ApprovalView>());
    let accepted =
        responses.get("202").map(|found| found["content"]["application/json"]["schema"].clone());
    let (text, schema) = match accepted {
        Some(accepted) => (
            "What was accepted, or the request that a second admin has to agree to.",
            json!({ "anyOf": [accepted, approval] }),
        ),
        None => ("The request that a second admin has to agree to.", approval),
    };
    let content = json!({ "application/json": { "schema": schema } });
    responses.insert("202".to_owned(), json!({ "description": text, "content": content }));
}

/// How a request can be refused, by what it brings and what it does.
fn refusals(route: &Route, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut refusals = vec![
        ("400", "Something in the request cannot be right."),
        ("403", "Who asks may not, or the request comes from a page of another origin."),
        ("429", "Too many requests from one address; Retry-After says how long to wait."),
        ("500", "A mistake in FossilSafe, or damage in what it keeps."),
        ("502", "The engine went away before it answered."),
        ("503", "The engine or a device does not answer now; try again."),
        ("default", "Any other refusal."),
    ];
    if route.need > Need::Anyone {
        refusals.push(("401", "Nobody is signed in."));
    }
    if route.path.contains('{') {
        refusals.push(("404", "There is no such thing."));
    }
    if route.need >= Need::Operator {
        refusals.push(("409", "Right, and not possible in the present state."));
        refusals.push(("412", "A person has to do something at the library first."));
    }
    if !matches!(operation.asked, Asked::Nothing) {
        refusals.push(("413", "The request is too large."));
        refusals.push(("415", "The request is not JSON."));
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for the committed file to be written instead of compared; set by `scripts/gen-api`.
    const WRITE: &str = "FOSSILSAFE_WRITE_OPENAPI";

    #[test]
    fn the_committed_document_is_what_the_code_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/openapi.json");
        let made = format!("{}\n", text());
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == made, "src/api/openapi.json is stale: run scripts/gen-api");
    }

    #[test]
    fn every_route_is_described_once_and_nothing_else_is() {
        let routes: Vec<_> = ROUTES.iter().map(|r| (r.method.as_str(), r.path)).collect();
        let described: Vec<_> = operations::all().map(|o| (o.method.as_str(), o.path)).collect();
        for route in &routes {
            let count = described.iter().filter(|other| *other == route).count();
            assert_eq!(count, 1, "{route:?} in api/openapi/operations.rs");
        }
        for other in &described {
            assert!(routes.contains(other), "{other:?} is no route");
        }
    }

    #[test]
    fn every_operation_has_texts_a_role_and_the_one_shape_of_refusals() {
        let document = document();
        let mut ids = std::collections::BTreeSet::new();
        for route in ROUTES {
            let method = route.method.as_str().to_ascii_lowercase();
            let operation = &document["paths"][route.path][method];
            let at = format!("{} {}: {operation:#}", route.method, route.path);
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 3), "{at}");
            assert!(operation["description"].as_str().is_some_and(|text| text.len() > 40), "{at}");
            assert!(operation["x-required-role"].is_string(), "{at}");
            assert!(ids.insert(operation["operationId"].to_string()), "{at}");
            let refusal = &operation["responses"]["default"]["content"]["application/json"];
            assert_eq!(refusal["schema"]["$ref"], "#/components/schemas/Problem", "{at}");
            for parameter in operation["parameters"].as_array().unwrap() {
                assert!(parameter["description"].as_str().is_some_and(|t| t.len() > 5), "{at}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        for part in text().split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas[name].is_object(), "{name}");
        }
        let text = schemas["JobView"]["properties"]["allowed_actions"]["description"].as_str();
        assert_eq!(text, Some("What may be asked of it now."));
    }
}
