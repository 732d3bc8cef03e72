//! Whole commands over a real socket, against a fake daemon. Expected texts are those recorded from BIRD in
//! the conformance cases, where such a case exists.
#![allow(clippy::unwrap_used, reason = "tests stop where they fail")]

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::base::log::LogClass;
use crate::base::{Net, NextHop, Value};
use crate::control::backend::{ConfigEvent, ConfigOutcome};
use crate::control::echo::EchoHub;
use crate::control::fake::Fake;
use crate::control::server::{Options, Server, Socket};
use crate::table::{AttrId, Dest};

/// A daemon with a socket in a directory of its own.
struct Rig {
    fake: Arc<Fake>,
    hub: Arc<EchoHub>,
    server: Server,
    dir: tempfile::TempDir,
}

impl Rig {
    fn new() -> Rig {
        let fake = Fake::new();
        let dir = tempfile::tempdir().unwrap();
        let hub = Arc::new(EchoHub::default());
        let options = Options { echo: hub.clone(), ..Options::default() };
        let mut server = Server::new(fake.clone(), options, None);
        server.main_socket(Socket::bind(&dir.path().join("ctl"), None).unwrap()).unwrap();
        Rig { fake, hub, server, dir }
    }

    async fn connect(&self) -> Client {
        self.connect_to("ctl").await
    }

    async fn connect_to(&self, name: &str) -> Client {
        let mut client = Client { stream: UnixStream::connect(self.dir.path().join(name)).await.unwrap() };
        assert_eq!(client.reply().await, "0001 BIRD 2.19.0 ready.\n");
        client
    }

    /// The answer to one command in a session of its own.
    async fn cli(&self, command: &str) -> String {
        self.connect().await.ask(command).await
    }
}

struct Client {
    stream: UnixStream,
}

impl Client {
    async fn ask(&mut self, command: &str) -> String {
        self.stream.write_all(format!("{command}\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Reads up to a last line.
    async fn reply(&mut self) -> String {
        let mut text = String::new();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let last = text.lines().next_back().is_some_and(|l| {
                l.len() >= 5 && l.as_bytes()[..4].iter().all(u8::is_ascii_digit) && l.as_bytes()[4] == b' '
            });
            if last && text.ends_with('\n') {
                return text;
            }
            let read = tokio::time::timeout(Duration::from_secs(90), self.stream.read(&mut chunk));
            let read = read.await.unwrap().unwrap();
            assert!(read > 0, "closed after {text}");
            text.push_str(&String::from_utf8_lossy(&chunk[..read]));
        }
    }
}

#[tokio::test]
async fn wire_framing() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    client.stream.write_all(b"eval 1\r\neval 2\n\n   \nshow rou").await.unwrap();
    let mut text = String::new();
    for _ in 0..4 {
        // Answers to a pipeline may come in one piece.
        if text.lines().count() < 4 {
            text.push_str(&client.reply().await);
        }
    }
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["0023 1", "0023 2"]);
    assert!(lines[2].starts_with("9001 syntax error, ") && lines[3].starts_with("9001 syntax error, "));
    let counts = "1007-5 of 5 routes for 4 networks in table master4\n 1 of 1 routes for 1 networks in table master6\n\
                  0014 Total: 6 of 6 routes for 5 networks in 2 tables\n";
    assert_eq!(client.ask("te count").await, counts);
    assert_eq!(client.ask(&format!("eval \"{}\"", "a".repeat(506))).await, "8000 <line overflow>\n");
    let long = "1 + ".repeat(5000);
    assert_eq!(client.ask(&format!("eval {long} 1")).await, "9000 Command too long\n");
    assert_eq!(client.ask("eval 1 + 1").await, "0023 2\n");
}

#[tokio::test]
async fn half_closed_clients_get_their_answers() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    client.stream.write_all(b"eval 1 + 1\neval 1 + 2\nshow route").await.unwrap();
    client.stream.shutdown().await.unwrap();
    let mut text = String::new();
    client.stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "0023 2\n0023 3\n");
}

