"""The page at `/`, in a real browser: what it shows of a sandbox, and what each of its buttons does to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from wren_async.sandbox import FaultKind, Sandbox
from wren_async.sandbox.fault_kinds import arguments_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HOSTILE = """<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>'"><b>&amp;"""
URLS = {"success_url": "https://shop.example.com/done", "cancel_url": "https://shop.example.com/left"}
PATIENCE = 5.0

pytestmark = pytest.mark.slow


class Shop:
    """A sandbox with a browser before its page, and a program that orders."""

    def __init__(self, sandbox: Sandbox, page: Page, http: httpx.Client) -> None:
        self.sandbox = sandbox
        self.page = page
        self._http = http

    def wren(self, path: str = "/api/offset-orders", **body: Any) -> Any:
        body = body or {"tons": 1, "paymentMethod": "credits"}
        return self._send(path, self.sandbox.wren.live_token, body)

    def cnaught(self, path: str = "/v1/orders", **body: Any) -> Any:
        return self._send(path, self.sandbox.cnaught.api_key, body or {"amount_kg": 10})

    def _send(self, path: str, token: str, body: Any) -> Any:
        answer = self._http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
        return answer.json()

    def open(self) -> None:
        self.page.goto(f"{self.sandbox.url}/")
        self.page.wait_for_selector("#wallets tbody tr")

    def row(self, table: str, *texts: str) -> Locator:
        """The only row of a table that says all this; waits until there is one."""
        found = self.page.locator(f"#{table} tbody tr")
        for text in texts:
            found = found.filter(has_text=text)
        found.wait_for()
        return found

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for what a click does to the sandbox."""
        for _ in range(int(PATIENCE / 0.02)):
            if condition():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError("it did not come about")


@pytest.fixture
def shop(chromium_page: Page) -> Iterator[Shop]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        yield Shop(sandbox, chromium_page, http)


def test_requests_appear_with_what_each_changed(shop: Shop) -> None:
    shop.open()
    assert "Send requests of Wren to " + shop.sandbox.url in shop.page.locator("#requests-empty").inner_text()
    receipt = shop.wren(tons=1, paymentMethod="credits", note="Ride 7")
    row = shop.row("requests", "POST /api/offset-orders")
    assert "200" in row.inner_text()
    assert "deduction of 2311 cents, balance 999997689" in row.inner_text()
    assert f"offset order {receipt['id']} placed for 2311 cents" in row.inner_text()
    row.locator("summary").click()
    row.locator("pre").nth(2).wait_for()
    assert '"note": "Ride 7"' in row.locator("pre").nth(1).inner_text()
    session = shop.cnaught("/v1/checkout/sessions", amount_kg=100, **URLS)
    shop.row("requests", f"checkout session {session['id']} opened for 200 cents")
    assert row.locator("pre").first.is_visible(), "what was opened stays open when more comes"
    httpx.get(f"{shop.sandbox.url}/api/portfolios", trust_env=False)
    shop.row("requests", "GET /api/portfolios")
    shop.page.get_by_label("only what changed something").check()
    assert shop.page.locator("#requests tbody tr").count() == 2
    shop.click("Clear")
    shop.page.locator("#requests-empty").wait_for()
    assert len(shop.sandbox.requests) == 0


def test_a_request_in_flight_is_shown_and_so_is_its_end(shop: Shop) -> None:
    shop.open()
    shop.sandbox.faults.add("latency", seconds=3, times=1)
    order = Thread(target=shop.wren)
    order.start()
    shop.row("requests", "in flight", "latency")
    order.join()
    ended = shop.row("requests", "200", "latency", "deduction of 2311 cents")
    assert int(ended.locator("td").nth(4).inner_text()) >= 3000


def test_a_lost_answer_is_told_with_what_was_done_all_the_same(shop: Shop) -> None:
    shop.open()
    shop.click("Lose the next answer")
    shop.row("faults", "reset", "0 of 1")
    with pytest.raises(httpx.ReadError):
        shop.wren()
    shop.row("requests", "no answer", "reset", "deduction of 2311 cents")
    shop.row("faults", "reset", "1 of 1")
    assert len(shop.sandbox.orders) == 1


def test_orders_are_fulfilled_cancelled_and_refunded_by_their_buttons(shop: Shop) -> None:
    first, second = (shop.wren(tons=tons, paymentMethod="credits")["id"] for tons in (1, 2))
    third, fourth = (shop.cnaught(amount_kg=mass, metadata=f"cart {mass}")["id"] for mass in (10, 20))
    shop.open()
    assert "$0.20" in shop.row("orders", third, "10 kg", "cart 10").inner_text()
    for name in (f"Fulfil order {first}", f"Refund order {second}", f"Fulfil order {third}", f"Cancel order {fourth}"):
        shop.click(name)
    shop.row("orders", first, "fulfilled")
    shop.row("orders", second, "refunded")
    shop.row("orders", third, "fulfilled")
    shop.row("orders", fourth, "cancelled")
    shop.click(f"Cancel order {third}")
    shop.click(f"Refund order {first}")
    shop.row("orders", third, "cancelled")
    shop.row("orders", first, "refunded")
    assert {order.state for order in shop.sandbox.orders} == {"refunded", "cancelled"}
    assert shop.row("orders", first).get_by_role("button").count() == 0
    shop.row("ledger", f"deduction for {first}", "-$23.11")
    shop.row("ledger", f"refund for {first}", "$23.11")


def test_a_wallet_is_emptied_and_topped_up_and_its_card_changed(shop: Shop) -> None:
    shop.open()
    account = shop.sandbox.wren_api.accounts[shop.sandbox.wren.live_token]
    shop.click("Empty the wallet of Sandbox team, …0001")
    shop.row("wallets", "Sandbox team", "$0.00")
    assert account.wallet.balance_cents == 0
    assert "credits" in shop.wren()["message"]
    shop.click("Top up the wallet of Sandbox team, …0001, by $100.00")
    shop.row("wallets", "Sandbox team", "$100.00")
    shop.row("ledger", "top up", "$100.00")
    shop.page.get_by_label("Card of Sandbox team, …0001", exact=True).select_option("declined")
    shop.until(lambda: account.card.value == "declined")
    shop.wren()
    shop.row("wallets", "Sandbox team", "$76.89")


def test_checkout_sessions_are_paid_and_expired(shop: Shop) -> None:
    first, second = (shop.cnaught("/v1/checkout/sessions", amount_kg=100, **URLS)["id"] for _ in range(2))
    shop.open()
    shop.click(f"Pay checkout session {first}")
    shop.row("sessions", first, "complete")
    shop.row("orders", "cnaught", "100 kg", "$2.00")
    shop.click(f"Expire checkout session {second}")
    shop.row("sessions", second, "expired")
    assert len(shop.sandbox.orders) == 1


class Receiver(BaseHTTPRequestHandler):
    """Takes notifications."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        reset = f"'{self.path[1:]}/_sandbox/reset', {{method: 'POST', mode: 'no-cors', body: '{{}}'}}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<link rel=icon href=data:,><script>fetch({reset})</script>".encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_notifications_are_shown_on_their_way_and_where_they_arrived(shop: Shop, receiver: str) -> None:
    shop.sandbox.delivery.retry_seconds = 1.5
    lost = shop.cnaught(amount_kg=10, notification_config={"url": "http://127.0.0.1:1/nobody"})["id"]
    shop.open()
    shop.click(f"Fulfil order {lost}")
    shop.row("notifications", lost, "fulfilled", "http://127.0.0.1:1/nobody", "2 × no answer", "waiting")
    sent = shop.cnaught(amount_kg=20, notification_config={"url": f"{receiver}/hook"})["id"]
    shop.click(f"Cancel order {sent}")
    shop.row("notifications", sent, "cancelled", "200", "delivered")


