//! What runs in a round: three NATS servers as a cluster whose ways can be cut, two gateways
//! with folders of their own and the same certificates, and the balancer in front of them.

use crate::balancer::Balancer;
use crate::routes::Routes;
use crate::servers::{Cluster, Papers};
use crate::support::{ENTENTE, Site};
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::Info;
use async_nats::{ConnectOptions, ServerAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The stream of the gateways.
const STREAM: &str = "ENTENTE";
/// After so many looks it is told what there is in place of what is waited for.
const LOOKS_TOLD: u64 = 200;
/// Settings of the round: readers that take nothing are cut soon.
const SETTINGS: &str = "[feed]\nstall_deadline = \"1s\"\nheartbeat = \"1s\"\n";

/// The processes of a round.
pub(crate) struct Federation {
    pub(crate) cluster: Cluster,
    pub(crate) routes: Routes,
    pub(crate) gateways: [Site; 2],
    pub(crate) balancer: Balancer,
    /// A client of the servers that is no gateway.
    pub(crate) context: Context,
    // Last: the servers end before their folders go.
    folder: TempDir,
}

impl Federation {
    pub(crate) async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap(), |text| text).await
    }

    /// Starts it in a folder in which something may be prepared, and changes what stands in the
    /// servers' configurations.
    pub(crate) async fn start_in(folder: TempDir, edit: impl Fn(String) -> String) -> Self {
        let papers = Papers::new(&folder.path().join("papers"));
        let routes = Routes::default();
        let edit = |text: String| edit(routes.through(&text));
        let starting = || Cluster::start(folder.path(), &papers, edit);
        let cluster = tokio::task::block_in_place(starting);
        let context = context(&papers, &cluster.urls()).await;
        let gateways = [(); 2].map(|()| site(&papers, &cluster.urls()));
        // One authority for both: whoever is sent to the other is welcome there.
        let certificates = gateways[1].path("certs-dev");
        std::fs::remove_dir_all(&certificates).unwrap();
        std::os::unix::fs::symlink(gateways[0].path("certs-dev"), &certificates).unwrap();
        let mut federation = Self {
            cluster,
            routes,
            gateways,
            balancer: Balancer::start(2).await,
            context,
            folder,
        };
        for gateway in 0..2 {
            federation.start_gateway(gateway, &[]);
        }
        federation
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a gateway, and lets clients come to it.
    pub(crate) fn start_gateway(&mut self, gateway: usize, environment: &[(&str, &str)]) {
        let started = self.try_start_gateway(gateway, environment);
        let log = || self.gateways[gateway].log();
        started.unwrap_or_else(|why| panic!("gateway {gateway}: {why}\n{}", log()));
    }

    pub(crate) fn try_start_gateway(
        &mut self,
        gateway: usize,
        environment: &[(&str, &str)],
    ) -> Result<(), String> {
        let site = &mut self.gateways[gateway];
        let starting = || site.try_start(Command::new(ENTENTE), environment);
        tokio::task::block_in_place(starting)?;
        let address = site.address.parse().unwrap();
        self.balancer.set(gateway, Some(address));
        Ok(())
    }

    /// SIGKILL.
    pub(crate) fn kill_gateway(&mut self, gateway: usize) {
        self.balancer.set(gateway, None);
        self.gateways[gateway].kill();
    }

    /// Looks at the stream until it is as wanted, through one server after the other.
    async fn look<T>(&self, what: &str, mut wanted: impl FnMut(&Info) -> Option<T>) -> T {
        let mut looks = tokio::time::interval(crate::LOOK);
        let look = async {
            for number in 1.. {
                looks.tick().await;
                let mut wanted = |info: &Info| {
                    if number % LOOKS_TOLD == 0 {
                        println!("  not yet {what}: {:?}", info.cluster);
                    }
                    wanted(info)
                };
                let found = match self.context.get_stream(STREAM).await {
                    Ok(mut stream) => stream.info().await.ok().and_then(&mut wanted),
                    Err(_) => None,
                };
                if let Some(found) = found {
                    return found;
                }
                // The server may be one that is cut off, or does not know yet.
                let _or_not = self.context.client().force_reconnect().await;
            }
            unreachable!("there is no end of numbers")
        };
        crate::in_time(what, look).await
    }

    /// Name of the server that leads the stream.
    pub(crate) async fn leader(&self) -> String {
        let leader = |info: &Info| info.cluster.as_ref()?.leader.clone();
        self.look("a leader", |info| {
            leader(info).filter(|leader| !leader.is_empty())
        })
        .await
    }

    /// Waits until the others have noticed that a server is cut off, and one of them leads.
    pub(crate) async fn until_apart(&self, server: &str) {
        self.look("the others go on alone", |info| {
            let cluster = info.cluster.as_ref()?;
            let leader = cluster.leader.as_ref()?;
            let others = cluster.replicas.iter();
            let mut others = others.filter(|one| !one.current || one.offline);
            let is_missed = others.any(|one| one.name == server);
            (leader != server && is_missed).then_some(())
        })
        .await;
    }

    /// Names of the servers that do not lead.
    pub(crate) async fn followers(&self) -> Vec<String> {
        let leader = self.leader().await;
        let names = self.cluster.servers.iter().map(|server| &server.name);
        names.filter(|name| **name != leader).cloned().collect()
    }

    /// Starts a server again that was killed, and waits until it takes connections.
    pub(crate) fn start_server(&mut self, name: &str) {
        let server = self.cluster.named(name);
        server.spawn();
        tokio::task::block_in_place(|| server.wait_until_ready());
    }

    /// Waits until every server keeps up with the leader.
    pub(crate) async fn whole(&self) {
        self.look("a whole cluster", |info| {
            let cluster = info.cluster.as_ref()?;
            let mut others = cluster.replicas.iter();
            let is_whole = others.all(|one| one.current && !one.offline);
            (cluster.leader.is_some() && cluster.replicas.len() == 2 && is_whole).then_some(())
        })
        .await;
    }

    /// Nobody ended who was not told to, and everybody ends in order.
    pub(crate) fn stop(&mut self) {
        for (number, gateway) in self.gateways.iter_mut().enumerate() {
            assert!(gateway.is_alive(), "gateway {number} ended by itself");
            let ended = tokio::task::block_in_place(|| gateway.stop());
            assert!(ended.success(), "gateway {number}: {ended}");
            let verified = gateway.run(&["journal", "verify", "data/journal"]);
            assert!(verified.status.success(), "{verified:?}");
        }
    }
}

fn site(papers: &Papers, urls: &[String]) -> Site {
    let site = Site::new(&format!(
        "{SETTINGS}\n[journal.jetstream]\nservers = {urls:?}\nca = {:?}\ncertificate = {:?}\n\
         key = {:?}\nreplicas = 3\n",
        papers.file("ca.pem"),
        papers.file("gateway.pem"),
        papers.file("gateway.key"),
    ));
    site.edit("config/gateway.toml", |text| {
        text.replace("[journal]\n", "[journal]\nengine = \"jetstream\"\n")
    });
    site
}

async fn context(papers: &Papers, urls: &[String]) -> Context {
    let servers: Vec<ServerAddr> = urls.iter().map(|url| url.parse().unwrap()).collect();
    let client = ConnectOptions::new()
        .add_root_certificates(papers.file("ca.pem"))
        .add_client_certificate(papers.file("gateway.pem"), papers.file("gateway.key"))
        .require_tls(true)
        .ignore_discovered_servers()
        // One that is stopped is left soon.
        .ping_interval(Duration::from_secs(1))
        .connect(servers)
        .await
        .unwrap();
    let mut context = async_nats::jetstream::new(client);
    context.set_timeout(Duration::from_secs(2));
    context
}
