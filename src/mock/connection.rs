//! Faults on the level of connections: strangers at the door, and readers that stop reading.
//! What a partner does wrong within a report is [`super::fault`]'s.

use crate::client::Endpoint;
use crate::pki::{Fault, LeafSpec};
use crate::wire::proto::{SubscribeRequest, SubscribeResponse, WhoAmIRequest};
use jiff::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Streaming;

/// The gateway must have closed the door on garbage after this.
const GARBAGE_DEADLINE: Duration = Duration::from_secs(15);

/// A stranger that must not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Sends bytes that are no TLS.
    Garbage,
    /// Shows a certificate that has ended.
    Expired,
    /// Shows a certificate for a GBR system that FRA's authority signed.
    AnotherNation,
}

impl Stranger {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Garbage, Self::Expired, Self::AnotherNation];

    /// For people.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Self::Garbage => "somebody who sends bytes that are no TLS",
            Self::Expired => "FRA/poste-12 with a certificate that has ended",
            Self::AnotherNation => "GBR/uav-cell-4 with a certificate signed by FRA",
        }
    }

    /// The certificate that FRA's authority must issue for it; `None`: it needs none.
    #[must_use]
    pub fn certificate(self, now: Timestamp) -> Option<LeafSpec> {
        let system = |uri| LeafSpec::system(uri, now, 1);
        match self {
            Self::Garbage => None,
            Self::Expired => {
                Some(system("spiffe://fra.entente.example/poste-12").with(Fault::Expired))
            }
            Self::AnotherNation => Some(system("spiffe://gbr.entente.example/uav-cell-4")),
        }
    }
}

/// Knocks with a certificate. `Ok`: kept out, with what the stranger was told.
///
/// # Errors
/// It came in; whom the gateway took it for.
pub async fn knock(endpoint: &Endpoint) -> Result<String, String> {
    // In TLS 1.3 the client believes itself connected before its certificate is judged.
    let mut client = match endpoint.submission().await {
        Ok(client) => client,
        Err(error) => return Ok(error.to_string()),
    };
    match client.who_am_i(WhoAmIRequest {}).await {
        Err(_) => Ok("the connection was closed".into()),
        Ok(answer) => {
            let answer = answer.into_inner();
            Err(format!(
                "it was taken for {}/{}",
                answer.nation, answer.system
            ))
        }
    }
}

/// Sends bytes that are no TLS. `Ok`: the gateway closed the connection.
///
/// # Errors
/// The gateway did not, or cannot be reached.
pub async fn garbage(address: SocketAddr) -> Result<String, String> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("the gateway cannot be reached: {error}"))?;
    // A reset while writing is a closed door too.
    let _closed_already = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    let mut answer = Vec::new();
    match tokio::time::timeout(GARBAGE_DEADLINE, stream.read_to_end(&mut answer)).await {
        Ok(_closed_or_reset) => Ok("the connection was closed".into()),
        Err(_) => Err("the connection is still open".into()),
    }
}

/// A reader that asks for the whole feed and then never reads; it stops when dropped.
///
/// # Errors
/// The subscription does not come about.
pub async fn stopped_reader(endpoint: &Endpoint) -> Result<Streaming<SubscribeResponse>, String> {
    let mut client = endpoint.feed().await.map_err(|error| error.to_string())?;
    let request = SubscribeRequest {
        from_position: 1,
        ..SubscribeRequest::default()
    };
    let answers = client.subscribe(request).await;
    Ok(answers
        .map_err(|status| status.message().to_owned())?
        .into_inner())
}
