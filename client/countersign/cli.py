"""`countersign`: actions, runs and halts from a terminal, as tables for people or `--json` for programs.

Exit status: 0 done · 1 refused, by the server with its sentence or by you · 2 wrong use · 3 no address or key · 4 nobody answers · 5 a run that did not
succeed, or a doctor that found something · 130 stopped with Ctrl-C.
"""

import argparse
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from countersign._calls import Call, keyed, part
from countersign.client import Client
from countersign.confirming import Unseen, agreed_digest, lines
from countersign.confirming import shown as _shown
from countersign.errors import ApiError, CountersignError, NotConfigured, Unreachable

DONE, REFUSED, USAGE, NOT_CONFIGURED, UNREACHABLE, NOT_WELL, STOPPED = 0, 1, 2, 3, 4, 5, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "mcp":
            return _mcp(options)
        with Client(options.url or None, options.key or None) as client:
            status: int = options.run(client, options)
            return status
    except NotConfigured as error:
        return _failed(NOT_CONFIGURED, error)
    except Unreachable as error:
        return _failed(UNREACHABLE, error)
    except ApiError as error:
        if error.status >= 500:
            return _failed(UNREACHABLE, error)
        for name, why in error.fields.items():
            if str(why) in str(error):
                continue  # the sentence says it
            print(f"  {_shown(name)}: {_shown(why)}", file=sys.stderr)
        return _failed(REFUSED, error)
    except CountersignError as error:
        return _failed(REFUSED, error)
    except Unseen as error:
        return _failed(USAGE, error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read this has enough
        return DONE
    except KeyboardInterrupt:
        return STOPPED


def _list(client: Client, options: argparse.Namespace) -> int:
    only = {"state": options.state, "agent": options.agent, "tool": options.tool, "level": options.level, "mine": options.mine or None}
    rows = _first(client.items("/actions", **{k: v for k, v in only.items() if v}), options.limit)
    return _table(options, rows, ("id", "level", "state", "agent", "summary"))


def _show(client: Client, options: argparse.Namespace) -> int:
    found = client.call(Call("GET", f"/actions/{part(options.action)}"))
    if options.json:
        return _json(found)
    print("\n".join(lines(found)))
    return DONE


def _decide(client: Client, options: argparse.Namespace) -> int:
    """Yes is said to the version that was shown: here, or before (`--digest`). A no may go to whatever it is by now."""
    response, as_json = getattr(options, "response", ""), getattr(options, "as_json", False)
    try:
        response = _value(response) if as_json else response
    except ValueError as error:
        return _failed(USAGE, f"--as-json: neither yes, no, a number nor other JSON ({error}). A text stands in quotes then")
    digest: str | None = options.digest
    if not digest:
        say_no = options.verdict == "reject"
        digest = client.get(options.action).digest if say_no else agreed_digest(client, options.action, options.verb)
    if digest is None:
        return _failed(REFUSED, "Nothing was decided")
    done = client.decide(options.action, options.verdict, digest, reason=options.reason, response=response, as_json=as_json)
    if options.json:
        return _json(done)
    print(f"{done['state'].lower()}" if done["resolved"] else "Recorded; it waits for more people")
    return DONE


def _start(client: Client, options: argparse.Namespace) -> int:
    key = keyed(options.once or uuid.uuid4().hex)  # sent again when its answer is lost, it is the same run
    run = client.call(Call("POST", "/runs", {"agent": options.agent, "input": options.input}, headers=key))
    if options.tail:
        options.action = run["id"]
        print(run["url"], file=sys.stderr)
        return _tail(client, argparse.Namespace(**{**vars(options), "run_id": run["id"]}))
    return _json(run) if options.json else _say(f"{run['id']}  {run['url']}")


def _ask_again(client: Client, options: argparse.Namespace) -> int:
    run = client.call(Call("POST", f"/runs/{part(options.run_id)}/ask-again", repeatable=False))
    return _json(run) if options.json else _say(f"{run['id']}  {run['url']}")


def _tail(client: Client, options: argparse.Namespace) -> int:
    try:
        return _follow(client, options)
    except KeyboardInterrupt:
        return _failed(STOPPED, f"No longer followed; the run goes on. Again: countersign runs tail {options.run_id}")


def _follow(client: Client, options: argparse.Namespace) -> int:
    for event in client.progress(options.run_id):
        if options.json:
            print(json.dumps(event), flush=True)
        else:
            said, *whole = _cause_first(str(event["data"].get("tool") or event["data"].get("error") or ""))
            print(f"{event['at'][11:19]}  {event['kind']:<22} {_shown(event['actor'])}  {_shown(said)}")
            print(*(f"    {_shown(line)}\n" for line in whole), sep="", end="", flush=True)
    ended = client.call(Call("GET", f"/runs/{part(options.run_id)}"))["state"]
    print(ended, file=sys.stderr)
    return DONE if ended == "SUCCEEDED" else NOT_WELL


_NAMED = re.compile(r"[A-Za-z_][\w.]*: ")  # as Python writes an error


def _cause_first(text: str) -> list[str]:
    """Its lines. A traceback names what it is below itself, which may be followed by more of its words and a note; whole it follows, as far as it was kept."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return lines or [""]
    return [next((line for line in reversed(lines) if _NAMED.match(line)), lines[-1]), *lines]


SCOPES = {"agent": "agent", "version": "agent_version", "tool": "tool", "customer": "customer", "run": "run_id"}  # and their options


def _halt(client: Client, options: argparse.Namespace) -> int:
    if options.count and (options.list or options.release):
        return _failed(USAGE, "--count says what an order would stop: give it with what to halt, not with --list or --release")
    if options.list:
        return _table(options, list(client.items("/halts")), ("id", "scope", "target", "by", "at", "reason"))
    if options.release:
        return _release(client, options)
    named = ((scope, getattr(options, name)) for scope, name in SCOPES.items())
    scope, target = next(((s, t) for s, t in named if t), ("everything", ""))
    if scope == "everything" and not options.everything:
        return _failed(
            USAGE, "Say what to halt: --agent, --agent-version, --tool, --customer or --run, or --everything (or --list, --release ID)"
        )
    if options.count:
        return _count(client, options, scope, target)
    order = client.call(Call("POST", "/halts", {"scope": scope, "target": target, "reason": options.reason}, repeatable=False))
    return _json(order) if options.json else _say(f"Halted ({order['id']}): {order['scope']} {order['target']}")


def _count(client: Client, options: argparse.Namespace, scope: str, target: str) -> int:
    """What it would stop. Ordering asks no question of its own: a halt must not wait for an answer."""
    found = client.call(Call("GET", "/halts/preview", query={"scope": scope, "target": target}))
    if options.json:
        return _json(found)
    begun, named = found["calls"] + found["reversals"], f"{found['scope']} {_shown(found['target'])}".rstrip()
    stops = "that ask for it" if scope in {"tool", "customer"} else "stopped"
    owed = f"; calls not reversed before the release: {found['not_reversed']}" if found["not_reversed"] else ""
    return _say(
        f"Nothing is ordered. Halting {named} now: runs {stops}: {found['runs']}; actions frozen: {found['actions']}; "
        f"calls already running (in a process of their own they are stopped, the others end by themselves): {begun}{owed}"
    )


def _release(client: Client, options: argparse.Namespace) -> int:
    scope, target = next(((s, t) for s, t in (("agent", options.on_agent), ("run", options.on_run)) if t), ("all", ""))
    step = {"scope": scope, "target": target, "reason": options.reason}
    done = client.call(Call("POST", f"/halts/{part(str(options.release))}/release", step, repeatable=False))
    if options.json:
        return _json(done)
    if any((one["scope"], one["target"]) == (scope, target) for one in done["waits"]):
        return _say("Asked for, not released yet: another person who may release has to ask for the same within an hour")
    order = f"{done['scope']} {done['target']}".rstrip()
    return _say(
        f"Released {order}" if scope == "all" else f"{scope.capitalize()} {target} goes on; the order for {order} stands for the rest"
    )


def _doctor(client: Client, options: argparse.Namespace) -> int:
    """Whether the address answers, whose the key is, what it may do, and whether something is halted."""
    me = client.call(Call("GET", "/me"))
    halts = list(client.items("/halts"))
    found = {"me": me, "halts": halts, "well": not halts}
    if options.json:
        _json(found)
    else:
        _say(f"The key is of {me['kind']} {_shown(me['name'])} and may {', '.join(me['scopes'])}")
        for halt in halts:
            _say(f"Halted: {halt['scope']} {_shown(halt['target'])} by {_shown(halt['by'])}: {_shown(halt['reason'])}")
        _say("All is well" if not halts else "Something is halted")
    return DONE if not halts else NOT_WELL


def _mcp(options: argparse.Namespace) -> int:
    try:
        from countersign.mcp import serve
    except ImportError:
        return _failed(USAGE, "This needs the extra: pip install 'countersign[mcp]'")
    return serve(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="countersign", description="Ask people, and decide, from a terminal.", epilog=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--url", default="", help="the installation ($COUNTERSIGN_URL)")
    parser.add_argument("--key", default="", help="better in $COUNTERSIGN_KEY, which no list of processes shows")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    rooms = parser.add_subparsers(dest="command", required=True, metavar="actions|runs|halt|doctor|mcp")
    actions = rooms.add_parser("actions", help="what waits for people, and deciding it").add_subparsers(dest="verb", required=True)
    _of_actions(actions)
    runs = rooms.add_parser("runs", help="start a run, follow one, have one ask again").add_subparsers(dest="verb", required=True)
    start = _verb(runs, "start", _start, "start a run of an agent of the installation")
    start.add_argument("agent")
    start.add_argument("--input", type=_given, default={}, help="JSON, @file or - (standard input)")
    start.add_argument("--once", default="", help="an idempotency key: the same again is the same run")
    start.add_argument("--tail", action="store_true", help="and follow it")
    _verb(runs, "tail", _tail, "follow a run until it has ended").add_argument("run_id")
    again = _verb(runs, "ask-again", _ask_again, "of a failed run: put the question once more whose answer its node could not use")
    again.add_argument("run_id")
    halt = _verb(rooms, "halt", _halt, "stop everything, an agent, a version, a tool, a customer or a run; or lift an order")
    halt.add_argument("--agent", default="")
    halt.add_argument("--agent-version", default="", metavar="AGENT@N")
    halt.add_argument("--tool", default="")
    halt.add_argument("--customer", default="")
    halt.add_argument("--run", dest="run_id", default="")
    halt.add_argument("--on-agent", default="", help="with --release: only this agent goes on")
    halt.add_argument("--on-run", default="", help="with --release: only this run goes on")
    for flag in ("--everything", "--list", "--count"):
        halt.add_argument(flag, action="store_true")
    halt.add_argument("--release", type=int, default=0, metavar="ID")
    halt.add_argument("--reason", default="")
    _verb(rooms, "doctor", _doctor, "whether address and key are right, and nothing is halted")
    mcp = rooms.add_parser("mcp", help="an MCP server that asks for approval, or puts another one behind the gate")
    mcp.add_argument(
        "--http",
        default="",
        metavar="HOST:PORT",
        help="streamable HTTP instead of stdio; each caller brings a key of its agent (with --gateway: of the gateway's agent)",
    )
    mcp.add_argument(
        "--keyless",
        action="store_true",
        help="with --http and --gateway: whoever reaches the address acts as this gateway's agent, with no key (every program on this machine)",
    )
    mcp.add_argument("--prefix", default="", help="of the names by which the policy knows the tools behind the gate")
    mcp.add_argument(
        "--gateway",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="COMMAND",
        help="the MCP server behind: a command or an address; comes last",
    )
    return parser


DIGEST_HELP = ("only this version; without it the one stored now", "the version you saw, as `show` prints it; needed without a terminal")


AS_JSON_HELP = (
    "the response means a value: yes, no, a number or other JSON (true, 30, null, [1, 2]; words in quotes), and a run is given that value. "
    "Without it `false` and `no` are texts, and a program that only looks whether there is something takes them for a yes"
)


def _of_actions(actions: Any) -> None:
    listed = _verb(actions, "list", _list, "what waits, newest first")
    for name in ("state", "agent", "tool", "level"):
        listed.add_argument(f"--{name}", default="")
    listed.add_argument("--mine", action="store_true", help="only what is my turn")
    listed.add_argument("--limit", type=int, default=50)
    _verb(actions, "show", _show, "one action").add_argument("action")
    asks = "; shows it and asks first, unless --digest says that you saw it"
    for name, verdict, first in (("approve", "approve", asks), ("reject", "reject", ""), ("answer", "respond", asks)):
        one = _verb(actions, name, _decide, f"{name} an action, as whose token this is{first}")
        one.set_defaults(verdict=verdict)
        one.add_argument("action")
        if name == "answer":
            one.add_argument(
                "response", help="your words; a text, whatever they look like, unless the agent said what it takes or with --as-json"
            )
            one.add_argument("--as-json", action="store_true", help=AS_JSON_HELP)
        one.add_argument("--reason", default="")
        one.add_argument("--digest", default="", help=DIGEST_HELP[verdict != "reject"])


def _verb(parent: Any, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = parent.add_parser(name, help=help_text)
    made.set_defaults(run=run)
    # After the verb as well; where it is not said there, what was said before the verb stands.
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON instead of a table")
    return made


def _given(text: str) -> Any:
    try:
        raw = sys.stdin.read() if text == "-" else Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
        return json.loads(raw)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"cannot be read as JSON: {error}") from error


def _value(words: str) -> str:
    """The JSON that these words mean. Raises ValueError."""
    text = {"yes": "true", "no": "false"}.get(words.strip().lower(), words)
    json.loads(text)
    return text


def _first(items: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in items:
        if len(found) >= limit:
            break
        found.append(item)
    return found


def _table(options: argparse.Namespace, rows: list[dict[str, Any]], names: Sequence[str]) -> int:
    if options.json:
        return _json(rows)
    cells = [[_shown(row[name]) for name in names] for row in rows]
    widths = [max([len(name), *(len(cell[i]) for cell in cells)]) for i, name in enumerate(names)]
    for cell in [list(names), *cells] if rows else []:
        print("  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)).rstrip())
    if not rows:
        print("Nothing")
    return DONE


def _json(value: Any) -> int:
    print(json.dumps(value, indent=2, ensure_ascii=True))
    return DONE


def _say(text: str) -> int:
    print(text)
    return DONE


def _failed(status: int, why: object) -> int:
    print(_shown(why), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