#[tokio::test]
async fn five_hundred_sessions() {
    let rig = Rig::new();
    let mut clients = Vec::new();
    for _ in 0..500 {
        clients.push(rig.connect().await);
    }
    assert_eq!(rig.server.sessions(), 500);
    for client in &mut clients {
        client.stream.write_all(b"eval 40 + 2\n").await.unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.reply().await, "0023 42\n");
    }
    drop(clients);
    rig.server.close().await;
    assert!(!rig.dir.path().join("ctl").exists());
}

#[tokio::test]
async fn syntax_errors() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    for command in [
        "nonsense",
        "show",
        "s ro",
        "SHOW route",
        "show route 1.2.3",
        "show route foo bar",
        "show protocols device1 extra",
        "show interfaces x",
        "configure nosuch",
        "disable",
        "disable nosuch",
        "?",
        "show route ;",
        "help",
        "exit",
        "show protocols nosuch",
        "show route table nosuch",
        "show route export nosuch",
        "debug one { nonsense }",
        "debug one",
        "debug nosuch all",
        "mrtdump one { routes }",
        "echo { nonsense }",
        "timeformat",
        "dump routes",
        "dump nosuch \"x\"",
        "show status extra",
        "configure undo x",
        "graceful",
        "reload nosuch",
        "show route for",
        "debug one {}",
        "configure soft timeout 5 x",
    ] {
        let reply = client.ask(command).await;
        assert!(reply.starts_with("9001 syntax error, "), "{command}: {reply}");
    }
    for (command, reply) in [
        ("enable \"x", "Unterminated string"),
        ("show status /* open", "Unterminated comment"),
        ("show route @", "Unknown character"),
        ("echo all 70000", "Invalid log buffer size"),
        ("echo { trace, info } 100", "Invalid log buffer size"),
        ("echo all 4294967296", "Number out of range"),
        ("disable master4", "Protocol name required"),
        ("disable tmpl", "Protocol name required"),
        ("show route table one", "Table name required"),
        ("show route export master4", "master4 is not a protocol"),
        ("show route 10.1.0.0/16 for 10.1.2.3", "Only one prefix expected"),
        ("show route 10.0.0.1/8", "Invalid IPv4 prefix 10.0.0.1/8, maybe you wanted 10.0.0.0/8"),
        ("show route export k noexport k", "Export specified twice"),
        ("show route protocol one protocol two", "Protocol specified twice"),
        ("show route where proto = \"x\" filter f1", "Filter specified twice"),
        ("show route filter one", "Filter name required"),
        ("show route filtered primary", "Incompatible show route options"),
        ("show route filtered export k", "Incompatible show route options"),
        ("show route import table k.ipv4", "No import table in channel k.ipv4"),
        ("show route export k.ipv6", "Channel k.ipv6 not found"),
        ("show route export one", "No valid tables"),
        ("show route table t1 export k", "No valid tables"),
        ("show route export k table t1", "No export channel for table t1"),
        ("show route table t1 2001:db8::/32", "Incompatible type of prefix/ip for table t1"),
        ("show route in mpls 5", "Only IP networks accepted for 'in' argument"),
        ("show ospf", "There is no OSPF protocol running"),
        ("show ospf lsadb type 5 self", "There is no OSPF protocol running"),
        ("show bfd sessions device1", "device1: Not a BFD protocol"),
        ("show static device1", "device1: Not a Static protocol"),
        ("show static master4", "Protocol name required"),
        ("show mpls ranges", "No MPLS domain defined"),
        ("debug one.ipv6 all", "Channel one.ipv6 not found"),
    ] {
        assert_eq!(client.ask(command).await, format!("9001 {reply}\n"), "{command}");
    }
    let hinted = client.ask("show rout").await;
    assert!(hinted.contains("did you mean 'route'"), "{hinted}");
    for (command, meant) in [
        ("show route table oner", None),
        ("show route table masterr4", Some("(did you mean 'master4'?)")),
        ("show route tabel master4", Some("(did you mean 'table'?)")),
        ("disable thre", Some("(did you mean 'three'?)")),
        ("disable master5", None),
    ] {
        let hinted = client.ask(command).await;
        match meant {
            Some(meant) => assert!(hinted.contains(meant), "{hinted}"),
            None => assert!(!hinted.contains("did you mean"), "a name of another kind: {hinted}"),
        }
    }
    assert_eq!(client.ask("commands attributes").await, "1900-net\n bgp_path\n0000 \n");
}

