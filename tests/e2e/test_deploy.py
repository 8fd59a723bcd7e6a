#!/usr/bin/env python3
"""What lies in deploy/, and the man page: the tools that will read it find nothing wrong, every metric that it names is
one of the server's, and every option one of the program's. A tool that is not installed leaves its test out."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import Skip, run_tests

top = Path(__file__).resolve().parent.parent.parent
deploy = top / "deploy"
program, built = Path(sys.argv[1]).resolve(), Path(sys.argv[2])


def tool(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(f"no {name}")
    return path


def run(*command, **options):
    r = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **options)
    assert r.returncode == 0, f"{command}: {r.returncode}\n{r.stdout}{r.stderr}"
    return r.stdout + r.stderr


def metrics():
    """name -> labels, from the server's table."""
    table = (top / "src/server/metrics.c").read_text()
    table = table[table.index("families[METRIC_COUNT] = {"):]
    table = table[:table.index("\n};")].replace("ENGINE", '{"engine"}')
    found = {}
    for name, rest in re.findall(r'\] = \{"(\w+)",(.*?)(?=\n    \[METRIC|\Z)', table, re.S):
        labels = re.search(r'(?:COUNTER|GAUGE|HISTOGRAM), \{("[^}]*")\}', rest)
        found[name] = set(re.findall(r'"(\w+)"', labels[1])) if labels else set()
        if "HISTOGRAM" in rest:
            for suffix in ("_bucket", "_sum", "_count"):
                found[name + suffix] = found[name] | ({"le"} if suffix == "_bucket" else set())
    assert len(found) > 30 and found["tts_requests_total"] == {"endpoint", "status"}, found
    return found


PROMETHEUS = {"job", "instance", "alertname", "severity"}


def check_expressions(expressions):
    known = metrics()
    for expression in expressions:
        names = set(re.findall(r"\b((?:tts|http|tls|gpu|process|ishowtts)_\w+)", re.sub(r'"[^"]*"', '""', expression)))
        assert names or "up{" in expression, expression
        labels = PROMETHEUS.copy()
        for name in names:
            assert name in known, f"{name} is no metric of the server's: {expression}"
            labels |= known[name]
        for used in re.findall(r"\{([^}]*)\}", expression):
            for label in re.findall(r"(\w+)\s*[=!]", re.sub(r'"[^"]*"', '""', used)):
                assert label in labels, f"{label} is no label of {names}: {expression}"
        for listed in re.findall(r"\bby \(([^)]*)\)", expression):
            for label in re.split(r"\s*,\s*", listed):
                assert label in labels, f"{label} is no label of {names}: {expression}"


def dashboard_expressions():
    board = json.loads((deploy / "grafana/ishowtts.json").read_text())
    return [t["expr"] for p in board["panels"] for t in p.get("targets", [])] + \
        [a["expr"] for a in board["annotations"]["list"]]


def test_dashboard_names_only_metrics_of_the_server():
    check_expressions(dashboard_expressions())


def test_dashboard_shows_every_metric():
    shown = " ".join(dashboard_expressions())
    for name in metrics():
        plain = re.sub(r"_(bucket|sum|count)$", "", name)
        assert re.search(rf"\b{plain}", shown), f"{plain} is on no panel"


def test_dashboard_panels_do_not_overlap():
    board = json.loads((deploy / "grafana/ishowtts.json").read_text())
    taken, ids = {}, set()
    for p in board["panels"]:
        assert p["id"] not in ids, f"panel {p['id']} twice"
        ids.add(p["id"])
        g = p["gridPos"]
        for x in range(g["x"], g["x"] + g["w"]):
            for y in range(g["y"], g["y"] + g["h"]):
                assert x < 24 and (x, y) not in taken, f"{p['title']} lies over {taken.get((x, y))}"
                taken[x, y] = p["title"]


