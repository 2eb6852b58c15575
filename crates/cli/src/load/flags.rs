//! What flags and file change in a plan.

use super::{build, read_file};
use crate::args::LoadRunArgs;
use tidegate_load::plan::{FaultCommand, Overrides, Plan, Span};

/// The plan of a run: preset, then file, then flags.
pub fn plan(args: &LoadRunArgs) -> Result<Plan, String> {
    let file = match &args.config {
        None => None,
        Some(path) => {
            let text = read_file(path)?;
            let file = Overrides::from_toml(&text);
            Some(file.map_err(|error| format!("--config {}: {error}", path.display()))?)
        }
    };
    build(file, overrides(args)?)
}

fn overrides(args: &LoadRunArgs) -> Result<Overrides, String> {
    let LoadRunArgs { target, records, clients, output, .. } = args;
    Ok(Overrides {
        preset: args.preset.clone().or_else(|| args.preset_flag.clone()),
        registry: match target.no_registry {
            true => Some("none".to_owned()),
            false => target.registry.clone(),
        },
        properties: target.properties.iter().cloned().collect(),
        client: target.client,
        bootstrap: target.bootstrap.clone(),
        registry_timeout: target.registry_timeout,
        registry_restart: target.registry_restart.clone(),
        compatibility: target.compatibility.clone(),
        topic_prefix: records.topic_prefix.clone(),
        topics: records.topics,
        partitions: records.partitions,
        replication_factor: records.replication_factor,
        keep_topics: records.keep_topics.then_some(true),
        formats: records.formats.clone(),
        producers: clients.producers,
        rate: clients.rate,
        duration: clients.duration,
        bytes: records.bytes,
        compressible: records.compressible,
        keys: records.keys,
        key_skew: records.key_skew,
        headers: records.headers,
        acks: clients.acks,
        codec: clients.codec,
        linger: clients.linger,
        batch_records: clients.batch_records,
        idempotent: clients.idempotent,
        transactional: clients.transactional,
        transaction: clients.transaction,
        delivery_timeout: clients.delivery_timeout,
        consumers: clients.consumers,
        groups: clients.groups,
        group_prefix: clients.group_prefix.clone(),
        churn: clients.churn,
        drain_timeout: clients.drain_timeout,
        at: fault_commands(&clients.at)?,
        expect: output.expect.clone(),
        seed: records.seed,
    })
}

fn fault_commands(words: &[String]) -> Result<Option<Vec<FaultCommand>>, String> {
    let command = |pair: &[String]| {
        let after: Span = pair[0].parse().map_err(|error| format!("--at {}: {error}", pair[0]))?;
        Ok(FaultCommand { after, command: pair[1].clone() })
    };
    // The parser gives two words for each flag.
    let commands: Vec<FaultCommand> =
        words.chunks_exact(2).map(command).collect::<Result<_, String>>()?;
    Ok((!commands.is_empty()).then_some(commands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn plan_of(arguments: &[&str]) -> Result<Plan, String> {
        let all = ["tidegate", "load"].iter().chain(arguments);
        match Cli::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Load(args) => plan(&args.run),
            _ => Err("another command".to_owned()),
        }
    }

    #[test]
    fn a_preset_is_changed_by_flags() {
        let plan = plan_of(&["quick", "--duration", "15s", "--idempotent=false"]).unwrap();
        assert_eq!((plan.preset.as_str(), plan.producers, plan.bytes), ("quick", 1, 256));
        assert_eq!(plan.duration, Span::from_secs(15));
        assert!(!plan.idempotent);
        assert_eq!(plan_of(&["--preset", "stress"]).unwrap().producers, 20);
    }

    #[test]
    fn a_preset_that_does_not_exist_is_told_with_those_that_do() {
        let said = plan_of(&["quik"]).unwrap_err();
        assert!(said.contains("'quik'") && said.contains("quick, standard"), "{said}");
    }

    #[test]
    fn commands_have_their_time_first() {
        let plan = plan_of(&["--at", "30s", "kill -9 1", "--at", "1m", "echo b"]).unwrap();
        let times: Vec<_> = plan.at.iter().map(|at| (at.after, at.command.as_str())).collect();
        assert_eq!(times, [(Span::from_secs(30), "kill -9 1"), (Span::from_secs(60), "echo b")]);
        assert!(plan_of(&["--at", "soon", "echo"]).unwrap_err().contains("--at soon"));
    }

    #[test]
    fn a_run_without_a_registry_has_none() {
        assert_eq!(plan_of(&["quick", "--no-registry"]).unwrap().registry, None);
        assert!(plan_of(&["--no-registry", "--registry", "http://x"]).is_err());
    }
}