EXAMPLES: dict[str, Any] = {
    "when": "before",
    "seconds": 0.5,
    "size": 3,
    "status": 504,
    "retry_after": 7,
    "retry_after_date": True,
    "location": "/elsewhere",
    "content_type": "text/html",
    "api": "wren",
    "operation": "createOffsetOrder",
    "token": "5a4db0c5-0000-4000-8000-000000000001",
    "nth": 2,
    "probability": 0.5,
    "times": 9,
}
CHOSEN = ("when", "api")


def test_every_kind_of_fault_is_switched_on_with_all_its_options(shop: Shop) -> None:
    shop.open()
    form = shop.page.locator("#add-fault")
    kinds = form.locator("[name=kind]")
    assert kinds.locator("option").all_inner_texts() == [kind.value for kind in FaultKind]
    for number, kind in enumerate(FaultKind, 1):
        kinds.select_option(kind.value)
        assert kind.means.replace("`", "") == form.locator("#means").inner_text()
        offered = set(form.locator("#fields [name]").evaluate_all("fields => fields.map(field => field.name)"))
        assert offered | {"when"} == {*arguments_of(kind), "when"}
        for name in offered:
            field = form.locator(f"[name={name}]")
            if name in CHOSEN:
                field.select_option(EXAMPLES[name])
            elif name == "retry_after_date":
                field.check()
            else:
                field.fill(str(EXAMPLES[name]))
        form.get_by_role("button", name="Switch on").click()
        shop.until(lambda number=number: len(shop.sandbox.faults) == number)
        rule = [*shop.sandbox.faults][-1].plain()
        assert {name: json.loads(json.dumps(rule[name], default=float)) for name in offered} == {
            name: EXAMPLES[name] for name in offered
        }
        shop.row("faults", f"{kind.value}\n" if kind.value == "status" else kind.value).first.wait_for()


