//! Puts the document together.

use utoipa::openapi::{
    Info, OpenApi, OpenApiBuilder, PathItem, Paths,
    info::{InfoBuilder, LicenseBuilder},
    schema::ComponentsBuilder,
    tag::TagBuilder,
};

use super::{guard, operation, schema};
use crate::rest::Limits;

const ABOUT: &str = "A clustered cache. JSON in, JSON out, UTF-8; times are RFC 3339 in UTC.\n\n\
    Success bodies carry `\"success\": true`. Errors carry `detail` as FastAPI gives it, a stable `code` and the \
    `request_id`. A miss is 200. A write that failed with 503 or 504 says in `outcome` whether it was surely not applied \
    (`not_applied`) or may have been (`unknown`).\n\n\
    Answers that many nodes contribute to carry `coverage` and the header `X-Cache-Coverage: 3/3`.";

/// The OpenAPI document of the API under these limits. `is_guarded`: with what each call asks of its caller. The same arguments
/// always give the same document.
pub fn openapi(limits: &Limits, is_guarded: bool) -> OpenApi {
    let components = schema::components(ComponentsBuilder::new(), limits);
    let components = operation::shared_parameters()
        .into_iter()
        .fold(components, |components, (name, parameter)| components.parameter(name, parameter));
    let components = operation::shared_responses()
        .into_iter()
        .fold(components, |components, (name, response)| components.response(name, response));
    let components = if is_guarded { guard::schemes(components) } else { components };
    let tags = operation::TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new()
        .info(info())
        .tags(Some(tags))
        .paths(paths(limits, is_guarded))
        .components(Some(components.build()))
        .build()
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Ringhold Cache Management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(LicenseBuilder::new().name("MIT").identifier(Some("MIT")).build()))
        .build()
}

fn paths(limits: &Limits, is_guarded: bool) -> Paths {
    let mut paths = Paths::new();
    for (path, method, operation) in operation::calls(limits) {
        let operation = if is_guarded { guard::guarded(path, &method, operation) } else { operation };
        let item = PathItem::new(method, operation);
        match paths.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => {
                paths.paths.insert(path.to_owned(), item);
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests;
