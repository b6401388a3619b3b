"""The request id goes along with a task, and stands on every line that the task logs."""

from typing import Any

import structlog
from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun


@before_task_publish.connect
def _send_request_id(headers: dict[str, Any], **_: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None:
        headers["request_id"] = request_id


@task_prerun.connect
def _bind_task(task_id: str, task: "Task[Any, Any]", **_: Any) -> None:
    context = {"task": task.name, "task_id": task_id, "request_id": getattr(task.request, "request_id", None)}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in context.items() if value is not None})


@task_postrun.connect
def _forget_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
