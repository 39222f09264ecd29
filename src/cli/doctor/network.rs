//! What only the network shows: the way to the gateway, its TLS, its diagnosis, its real door.

use super::{Check, Outcome};
use crate::cli::foreign::harmless;
use crate::cli::partner::Resolved;
use crate::client::{ClientError, Endpoint};
use crate::clock::{Clock, SystemClock};
use crate::trust::{self, ProbeError};
use crate::wire::proto::{CheckOutcome, DiagnoseResponse, ListNationsRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// Time for each step.
const STEP: Duration = Duration::from_secs(10);
/// Port of the diagnosis listener unless told otherwise.
const DIAGNOSIS_PORT: &str = "7444";
/// From here on clocks are said to differ, seconds.
const SKEW_S_MAX: i64 = 30;

const NETWORK: &str = "way to the gateway";
const TLS: &str = "gateway's TLS";
const DIAGNOSIS: &str = "gateway's diagnosis";
const DOOR: &str = "the real door";
const CLOCK: &str = "clock";
const NATION: &str = "nation's files";

/// The way from here to the gateway.
pub(super) struct Way<'a> {
    pub(super) partner: &'a Resolved,
    pub(super) diagnosis: Option<&'a str>,
    pub(super) clock: &'a SystemClock,
}

impl Way<'_> {
    pub(super) async fn checks(&self) -> Vec<Check> {
        let address = self.partner.address.as_str();
        let tcp = match tokio::time::timeout(STEP, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => return vec![no_way(address, &error), skipped_door("no way there")],
            Err(_elapsed) => {
                return vec![
                    Check::failed(
                        NETWORK,
                        format!("{address}: nobody answered within {} s", STEP.as_secs()),
                        "a firewall may drop the packets: ask whoever runs the network between \
                         here and the gateway",
                    ),
                    skipped_door("no way there"),
                ];
            }
        };
        let mut checks = vec![Check::ok(NETWORK, format!("{address} takes connections"))];
        let endpoint = match self.partner.endpoint() {
            Ok(endpoint) => endpoint,
            Err(_named_above) => {
                checks.push(skipped_door("the files have to be mended first"));
                return checks;
            }
        };
        let name = self.partner.server_name.as_str();
        let probe = trust::probe(Arc::clone(&endpoint.tls), name, tcp);
        let probed = match tokio::time::timeout(STEP, probe).await {
            Ok(probed) => probed,
            Err(_elapsed) => Err(ProbeError::Broken("nothing came in time".to_owned())),
        };
        let refused = match probed {
            Ok(()) => None,
            Err(ProbeError::Refused(words)) => Some(words),
            Err(error) => {
                checks.push(tls_failed(&error, &self.partner.server_name));
                checks.push(skipped_door("TLS has to be mended first"));
                return checks;
            }
        };
        checks.push(Check::ok(
            TLS,
            format!("TLS 1.3 and HTTP/2; its certificate is good for `{name}`"),
        ));
        checks.extend(self.ask(&endpoint).await);
        checks.extend(self.door(&endpoint, refused).await);
        checks
    }

    /// Asks the diagnosis listener, if there is one.
    async fn ask(&self, endpoint: &Endpoint) -> Vec<Check> {
        let told = self.diagnosis.map(str::to_owned);
        let told = told.or_else(|| self.partner.diagnosis.clone());
        let is_told = told.is_some();
        let address = told.unwrap_or_else(|| {
            let gateway = self.partner.address.as_str();
            let host = gateway
                .rsplit_once(':')
                .map_or(gateway, |(host, _port)| host);
            format!("{host}:{DIAGNOSIS_PORT}")
        });
        let at = Endpoint {
            address: address.clone(),
            ..endpoint.clone()
        };
        match tokio::time::timeout(STEP, at.diagnose(self.clock.now())).await {
            Ok(Ok(answer)) => diagnosed(&answer),
            Ok(Err(error)) if is_told => vec![Check::failed(
                DIAGNOSIS,
                error.to_string(),
                "check the address of the diagnosis listener with the gateway's operator, or \
                 leave --diagnosis out",
            )],
            Ok(Err(_)) => vec![Check::skipped(
                DIAGNOSIS,
                format!(
                    "no diagnosis listener at {address}; ask the gateway's operator for its \
                     address (--diagnosis), or for the reason in the gateway's log"
                ),
            )],
            Err(_elapsed) => vec![Check::skipped(
                DIAGNOSIS,
                format!("the diagnosis listener at {address} did not answer in time"),
            )],
        }
    }

    /// Tries to be known at the real door.
    async fn door(&self, endpoint: &Endpoint, refused: Option<String>) -> Vec<Check> {
        let mend = "see the lines above; the gateway's log has a line with the exact reason";
        if let Some(words) = refused {
            return vec![Check::failed(DOOR, words, mend)];
        }
        let seen = match tokio::time::timeout(STEP, endpoint.who_am_i()).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(error)) => return vec![door_failed(&error, mend)],
            Err(_elapsed) => {
                return vec![Check::failed(
                    DOOR,
                    "the gateway did not answer in time",
                    mend,
                )];
            }
        };
        let who = format!("{}/{}", harmless(&seen.nation), harmless(&seen.system));
        let mut checks = vec![if seen.rights.is_empty() {
            Check::warning(
                DOOR,
                format!("open: the gateway knows this system as {who}, without any right"),
                "the gateway's operator gives rights in the nation's file",
            )
        } else {
            let rights: Vec<_> = seen.rights.iter().map(|right| harmless(right)).collect();
            let rights = rights.join(", ");
            Check::ok(
                DOOR,
                format!("open: the gateway knows this system as {who}; rights: {rights}"),
            )
        }];
        let is_operator = seen.rights.iter().any(|right| right == "operate");
        let told = tokio::time::timeout(STEP, nations(endpoint, &seen.nation, is_operator));
        checks.extend(told.await.unwrap_or_default());
        if let Some(time) = seen.gateway_time {
            checks.push(clock(self.clock.now().as_second() - time.seconds));
        }
        checks
    }
}

