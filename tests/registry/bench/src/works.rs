//! The kinds of requests, each with a check of its answers.

use std::cell::RefCell;

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use serde_json::json;

use crate::http::Target;
use crate::load::Work;
use crate::schemas;

/// New schemas, each under a subject of its own. Remembers the ids.
pub struct Register {
    pub target: Target,
    pub prefix: String,
    pub ids: RefCell<Vec<(u64, u64)>>,
}

impl Register {
    pub fn new(target: &Target, prefix: &str) -> Self {
        Self { target: target.clone(), prefix: prefix.to_owned(), ids: RefCell::default() }
    }

    /// The ids in the order of their schemas' numbers; fails if two schemas have the same.
    pub fn ids(&self) -> Result<Vec<u64>> {
        let mut pairs = self.ids.borrow().clone();
        pairs.sort_unstable();
        let ids: Vec<u64> = pairs.iter().map(|(_, id)| *id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        ensure!(sorted.len() == ids.len(), "different schemas have the same id");
        Ok(ids)
    }
}

impl Work for Register {
    fn request(&self, number: u64) -> Vec<u8> {
        let path = format!("/subjects/{}-{number}/versions", self.prefix);
        let body = json!({"schema": text(&self.prefix, number)});
        self.target.with_body("POST", &path, &body)
    }

    fn check(&self, number: u64, body: &[u8]) -> Result<()> {
        self.ids.borrow_mut().push((number, id_in(body)?));
        Ok(())
    }
}

/// Schemas that are there, by their ids.
pub struct GetById {
    requests: Vec<Vec<u8>>,
    /// The schema as a member of the answer.
    members: Vec<Vec<u8>>,
}

impl GetById {
    pub fn new(target: &Target, prefix: &str, ids: &[u64]) -> Self {
        let members = (0..).map(|number| member(&text(prefix, number))).take(ids.len()).collect();
        let requests = ids.iter().map(|id| target.get(&format!("/schemas/ids/{id}"))).collect();
        Self { requests, members }
    }
}

impl Work for GetById {
    fn request(&self, number: u64) -> Vec<u8> {
        self.requests[number as usize % self.requests.len()].clone()
    }

    fn check(&self, number: u64, body: &[u8]) -> Result<()> {
        let member = &self.members[number as usize % self.members.len()];
        ensure!(memmem::find(body, member).is_some(), "not the schema that has the id");
        Ok(())
    }
}

/// Whether a schema is there already, as a producer with a text of its own asks.
pub struct Lookup {
    requests: Vec<Vec<u8>>,
    ids: Vec<u64>,
}

impl Lookup {
    pub fn new(target: &Target, prefix: &str, ids: &[u64]) -> Self {
        let request = |number: usize| {
            let body = json!({"schema": text(prefix, number as u64)});
            target.with_body("POST", &format!("/subjects/{prefix}-{number}"), &body)
        };
        Self { requests: (0..ids.len()).map(request).collect(), ids: ids.to_vec() }
    }
}

impl Work for Lookup {
    fn request(&self, number: u64) -> Vec<u8> {
        self.requests[number as usize % self.requests.len()].clone()
    }

    fn check(&self, number: u64, body: &[u8]) -> Result<()> {
        ensure!(id_in(body)? == self.ids[number as usize % self.ids.len()], "not the schema's id");
        Ok(())
    }
}

/// Whether a schema that nobody has seen before is compatible with all versions of a subject.
pub struct Compatible {
    pub target: Target,
    pub subject: String,
}

impl Work for Compatible {
    fn request(&self, number: u64) -> Vec<u8> {
        // Every tenth is not compatible: an answer that is always yes would be no check.
        let own = format!("candidate_{number}");
        let schema =
            if number % 10 == 9 { schemas::wide_incompatible(&own) } else { schemas::wide(&own) };
        let path = format!("/compatibility/subjects/{}/versions", self.subject);
        self.target.with_body("POST", &path, &json!({"schema": schema}))
    }

    fn check(&self, number: u64, body: &[u8]) -> Result<()> {
        let answer: serde_json::Value = serde_json::from_slice(body)?;
        let is = answer["is_compatible"].as_bool().context("no is_compatible")?;
        ensure!(is == (number % 10 != 9), "the wrong verdict");
        Ok(())
    }
}

fn text(prefix: &str, number: u64) -> String {
    schemas::event(&format!("{}{number}", prefix.replace('-', "_")))
}

fn member(text: &str) -> Vec<u8> {
    format!("\"schema\":{}", json!(text)).into_bytes()
}

/// The number behind `"id":`, without parsing the rest.
fn id_in(body: &[u8]) -> Result<u64> {
    let at = memmem::find(body, b"\"id\":").context("no id")? + 5;
    let digits = body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Ok(std::str::from_utf8(&body[at..at + digits])?.parse()?)
}
