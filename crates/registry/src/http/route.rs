//! What a route is, and which one a request is for.

use super::answer::Answer;
use super::call::Call;
use crate::Registry;
use crate::error::ApiError;
use hyper::Method;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The answer of a handler that waits.
pub type Later = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;

/// What answers a request.
#[derive(Clone, Copy)]
pub enum Handler {
    /// From what is in memory, at once.
    Now(fn(&Registry, &Call) -> Result<Answer, ApiError>),
    /// After work or after waiting for the disk.
    Later(fn(Arc<Registry>, Call) -> Later),
}

/// The type of a parameter, as OpenAPI names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `boolean`.
    Flag,
    /// `integer`.
    Number,
    /// `string`.
    Text,
    /// `string`, as often as one likes.
    Texts,
}

/// A parameter behind the question mark.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it does, in a few words.
    pub about: &'static str,
}

/// One row of the interface: what it answers, what its document says, and who does it.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for what varies.
    pub path: &'static str,
    /// Confluent's name of the operation.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// Which parameters it knows.
    pub query: &'static [Parameter],
    /// The schema of its body in the document; `None` where it takes none.
    pub body: Option<&'static str>,
    /// The schema of its answer in the document.
    pub answer: &'static str,
    /// Who answers.
    pub handler: Handler,
}

/// What a path leads to.
pub enum Found {
    /// The route at this index, with what varies in its path.
    Route(usize, Vec<(&'static str, String)>),
    /// There is something, for other methods.
    OtherMethods(Vec<Method>),
    /// There is nothing.
    Nothing,
}

/// The routes, cut for matching.
pub struct Router {
    routes: &'static [Route],
    patterns: Vec<Vec<Piece>>,
}

enum Piece {
    Fixed(&'static str),
    Varies(&'static str),
}

impl Router {
    /// Cuts the patterns.
    pub fn new(routes: &'static [Route]) -> Self {
        let cut = |route: &Route| {
            let pieces = route.path.split('/').filter(|piece| !piece.is_empty());
            let piece = |text: &'static str| match text
                .strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'))
            {
                Some(name) => Piece::Varies(name),
                None => Piece::Fixed(text),
            };
            pieces.map(piece).collect()
        };
        Router { routes, patterns: routes.iter().map(cut).collect() }
    }

    /// All routes, in the order of the indexes.
    pub fn routes(&self) -> &'static [Route] {
        self.routes
    }

    /// The route for a method and a path. HEAD is answered as GET, without the body.
    pub fn find(&self, method: &Method, path: &[String]) -> Found {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut others = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            if !matches(pattern, path) {
                continue;
            }
            let route = &self.routes[index];
            if route.method == *method {
                return Found::Route(index, varying(pattern, path));
            }
            others.push(route.method.clone());
        }
        if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
    }
}

fn matches(pattern: &[Piece], path: &[String]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(piece, text)| match piece {
            Piece::Fixed(fixed) => fixed == text,
            Piece::Varies(_) => !text.is_empty(),
        })
}

fn varying(pattern: &[Piece], path: &[String]) -> Vec<(&'static str, String)> {
    let named = |(piece, text): (&Piece, &String)| match piece {
        Piece::Fixed(_) => None,
        Piece::Varies(name) => Some((*name, text.clone())),
    };
    pattern.iter().zip(path).filter_map(named).collect()
}
