"""Workers in processes of their own, one killed again and again, the database killed in the middle."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from postgres_server import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="kills of POSIX")]


def soaking() -> ModuleType:
    """The program that does it at any size."""
    path = Path(__file__).parents[2] / "benchmarks" / "soak_workers.py"
    spec = importlib.util.spec_from_file_location("soak_workers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_workers_one_killed_again_and_again_and_the_database_in_the_middle(
    postgres: PostgresServer, database_address: str
) -> None:
    chosen = argparse.Namespace(orders=150, workers=3, faults=0.08, kills=2, concurrency=5, seconds=150)
    assert soaking().soak(postgres, database_address, chosen) == []
