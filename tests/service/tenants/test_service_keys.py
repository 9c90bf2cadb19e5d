"""Keys, as a whole service obeys them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.service.tables import create_service_tables
from evaluator.service.tenants.limits import Limits
from evaluator.service.tenants.tenancy import Tenancy
from tests.service.running import config_at, running
from tests.waiting import until

pytestmark = pytest.mark.loopback


def test_a_service_obeys_the_keys_of_another_process(tmp_path: Path) -> None:
    """A key made beside the service opens it to its tenant alone, and a revoked one closes it to all."""
    config = config_at(tmp_path)
    with closing(Database(config.database)) as database:
        create_service_tables(database)
        beside = Tenancy.over(database)
        tenant = beside.tenants.ensure("Acme").tenant
        beside.tenants.limit(tenant, Limits(rate_per_minute=1000))
        made = beside.keys.create(tenant)
        with running(config) as (client, _):
            assert client.get("/v1/usage").status_code == 401
            assert client.get("/v1/evaluations", headers={"X-API-Key": "ev_live_"}).status_code == 401
            shown = {"Authorization": f"Bearer {made.token}"}
            answer = client.get("/v1/usage", headers=shown)
            assert (answer.status_code, answer.json()["tenant"]) == (200, tenant)
            assert answer.headers["RateLimit-Policy"] == '"requests";q=1000;w=60'
            beside.keys.revoke(made.key.key)
            until(lambda: client.get("/v1/usage", headers=shown).status_code == 401)
            assert client.get("/v1/usage").status_code == 401
        assert beside.usage.used(tenant).requests >= 1


def test_the_description_tells_how_keys_are_shown(tmp_path: Path) -> None:
    """Each route that needs a key says so, in both forms."""
    with running(config_at(tmp_path)) as (client, _):
        told = client.get("/openapi.json").json()
    assert told["paths"]["/v1/usage"]["get"]["security"] == [{"bearer": []}, {"header": []}]
    assert set(told["components"]["securitySchemes"]) == {"bearer", "header"}
