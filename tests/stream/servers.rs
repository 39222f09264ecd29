//! NATS servers as real processes on loopback, with mutual TLS between them and to their
//! clients, each with a folder of its own. The program comes from the Python package that
//! `tests/run` installs; each process ends with its value, by its own id.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The program: on the path, or in the virtual environment of the repository.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_repository = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin");
    std::iter::once(of_repository)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("nats-server"))
        .find(|program| program.is_file())
        .expect("no nats-server in .venv/bin or on the path: run `tests/run toolchain` once")
}

/// An authority with a certificate for servers, and one for gateways.
pub(crate) struct Papers {
    folder: PathBuf,
}

impl Papers {
    pub(crate) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Servers' authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
        for (name, hosts) in [
            ("server", &["localhost", "127.0.0.1"][..]),
            ("gateway", &[][..]),
        ] {
            let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
            let mut params = CertificateParams::new(hosts).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages = vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ];
            let key = KeyPair::generate().unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
            let key_file = folder.join(format!("{name}.key"));
            std::fs::write(&key_file, key.serialize_pem()).unwrap();
            restrict(&key_file);
        }
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The `tls` block of a server's configuration.
    fn block(&self) -> String {
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true, timeout: 10 }}",
            self.file("server.pem"),
            self.file("server.key"),
            self.file("ca.pem"),
        )
    }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Ports that are free now. All are held until the last is found.
fn free_ports(count: usize) -> Vec<u16> {
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap())
        .collect();
    held.iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}

/// A server that runs, or may be started again in its place.
pub(crate) struct Server {
    pub(crate) name: String,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// One server without a cluster.
    pub(crate) fn alone(folder: &Path, papers: &Papers, edit: impl Fn(String) -> String) -> Self {
        let port = free_ports(1)[0];
        let mut server = Self::configured(folder, papers, "s1", port, "");
        server.edit(edit);
        server.spawn();
        server.wait_until_ready();
        server
    }

    fn configured(folder: &Path, papers: &Papers, name: &str, port: u16, more: &str) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "host: \"127.0.0.1\"\nport: {port}\nserver_name: {name:?}\n\
             server_tags: [\"sync:always\"]\nmax_payload: 8MB\n{}\n\
             jetstream {{ store_dir: {:?}, sync_interval: always }}\n{more}\n",
            papers.block(),
            folder.join("store"),
        );
        std::fs::write(folder.join("server.conf"), text).unwrap();
        Self {
            name: name.to_owned(),
            folder,
            port,
            child: None,
        }
    }

    /// Changes its configuration.
    pub(crate) fn edit(&self, edit: impl Fn(String) -> String) {
        let file = self.folder.join("server.conf");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, edit(text)).unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub(crate) fn url(&self) -> String {
        format!("tls://127.0.0.1:{}", self.port)
    }

    /// Starts the process, in the place of one that was killed.
    pub(crate) fn spawn(&mut self) {
        let mut command = Command::new(program());
        command.arg("--config").arg(self.folder.join("server.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(command.stderr(Stdio::piped()).spawn().unwrap());
    }

    /// Reads the log until the server takes connections; the rest goes to a file.
    pub(crate) fn wait_until_ready(&mut self) {
        let child = self.child.as_mut().unwrap();
        let mut log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("server.log"))
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        for line in lines.by_ref() {
            let line = line.unwrap();
            writeln!(log, "{line}").unwrap();
            if line.contains("Server is ready") {
                std::thread::spawn(move || {
                    for line in lines.map_while(Result::ok) {
                        // For a look afterwards; nothing depends on it.
                        let _kept = writeln!(log, "{line}");
                    }
                });
                return;
            }
        }
        let log = std::fs::read_to_string(self.folder.join("server.log")).unwrap();
        panic!("the server does not start:\n{log}");
    }

    /// SIGSTOP: it neither answers nor goes away.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.as_ref().unwrap().id()).unwrap();
        rustix::process::kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three servers, each with a copy.
pub(crate) struct Cluster {
    pub(crate) servers: Vec<Server>,
}

impl Cluster {
    /// Starts them; `edit` changes what stands in each configuration.
    pub(crate) fn start(folder: &Path, papers: &Papers, edit: impl Fn(String) -> String) -> Self {
        let ports = free_ports(6);
        let routes: Vec<_> = ports[3..]
            .iter()
            .map(|port| format!("\"tls://127.0.0.1:{port}\""))
            .collect();
        let mut servers: Vec<_> = (0..3)
            .map(|number| {
                let more = format!(
                    "cluster {{ name: \"test\", listen: \"127.0.0.1:{}\", routes: [{}], {} }}",
                    ports[3 + number],
                    routes.join(", "),
                    papers.block(),
                );
                let name = format!("s{}", number + 1);
                let server = Server::configured(folder, papers, &name, ports[number], &more);
                server.edit(&edit);
                server
            })
            .collect();
        for server in &mut servers {
            server.spawn();
        }
        for server in &mut servers {
            server.wait_until_ready();
        }
        Self { servers }
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Server::url).collect()
    }

    pub(crate) fn named(&mut self, name: &str) -> &mut Server {
        let mut servers = self.servers.iter_mut();
        servers.find(|server| server.name == name).unwrap()
    }
}