/// Recorded: `table-show-route-stats`, `table-show-route-protocol`, `table-filtered`.
#[tokio::test]
async fn show_route() {
    let rig = Rig::new();
    let filtered: Net = Net::Ip("10.9.0.0/16".parse().unwrap());
    rig.fake.add(0, 2, &filtered, Dest::Blackhole, true);
    let mut client = rig.connect().await;
    let m4 = "1007-Table master4:\n";
    for (command, reply) in [
        (
            "show route table t1",
            "1007-Table t1:\n 10.5.0.0/16          prohibited [three <time>] ! (200)\n0000 \n",
        ),
        ("show route 10.1.0.0/17", "8001 Network not found\n"),
        ("show route 10.9.0.0/16", "8001 Network not found\n"),
        ("show route for 10.9.0.0/16", "8001 Network not found\n"),
        ("show route in 172.16.0.0/12", "0000 \n"),
        ("show route in 172.16.0.0/12 table t1", "1007-Table t1:\n0000 \n"),
        ("show route 10.1.0.0/16 table master4 count", "0000 \n"),
        ("show route 10.1.0.0/16 where net.len = 9", "0000 \n"),
        ("show route table master4 count", "1007-5 of 5 routes for 4 networks in table master4\n0000 \n"),
        ("show route count protocol one", "1007-3 of 5 routes for 4 networks in table master4\n0000 \n"),
        (
            "show route in 10.1.0.0/16 table master4 count",
            "1007-3 of 3 routes for 2 networks in table master4\n0000 \n",
        ),
        (
            "show route table master4 primary count",
            "1007-4 of 4 routes for 4 networks in table master4\n0000 \n",
        ),
        (
            "show route table master4 count where proto = \"two\"",
            "1007-2 of 5 routes for 4 networks in table master4\n0000 \n",
        ),
        (
            "show route table all count",
            "1007-5 of 5 routes for 4 networks in table master4\n 1 of 1 routes for 1 networks in table master6\n \
             1 of 1 routes for 1 networks in table t1\n0014 Total: 7 of 7 routes for 6 networks in 3 tables\n",
        ),
        (
            "show route filtered count",
            "1007-1 of 1 routes for 1 networks in table master4\n 0 of 0 routes for 0 networks in table master6\n\
             0014 Total: 1 of 1 routes for 1 networks in 2 tables\n",
        ),
        (
            "show route in 3000::/8 stats",
            "1007-Table master6:\n 0 of 0 routes for 0 networks in table master6\n0000 \n",
        ),
        (
            "show route filtered stats table t1 table master6",
            "1007-Table t1:\n 0 of 0 routes for 0 networks in table t1\n \n Table master6:\n \
             0 of 0 routes for 0 networks in table master6\n \n0014 Total: 0 of 0 routes for 0 networks in 2 tables\n",
        ),
    ] {
        assert_eq!(client.ask(command).await, reply, "{command}");
    }
    let one = |rest: &str| format!("{m4} 10.1.0.0/16          blackhole [one <time>] * (200)\n{rest}0000 \n");
    let three = " 10.3.0.0/16          blackhole [one <time>] * (200)\n";
    let four = " 10.4.0.0/16          prohibited [two <time>] * (200)\n";
    let five = " 10.1.5.0/24          blackhole [one <time>] * (200)\n";
    for (command, reply) in [
        ("show route 10.1.0.0/16 primary", one("")),
        ("show route 10.1.0.0/16", one("                      prohibited [two <time>] (200)\n")),
        ("show route for 10.1.7.7 primary", one("")),
        ("show route for c1", format!("{m4}{five}0000 \n")),
        ("show route filtered", format!("{m4} 10.9.0.0/16          blackhole [one <time>] * (200)\n0000 \n")),
        ("show route protocol two primary", format!("{m4}{four}0000 \n")),
        ("show route preexport k", one(&format!("{five}{three}{four}"))),
        ("show route export k", one(&format!("{five}{four}"))),
        ("show route noexport k", format!("{m4}{three}0000 \n")),
        ("show route exported k.ipv4", one(&format!("{five}{three}"))),
        ("show route export k where net.len = 24", format!("{m4}{five}0000 \n")),
    ] {
        assert_eq!(client.ask(command).await, reply, "{command}");
    }
    let all = client.ask("show route table master4 table t1").await;
    assert!(all.contains("(200)\n \n Table t1:\n"), "{all}");
}

