//! Errors: what failed, why, the fix and the exit code.

use crate::cli::{Shell, json};

#[tokio::test]
async fn people_read_what_failed_why_and_the_fix() {
    let shell = Shell::new();
    let mut seen = String::new();
    for words in [
        &["push"][..],
        &["push", "a=1"],
        &["push", "x", "a:=b"],
        &["push", "x", "a@missing.txt"],
        &["push", "x", "--json", "{}", "a=1"],
        &["push", "x", "--server", "127.0.0.1:8000"],
        &["push", "x", "--server", "http://127.0.0.1:1"],
        &["push", "x", "--timeout", "soon"],
        &["push", "x", "--token-file", "missing.txt"],
        &["push", "x", "-c", "a..b"],
        &["push", "x", "--priority", "hihg"],
        &["push", "x", "--chanel", "a"],
        &["pusch", "x"],
        &["listen", "a..b"],
        &["listen", "--exec-timeout", "5s"],
        &["listen", "--since", "yesterday"],
        &["history", "-n", "0"],
        &["serve", "--listen", "0.0.0.0:0"],
        &["serve", "--listen", "8000"],
        &["serve", "--keepalive", "10m"],
        &["serve", "--base-path", "fanfare"],
        &["serve", "--trusted-proxy", "proxy.internal"],
        &["serve", "--cors", "example.com", "--store", "memory"],
        &["serve", "--store", "/dev/null/log.db", "--listen", "127.0.0.1:0"],
        &["demo", "--listen", "0.0.0.0:0"],
    ] {
        let said = shell.run(words).await;
        assert!(said.out.is_empty(), "{words:?}: {said:?}");
        let line = words.join(" ");
        seen.push_str(&format!(
            "$ fanfare {line}\n{}[{}]\n\n",
            said.err.replace(shell.home(), "HOME"),
            said.code
        ));
    }
    insta::assert_snapshot!(seen, @r#"
    $ fanfare push
    error: no message was given
      fix: fanfare push "deploy finished"   or, to read stdin:   fanfare push -
    [2]

    $ fanfare push a=1
    error: no message was given
      why: all words look like data
      fix: fanfare push "a message" a=1   or, to push them as text:   fanfare push -- a=1
    [2]

    $ fanfare push x a:=b
    error: the value of `a:=` is not valid JSON
      why: expected value at line 1 column 1
      fix: for text, write `a=b`
    [2]

    $ fanfare push x a@missing.txt
    error: cannot read `missing.txt`
      why: no such file or directory
      fix: for text with an `@`, use --message or write `a=@missing.txt`
    [2]

    $ fanfare push x --json {} a=1
    error: data was given twice: as words and with --json
      fix: use only one of them
    [2]

    $ fanfare push x --server 127.0.0.1:8000
    error: `127.0.0.1:8000` is not a gateway URL: it has no `http://` or `https://`
       at: flag --server
      fix: write it like `http://127.0.0.1:8000`
    [2]

    $ fanfare push x --server http://127.0.0.1:1
    error: cannot reach http://127.0.0.1:1
      why: connection refused
      fix: start a gateway with `fanfare serve`, or choose another with --server URL
    [4]

    $ fanfare push x --timeout soon
    error: `soon` is not a duration
       at: flag --timeout
      fix: write a number with a unit, such as `90s`, `10m`, `1h30m` or `7d`, or a number of seconds
    [2]

    $ fanfare push x --token-file missing.txt
    error: cannot read the token in `missing.txt`
       at: flag --token-file
      why: no such file or directory
      fix: set the path of the token's file with --token-file or FANFARE_TOKEN_FILE
    [2]

    $ fanfare push x -c a..b
    error: channel `a..b` has an empty segment
       at: --channel
      fix: write `a.b`, not `a..b`, `.a` or `a.`
    [2]

    $ fanfare push x --priority hihg
    error: invalid value 'hihg' for '--priority <PRIORITY>'
      [possible values: min, low, default, high, max]

      tip: a similar value exists: 'high'

    For more information, try '--help'.
    [2]

    $ fanfare push x --chanel a
    error: unexpected argument '--chanel' found

      tip: a similar argument exists: '--channel'
      tip: to pass '--chanel' as a value, use '-- --chanel'

    Usage: fanfare push [OPTIONS] MESSAGE… [K=V K:=JSON K@FILE]
           fanfare push [OPTIONS] -
           fanfare push [OPTIONS] --ndjson
           fanfare push --flush

    For more information, try '--help'.
    [2]

    $ fanfare pusch x
    error: unrecognized subcommand 'pusch'

      tip: a similar subcommand exists: 'push'

    Usage: fanfare [OPTIONS] <COMMAND>

    For more information, try '--help'.
    [2]

    $ fanfare listen a..b
    error: pattern `a..b` has an empty segment
       at: [PATTERN]...
      fix: write `a.b`, not `a..b`, `.a` or `a.`
    [2]

    $ fanfare listen --exec-timeout 5s
    error: the following required arguments were not provided:
      --exec <CMD>

    Usage: fanfare listen --exec <CMD> --exec-timeout <TIME> [PATTERN]...

    For more information, try '--help'.
    [2]

    $ fanfare listen --since yesterday
    error: `yesterday` is not a time
       at: --since
      fix: write `earliest`, a duration such as `10m` (so long ago), or RFC 3339 such as `2026-11-21T08:00:00Z`
    [2]

    $ fanfare history -n 0
    error: invalid value '0' for '--limit <N>': write a number above 0, or `all`

    For more information, try '--help'.
    [2]

    $ fanfare serve --listen 0.0.0.0:0
    error: 0.0.0.0:0 is reachable from other machines, and the gateway has no authentication
      why: anyone who can reach the gateway could push and read everything
      fix: listen on 127.0.0.1:0, or add --no-auth if the network is yours alone
    [2]

    $ fanfare serve --listen 8000
    error: `8000` is not an address to listen on
       at: flag --listen
      fix: write an IP address and a port (`127.0.0.1:8000`, `[::1]:8000`, `0.0.0.0:8000`), or a Unix socket (`unix:/run/fanfare/socket`)
    [2]

    $ fanfare serve --keepalive 10m
    error: `10m` is too long
       at: flag --keepalive
      fix: use a duration from `1s` to `5m`
    [2]

    $ fanfare serve --base-path fanfare
    error: `fanfare` is not a base path
       at: flag --base-path
      fix: write a path such as `/fanfare`, of letters, digits and `-._~`
    [2]

    $ fanfare serve --trusted-proxy proxy.internal
    error: `proxy.internal` is neither an address nor a network
       at: flag --trusted-proxy
      fix: write `127.0.0.1`, `10.0.0.0/8`, or `unix` for proxies that connect to a Unix socket
    [2]

    $ fanfare serve --cors example.com --store memory
    error: `example.com` is not an origin
       at: flag --cors
      fix: write `https://app.example.com`, or `*` for any origin
    [2]

    $ fanfare serve --store /dev/null/log.db --listen 127.0.0.1:0
    error: cannot use `/dev/null/log.db`
      why: Not a directory (os error 20)
      fix: choose another file with --store PATH or FANFARE_STORE
    [1]

    $ fanfare demo --listen 0.0.0.0:0
    error: `0.0.0.0:0` is reachable from other machines
       at: --listen
      fix: use an address of this machine, such as 127.0.0.1:8000, or run `fanfare serve`
    [2]
    "#);
}

#[tokio::test]
async fn a_path_with_a_semicolon_is_shown_whole() {
    let shell = Shell::new();
    shell.write(
        "a; b/x.db",
        "not a database, but long enough to be taken for the header of one: ..............",
    );
    let said = shell.run(&["serve", "--store", "a; b/x.db", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let shown = said.err.replace(shell.home(), "HOME");
    assert!(shown.starts_with("error: `HOME/a; b/x.db` is not a Fanfare store\n  why: "), "{shown}");
    assert!(shown.ends_with("  fix: choose another file with --store PATH or FANFARE_STORE\n"), "{shown}");
}

#[tokio::test]
async fn programs_read_one_line_of_json() {
    let shell = Shell::new();
    for (words, exit_code, code) in [
        (&["-o", "json", "push", "x", "--server", "http://127.0.0.1:1"][..], 4, "unreachable"),
        (&["push", "x", "--server=http://127.0.0.1:1", "--output=ndjson"], 4, "unreachable"),
        (&["push", "-ojson"], 2, "usage"),
        (&["push", "--chanel", "x", "-o", "json"], 2, "usage"),
        (&["listen", "-o", "json", "--server", "http://127.0.0.1:1"], 4, "unreachable"),
    ] {
        let said = shell.run(words).await;
        assert_eq!((said.code, said.out.as_str()), (exit_code, ""), "{words:?}: {said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        let error = &json(&said.err)["error"];
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(error["exit_code"], exit_code, "{error}");
        assert!(error["fix"].is_string() && error["message"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_a_gateway_is_recognized() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let shell = Shell::new();
    let other = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut socket, _) = crate::support::soon("a caller", listener.accept()).await.expect("a caller");
        let mut request = [0; 4096];
        let read = socket.read(&mut request).await.expect("a request");
        assert!(request[..read].starts_with(b"POST /api/push"));
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
        socket.write_all(answer.as_bytes()).await.expect("sent");
    };
    let words = ["push", "x", "--server", &url];
    let (said, ()) = tokio::join!(shell.run(&words), other);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("does not respond like a Fanfare gateway"), "{said:?}");
}

#[tokio::test]
async fn a_push_whose_response_is_lost_is_retried_with_the_same_key() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let shell = Shell::new();
    let other = async {
        let mut keys = Vec::new();
        for turn in 0..2 {
            let (mut socket, _) =
                crate::support::soon("a caller", listener.accept()).await.expect("a caller");
            let mut request = String::new();
            while !request.contains("\"}") {
                let mut part = [0; 4096];
                let read = socket.read(&mut part).await.expect("a request");
                request.push_str(std::str::from_utf8(&part[..read]).expect("UTF-8"));
            }
            let body = request.split("\r\n\r\n").nth(1).expect("a body");
            keys.push(json(body)["idempotency_key"].as_str().expect("a key").to_owned());
            if turn == 1 {
                let answer = r#"{"status":"success","message":"x","timestamp":"2026-11-21T08:00:00.000000+00:00","webhooks_notified":0,"total_webhooks":0,"id":"k3f9x2ab-1","channel":"default","stream_clients":0,"repeated":true}"#;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
                socket.write_all(head.as_bytes()).await.expect("sent");
            }
        }
        keys
    };
    let words = ["push", "x", "--server", &url];
    let (said, keys) = tokio::join!(shell.run(&words), other);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(keys[0], keys[1]);
    assert!(said.out.contains("already pushed"), "{said:?}");
}
