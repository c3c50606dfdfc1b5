"""The thin wrapper of DBOS: a job that was handed over is walked to its end, however often the process dies.

DBOS keeps its own database. Between a job being accepted (our transaction) and being handed over (DBOS's own) a process
may die: `start` hands over again what is not ended; the job's id is the workflow's id, so that nothing runs twice.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

QUEUE = "jobs"
AT_ONCE = 64
"""jobs of all accounts that are begun at once; the easel draws one picture at a time of them, in fair turn"""
AT_ONCE_EACH = 2
"""jobs of one account that are begun at once: one is drawn while the other's last picture is stored"""
LOOK_S = 0.02
"""how often the queue is looked at"""


class Durable:
    """`run(job_id)` is walked once for each job handed over, or again where it was cut off."""

    def __init__(self, *, database_url: str, run: Callable[[str], None]) -> None:
        from dbos import DBOS, DBOSConfig

        logging.getLogger("dbos").setLevel(logging.WARNING)
        config: DBOSConfig = {
            "name": "impasto",
            "system_database_url": database_url,
            "application_version": "1",
            "executor_id": "local",
            "log_level": "WARNING",
            "max_executor_threads": AT_ONCE + 8,
            "use_listen_notify": False,
        }
        self._dbos = DBOS(config=config)
        self._workflow = DBOS.workflow(name="job")(run)

    def start(self, unfinished: Iterable[tuple[str, str, int]]) -> None:
        """Goes on with what was running, and hands over (id, account, priority) of jobs that have not ended."""
        from dbos import DBOS

        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=AT_ONCE,
            partition_worker_concurrency=AT_ONCE_EACH,
            polling_interval_sec=LOOK_S,
            on_conflict="always_update",
        )
        for job_id, account, priority in unfinished:
            known = DBOS.get_workflow_status(job_id)
            if known is None:
                self.enqueue(job_id, account, priority)
            elif known.status not in ("PENDING", "ENQUEUED"):
                DBOS.resume_workflow(job_id)

    def enqueue(self, job_id: str, account: str, priority: int) -> None:
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        with SetWorkflowID(job_id), SetEnqueueOptions(queue_partition_key=account, priority=11 - priority):
            DBOS.enqueue_workflow(QUEUE, self._workflow, job_id)

    def close(self) -> None:
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=0)