/// Recorded: `table-show-route-all`, `filter-attr-show-2`, `static-other-net-types`.
#[tokio::test]
async fn next_hops_and_attributes() {
    let rig = Rig::new();
    let hop = |gateway: Option<&str>, weight| NextHop {
        weight,
        ..NextHop::new(gateway.map(|g| g.parse().unwrap()), 7)
    };
    let mut labelled = hop(Some("192.0.2.3"), 3);
    (labelled.onlink, labelled.labels) = (true, [10u32, 20].into_iter().collect());
    let net: Net = Net::Ip("10.77.0.0/16".parse().unwrap());
    rig.fake.add(
        0,
        2,
        &net,
        Dest::Unicast([hop(Some("192.0.2.2"), 1), labelled, hop(None, 2)].into()),
        false,
    );
    {
        // The metric of a static route, and a label.
        let mut table = rig.fake.tables[0].table.lock().unwrap();
        let id = table.find(&net).unwrap();
        let mut route = table.get(id).unwrap().1[0].clone();
        let mut attrs = (*route.attrs).clone();
        attrs.set(AttrId(1), Value::Int(4));
        attrs.set(AttrId(2), Value::Int(200));
        attrs.from = Some("192.0.2.9".parse().unwrap());
        route.attrs = Arc::new(attrs);
        table.replace(&net, route.source, Some(route));
    }
    let want = "1007-Table master4:
 10.77.0.0/16 mpls 200 unicast [one <time> from 192.0.2.9] * (200/4)
 \tvia 192.0.2.2 on ??? weight 1
 \tvia 192.0.2.3 on ??? mpls 10/20 onlink weight 3
 \tdev ???
1008-\tType: static univ
1012-\tattribute_1: Int(4)
 \tattribute_2: Int(200)
0000 
";
    assert_eq!(rig.cli("show route 10.77.0.0/16 all").await, want);
    rig.fake.add(2, 2, &crate::control::fake::roa("10.0.0.0/8", 24, 65001), Dest::None, false);
    let roa = rig.cli("show route table t1").await;
    assert!(roa.contains("\n 10.0.0.0/8-24 AS65001  [one <time>] * (200)\n"), "{roa}");
}

