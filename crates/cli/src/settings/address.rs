//! `host:port` pairs.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// A host, by name or address, and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostPort {
    /// The host name, or an address without brackets.
    pub host: String,
    /// The port; 0 lets the system choose where one listens.
    pub port: u16,
}

impl HostPort {
    /// True for an address that means "all interfaces": one can listen on it, not connect to it.
    pub fn is_wildcard(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
    }

    /// The first address the host name stands for.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        let found = (self.host.as_str(), self.port).to_socket_addrs()?.next();
        found.ok_or_else(|| std::io::Error::other(format!("{} has no address", self.host)))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostPort { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or("has no port")?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        if host.is_empty() {
            return Err("has no host".to_owned());
        }
        if bracketed.is_none() && host.contains(':') {
            return Err("is ambiguous: an IPv6 address goes in brackets".to_owned());
        }
        let port = port.parse().map_err(|_| format!("{port:?} is not a port from 0 to 65535"))?;
        Ok(HostPort { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in ["127.0.0.1:9092", "gateway.example:0", "[::1]:9092"] {
            assert_eq!(
                text.parse::<HostPort>().map(|address| address.to_string()),
                Ok(text.into())
            );
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let problem = |text: &str| text.parse::<HostPort>().expect_err("must be refused");
        assert_eq!(problem("localhost"), "has no port");
        assert_eq!(problem(":9092"), "has no host");
        assert_eq!(problem("localhost:70000"), "\"70000\" is not a port from 0 to 65535");
        assert_eq!(problem("::1:9092"), "is ambiguous: an IPv6 address goes in brackets");
    }

    #[test]
    fn only_all_zero_addresses_are_wildcards() {
        let is_wildcard = |text: &str| text.parse::<HostPort>().expect("valid").is_wildcard();
        assert!(is_wildcard("0.0.0.0:1") && is_wildcard("[::]:1"));
        assert!(!is_wildcard("127.0.0.1:1") && !is_wildcard("localhost:1"));
    }
}
