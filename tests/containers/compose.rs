//! `docker-compose.cluster.yml` as users start it, under a name and port of its own.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    process::Command,
};

use crate::{
    engine::{self, BALANCER, Engine, IMAGE},
    harness::{client::Api, direct::Direct, wait},
};

/// A project of `docker-compose`, taken down with all it has when it is dropped.
pub(crate) struct Project {
    name: String,
    port: u16,
    _engine: Engine,
}

impl Project {
    /// Everything in the file, healthy.
    pub(crate) async fn up() -> Self {
        let engine = Engine::take().await;
        // Nobody else is given it so soon: the system gives out others first.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let project = Self { name: format!("ringhold-test-{}", rand::random::<u32>()), port, _engine: engine };
        project.compose(&["up", "-d", "--no-build"]);
        project
    }

    /// `docker-compose` on this project. With the plugin of version 2 alone, `docker compose`.
    pub(crate) fn compose(&self, arguments: &[&str]) -> String {
        let file = engine::repository().join("docker-compose.cluster.yml");
        let has_v1 = Command::new("docker-compose").arg("version").output().is_ok_and(|output| output.status.success());
        let mut command = Command::new(if has_v1 { "docker-compose" } else { "docker" });
        if !has_v1 {
            command.arg("compose");
        }
        command.arg("--project-name").arg(&self.name).arg("--file").arg(file).args(arguments);
        command.env("RINGHOLD_IMAGE", IMAGE).env("HAPROXY_IMAGE", BALANCER);
        command.env("RINGHOLD_PORT", format!("127.0.0.1:{}", self.port));
        command.env("RINGHOLD_RANGES", "64").env("RINGHOLD_WORKERS", "1").env("CACHE_ACCESS_LOG_ENABLED", "false");
        command.env("CACHE_MAX_MEMORY", "0").env("CACHE_DEFAULT_TTL", "0");
        engine::run(&mut command)
    }

    /// The balancer.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// A client of the balancer.
    pub(crate) fn api(&self) -> Api {
        Api::new(format!("http://{}", self.address()))
    }

    /// Containers of a service, running or not.
    pub(crate) fn containers(&self, service: &str) -> Vec<String> {
        self.compose(&["ps", "-q", service]).split_whitespace().map(str::to_owned).collect()
    }

    /// Where the only container of a service is on the network.
    fn ip(&self, service: &str) -> Option<IpAddr> {
        let of = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        engine::docker(&["inspect", "--format", of, self.containers(service).first()?]).trim().parse().ok()
    }

    /// A node, spoken to directly.
    pub(crate) fn direct(&self, service: &str) -> Direct {
        Direct::to(SocketAddr::from((self.ip(service).expect("it is on the network"), 7400)))
    }

    /// Host name of a container, which is what its node calls itself.
    pub(crate) fn host(container: &str) -> String {
        engine::docker(&["inspect", "--format", "{{.Config.Hostname}}", container]).trim().to_owned()
    }

    /// Waits until the balancer sends requests to a router.
    pub(crate) async fn wait_balanced(&self, router: &str) {
        let ip = self.ip("balancer").expect("the balancer is on the network");
        let api = Api::new(format!("http://{ip}:8404"));
        let line = format!(r#"haproxy_server_status{{proxy="routers",server="{router}",state="UP"}} 1"#);
        wait::until("the balancer to see the router", async || {
            let answer = api.try_send(api.request(reqwest::Method::GET, "/metrics")).await.ok()?;
            answer.text.contains(&line).then_some(())
        })
        .await;
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Not `compose`, which would panic again.
            let _ = Command::new("docker-compose")
                .args(["--project-name", &self.name, "--file", "docker-compose.cluster.yml", "logs", "--tail", "30"])
                .current_dir(engine::repository())
                .status();
        }
        let down = ["--project-name", &self.name, "--file", "docker-compose.cluster.yml", "down", "-v", "-t", "0"];
        let _ = Command::new("docker-compose").args(down).current_dir(engine::repository()).output();
    }
}