#[tokio::test]
async fn actions() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    for (command, reply) in [
        ("disable one", "0009-one: disabled\n0000 \n"),
        ("disable \"t*\" \"for the night\"", "0009-two: disabled\n three: disabled\n0000 \n"),
        (
            "enable all",
            "0010-device1: already enabled\n k: already enabled\n one: already enabled\n two: already enabled\n three: already enabled\n0000 \n",
        ),
        ("reload in \"zzz\"", "8003 No protocols match\n"),
        ("reload filters out one", "0015-one: reloading\n0000 \n"),
        ("reload 'one'", "0015-one: reloading\n0000 \n"),
        ("restart one", "0012-one: restarted\n0000 \n"),
        ("debug one { states, routes }", "0000 \n"),
        ("debug \"t*\" off", "0000 \n"),
        ("debug one.ipv4 all", "0000 \n"),
        ("mrtdump all { states, messages }", "0000 \n"),
        ("show protocols \"nothing*\"", "8003 No protocols match\n"),
        ("show static one", "1009-10.1.0.0/16\tblackhole\n0000 \n"),
        (
            "show static",
            "1009-10.1.0.0/16\tblackhole\n \n 10.1.0.0/16\tblackhole\n \n 10.1.0.0/16\tblackhole\n0000 \n",
        ),
        ("show symbols f1", "1010 f1      \tfilter\n"),
        (
            "show symbols table",
            "1010-master4 \trouting table\n master6 \trouting table\n t1      \trouting table\n0000 \n",
        ),
        ("eval net", "8008 runtime error\n"),
        (
            "configure status",
            "0003-Daemon is up and running\n0022-Configuration unconfirmed, undo in 2.500 s\n0000 \n",
        ),
    ] {
        assert_eq!(client.ask(command).await, reply, "{command}");
    }
    let log = rig.fake.log.lock().unwrap().clone();
    assert!(log[1].contains("for the night"), "{log:?}");
    assert!(
        log.contains(&"Reload { import: false, export: true, only: None } Name(\"one\")".to_owned()),
        "{log:?}"
    );
    assert!(log.contains(&"debug 0x3".to_owned()), "{log:?}");
}

#[tokio::test]
async fn restricted_sessions() {
    let mut rig = Rig::new();
    let path = rig.dir.path().join("second");
    assert!(rig.server.set_sockets([(path.as_path(), true)]).is_empty());
    let mut client = rig.connect_to("second").await;
    for command in [
        "disable one",
        "restart all",
        "reload one",
        "configure",
        "configure soft \"x\" timeout 5",
        "configure check",
        "configure undo",
        "down",
        "graceful restart",
        "debug one all",
        "debug one.ipv4 all",
        "mrtdump all off",
        "dump routes \"x\"",
    ] {
        assert_eq!(client.ask(command).await, "8007 Access denied\n", "{command}");
    }
    assert!(client.ask("disable nosuch").await.starts_with("9001 syntax error"));
    for command in ["echo all", "timeformat iso long", "show route 10.3.0.0/16", "show status"] {
        assert!(client.ask(command).await.starts_with(['0', '1']), "{command}");
    }
    assert_eq!(client.ask("restrict").await, "0016 Access restricted\n");
    assert!(rig.fake.log.lock().unwrap().is_empty());
    // The socket goes with its line of the configuration; the session lives on.
    assert!(rig.server.set_sockets([]).is_empty());
    assert!(!path.exists() && rig.dir.path().join("ctl").exists());
    assert_eq!(client.ask("eval 5").await, "0023 5\n");
    let mut main = rig.connect().await;
    main.ask("restrict").await;
    assert_eq!(main.ask("down").await, "8007 Access denied\n");
}

#[tokio::test]
async fn configure_tells_what_happens() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    let reading = || ConfigEvent::Reading("bird.conf".into());
    let done = ConfigEvent::Done;
    for (events, reply) in [
        (
            vec![reading(), ConfigEvent::UndoScheduled(3), done(ConfigOutcome::Reconfigured)],
            "0002-Reading configuration from bird.conf\n0022-Undo scheduled in 3 s\n0003 Reconfigured\n",
        ),
        (
            vec![reading(), ConfigEvent::Refused("bird.conf:6:2 syntax error, x".into())],
            "0002-Reading configuration from bird.conf\n8002 bird.conf:6:2 syntax error, x\n",
        ),
        (
            vec![reading(), ConfigEvent::Fine],
            "0002-Reading configuration from bird.conf\n0020 Configuration OK\n",
        ),
        (
            vec![ConfigEvent::UndoRequested, done(ConfigOutcome::NothingToDo)],
            "0021-Undo requested\n0019 Nothing to do\n",
        ),
        (
            vec![reading(), done(ConfigOutcome::Queued)],
            "0002-Reading configuration from bird.conf\n0005 Reconfiguration already in progress, queueing new config\n",
        ),
        (vec![], "0006 Reconfiguration ignored, shutting down\n"),
    ] {
        *rig.fake.events.lock().unwrap() = events;
        assert_eq!(client.ask("configure").await, reply);
    }
    let notices = rig.fake.notices.lock().unwrap().take().unwrap();
    notices.try_send("Config timeout expired, starting undo".into()).unwrap();
    let mut chunk = [0; 100];
    let read = client.stream.read(&mut chunk).await.unwrap();
    assert_eq!(&chunk[..read], b"+Config timeout expired, starting undo\n");
}

