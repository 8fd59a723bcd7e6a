#!/usr/bin/env python3
"""The live chat under a short load: nothing that must hold on any machine gives way. Figures are for tests/load/chat. Usage:
test_chat_load.py PROGRAM; prints TAP."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "load"))
from chat_parts import FastTwitch, Players, Skipper, line, words_of  # noqa: E402
from chat_servers import Player  # noqa: E402
from serving import Serving, until  # noqa: E402
from tap import run_tests  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
SETTINGS = ("[danmaku_gateway.queue]\nrate_limit_per_sec = 1000.0\ncapacity = 64\n"
            "[server]\nconnections_per_address = 1000\n")


def post(server, path, **body):
    status, answer, _ = server.ask("POST", path, body)
    assert status in (200, 202), (status, answer)


def state(server):
    return json.loads(server.ask("GET", "/api/live")[1])


def join(server, twitch, room):
    post(server, "/api/danmaku/start", platform="twitch", channel=room, url=twitch.url)
    twitch.wait_rooms(1)
    until(lambda: state(server)["channels"][0]["state"] == "ready", "a room that is read")


def test_a_flood_is_read_and_what_is_paid_for_is_spoken_in_order():
    twitch = FastTwitch()
    with Serving(PROGRAM, SETTINGS) as server:
        join(server, twitch, "room")
        skipper = Skipper(Player(server.port), lambda what: post(server, "/api/live/control", action=what))
        paid = [i for i in range(3000) if i % 150 == 149]
        blocks = [[("room", b"".join(line("room", i, i in paid) for i in range(n, n + 50)))] for n in range(0, 3000, 50)]
        before = server.resident()
        twitch.flood(blocks, 0.02, 10)
        now = state(server)
        assert now["channels"][0]["received"] == 3000 and now["summary"]["received"] == 3000, now["channels"]
        assert now["summary"]["dropped"]["flood"] > 0 and now["queue_count"] <= 64 + len(paid) + 2, now["summary"]
        until(lambda: str(paid[-1]) in skipper.heard, "the last that was paid for")
        assert [int(i) for i in skipper.heard if i.isdigit() and int(i) in paid] == paid
        grown = server.resident() - before
        assert server.sanitized() or grown < 64e6, grown
    twitch.close()


def test_money_is_kept_when_there_is_too_much_of_it():
    twitch = FastTwitch()
    with Serving(PROGRAM, SETTINGS.replace("= 64", "= 10")) as server:
        join(server, twitch, "room")
        post(server, "/api/live/control", action="pause")
        twitch.flood([[("room", b"".join(line("room", i, True) for i in range(30)))]], 0, 1)
        queue = state(server)["queue"]
        assert sorted(int(i["id"]) for i in queue) == list(range(30)), queue
    twitch.close()


def test_players_hear_everything_and_those_who_do_not_listen_are_left():
    with Serving(PROGRAM, SETTINGS) as server:
        players = Players(server.port, 20, 4)
        until(lambda: state(server)["listeners"] == 20, "players")
        sent = 0
        while state(server)["listeners"] > 16:
            post(server, "/api/danmaku/enqueue", platform="other", channel="c", id=f"n{sent}",
                 text=" ".join(words_of(1000 * sent + i) for i in range(6)), user={"id": f"u{sent}", "name": "Ann"})
            sent += 1
            until(lambda: state(server)["summary"]["spoken"] == sent, "a clip")
            post(server, "/api/live/control", action="skip")
            assert sent < 200, state(server)["listeners"]
        heard = players.finish()
        assert heard["packets"] == [sent] * 16 and heard["gone"] == 4, (sent, heard)


run_tests(globals())
