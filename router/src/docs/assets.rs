//! The pages' scripts and styles, embedded and compressed; see `router/assets/README.md` for where they come from.

use std::io::Read;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use flate2::read::GzDecoder;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};

/// One embedded file.
#[derive(Clone, Copy)]
pub(super) struct Asset {
    content_type: &'static str,
    gzip: &'static [u8],
}

/// The script of Swagger UI.
pub(super) const SWAGGER_JS: Asset = Asset {
    content_type: "text/javascript; charset=utf-8",
    gzip: include_bytes!("../../assets/swagger-ui-bundle.js.gz"),
};
/// The style of Swagger UI.
pub(super) const SWAGGER_CSS: Asset =
    Asset { content_type: "text/css; charset=utf-8", gzip: include_bytes!("../../assets/swagger-ui.css.gz") };
/// The script of Redoc.
pub(super) const REDOC_JS: Asset = Asset {
    content_type: "text/javascript; charset=utf-8",
    gzip: include_bytes!("../../assets/redoc.standalone.js.gz"),
};

impl Asset {
    /// The file, compressed where the client takes that.
    pub(super) fn response(self, headers: &HeaderMap) -> Response {
        let accepted = headers.get_all(ACCEPT_ENCODING).iter().any(takes_gzip);
        let mut response = if accepted {
            let mut response = Response::new(Body::from(self.gzip));
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            match self.plain() {
                Ok(bytes) => Response::new(Body::from(bytes)),
                Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        response
    }

    fn plain(self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.gzip).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn takes_gzip(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.split(',').any(|part| {
        let mut fields = part.split(';').map(str::trim);
        let coding = fields.next().unwrap_or_default();
        let is_refused = fields.any(|field| matches!(field, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(accept: Option<&'static str>) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
        }
        SWAGGER_CSS.response(&headers).headers().get(CONTENT_ENCODING).cloned()
    }

    #[test]
    fn files_are_compressed_only_for_clients_that_take_it() {
        for accept in ["gzip", "deflate, GZIP;q=0.5", "*"] {
            assert!(encoding(Some(accept)).is_some(), "{accept}");
        }
        for accept in [None, Some("br"), Some("gzip;q=0"), Some("identity")] {
            assert!(encoding(accept).is_none(), "{accept:?}");
        }
    }

    #[test]
    fn embedded_files_are_whole() {
        for (asset, needle) in [(SWAGGER_JS, "SwaggerUIBundle"), (SWAGGER_CSS, ".swagger-ui"), (REDOC_JS, "Redoc")] {
            let text = String::from_utf8(asset.plain().unwrap()).unwrap();
            assert!(text.contains(needle) && !text.contains("cdn.redoc.ly"), "{needle}");
        }
    }
}