#[tokio::test]
async fn echo_and_time_formats() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    assert_eq!(client.ask("echo { info } 300").await, "0000 \n");
    rig.hub.publish(LogClass::Trace, "not this");
    rig.hub.publish(LogClass::Info, "Disabling protocol s1");
    let mut chunk = [0; 100];
    let read = client.stream.read(&mut chunk).await.unwrap();
    assert_eq!(&chunk[..read], b"+Disabling protocol s1\n");
    assert_eq!(client.ask("echo off").await, "0000 \n");
    rig.hub.publish(LogClass::Info, "nobody hears this");
    assert_eq!(client.ask("timeformat \"young\" 100 \"old\"").await, "0000 \n");
    let routes = client.ask("show route 10.3.0.0/16").await;
    assert!(routes.contains("[one young]"), "{routes}");
    assert_eq!(client.ask("timeformat iso short us").await, "0000 \n");
    let long = "timeformat \"this is a time format that is rather too long\"";
    assert_eq!(client.ask(long).await, "9003 Format string too long\n");
    assert!(rig.cli("show route 10.3.0.0/16").await.contains("[one <time>]"));
}

#[tokio::test]
async fn dumps() {
    let rig = Rig::new();
    let path = rig.dir.path().join("routes.txt");
    let command = format!("dump routes \"{}\"", path.display());
    let mut client = rig.connect().await;
    let reply = client.ask(&command).await;
    let title = format!("0013-Dumping routing tables to {}\n", path.display());
    assert!(reply.starts_with(&title) && reply.contains("0013 Dumped "), "{reply}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("\n10.3.0.0/16          blackhole [one <time>] * (200)\n\tType: static univ\n"),
        "{text}"
    );
    assert_eq!(
        client.ask(&command).await,
        format!("8009 Failed to open file {}: File exists\n", path.display())
    );
    let reply = client.ask("dump sockets \"no/such/directory\"").await;
    assert_eq!(reply, "8009 Failed to open file no/such/directory: No such file or directory\n");
}

#[tokio::test]
async fn the_end() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    client.stream.write_all(b"down\neval 1\n").await.unwrap();
    let mut text = client.reply().await;
    if text.lines().count() < 2 {
        text.push_str(&client.reply().await);
    }
    assert_eq!(text, "0007 Shutdown requested\n0023 1\n");
    rig.server.close().await;
    let mut rest = String::new();
    client.stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(
        (rest.as_str(), rig.fake.log.lock().unwrap().as_slice()),
        ("", &["shutdown false".to_owned()][..])
    );
}

/// Five tries, because on a busy machine the clock runs on while nobody is served.
#[tokio::test]
async fn idle_sessions_do_not_hold_up_the_end() {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let rig = Rig::new();
        let _idle = rig.connect().await;
        let started = std::time::Instant::now();
        rig.server.close().await;
        fastest = fastest.min(started.elapsed());
        if fastest < Duration::from_millis(900) {
            return;
        }
    }
    panic!("the end took {fastest:?} and more");
}

