#!/usr/bin/env python3
"""`serve --play`: what the stage plays goes to a player of this machine; stand-ins for players keep what they get. Usage:
test_live_play.py PROGRAM; prints TAP."""
import array
import contextlib
import json
import os
import sys
import tempfile

from chat_servers import Player
from serving import Serving, until
from tap import run_tests

PROGRAM = os.path.abspath(sys.argv[1])
LONG = "This one is long enough to be held in the middle, to be skipped, and to be heard to its end after all of that"


class Machine:
    """Stand-ins for players in a folder of their own; what process N read lies in sound.N."""

    def __init__(self, folder, **players):
        self.folder, self.players = folder, []
        os.makedirs(os.path.join(folder, "bin"))
        for name, script in {"paplay": "exit 3", "pw-cat": "exit 3", "aplay": "exit 3", **players}.items():
            self.write(name.replace("_", "-"), script)
        self.program = self.write("serve", f'exec "{PROGRAM}" "$@" --play')
        self.env = {"PATH": os.path.join(folder, "bin") + ":" + os.environ["PATH"], "PULSE_SERVER": "stand-in"}

    def write(self, name, script):
        path = os.path.join(self.folder, "bin", name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)
        return path

    def listen(self, server):
        self.players.append(Player(server.port))
        return self.players[-1]

    def sounds(self):
        """{pid: what it read}"""
        found = {}
        for name in os.listdir(self.folder):
            if name.startswith("sound."):
                with open(os.path.join(self.folder, name), "rb") as f:
                    found[int(name[6:])] = f.read()
        return found

    def read_by(self, pid):
        return self.sounds()[pid]


def keeping(folder):
    return f'echo "$@" >> "{folder}/words"; exec cat > "{folder}/sound.$$"'


@contextlib.contextmanager
def machine(**players):
    with tempfile.TemporaryDirectory(prefix="ishow-play-") as folder:
        m = Machine(folder, **({k: v.replace("KEEP", keeping(folder)) for k, v in players.items()}))
        with Serving(m.program, "[danmaku_gateway.queue]\nrate_limit_per_sec = 1000.0\n", env=m.env) as server:
            try:
                yield m, server
            finally:
                for player in m.players:
                    player.close()  # or the server waits for its goodbye


def say(server, id, text="Hello out there"):
    status, answer, _ = server.ask("POST", "/api/danmaku/enqueue",
                                   {"id": id, "platform": "other", "channel": "c", "text": text,
                                    "user": {"id": "u" + id, "name": "Ann"}})
    assert status == 202, (status, answer)


def control(server, action, **more):
    assert server.ask("POST", "/api/live/control", {"action": action, **more})[0] == 200


def position(server):
    """Seconds of the clip that have sounded; 0 without one."""
    return json.loads(server.ask("GET", "/api/live")[1])["position_seconds"]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_clips_are_played_one_after_the_other_by_one_player():
    with machine(paplay="KEEP") as (m, server):
        player = m.listen(server)
        say(server, "1")
        _, first = player.packet()
        pid = until(lambda: [*m.sounds()], "a player")[0]
        until(lambda: m.read_by(pid) == first[44:], "the first clip")
        say(server, "2", "And once more")
        _, second = player.packet()
        until(lambda: m.read_by(pid) == first[44:] + second[44:], "the second clip")
        assert [*m.sounds()] == [pid]
        with open(os.path.join(m.folder, "words"), encoding="utf-8") as f:
            assert "--rate=24000" in f.read()
        player.close()
        server.stop()
        until(lambda: not alive(pid), "the player's end")


def test_volume_is_applied():
    with machine(paplay="KEEP") as (m, server):
        control(server, "volume", volume=0.5)
        player = m.listen(server)
        say(server, "1")
        _, wav = player.packet()
        until(lambda: m.sounds() and len(*m.sounds().values()) == len(wav) - 44, "a clip")
        played, whole = (array.array("h", b) for b in (*m.sounds().values(), wav[44:]))
        assert all(abs(a - b / 2) <= 1 for a, b in zip(played, whole)) and max(played) > 100


def test_a_skip_is_silence_at_once():
    with machine(paplay="KEEP") as (m, server):
        player, gone = m.listen(server), set()
        for action in ("skip", "panic"):
            say(server, action, f"{LONG}, and so says {action}")
            player.packet()
            pid = until(lambda: set(m.sounds()) - gone, "a player").pop()
            control(server, action)
            until(lambda: not alive(pid), "the player's end")
            gone.add(pid)
        control(server, "resume")
        say(server, "2")
        _, wav = player.packet()
        until(lambda: wav[44:] in m.sounds().values(), "the next clip by another player")


def test_after_a_pause_it_goes_on_where_it_was():
    with machine(paplay="KEEP") as (m, server):
        player = m.listen(server)
        say(server, "1", LONG)
        _, wav = player.packet()
        pid = until(lambda: [*m.sounds()], "a player")[0]
        until(lambda: position(server) > 1, "the middle")
        control(server, "pause")
        until(lambda: not alive(pid), "the player's end")
        at = position(server)
        control(server, "resume")
        other = until(lambda: [p for p in m.sounds() if p != pid], "another player")[0]
        rest = until(lambda: (heard := m.read_by(other)) and wav.endswith(heard) and heard, "the rest")
        assert len(rest) < len(wav) - 44, (len(rest), len(wav))
        assert abs(len(wav) - len(rest) - 44 - at * 48000) < 4800, (len(wav) - len(rest) - 44, at)  # a tenth of a second


def test_a_player_that_does_not_work_is_no_end():
    with machine(pw_cat="KEEP") as (m, server):
        player = m.listen(server)
        say(server, "1", LONG)
        player.packet()
        until(lambda: m.sounds() and len(*m.sounds().values()) > 48000, "a clip by the second player")
        ended = server.wait_event("player ended")
        assert ended["player"] == "paplay" and ended["code"] == 3


def test_a_player_that_dies_gets_a_successor():
    with machine(paplay="KEEP") as (m, server):
        player = m.listen(server)
        say(server, "1", LONG)
        player.packet()
        pid = until(lambda: [*m.sounds()], "a player")[0]
        until(lambda: position(server) > 2.2, "the time after which a player counts as one that works")
        os.kill(pid, 9)
        assert server.wait_event("player ended")["code"] == -9
        say(server, "2", "And once more")
        _, wav = player.packet()
        half = wav[44 + len(wav) // 4 * 2:]  # how far it is when the successor begins is a matter of time
        until(lambda: any(s.endswith(half) for p, s in m.sounds().items() if p != pid), "the next clip by another player")


def test_without_a_player_the_log_says_so_and_the_rest_goes_on():
    with machine() as (m, server):
        player = m.listen(server)
        say(server, "1")
        player.packet()
        server.wait_event("no sound")
        say(server, "2", "And once more")
        player.packet()
        server.speaks()


run_tests(globals())