/// What the gateway finds faulty: to a system of its own nation's files, to an operator of all.
async fn nations(endpoint: &Endpoint, nation: &str, is_operator: bool) -> Vec<Check> {
    if is_operator {
        return all_nations(endpoint).await.unwrap_or_default();
    }
    let nation = harmless(nation);
    let own = endpoint.finds_sound(&nation).await.map(|is_sound| {
        if is_sound {
            let words = format!("the gateway finds all files of {nation} sound");
            return Check::ok(NATION, words);
        }
        Check::warning(
            NATION,
            format!(
                "the gateway finds a file of {nation} faulty (its settings, an authority or a \
                 revocation list), and goes on with what it had before: what is new in them, also \
                 revocations, does not count yet"
            ),
            "tell the gateway's operator, whose `entente trust show` names the fault; if it is \
             the revocation list or the authority, the nation has to hand in a sound one",
        )
    });
    own.into_iter().collect()
}

/// For an operator: each faulty nation with its faults. None: the gateway does not say.
async fn all_nations(endpoint: &Endpoint) -> Option<Vec<Check>> {
    let mut operations = endpoint.operations().await.ok()?;
    let answer = operations.list_nations(ListNationsRequest {}).await.ok()?;
    let answer = answer.into_inner();
    let of_nations = answer
        .nations
        .iter()
        .map(|n| (n.nation.as_str(), &n.faults));
    let of_files = answer.faulty_files.iter().map(|f| match f.name.as_str() {
        "" => ("the gateway's own file", &f.faults),
        name => (name, &f.faults),
    });
    let faulty = of_nations
        .chain(of_files)
        .filter(|(_, faults)| !faults.is_empty());
    let checks: Vec<_> = faulty
        .map(|(name, faults)| {
            let words = format!("{name} is faulty: {}", faults.join("; "));
            let mend = "put a sound file in place; it is taken up by itself";
            Check::warning(NATION, harmless(&words), mend)
        })
        .collect();
    if checks.is_empty() {
        return Some(vec![Check::ok(
            NATION,
            "the gateway finds all nations' files sound",
        )]);
    }
    Some(checks)
}

fn skipped_door(why: &str) -> Check {
    Check::skipped(DOOR, format!("not tried: {why}"))
}

