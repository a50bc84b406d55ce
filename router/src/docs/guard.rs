//! What calls ask of their callers, where callers are told apart: read from the list that the gate goes by.

use http::Method;
use utoipa::openapi::{
    Ref, RefOr, Response,
    path::{HttpMethod, Operation},
    schema::ComponentsBuilder,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::auth::{Need, Reach, need};

const KEY: &str = "ApiKey";
const BEARER: &str = "Bearer";

/// The ways in which a credential may be sent.
pub(super) fn schemes(components: ComponentsBuilder) -> ComponentsBuilder {
    let about = "A key that `POST /api/keys` made, the first key (CACHE_API_KEY), or a token.";
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("X-API-Key", about)));
    let about =
        "The same, or a JSON web token signed with CACHE_JWT_SECRET (HS256; claims `exp`, `scopes`, `namespaces`).";
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    components.security_scheme(KEY, key).security_scheme(BEARER, SecurityScheme::Http(bearer))
}

/// The operation with what it asks for, and what it answers to others.
pub(super) fn guarded(path: &str, method: &HttpMethod, mut operation: Operation) -> Operation {
    let Need::Granted(scope, reach) = need(&method_of(method), path) else { return operation };
    let none: [String; 0] = [];
    let ways = [KEY, BEARER].map(|name| SecurityRequirement::new(name, none.clone()));
    operation.security = Some(ways.into());
    let bounds = match reach {
        Reach::Keys => "",
        Reach::Namespace => " of the whole namespace",
        Reach::Namespaces => "; lists the caller's own",
        Reach::Cluster => " of the whole cluster",
    };
    let asked = format!("Needs the scope {}{bounds}.", scope.as_str());
    operation.description = Some(match operation.description.take() {
        Some(about) => format!("{about}\n\n{asked}"),
        None => asked,
    });
    for (status, name) in [("401", "Unauthorized"), ("403", "Forbidden")] {
        let response = RefOr::<Response>::Ref(Ref::from_response_name(name));
        operation.responses.responses.insert(status.to_owned(), response);
    }
    operation
}

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{super::openapi, *};
    use crate::rest::Limits;

    const PUBLIC: [&str; 7] = ["/", "/health", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json"];

    #[test]
    fn every_call_but_the_public_ones_asks_for_a_credential() {
        let document = serde_json::to_value(openapi(&Limits::default(), true)).unwrap();
        let mut guarded = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let is_public = operation["security"] == Value::Null;
                assert_eq!(is_public, PUBLIC.contains(&path.as_str()), "{method} {path}");
                assert_eq!(is_public, operation["responses"]["401"] == Value::Null, "{method} {path}");
                guarded += usize::from(!is_public);
            }
        }
        assert!(guarded > 40, "{guarded}");
        assert_eq!(document["components"]["securitySchemes"]["ApiKey"]["name"], "X-API-Key");
    }

    /// A call that is only for admins because nobody listed it would be a surprise, not a hole: this shows it.
    #[test]
    fn calls_for_admins_are_those_that_are_meant() {
        let document = serde_json::to_value(openapi(&Limits::default(), true)).unwrap();
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                if matches!(need(&method, path), Need::Granted(crate::auth::Scope::Admin, _)) {
                    found.push(format!("{method} {path}"));
                }
            }
        }
        found.sort();
        assert_eq!(
            found,
            [
                "DELETE /api/keys/{id}",
                "DELETE /api/namespaces/{namespace}",
                "GET /api/keys",
                "PATCH /api/cache/config",
                "PATCH /api/cluster/nodes/{id}",
                "PATCH /api/cluster/settings",
                "POST /api/cache/config",
                "POST /api/cluster/apply",
                "POST /api/cluster/cancel",
                "POST /api/cluster/nodes/{id}/drain",
                "POST /api/cluster/nodes/{id}/remove",
                "POST /api/cluster/pause",
                "POST /api/cluster/resume",
                "POST /api/keys",
                "POST /api/keys/{id}/rotate",
            ]
        );
    }
}