def test_dashboard_expressions_are_promql():
    promtool = tool("promtool")
    with tempfile.TemporaryDirectory() as d:
        rules = [{"record": f"panel:{i}", "expr": e.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                 for i, e in enumerate(dashboard_expressions())]
        # JSON is YAML
        Path(d, "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        run(promtool, "check", "rules", f"{d}/rules.yml")


def test_alerts_name_only_metrics_of_the_server():
    text = (deploy / "prometheus/ishowtts-alerts.yml").read_text()
    expressions = re.findall(r"expr: (?:\|\n)?(.*?)\n +(?:for|labels):", text, re.S)
    assert len(expressions) == text.count("- alert:")
    check_expressions(expressions)


def test_alerts_ring_when_they_should():
    promtool = tool("promtool")
    run(promtool, "check", "rules", deploy / "prometheus/ishowtts-alerts.yml")
    run(promtool, "test", "rules", deploy / "prometheus/ishowtts-alerts-test.yml")
    run(promtool, "check", "config", deploy / "prometheus/prometheus.yml")


def test_every_alert_is_in_the_guide():
    guide = (top / "docs/OPERATIONS.md").read_text()
    tested = (deploy / "prometheus/ishowtts-alerts-test.yml").read_text()
    for name in re.findall(r"- alert: (\w+)", (deploy / "prometheus/ishowtts-alerts.yml").read_text()):
        assert name in guide, f"docs/OPERATIONS.md does not say what to do about {name}"
        assert f"alertname: {name}\n" in tested, f"nothing tests {name}"


def test_every_metric_is_in_the_guide():
    guide = (top / "docs/OPERATIONS.md").read_text()
    for name in metrics():
        plain = re.sub(r"_(bucket|sum|count)$", "", name)
        assert f"`{plain}" in guide, f"docs/OPERATIONS.md does not explain {plain}"


def options(text):
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def test_every_option_is_in_the_man_page():
    page = re.sub(r"\\f.", "", (top / "docs/ishowtts.1").read_text()).replace("\\-", "-")
    common, *rest = re.split(r"(?m)^\.SS (.*)\n", page[page.index("\n.SH COMMANDS"):page.index("\n.SH EXIT STATUS")])
    sections = dict(zip(rest[::2], rest[1::2]))
    assert {"--help", "--version"} <= options(common), common
    commands = re.findall(r"(?m)^  ([a-z]+) ", run(program, "--help"))
    assert sorted(commands) == sorted(sections) and len(commands) > 5, (commands, sections.keys())
    for command in commands:
        told = run(program, command, "--help")
        listed = options("\n".join(line for line in told.splitlines() if line.startswith(" ")))
        assert "--help" in listed, told
        missing = listed - options(common) - options(sections[command])
        assert not missing, f"docs/ishowtts.1 lacks {missing} of {command}"
        unknown = options(sections[command]) - options(told)
        assert not unknown, f"docs/ishowtts.1 has {unknown}, which {command} --help does not name"


def prepared_units(d):
    for name in ("ishowtts.service", "ishowtts-performance.service"):
        text = (built / name).read_text()
        assert "@" not in re.sub(r"~?@\w+[\w -]*", "", re.search(r"(?m)^Type=.*?^UMask", text + "UMask", re.S)[0]), name
        text = re.sub(r"(?m)^(Exec(?:Start|Stop)=)\S+/ishowtts serve", rf"\1{program} serve", text)
        text = re.sub(r"(?m)^(Exec(?:Start|Stop)=)\S+/performance-mode", rf"\1{deploy}/systemd/performance-mode", text)
        Path(d, name).write_text(text)
    shutil.copy(deploy / "systemd/ishowtts.socket", d)


def test_units_are_well_formed():
    analyze = tool("systemd-analyze")
    with tempfile.TemporaryDirectory() as d:
        prepared_units(d)
        said = run(analyze, "verify", "--man=no", "--recursive-errors=one",
                   *(f"{d}/{u}" for u in ("ishowtts.service", "ishowtts.socket", "ishowtts-performance.service")))
        assert "ishowtts" not in said, said


def test_service_is_hardened():
    analyze = tool("systemd-analyze")
    with tempfile.TemporaryDirectory() as d:
        prepared_units(d)
        run(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", f"{d}/ishowtts.service")


def test_install_puts_things_where_the_units_look():
    with tempfile.TemporaryDirectory() as d:
        def install():
            run(tool("meson"), "install", "-C", built.parent, "--no-rebuild", "--quiet", "--destdir", d)
        install()
        units = {p.name: p.read_text() for p in Path(d).rglob("ishowtts*.service")}
        assert len(units) == 2 and list(Path(d).rglob("ishowtts.socket")), units
        for name, text in units.items():
            for command in re.findall(r"(?m)^Exec(?:Start|Stop)=(\S+)", text):
                assert os.access(d + command, os.X_OK), f"{name} calls {command}, which is not installed"
        config = Path(d + re.search(r"--config (\S+)", units["ishowtts.service"])[1])
        assert config.read_text() == (top / "config/ishowtts.toml").read_text()
        run(program, "serve", "--config", config, "--check-config", env={"HOME": d})
        config.write_text("# the operator's\n")
        install()
        assert config.read_text() == "# the operator's\n", "an installation overwrote the configuration"


def proxy_certificate(d):
    run(tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        f"{d}/key.pem", "-out", f"{d}/cert.pem", "-days", "2", "-subj", "/CN=tts.example.org")
    Path(d, "both.pem").write_text(Path(d, "cert.pem").read_text() + Path(d, "key.pem").read_text())


def test_nginx_accepts_its_example():
    nginx = tool("nginx")
    with tempfile.TemporaryDirectory() as d:
        proxy_certificate(d)
        site = (deploy / "nginx/ishowtts.conf").read_text()
        site = site.replace("/etc/ssl/certs/ishowtts.pem", f"{d}/cert.pem")
        site = site.replace("/etc/ssl/private/ishowtts.key", f"{d}/key.pem")
        Path(d, "site.conf").write_text(site)
        Path(d, "nginx.conf").write_text(f"pid {d}/pid; error_log stderr; events {{}} http {{ access_log off;"
                                         f" client_body_temp_path {d}/body; proxy_temp_path {d}/proxy;"
                                         f" include {d}/site.conf; }}")
        run(nginx, "-t", "-p", d, "-c", f"{d}/nginx.conf", "-e", "stderr")


def test_haproxy_accepts_its_example():
    haproxy = tool("haproxy")
    with tempfile.TemporaryDirectory() as d:
        proxy_certificate(d)
        text = (deploy / "haproxy/ishowtts.cfg").read_text().replace("/etc/haproxy/ishowtts.pem", f"{d}/both.pem")
        Path(d, "haproxy.cfg").write_text(text)
        run(haproxy, "-c", "-V", "-f", f"{d}/haproxy.cfg")


def test_logrotate_empties_the_log_and_keeps_the_old():
    logrotate = tool("logrotate")
    with tempfile.TemporaryDirectory() as d:
        log = Path(d, "ishowtts.log")
        text = (deploy / "logrotate/ishowtts").read_text().replace("/var/log/ishowtts", d)
        Path(d, "conf").write_text(text)
        os.chmod(d, 0o755)
        with log.open("a") as f:
            f.write("first\n")
            f.flush()
            run(logrotate, "--force", "--state", f"{d}/state", f"{d}/conf")
            f.write("second\n")
        assert log.read_text() == "second\n"
        assert Path(d, "ishowtts.log.1").read_text() == "first\n"


def performance_mode(d, *words):
    env = {"PATH": f"{d}/bin:{os.environ['PATH']}", "ISHOWTTS_SYSFS": f"{d}/sys", "RUNTIME_DIRECTORY": f"{d}/run",
           "FAKE_LOG": f"{d}/log"}
    return run(deploy / "systemd/performance-mode", *words, env=env)


def test_performance_mode_is_undone():
    with tempfile.TemporaryDirectory() as d:
        policies = {"policy0": ("schedutil", "performance schedutil"), "policy4": ("ondemand", "performance ondemand"),
                    "policy6": ("userspace", "userspace")}
        for name, (now, available) in policies.items():
            p = Path(d, "sys/devices/system/cpu/cpufreq", name)
            p.mkdir(parents=True)
            (p / "scaling_governor").write_text(now + "\n")
            (p / "scaling_available_governors").write_text(available + "\n")

        def governors():
            return {n: Path(d, "sys/devices/system/cpu/cpufreq", n, "scaling_governor").read_text().strip()
                    for n in policies}
        Path(d, "bin").mkdir()
        for name, body in {"nvpmodel": '[ "$1" != -q ] || printf "NV Power Mode: 15W\\n2\\n"',
                           "jetson_clocks": '[ "${1:-}" != --store ] || echo clocks >"$2"'}.items():
            Path(d, "bin", name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$FAKE_LOG"\n{body}\n')
            Path(d, "bin", name).chmod(0o755)

        performance_mode(d, "on")
        assert governors() == {"policy0": "performance", "policy4": "performance", "policy6": "userspace"}, governors()
        performance_mode(d, "off")
        assert governors() == {n: now for n, (now, _) in policies.items()}, governors()
        done = Path(d, "log").read_text().splitlines()
        assert done == ["nvpmodel -q", "nvpmodel -m 0", f"jetson_clocks --store {d}/run/jetson_clocks",
                        "jetson_clocks ", f"jetson_clocks --restore {d}/run/jetson_clocks", "nvpmodel -m 2"], done
        assert not list(Path(d, "run").iterdir()), "something is kept for the next time"


def test_performance_mode_passes_over_what_is_not_there():
    with tempfile.TemporaryDirectory() as d:
        performance_mode(d, "on")
        performance_mode(d, "off")


run_tests(globals())
