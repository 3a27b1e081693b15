"""Jobs of our queue that nobody runs, though procrastinate takes them for running: they are put back.

procrastinate leaves a job with a worker that died until somebody takes it from there, and a job that has ended stays
with its worker where the word of it was lost. A job that is put back without need finds nothing to do.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Final

import attrs
from procrastinate import App
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.utils import utcnow

from wren_async.jobs.deferring import QUEUE

_DOING: Final = "doing"

logger = logging.getLogger("wren_async.jobs")


@attrs.define
class StalledJobs:
    """Finds them, and puts them back."""

    app: App
    stale_after: float
    """Seconds without a heartbeat after which a worker of procrastinate counts as gone."""
    _suspects: frozenset[int] = frozenset()
    """Jobs that were not run by the worker that has them, when they were looked at last."""

    async def put_back(self, worker: int | None, running: Collection[int]) -> list[int]:
        """Put back what nobody runs: of workers that are gone, and of this one, which runs these jobs only.

        Returns the ids. Raises procrastinate's `ConnectorException` where the database does not answer.
        """
        found = await self.app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self.stale_after)
        # What runs here runs, though the sign of life may be late.
        stalled = [job for job in found if job.id not in running]
        stalled += await self._ended(worker, running)
        return [job for job in _ids(stalled) if await self._put_back(job)]

    async def _ended(self, worker: int | None, running: Collection[int]) -> list[Job]:
        """Jobs of this worker that have ended, though the database was not told. Twice seen: one may begin just now."""
        if worker is None:
            self._suspects = frozenset()
            return []
        own = await self.app.job_manager.list_jobs_async(queue=QUEUE, status=_DOING, worker_id=worker)
        missed = [job for job in own if job.id not in running]
        seen, self._suspects = self._suspects, frozenset(_ids(missed))
        return [job for job in missed if job.id in seen]

    async def _put_back(self, job: int) -> bool:
        manager = self.app.job_manager
        try:
            await manager.retry_job_by_id_async(job, retry_at=utcnow())
        except UniqueViolation:
            # Another job of the same kind waits already, and stands for this one.
            return await self._finish(job)
        except ConnectorException as error:
            if not _is_refusal(error):
                raise
            return False  # another process was quicker
        logger.warning("job %d was taken from a worker that does not run it any more, and is run again", job)
        return True

    async def _finish(self, job: int) -> bool:
        try:
            await self.app.job_manager.finish_job_by_id_async(job, status=Status.ABORTED, delete_job=False)
        except ConnectorException as error:
            if not _is_refusal(error):
                raise
            return False
        logger.warning("job %d has no worker any more; one like it waits already", job)
        return True


def _ids(jobs: Iterable[Job]) -> list[int]:
    return [job.id for job in jobs if job.id is not None]


def _is_refusal(error: ConnectorException) -> bool:
    """Whether procrastinate's own function said that the job is not in that state any more."""
    return getattr(error.__cause__, "sqlstate", None) == "P0001"
