//! One request, from its head to its answer.

use super::answer::Answer;
use super::bodies::{BodyMemory, BodyShare};
use super::call::Call;
use super::context;
use super::cors::Cors;
use super::media::{self, Media};
use super::metrics::Metrics;
use super::route::{Found, Handler, Router};
use super::target::{Path, Query};
use super::users::Users;
use crate::Registry;
use crate::error::ApiError;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CONNECTION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;
use tracing::debug;

/// Everything that answers requests.
pub struct Dispatcher {
    /// Who knows the schemas.
    pub registry: Arc<Registry>,
    /// Which handler is whose.
    pub router: Router,
    /// Who may ask; `None` for everybody.
    pub users: Option<Arc<Users>>,
    /// Whose pages may read answers.
    pub cors: Cors,
    /// `authentication.realm`.
    pub realm: String,
    /// The largest body that is read.
    pub body_bytes_max: usize,
    /// How long a body may take.
    pub body_time_max: Duration,
    /// The memory of all bodies that are read or answered.
    pub bodies: BodyMemory,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// An error, and what its response says besides.
struct Refusal {
    error: ApiError,
    header: Option<(hyper::header::HeaderName, HeaderValue)>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Refusal { error, header: None }
    }
}

impl Dispatcher {
    /// Answers a request; whatever goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        if let Some(response) = self.cors.preflight(&head.method, &head.headers) {
            return response;
        }
        let media = Media::negotiate(&head.headers);
        let mut route = None;
        let answered = match self.authorize(&head.headers).await {
            Ok(()) => self.handle(&head, body, media, &mut route).await,
            Err(refusal) => Err(refusal),
        };
        let (code, mut response) = match answered {
            Ok(answer) => {
                let code = u32::from(answer.status.as_u16());
                (code, answer.into_response(media.unwrap_or_default()))
            }
            Err(Refusal { error, header }) => {
                let answer = Answer::of_error(&error);
                let mut response = answer.into_response(media.unwrap_or_default());
                response.headers_mut().extend(header);
                (error.code, response)
            }
        };
        self.cors.allow(&head.headers, response.headers_mut());
        let took = begun.elapsed();
        self.metrics.answered(route, code, took);
        let took_us = took.as_micros();
        debug!(target: "tidegate::registry", method = %head.method, path = head.uri.path(), code, took_us, "registry request");
        response
    }

    async fn authorize(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(users) = &self.users else { return Ok(()) };
        let authorization = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if users.allows(authorization).await.map_err(ApiError::from)? {
            return Ok(());
        }
        let realm = format!("Basic realm=\"{}\"", self.realm);
        let header = HeaderValue::from_str(&realm).ok().map(|value| (WWW_AUTHENTICATE, value));
        let error = ApiError::with_status(StatusCode::UNAUTHORIZED, "Unauthorized");
        Err(Refusal { error, header })
    }

    async fn handle(
        &self,
        head: &hyper::http::request::Parts,
        body: Incoming,
        media: Option<Media>,
        route: &mut Option<usize>,
    ) -> Result<Answer, Refusal> {
        let malformed = |_| ApiError::http(StatusCode::BAD_REQUEST);
        let path = Path::parse(head.uri.path()).map_err(malformed)?;
        let query = Query::parse(head.uri.query()).map_err(malformed)?;
        let (path, query) = context::apply(path, query).map_err(|_| {
            let message = "Context name cannot contain a colon";
            ApiError::with_status(StatusCode::BAD_REQUEST, message)
        })?;
        let (index, params) = match self.router.find(&head.method, &path.0) {
            Found::Route(index, params) => (index, params),
            Found::OtherMethods(methods) => return other_methods(&head.method, &methods),
            Found::Nothing => return Err(ApiError::http(StatusCode::NOT_FOUND).into()),
        };
        *route = Some(index);
        let found = &self.router.routes()[index];
        if found.body.is_some() && !media::is_readable(&head.headers) {
            return Err(ApiError::http(StatusCode::UNSUPPORTED_MEDIA_TYPE).into());
        }
        if media.is_none() {
            return Err(ApiError::http(StatusCode::NOT_ACCEPTABLE).into());
        }
        // Held until there is an answer: the handler has the body.
        let mut share = self.bodies.share();
        let body = match found.body {
            Some(_) => self.read(body, &mut share).await?,
            None => Bytes::new(),
        };
        let call = Call { name: found.name, params, query, body };
        let answer = match found.handler {
            Handler::Now(handler) => handler(&self.registry, &call),
            Handler::Later(handler) => handler(self.registry.clone(), call).await,
        };
        Ok(answer?)
    }

    /// Reads a body that is neither too large nor too slow, and whose share there is memory for.
    async fn read(&self, body: Incoming, share: &mut BodyShare) -> Result<Bytes, Refusal> {
        let max = self.body_bytes_max;
        if body.size_hint().lower() > max as u64 {
            return Err(too_large(max));
        }
        let deadline = tokio::time::Instant::now() + self.body_time_max;
        collect(body, max, share, deadline).await
    }
}

async fn collect(
    mut body: Incoming,
    max: usize,
    share: &mut BodyShare,
    deadline: tokio::time::Instant,
) -> Result<Bytes, Refusal> {
    // A length that is announced is asked for at once, so that whoever has begun can finish.
    let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    grow(share, announced.unwrap_or(0), deadline).await?;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout_at(deadline, body.frame()).await;
        let frame = frame.map_err(|_| closing(ApiError::http(StatusCode::REQUEST_TIMEOUT)))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| closing(ApiError::http(StatusCode::BAD_REQUEST)))?;
        let Ok(data) = frame.into_data() else { continue };
        let bytes = first.len() + rest.len() + data.len();
        if bytes > max {
            return Err(too_large(max));
        }
        grow(share, bytes, deadline).await?;
        // Most bodies come in one piece, which is then not copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            rest.extend_from_slice(&std::mem::take(&mut first));
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Waits for memory no longer than a body may take; bodies that wait for one another end so.
async fn grow(
    share: &mut BodyShare,
    bytes: usize,
    deadline: tokio::time::Instant,
) -> Result<(), Refusal> {
    timeout_at(deadline, share.grow_to(bytes)).await.map_err(|_| {
        let message = "Too many requests are being read, try again later";
        closing(ApiError::with_status(StatusCode::SERVICE_UNAVAILABLE, message))
    })
}

fn too_large(max: usize) -> Refusal {
    let message = format!("The request body is larger than {max} bytes");
    closing(ApiError::with_status(StatusCode::PAYLOAD_TOO_LARGE, message))
}

/// What is left of the body would have to be read before the next request.
fn closing(error: ApiError) -> Refusal {
    Refusal { error, header: Some((CONNECTION, HeaderValue::from_static("close"))) }
}

fn other_methods(asked: &Method, methods: &[Method]) -> Result<Answer, Refusal> {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    let allow = HeaderValue::from_str(&names.join(", ")).expect("methods are plain text");
    let status = match *asked {
        Method::OPTIONS => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    Err(Refusal { error: ApiError::http(status), header: Some((ALLOW, allow)) })
}