def test_faults_are_switched_off_one_by_one_and_all_at_once(shop: Shop) -> None:
    shop.open()
    for name in ("Refuse the next with 429", "Fail the next with 503", "Slow all by 2 s"):
        shop.click(name)
    shop.row("faults", "latency", "every request", "seconds: 2")
    assert [(rule.kind.value, rule.times) for rule in shop.sandbox.faults] == [
        ("rate_limit", 1),
        ("status", 1),
        ("latency", None),
    ]
    shop.click("Switch off fault 3, latency")
    shop.until(lambda: len(shop.sandbox.faults) == 2)
    assert shop.wren()["message"]
    shop.row("faults", "rate_limit", "1 of 1")
    shop.click("Switch all off")
    shop.page.locator("#faults-empty").wait_for()
    assert len(shop.sandbox.faults) == 0
    assert not shop.page.get_by_role("button", name="Switch all off").is_visible()


def test_a_wish_that_makes_no_sense_is_answered_beside_the_form(shop: Shop) -> None:
    shop.open()
    form = shop.page.locator("#add-fault")
    form.locator("[name=operation]").fill("createOfsetOrder")
    form.get_by_role("button", name="Switch on").click()
    shop.page.get_by_text("did you mean createOffsetOrder").wait_for()
    form.locator("[name=operation]").fill("createOffsetOrder")
    form.get_by_role("button", name="Switch on").click()
    shop.row("faults", "latency", "createOffsetOrder")
    assert not shop.page.locator("#fault-trouble").is_visible()


def test_the_clock_is_moved_stopped_set_and_let_run(shop: Shop) -> None:
    shop.open()
    clock = shop.sandbox.clock
    for name, seconds in (("+1 minute", 60), ("+1 hour", 3600), ("+1 day", 86400)):
        before = clock.shift
        shop.click(name)
        shop.until(lambda before=before, seconds=seconds: clock.shift - before == timedelta(seconds=seconds))
    shop.click("Stop")
    shop.page.get_by_text("stopped", exact=True).wait_for()
    assert clock.frozen_at is not None
    shop.page.get_by_label("Stop at, in UTC").fill("2026-07-01T12:30:15")
    shop.click("Set")
    shop.page.get_by_text("2026-07-01 12:30:15 UTC").wait_for()
    assert clock.now() == datetime(2026, 7, 1, 12, 30, 15, tzinfo=UTC)
    shop.click("Run")
    shop.until(lambda: clock.frozen_at is None)


def test_a_reset_asks_first(shop: Shop) -> None:
    shop.wren()
    shop.open()
    asked: list[str] = []
    shop.page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    shop.click("Reset everything")
    assert asked[0].startswith("Forget everything")
    assert len(shop.sandbox.orders) == 1
    shop.page.once("dialog", lambda dialog: dialog.accept())
    shop.click("Reset everything")
    shop.page.locator("#requests-empty").wait_for()
    assert shop.sandbox.orders == []


def test_a_pause_leaves_what_is_shown_as_it_is(shop: Shop) -> None:
    shop.open()
    shop.click("Pause")
    shop.page.wait_for_timeout(50)
    shop.wren()
    shop.page.wait_for_timeout(1500)
    assert shop.page.locator("#requests tbody tr").count() == 0
    shop.click("Go on")
    shop.row("requests", "POST /api/offset-orders")


def test_what_a_request_says_is_text_and_never_markup(shop: Shop) -> None:
    shop.wren(tons=1, paymentMethod="credits", note=HOSTILE, onBehalfOfName=HOSTILE)
    hook = {"notification_config": {"url": "http://127.0.0.1:1/<script>window.hacked=1</script>"}}
    order = shop.cnaught(amount_kg=10, metadata=HOSTILE, description=HOSTILE, **hook)
    shop.cnaught("/v1/subaccounts", name=HOSTILE)
    httpx.get(f"{shop.sandbox.url}/api/<img src=x onerror=window.hacked=1>", trust_env=False)
    token = shop.sandbox.wren.live_token
    shop.sandbox.wren_api.accounts[token].name = HOSTILE
    shop.open()
    shop.row("orders", "wren", HOSTILE)
    shop.row("orders", "cnaught", HOSTILE)
    if "id" in order:
        shop.click(f"Fulfil order {order['id']}")
        shop.row("notifications", order["id"])
    for summary in shop.page.locator("#requests summary").all():
        summary.click()
    shop.page.locator("pre").filter(has_text="<img src=x onerror=").first.wait_for()
    assert shop.page.evaluate("window.hacked") is None
    assert shop.page.locator("img, body script, b").count() == 0