fn no_way(address: &str, error: &std::io::Error) -> Check {
    use std::io::ErrorKind as K;
    let (words, mend) = match error.kind() {
        K::ConnectionRefused => (
            format!("{address}: the port is closed"),
            "is the gateway running, and is this its port? (--gateway HOST:PORT)",
        ),
        K::InvalidInput => (
            format!("`{address}` is no address"),
            "give --gateway HOST:PORT",
        ),
        K::HostUnreachable | K::NetworkUnreachable => (
            format!("{address}: {error}"),
            "there is no route to the gateway: check the network of this machine",
        ),
        _ if error.raw_os_error().is_none() => (
            format!("{address}: {error}"),
            "the name of the gateway is not known to this machine: check DNS and the spelling",
        ),
        _ => (
            format!("{address}: {error}"),
            "check address, port and network",
        ),
    };
    Check::failed(NETWORK, words, mend)
}

fn tls_failed(error: &ProbeError, server_name: &str) -> Check {
    let mend = match error {
        ProbeError::ServerName(_) => {
            "give --server-name NAME: a DNS name or an address that stands in the gateway's \
             certificate"
                .to_owned()
        }
        ProbeError::OtherAuthority => {
            "use the CA file that the gateway's operator gives out (--ca); if it is the right one, \
             somebody else answers at this address: do not go on"
                .to_owned()
        }
        ProbeError::OtherName { presented, .. } => format!(
            "give --server-name with one of the names in its certificate ({}), or ask the \
             operator to add `{server_name}`",
            presented.join(", ")
        ),
        ProbeError::GatewayExpired(_) => {
            "if this machine's clock is right, the gateway's operator has to renew the gateway's \
             certificate"
                .to_owned()
        }
        ProbeError::GatewayNotYetValid(_) => {
            "this machine's clock is probably behind: set it (NTP)".to_owned()
        }
        ProbeError::GatewayCertificate(_) => {
            "tell the gateway's operator: the gateway's own certificate is faulty".to_owned()
        }
        ProbeError::NoH2 => {
            "something between here and the gateway ends TLS (a proxy or a load balancer): it has \
             to pass the connection through untouched"
                .to_owned()
        }
        ProbeError::NoTls(_) => {
            "is this the gateway's port? It speaks TLS 1.3 only; old proxies in between do not"
                .to_owned()
        }
        ProbeError::Broken(_) => {
            "try again; if it stays so, a firewall or a proxy cuts the connection".to_owned()
        }
        ProbeError::Refused(_) => "ask the gateway's operator".to_owned(),
    };
    Check::failed(TLS, harmless(&error.to_string()), mend)
}

fn door_failed(error: &ClientError, mend: &str) -> Check {
    Check::failed(DOOR, harmless(&error.to_string()), mend)
}

/// The gateway's checks, under names of ours.
fn diagnosed(answer: &DiagnoseResponse) -> Vec<Check> {
    let name = |name: &str| match name {
        "certificate" => "gateway: certificate",
        "vouching" => "gateway: vouching",
        "revocation" => "gateway: revocation",
        "clock" => "gateway: clock",
        _ => DIAGNOSIS,
    };
    let checks = answer.checks.iter().take(32).map(|check| Check {
        name: name(&check.name),
        outcome: match check.outcome() {
            CheckOutcome::Ok => Outcome::Ok,
            CheckOutcome::Warning => Outcome::Warning,
            CheckOutcome::Failed => Outcome::Failed,
            CheckOutcome::Skipped | CheckOutcome::Unspecified => Outcome::Skipped,
        },
        message: harmless(&check.message).to_string(),
        mend: harmless(&check.mend).to_string(),
    });
    checks.collect()
}

fn clock(ahead_s: i64) -> Check {
    if ahead_s.abs() <= SKEW_S_MAX {
        return Check::ok(CLOCK, "this machine's clock and the gateway's agree");
    }
    let side = if ahead_s > 0 { "ahead of" } else { "behind" };
    Check::warning(
        CLOCK,
        format!(
            "this machine's clock is {} s {side} the gateway's",
            ahead_s.abs()
        ),
        "set the clock of this machine (NTP); certificates are judged by the gateway's clock",
    )
}
