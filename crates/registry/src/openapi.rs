//! The OpenAPI document, made from the table that routes requests.

use crate::http::route::{Kind, Parameter, Route};
use serde_json::{Map, Value, json};

/// The document for these routes.
pub fn document(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Tidegate's schema registry",
            "description": "Every path may begin with /contexts/{context}.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": { "schemas": schemas() },
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route.path.split('/').filter_map(|piece| {
        let name = piece.strip_prefix('{')?.strip_suffix('}')?;
        let kind = if name == "id" { "integer" } else { "string" };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": { "type": kind } }))
    });
    let parameters: Vec<Value> = in_path.chain(route.query.iter().map(parameter)).collect();
    let answer = json!({ "description": "Done", "content": content(route.answer) });
    let error = json!({ "description": "Refused", "content": content("ErrorMessage") });
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters,
        "responses": { "200": answer, "default": error },
    });
    if let Some(body) = route.body {
        operation["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    operation
}

fn parameter(parameter: &Parameter) -> Value {
    let kind = match parameter.kind {
        Kind::Flag => json!({ "type": "boolean", "default": false }),
        Kind::Number => json!({ "type": "integer" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
    };
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "schema": kind,
    })
}

/// The content of a body: a named schema, a list of one (`[Name]`), or a plain type.
fn content(name: &str) -> Value {
    let schema = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(item) => json!({ "type": "array", "items": named(item) }),
        None => named(name),
    };
    json!({ "application/vnd.schemaregistry.v1+json": { "schema": schema } })
}

fn named(name: &str) -> Value {
    match name {
        "string" | "integer" | "object" => json!({ "type": name }),
        _ => json!({ "$ref": format!("#/components/schemas/{name}") }),
    }
}

/// The shapes of bodies. Members that are not listed are ignored in requests.
fn schemas() -> Value {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer" });
    let flag = || json!({ "type": "boolean" });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let object = |members: Value| json!({ "type": "object", "properties": members });
    let list = |name: &str| json!({ "type": "array", "items": named(name) });
    json!({
        "ErrorMessage": object(json!({ "error_code": number(), "message": text() })),
        "SchemaReference": object(json!({ "name": text(), "subject": text(), "version": number() })),
        "Metadata": object(json!({
            "tags": { "type": "object", "additionalProperties": texts() },
            "properties": { "type": "object", "additionalProperties": text() },
            "sensitive": texts(),
        })),
        "Rule": object(json!({
            "name": text(), "doc": text(), "kind": text(), "mode": text(), "type": text(),
            "tags": texts(), "params": { "type": "object", "additionalProperties": text() },
            "expr": text(), "onSuccess": text(), "onFailure": text(), "disabled": flag(),
        })),
        "RuleSet": object(json!({
            "migrationRules": list("Rule"), "domainRules": list("Rule"),
            "encodingRules": list("Rule"),
        })),
        "RegisterSchemaRequest": object(json!({
            "version": number(), "id": number(), "schemaType": text(),
            "references": list("SchemaReference"), "metadata": named("Metadata"),
            "ruleSet": named("RuleSet"), "schema": text(),
            "schemaTagsToAdd": list("SchemaTags"), "schemaTagsToRemove": list("SchemaTags"),
            "propagateSchemaTags": flag(),
        })),
        "Schema": object(json!({
            "subject": text(), "version": number(), "id": number(), "guid": text(),
            "schemaType": text(), "references": list("SchemaReference"),
            "metadata": named("Metadata"), "ruleSet": named("RuleSet"), "schema": text(),
            "schemaTags": list("SchemaTags"), "ts": number(), "deleted": flag(),
        })),
        "SchemaTags": object(json!({
            "schemaEntity": object(json!({ "entityPath": text(), "entityType": text() })),
            "tags": texts(),
        })),
        "SubjectVersion": object(json!({ "subject": text(), "version": number() })),
        "ContextId": object(json!({ "context": text(), "id": number() })),
        "Config": object(json!({
            "alias": text(), "normalize": flag(), "validateFields": flag(),
            "validateNames": flag(), "validateRules": flag(), "compatibilityLevel": text(),
            "compatibilityPolicy": text(), "compatibilityGroup": text(),
            "defaultMetadata": named("Metadata"), "overrideMetadata": named("Metadata"),
            "defaultRuleSet": named("RuleSet"), "overrideRuleSet": named("RuleSet"),
        })),
        "ConfigUpdateRequest": object(json!({
            "alias": text(), "normalize": flag(), "validateFields": flag(),
            "validateNames": flag(), "validateRules": flag(), "compatibility": text(),
            "compatibilityPolicy": text(), "compatibilityGroup": text(),
            "defaultMetadata": named("Metadata"), "overrideMetadata": named("Metadata"),
            "defaultRuleSet": named("RuleSet"), "overrideRuleSet": named("RuleSet"),
        })),
        "Mode": object(json!({ "mode": text() })),
        "CompatibilityCheckResponse": object(json!({
            "is_compatible": flag(), "messages": texts(),
        })),
        "TagSchemaRequest": object(json!({
            "newVersion": number(), "tagsToAdd": list("SchemaTags"),
            "tagsToRemove": list("SchemaTags"), "rulesToMerge": named("RuleSet"),
            "rulesToRemove": texts(),
            "metadata": named("Metadata"), "ruleSet": named("RuleSet"),
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_route_is_in_the_document_and_every_name_in_it_exists() {
        let document = document(ROUTES);
        for route in ROUTES {
            let method = route.method.as_str().to_lowercase();
            assert_eq!(document["paths"][route.path][method]["operationId"], route.name);
            let bodies = route.body.into_iter().chain([route.answer]);
            for body in bodies {
                let name = body.trim_matches(['[', ']']);
                let plain = ["string", "integer", "object"].contains(&name);
                assert!(plain || document["components"]["schemas"][name].is_object(), "{name}");
            }
        }
    }

    #[test]
    fn no_two_routes_share_method_and_path_or_a_name() {
        for (index, route) in ROUTES.iter().enumerate() {
            for other in &ROUTES[..index] {
                assert!((&route.method, route.path) != (&other.method, other.path));
                assert_ne!(route.name, other.name);
            }
        }
    }
}