def test_the_browser_itself_refuses_markup_made_of_text(shop: Shop) -> None:
    shop.open()
    made = "() => { try { document.body.innerHTML = '<b>x</b>'; return 'made'; } catch (error) { return error.name; } }"
    assert shop.page.evaluate(made) == "TypeError"


def test_no_token_is_shown_in_full(shop: Shop) -> None:
    wren, cnaught = shop.sandbox.wren, shop.sandbox.cnaught
    tokens = [wren.live_token, wren.personal_token, wren.test_token, cnaught.api_key, cnaught.test_key]
    for token in tokens:
        shop.wren(tons=1, paymentMethod="credits", note=f"pays with {token}")
        shop.sandbox.faults.add("status", token=token, times=0)
    shop.open()
    shop.row("orders", "pays with cnaught_sandbox_live_…")
    for summary in shop.page.locator("#requests summary").all():
        summary.click()
    shop.page.locator("pre").filter(has_text="pays with").nth(len(tokens) - 1).wait_for()
    shown = shop.page.content()
    assert [token for token in tokens if token in shown] == []
    assert "…0001" in shown


def test_a_phone_by_day_and_by_night(shop: Shop) -> None:
    shop.wren(tons=1, paymentMethod="credits", note="a note " * 30 + "x" * 300)
    shop.cnaught(amount_kg=10, metadata="y" * 300)
    shop.cnaught("/v1/checkout/sessions", amount_kg=100, **URLS)
    for kind in FaultKind:
        shop.sandbox.faults.add(kind)
    for rule in [*shop.sandbox.faults]:
        rule.times = 0
    grounds = set()
    for width in (390, 1280):
        shop.page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            shop.page.emulate_media(color_scheme=scheme)
            shop.open()
            shop.row("orders", "wren", "a note")
            shop.row("faults", "close_on_accept")
            assert shop.page.evaluate("document.documentElement.scrollWidth") == width, "nothing hangs over the edge"
            wide = "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.id)"
            assert shop.page.locator("section").evaluate_all(wide) == []
            grounds.add(shop.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    shop.page.set_viewport_size({"width": 390, "height": 800})
    heights = shop.page.locator("button:visible").evaluate_all("all => all.map(each => each.offsetHeight)")
    assert min(heights) >= 34, "large enough for a finger"


def test_it_waits_for_a_sandbox_that_is_away_and_begins_anew_with_the_next(shop: Shop) -> None:
    for _ in range(3):
        shop.wren()
    shop.open()
    shop.row("requests", "999993067")
    shop.sandbox.stop()
    shop.page.get_by_text("does not answer").wait_for()
    with Sandbox(port=shop.sandbox.port):
        shop.page.get_by_text("does not answer").wait_for(state="hidden")
        shop.page.locator("#requests-empty").wait_for()


def test_a_page_of_another_site_cannot_reset_the_sandbox(shop: Shop, receiver: str) -> None:
    shop.wren()
    with shop.page.expect_response("**/_sandbox/reset") as refused:
        shop.page.goto(f"{receiver}/{shop.sandbox.url}")
    assert refused.value.status == 403
    assert len(shop.sandbox.orders) == 1


# What the server says of it, without a browser


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/_sandbox/page/page.css", "text/css"),
        ("/_sandbox/page/page.js", "text/javascript"),
    ],
)
def test_it_comes_with_a_policy_that_lets_nothing_else_in(client: httpx.Client, path: str, media_type: str) -> None:
    answer = client.get(path)
    assert answer.headers["Content-Type"].startswith(media_type)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 421
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get(path, headers=foreign).status_code == 403
    assert client.post(path).status_code == 405


def test_it_asks_for_nothing_of_another_host_and_has_no_style_or_script_of_its_own(client: httpx.Client) -> None:
    page = client.get("/").text
    assert 'href="data:,"' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<style" not in page
    assert " style=" not in page
    assert " onclick" not in page
    assert page.count("<script") == 1


@pytest.mark.parametrize("name", ["page.py", "..%2Fpage.py", "index.html.bak", ""])
def test_it_serves_no_other_file(client: httpx.Client, name: str) -> None:
    assert client.get(f"/_sandbox/page/{name}").status_code == 404


def test_looking_at_it_leaves_no_trace_in_the_log(client: httpx.Client) -> None:
    client.get("/")
    client.get("/_sandbox/page/page.js")
    assert client.get("/_sandbox/requests").json()["requests"] == []
