//! A TCP balancer on loopback: a new client gets the gateways in turn; clients can be cut in the
//! middle of what they do, and come back to another one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

#[derive(Debug, Default)]
struct State {
    /// Where each gateway is; none while it does not run.
    gateways: Vec<Option<SocketAddr>>,
    turn: usize,
    /// The clients, and to which gateway each is connected.
    clients: Vec<(usize, AbortHandle)>,
}

/// Passes clients on until it is dropped.
#[derive(Debug)]
pub(crate) struct Balancer {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Balancer {
    pub(crate) async fn start(gateways: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State {
            gateways: vec![None; gateways],
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connect(client, &shared).await;
            }
        });
        Self {
            address,
            state,
            accepting,
        }
    }

    /// Says where a gateway is from now on; its clients were cut when it ended.
    pub(crate) fn set(&self, gateway: usize, address: Option<SocketAddr>) {
        self.state.lock().unwrap().gateways[gateway] = address;
    }

    /// Cuts every client of a gateway; they come back to whoever's turn it is.
    pub(crate) fn cut(&self, gateway: usize) -> usize {
        let mut state = self.state.lock().unwrap();
        // The turn after is the other gateway's.
        state.turn = gateway + 1;
        let mut cut = 0;
        for (_, client) in state.clients.iter().filter(|(at, _)| *at == gateway) {
            cut += usize::from(!client.is_finished());
            client.abort();
        }
        state.clients.retain(|(_, client)| !client.is_finished());
        cut
    }

    /// Cuts the clients of the gateway that has most of them.
    pub(crate) fn move_most(&self) -> usize {
        let most = {
            let state = self.state.lock().unwrap();
            let of = |gateway: usize| {
                let clients = state.clients.iter();
                let clients =
                    clients.filter(|(at, client)| *at == gateway && !client.is_finished());
                clients.count()
            };
            (0..state.gateways.len()).max_by_key(|gateway| of(*gateway))
        };
        self.cut(most.unwrap())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
        for (_, client) in &self.state.lock().unwrap().clients {
            client.abort();
        }
    }
}

/// Connects a client to the gateway whose turn it is, or the next one that answers; to nobody,
/// if none does.
async fn connect(mut client: TcpStream, shared: &Arc<Mutex<State>>) {
    let (turn, gateways) = {
        let mut state = shared.lock().unwrap();
        state.turn += 1;
        (state.turn - 1, state.gateways.clone())
    };
    for step in 0..gateways.len() {
        let at = (turn + step) % gateways.len();
        let Some(address) = gateways[at] else {
            continue;
        };
        let Ok(mut gateway) = TcpStream::connect(address).await else {
            continue;
        };
        let (_, _) = (client.set_nodelay(true), gateway.set_nodelay(true));
        let passing = tokio::spawn(async move {
            // Either side may go away at any time.
            let _ended = tokio::io::copy_bidirectional(&mut client, &mut gateway).await;
        });
        let mut state = shared.lock().unwrap();
        state.clients.retain(|(_, client)| !client.is_finished());
        state.clients.push((at, passing.abort_handle()));
        return;
    }
}
