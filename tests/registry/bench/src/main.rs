//! A load on a schema registry that speaks Confluent's REST interface, as registry_bench.py asks for it.
//!
//! One thread, sockets that stay open, requests made of bytes: the registry is to be what costs. Every
//! answer is checked, and the first that is wrong ends the run with an error.

mod http;
mod load;
mod schemas;
mod works;

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::json;

use crate::http::{Connection, Target};
use crate::load::{End, Plan};
use crate::works::{Compatible, GetById, Lookup, Register};

/// Puts one kind of load on a registry and prints what it came to as a line of JSON.
#[derive(Parser)]
struct Arguments {
    kind: Kind,
    /// For example http://127.0.0.1:8081 or http://127.0.0.1:8080/apis/ccompat/v7
    #[arg(long)]
    url: String,
    /// What the names of subjects begin with; must be new to the registry.
    #[arg(long)]
    prefix: String,
    #[arg(long, default_value_t = 1)]
    connections: usize,
    #[arg(long, default_value_t = 1.0)]
    warm_up_s: f64,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// So many requests, without warming up, instead of a time.
    #[arg(long)]
    requests: Option<u64>,
    /// Schemas that are there for `get` and `lookup`, versions for `compatible`.
    #[arg(long, default_value_t = 1000)]
    schemas: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// New schemas, each under a subject of its own.
    Register,
    /// Schemas by id.
    Get,
    /// Ids of schemas that are there, by their texts.
    Lookup,
    /// A record of 50 fields checked against all versions of a subject.
    Compatible,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("{}", runtime.block_on(measure(&arguments))?);
    Ok(())
}

async fn measure(arguments: &Arguments) -> Result<serde_json::Value> {
    let target = Target::parse(&arguments.url)?;
    let plan = match arguments.requests {
        Some(count) => Plan {
            connections: arguments.connections,
            warm_up: Duration::ZERO,
            end: End::Requests(count),
        },
        None => Plan {
            connections: arguments.connections,
            warm_up: Duration::from_secs_f64(arguments.warm_up_s),
            end: End::After(Duration::from_secs_f64(arguments.seconds)),
        },
    };
    let prefix = arguments.prefix.as_str();
    let measured = match arguments.kind {
        Kind::Register => {
            let work = Rc::new(Register::new(&target, prefix));
            let measured = load::run(&target, plan, work.clone()).await?;
            let mut ids = work.ids()?;
            ids.sort_unstable();
            let (first, last) = (ids.first().context("no id")?, ids.last().context("no id")?);
            let mut result = measured.to_json();
            result["dense"] = json!(last - first + 1 == ids.len() as u64);
            return Ok(result);
        }
        Kind::Get => {
            let ids = fill(&target, prefix, arguments.schemas).await?;
            load::run(&target, plan, Rc::new(GetById::new(&target, prefix, &ids))).await?
        }
        Kind::Lookup => {
            let ids = fill(&target, prefix, arguments.schemas).await?;
            load::run(&target, plan, Rc::new(Lookup::new(&target, prefix, &ids))).await?
        }
        Kind::Compatible => {
            fill_versions(&target, prefix, arguments.schemas).await?;
            let work = Compatible { target: target.clone(), subject: prefix.to_owned() };
            load::run(&target, plan, Rc::new(work)).await?
        }
    };
    Ok(measured.to_json())
}

/// Registers this many schemas; the answer is their ids.
async fn fill(target: &Target, prefix: &str, count: u64) -> Result<Vec<u64>> {
    let plan = Plan { connections: 16, warm_up: Duration::ZERO, end: End::Requests(count) };
    let work = Rc::new(Register::new(target, prefix));
    load::run(target, plan, work.clone()).await?;
    work.ids()
}

/// Registers this many versions of one subject, and asks for each new one to be checked against all.
async fn fill_versions(target: &Target, subject: &str, count: u64) -> Result<()> {
    let mut connection = Connection::open(target).await?;
    for number in 0..count {
        let body = json!({"schema": schemas::wide(&format!("version_{number}"))});
        let path = format!("/subjects/{subject}/versions");
        connection.ask(&target.with_body("POST", &path, &body)).await?;
        if number == 0 {
            let body = json!({"compatibility": "BACKWARD_TRANSITIVE"});
            connection.ask(&target.with_body("PUT", &format!("/config/{subject}"), &body)).await?;
        }
    }
    Ok(())
}
