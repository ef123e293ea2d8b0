"""GET /v1/spanscope/requests/ID: the record of a request that was sent with that spanscope_id. Loaded where VLLM_PLUGINS names spanscope."""
import os

from fastapi import HTTPException
from fastapi.responses import FileResponse

from . import card, records


class Endpoint:
    name = "spanscope"
    required_tasks = ("generate",)

    def attach_router(self, app):
        @app.get("/v1/spanscope/requests/{id}")
        async def record(id: str):
            try:
                path = records.path_of(id) if records.folder() else None
            except ValueError as error:
                raise HTTPException(400, str(error)) from None
            if path is None or not os.path.isfile(path):
                raise HTTPException(404, "no record of that id")
            return FileResponse(path, media_type="application/jsonl")

        @app.get("/v1/spanscope")
        async def about():
            file = card.path()
            known = card.read(file) if file else None
            return {"version": records.VERSION, "enforces": known is not None, "tasks": sorted(known.heads) if known else [],
                    "records": records.folder() is not None}

    async def init_state(self, engine_client, state, args):
        pass
