"""The clients without `await`: the same operations, values and errors, from any thread, under a running loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import wren_async
from wren_async import (
    UNSET,
    ClientClosed,
    InvalidArgument,
    InvalidConfiguration,
    NotFound,
    OutcomeUnknown,
    Placed,
    UsageError,
)
from wren_async.cnaught import Orders as AsyncOrders
from wren_async.core.resource import Resource
from wren_async.models.cnaught import Order
from wren_async.models.wren import PortfolioList
from wren_async.sandbox import Sandbox
from wren_async.sync import CNaughtClient, WrenClient
from wren_async.sync.client import SyncClientOptions
from wren_async.sync.methods import Method, group
from wren_async.wren import OffsetOrders


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def wren(sandbox: Sandbox) -> Iterator[WrenClient]:
    with WrenClient(sandbox.wren.live_token, base_url=sandbox.wren.base_url) as client:
        yield client


@pytest.fixture
def cnaught(sandbox: Sandbox) -> Iterator[CNaughtClient]:
    with CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url) as client:
        yield client


# --- the same face --------------------------------------------------------------------------------------------------

PAIRS = (
    [(wren_async.WrenClient("fake-token"), WrenClient("fake-token"))],
    [(wren_async.CNaughtClient("fake-key"), CNaughtClient("fake-key"))],
)
OTHERWISE = {"aclose": "close", "token_mark": None, "with_permit": None}
"""What is called otherwise without `await`, or is only for workers, which are asynchronous."""


def faces(asynchronous: Any, sync: Any) -> Iterator[tuple[Any, Any]]:
    """The client with each of its groups, beside those without `await`."""
    yield asynchronous, sync
    for name in dir(type(asynchronous)):
        if not name.startswith("_") and isinstance(inner := getattr(asynchronous, name), Resource):
            yield from faces(inner, getattr(sync, name))


@pytest.mark.parametrize("pair", [pair for (pair,) in PAIRS], ids=["wren", "cnaught"])
def test_every_public_name_of_a_client_is_there_without_await(pair: tuple[Any, Any]) -> None:
    for asynchronous, sync in faces(*pair):
        names = {OTHERWISE.get(name, name) for name in dir(asynchronous) if not name.startswith("_")} - {None}
        assert names - set(dir(sync)) == set(), type(sync).__name__
        assert {name for name in dir(sync) if not name.startswith("_")} - names == set()


@pytest.mark.parametrize("pair", [pair for (pair,) in PAIRS], ids=["wren", "cnaught"])
def test_every_method_shows_the_signature_and_the_text_of_its_original(pair: tuple[Any, Any]) -> None:
    seen = 0
    for asynchronous, sync in faces(*pair):
        for name, value in vars(type(sync)).items():
            if isinstance(value, Method):
                method, original = getattr(sync, name), getattr(asynchronous, name)
                assert inspect.signature(method) == inspect.signature(original)
                assert inspect.getdoc(method) == inspect.getdoc(original)
                assert method.__qualname__ == f"{type(sync).__name__}.{name}"
                seen += 1
            assert not isinstance(value, group) or value.__doc__
    assert seen > 10


@pytest.mark.parametrize("client", [wren_async.WrenClient, wren_async.CNaughtClient])
def test_the_options_of_a_client_are_those_of_the_asynchronous_one(client: type) -> None:
    original = inspect.signature(client).parameters
    options = {name for name, each in original.items() if each.kind is inspect.Parameter.KEYWORD_ONLY}
    assert options == set(SyncClientOptions.__annotations__) - set(
        wren_async.core.client.ClientOptions.__annotations__  # type: ignore[attr-defined]
    )


# --- calls ----------------------------------------------------------------------------------------------------------


def test_orders_are_placed_read_and_walked(cnaught: CNaughtClient, sandbox: Sandbox) -> None:
    orders = [cnaught.orders.create(amount_kg=kilograms) for kilograms in (1, 2, 3)]
    assert all(isinstance(order, Order) for order in orders)
    assert cnaught.orders.get(orders[0].id).amount_kg == Decimal(1)
    assert [order.amount_kg for order in cnaught.orders.list(limit=2)] == [3, 2, 1]
    assert [order.amount_kg for order in cnaught.orders.list(limit=1, prefetch=True)] == [3, 2, 1]
    assert [order.amount_kg for order in cnaught.orders.list(ending_before=orders[0].id)] == [2, 3]
    assert [len(page) for page in cnaught.orders.list(limit=2).pages()] == [2, 1]
    assert cnaught.orders.list(limit=1).first().items == (cnaught.orders.get(orders[-1].id),)
    assert len(sandbox.orders) == 3


def test_the_ledger_is_walked_with_pages_at_once(wren: WrenClient) -> None:
    for _ in range(3):
        wren.offset_orders.create(tons=1, payment_method="credits")
    entries = list(wren.credits.ledger())
    assert len(entries) > 2
    assert list(wren.credits.ledger(limit=1, at_once=2)) == entries
    assert wren.credits.ledger(limit=1).first().total == len(entries)


def test_leaving_a_walk_early_leaves_nothing_behind(cnaught: CNaughtClient, sandbox: Sandbox) -> None:
    for _ in range(3):
        cnaught.orders.create(amount_kg=1)
    for _ in cnaught.orders.list(limit=1, prefetch=True):
        break
    assert cnaught.in_flight == 0


def test_a_whole_list_is_a_sequence_with_the_answer_beside_it(wren: WrenClient) -> None:
    portfolios = wren.portfolios.list()
    assert isinstance(portfolios.answer, PortfolioList)
    assert tuple(portfolios) == portfolios.answer.portfolios
    assert portfolios[0] == portfolios.answer.portfolios[0]
    assert len(portfolios) == len(portfolios[:]) > 0
    assert "PortfolioList" in repr(portfolios)


def test_a_document_and_a_logo_are_moved(wren: WrenClient, cnaught: CNaughtClient, tmp_path: Path) -> None:
    receipt = wren.offset_orders.create(tons=1, payment_method="credits")
    assert receipt.id
    wren.offset_orders.certificate(receipt.id, to=tmp_path / "certificate.pdf")
    assert (tmp_path / "certificate.pdf").stat().st_size > 0
    order = cnaught.orders.create(amount_kg=1)
    subaccount = cnaught.subaccounts.create(name="Marketing")
    logo = cnaught.subaccounts.logo.upload(subaccount.id, b"\x89PNG\r\n\x1a\n", content_type="image/png")
    assert logo.logo_url
    assert cnaught.for_subaccount(subaccount.id).subaccount_id == subaccount.id
    assert cnaught.with_options(timeout=5).orders.get(order.id).id == order.id


def test_errors_are_those_of_the_asynchronous_clients(cnaught: CNaughtClient) -> None:
    with pytest.raises(NotFound) as caught:
        cnaught.orders.get("nowhere")
    assert caught.value.status == 404
    with pytest.raises(InvalidArgument, match="amount_kg"):
        cnaught.orders.create(amount_kg=0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Orders\.create.*ammount_kg"):
        cnaught.orders.create(ammount_kg=1)  # type: ignore[call-arg]


def test_a_lost_order_is_found(wren: WrenClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("reset", when="after", operation="createOffsetOrder", times=1)
    checkpoint = wren.checkpoint()
    with pytest.raises(OutcomeUnknown) as caught:
        wren.offset_orders.create(tons=1, payment_method="credits", reference="ride-7")
    assert isinstance(wren.reconcile(caught.value, checkpoint=checkpoint), Placed)
    call = OffsetOrders.create(tons=1, payment_method="credits", reference="ride-7")
    assert isinstance(wren.find_or_place(call), Placed)
    assert len(sandbox.orders) == 1


def test_cnaught_finds_and_reconciles_too(cnaught: CNaughtClient, sandbox: Sandbox) -> None:
    sandbox.faults.add("reset", when="after", operation="createOrder", times=1)
    with pytest.raises(OutcomeUnknown) as caught:
        cnaught.send(AsyncOrders.create(amount_kg=1, reference="ride-8", retries=0))
    assert isinstance(cnaught.reconcile(caught.value), Placed)
    assert isinstance(cnaught.find_or_place(AsyncOrders.create(amount_kg=1, reference="ride-8")), Placed)
    assert cnaught.send_raw(AsyncOrders.get(sandbox.orders[0].id)).status == 200
    assert len(sandbox.orders) == 1


def test_a_deprecated_operation_is_told_where_it_is_called(cnaught: CNaughtClient) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        cnaught.quotes.ride(distance_km=1)
    assert [each.filename for each in told if each.category is DeprecationWarning] == [__file__]


# --- threads and loops ----------------------------------------------------------------------------------------------


def test_many_threads_share_a_client(sandbox: Sandbox) -> None:
    with (
        CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        start = threading.Barrier(8)

        def order(number: int) -> str:
            if number < 8:
                start.wait(30)
            return client.orders.create(amount_kg=1, description=str(number)).id

        assert len(set(pool.map(order, range(40)))) == 40
    assert len(sandbox.orders) == 40
    assert [each for each in threading.enumerate() if each.name == "wren-async"] == []


def test_calls_of_other_threads_end_when_a_client_is_closed(sandbox: Sandbox) -> None:
    sandbox.faults.add("never_answer", operation="getOrder", when="before")
    client = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url)
    ends: list[BaseException] = []

    def call() -> None:
        try:
            client.orders.get("o1")
        except BaseException as error:
            ends.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(sandbox.requests.of("getOrder")) < 8:
        threading.Event().wait(0.01)
    client.close(patience=0)
    for thread in threads:
        thread.join(30)
    assert len(ends) == 8
    assert all(isinstance(error, wren_async.WrenAsyncError) for error in ends)


@pytest.mark.parametrize("_", range(10))
def test_a_client_may_be_closed_while_threads_begin_calls(sandbox: Sandbox, _: int) -> None:
    client = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url)
    start = threading.Barrier(5)

    def call() -> object:
        start.wait(30)
        try:
            return client.portfolios.list()
        except wren_async.WrenAsyncError as error:
            return error

    def close() -> None:
        start.wait(30)
        client.close()

    with ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(call) for _ in range(4)]
        pool.submit(close).result(30)
        assert all(each.result(30) for each in calls)


async def test_a_client_works_while_a_loop_is_running(cnaught: CNaughtClient) -> None:
    """As in a notebook, whose cells run inside a loop."""
    assert asyncio.get_running_loop()
    order = cnaught.orders.create(amount_kg=1)
    assert [each.id for each in cnaught.orders.list()] == [order.id]


def test_a_client_that_is_called_from_its_own_thread_refuses_instead_of_waiting_for_ever(sandbox: Sandbox) -> None:
    calls: list[BaseException] = []

    def telemetry(_: object) -> Any:
        try:
            client.portfolios.list()
        except UsageError as error:
            calls.append(error)
        raise LookupError("nobody is told")

    with CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url, telemetry=telemetry) as client:
        client.portfolios.list()
    assert "its own thread" in str(calls[0])


# --- the life of a client -------------------------------------------------------------------------------------------


def test_a_closed_client_refuses_and_closing_twice_is_fine(sandbox: Sandbox) -> None:
    client = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url)
    copy = client.with_options(timeout=3)
    copy.close()
    client.portfolios.list()
    client.close()
    client.close()
    for each in (client, copy):
        with pytest.raises(ClientClosed):
            each.portfolios.list()
        with pytest.raises(ClientClosed):
            each.__enter__()
    assert client.outcomes == {}


def test_a_client_that_was_never_used_has_no_thread() -> None:
    with WrenClient("fake-token") as client:
        assert repr(client) == "<sync WrenClient https://www.wren.co>"
        assert client.is_test is False
        assert client.ceilings is None
        assert (client.in_flight, client.waiting, client.outcomes) == (0, 0, {})
    client = WrenClient("fake-token")
    client.close()
    with pytest.raises(ClientClosed):
        client.credits.balance()


def test_a_bad_option_is_refused_and_the_token_stands_in_no_frame() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        WrenClient("tok-en with spaces", retries=-1)
    frames = [each.tb_frame for each in _tracebacks(caught.value) if "sync" in each.tb_frame.f_code.co_filename]
    assert all("tok-en" not in repr(frame.f_locals) for frame in frames if "wren_async" in frame.f_code.co_filename)
    with pytest.raises(TypeError, match="timeot"):
        WrenClient("fake", timeot=3)  # type: ignore[call-arg]


def _tracebacks(error: BaseException) -> Iterator[Any]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def test_a_client_is_not_pickled() -> None:
    import pickle

    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(WrenClient("fake-token"))


def test_unset_means_the_same(cnaught: CNaughtClient) -> None:
    assert cnaught.orders.create(amount_kg=1, metadata=UNSET).id
