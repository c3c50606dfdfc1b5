"""The thin wrapper of DBOS: a job that was handed over is walked to its end, however often the process dies.

DBOS keeps its own database. Between a job being accepted (our transaction) and being handed over (DBOS's own) a process
may die: `hand_over` is told now and then of all that has not ended. The job's id is the workflow's id, so that nothing
runs twice.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

QUEUE = "jobs"
AT_ONCE = 256
"""jobs of all accounts that are begun at once; the easel draws one picture at a time of them, in fair turn. Where more
accounts than half of that ask at once, those that wait are begun in random order"""
AT_ONCE_EACH = 8
"""jobs of one account that are begun at once: some are drawn and stored while the queue is not looked at"""
LOOK_S = 0.1
"""how often the queue is looked at; only who has jobs begun already waits for that"""
MOST_ASKED = 500
"""workflows looked up at once"""


class _Connection(sqlite3.Connection):
    """Flushes to the disk now and then instead of at each commit. A power cut may lose the last of what DBOS wrote, in
    order; nothing else is lost by that: whether a job has ended is for our own tables to say, and it is handed over."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")


class Durable:
    """`run(job_id)` is walked once for each job handed over, or again where it was cut off."""

    def __init__(self, *, file: Path, run: Callable[[str], None]) -> None:
        """`file` is DBOS's own SQLite database, made if it is not there."""
        from dbos import DBOS, DBOSConfig

        logging.getLogger("dbos").setLevel(logging.WARNING)
        config: DBOSConfig = {
            "name": "impasto",
            "system_database_url": f"sqlite:///{file}",
            "db_engine_kwargs": {"connect_args": {"factory": _Connection}},
            "application_version": "1",
            "executor_id": "local",
            "log_level": "WARNING",
            "max_executor_threads": AT_ONCE + 8,
            "use_listen_notify": False,
        }
        self._dbos = DBOS(config=config)
        self._lock = threading.Lock()
        self._account: dict[str, str] = {}
        """job -> account, of the jobs that were handed over here and have not been walked to their end"""
        self._jobs_of: Counter[str] = Counter()
        """account -> how many of those"""

        @DBOS.workflow(name="job", max_recovery_attempts=None)
        def walk(job_id: str) -> None:
            try:
                run(job_id)
            finally:
                self._walked(job_id)

        self._workflow = walk

    def start(self) -> None:
        """Goes on with what was running."""
        from dbos import DBOS

        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=AT_ONCE,
            partition_worker_concurrency=AT_ONCE_EACH,
            polling_interval_sec=LOOK_S,
            on_conflict="always_update",
        )

    def hand_over(self, unfinished: Iterable[tuple[str, str, int]]) -> None:
        """(id, account, priority) of jobs that have not ended: those that were never handed over are, and those whose
        walk broke off, for want of space on the disk, say, are walked again."""
        from dbos import DBOS

        waiting = list(unfinished)
        for some in (waiting[at : at + MOST_ASKED] for at in range(0, len(waiting), MOST_ASKED)):
            ids = [job_id for job_id, _, _ in some]
            known = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
            states = {one.workflow_id: one.status for one in known}
            for job_id, account, priority in some:
                if job_id not in states:
                    self.enqueue(job_id, account, priority)
                elif states[job_id] not in ("PENDING", "ENQUEUED"):
                    DBOS.resume_workflow(job_id)

    def enqueue(self, job_id: str, account: str, priority: int) -> None:
        """An account's first jobs are begun at once; those that find others before them wait in the queue."""
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        with self._lock:
            if job_id in self._account:
                return
            few = self._jobs_of[account] < AT_ONCE_EACH and len(self._account) < AT_ONCE
            self._account[job_id] = account
            self._jobs_of[account] += 1
        try:
            with SetWorkflowID(job_id):
                if few:
                    DBOS.start_workflow(self._workflow, job_id)
                    return
                with SetEnqueueOptions(queue_partition_key=account, priority=11 - priority):
                    DBOS.enqueue_workflow(QUEUE, self._workflow, job_id)
        except BaseException:
            self._walked(job_id)
            raise

    def _walked(self, job_id: str) -> None:
        with self._lock:
            account = self._account.pop(job_id, None)
            if account is not None:
                self._jobs_of[account] -= 1
                self._jobs_of += Counter()  # an account that has none is forgotten

    def forget(self, before: datetime) -> None:
        """What DBOS remembers of jobs that were walked to their end before a time."""
        from dbos import DBOS

        done = DBOS.list_workflows(
            status="SUCCESS",
            completed_before=before.isoformat(),
            limit=MOST_ASKED,
            load_input=False,
            load_output=False,
        )
        DBOS.delete_workflows([one.workflow_id for one in done])

    def close(self) -> None:
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=0)