#[tokio::test]
async fn a_second_daemon_is_refused() {
    let rig = Rig::new();
    let path = rig.dir.path().join("ctl");
    let refused = Socket::bind(&path, None).unwrap_err().to_string();
    assert_eq!(refused, "I found another BIRD running.");
    let missing = Socket::bind(std::path::Path::new("no/such/x.ctl"), None).unwrap_err().to_string();
    assert_eq!(missing, "Cannot create control socket no/such/x.ctl: No such file or directory");
    // A socket nobody listens on is replaced; a file that is no socket is not touched.
    let stale = rig.dir.path().join("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    drop(Socket::bind(&stale, None).unwrap());
    assert!(!stale.exists());
    std::fs::write(&stale, "precious").unwrap();
    assert!(Socket::bind(&stale, None).is_err());
    assert_eq!(std::fs::read_to_string(&stale).unwrap(), "precious");
}

/// A client that does not read holds no snapshot for long, and gets the rest from a new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lazy_readers_let_go() {
    let rig = Rig::new();
    let count = 60_000u32;
    for i in 0..count {
        let net = Net::Ip(format!("11.{}.{}.0/24", i / 256, i % 256).parse().unwrap());
        rig.fake.add(0, 2, &net, Dest::Blackhole, false);
    }
    let mut lazy = rig.connect().await;
    lazy.stream.write_all(b"show route table master4\n").await.unwrap();
    // Until nothing more comes although nothing is read, for much longer than the daemon keeps anything for it.
    let (mut waiting, mut quiet) = (0, 0);
    while waiting == 0 || quiet < 50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = rustix::io::ioctl_fionread(&lazy.stream).unwrap();
        quiet = if now == waiting { quiet + 1 } else { 0 };
        waiting = now;
    }
    // While it sleeps, others are answered, and a route near the end changes.
    assert_eq!(rig.cli("eval 1").await, "0023 1\n");
    let late: Net = Net::Ip("11.234.90.0/24".parse().unwrap());
    rig.fake.add(0, 2, &late, Dest::Prohibit, false);
    let text = lazy.reply().await;
    assert_eq!(text.lines().count() as u32, count + 5 + 2);
    assert!(
        text.contains("11.234.90.0/24       prohibited [one"),
        "read from a snapshot that should be gone"
    );
}

#[tokio::test]
async fn the_listing_names_every_command() {
    let rig = Rig::new();
    let listing = rig.cli("commands").await;
    assert!(listing.starts_with("1900-show\t...\t"), "{listing}");
    assert!(listing.contains("\n show static\t[<name>]\t") && listing.ends_with("\n0000 \n"), "{listing}");
    for line in listing.lines().filter(|l| l.len() > 5) {
        assert_eq!(line.matches('\t').count(), 2, "{line}");
    }
    assert!(!listing.contains("<line overflow>"));
    // Every command that is listed is understood at least up to its own words.
    let mut client = rig.connect().await;
    for words in ["show version", "show memory", "show interfaces", "show interfaces summary", "show status"]
    {
        assert!(client.ask(words).await.starts_with(['0', '1', '2']), "{words}");
    }
}

#[tokio::test]
async fn the_kernel() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    assert_eq!(client.ask("restrict").await, "0016 Access restricted\n");
    assert!(client.ask("show kernel").await.starts_with("1903-Name "), "looking is allowed");
    assert_eq!(client.ask("show kernel drift").await, "1904 Nothing was changed behind our back\n");
    assert_eq!(client.ask("wait kernel").await, "1905 Tables, exports and kernel agree\n");
    assert_eq!(client.ask("wait kernel 0").await, "8900 Not after 0 s: k not in step with the kernel\n");
    for wrong in ["wait", "wait kernel k", "wait kernel 86401", "show kernel k"] {
        assert!(client.ask(wrong).await.starts_with("9001 "), "{wrong}");
    }
}

#[tokio::test]
async fn explanations_and_filters() {
    let rig = Rig::new();
    let mut client = rig.connect().await;
    assert_eq!(client.ask("restrict").await, "0016 Access restricted\n");
    assert_eq!(
        client.ask("explain route 10.3.0.0/16 from one import one.ipv4").await,
        "1906-Import of 10.3.0.0/16\n   not in master4\n \n0000 \n",
        "looking is allowed"
    );
    assert_eq!(
        client.ask("explain route 10.3.0.7").await,
        "1906-Import of the net around 10.3.0.7/32\n   not in master4\n \n0000 \n"
    );
    let list = client.ask("show filters").await;
    assert!(list.starts_with("1907-Name ") && list.contains("bird.conf:7 "), "{list}");
    let stats = client.ask("show filters stats").await;
    assert!(stats.contains("  import one.ipv4, since ") && stats.contains("2 other places"), "{stats}");
    for wrong in [
        "explain",
        "explain route",
        "explain route one",
        "explain route 10.3.0.0/16 import",
        "explain route 10.3.0.0/16 from one from two",
        "explain route 10.3.0.0/16 import one export two",
        "show filters one",
        "show filters stats stats",
    ] {
        assert!(client.ask(wrong).await.starts_with("9001 "), "{wrong}");
    }
}

#[test]
fn the_manual_says_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/doc/commands.md");
    let page = super::manual();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "doc/commands.md is stale: run with BLESS=1");
}

/// Words that commands know, in any order, with nonsense between them.
fn line_of_words() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let mut words: Vec<String> =
        super::commands().flat_map(|c| c.words.split(' ')).map(str::to_owned).collect();
    words.extend(
        [
            "one",
            "k",
            "t1",
            "master4",
            "10.0.0.0/8",
            "::1",
            "10:20",
            "\"t*\"",
            "'one'",
            "{",
            "}",
            ",",
            ".",
            "5",
            "f1",
            "for",
            "in",
            "max",
            "as",
        ]
        .map(str::to_owned),
    );
    proptest::collection::vec(prop_oneof![8 => proptest::sample::select(words), 1 => ".{0,6}"], 0..9)
        .prop_map(|words| words.join(" "))
}

proptest::proptest! {
    /// Whatever comes in, parsing ends, does not panic, and refuses with a failing code and one line.
    #[test]
    fn any_line_is_judged(line in line_of_words(), noise in ".{0,200}") {
        use crate::control::backend::Backend;
        let scope = Fake::new().scope();
        for line in [&line, &noise] {
            if let Err(refusal) = super::judge(line, &*scope) {
                proptest::prop_assert!(refusal.code.is_failure());
                proptest::prop_assert!(!refusal.text.is_empty());
            }
        }
    }
}

/// Not a test of being right: a million routes to one client while another asks. `cargo test --release --
/// --ignored a_million --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn a_million_routes() {
    let rig = Rig::new();
    for i in 0..1_000_000u32 {
        let net = Net::Ip(
            crate::base::IpNet::new(std::net::Ipv4Addr::from(0x0b00_0000 + i * 256).into(), 24).unwrap(),
        );
        let hop = NextHop::new(Some(std::net::Ipv4Addr::from(0xc000_0200 + i % 100).into()), 7);
        rig.fake.add(0, 2, &net, Dest::Unicast([hop].into()), false);
    }
    let mut other = rig.connect().await;
    let path = rig.dir.path().join("ctl");
    for command in ["show route\n", "show route count\n", "show route all\n"] {
        let path = path.clone();
        let started = std::time::Instant::now();
        let reader = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
            stream.write_all(command.as_bytes()).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let (mut total, mut chunk) = (0, vec![0; 1 << 16]);
            while let Ok(read @ 1..) = stream.read(&mut chunk) {
                total += read;
            }
            total
        });
        let mut worst = Duration::ZERO;
        while !reader.is_finished() {
            let asked = std::time::Instant::now();
            other.ask("show status").await;
            worst = worst.max(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let bytes = reader.join().unwrap();
        println!(
            "{}: {bytes} bytes in {:?}, worst other answer {worst:?}",
            command.trim(),
            started.elapsed()
        );
    }
}
