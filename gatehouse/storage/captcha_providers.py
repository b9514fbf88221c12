"""The service that tells people from programs: at most one for a tenant, its keys sealed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatehouse.storage import schema
from gatehouse.storage.records import CaptchaProvider
from gatehouse.storage.repository import Repository, Rows
from gatehouse.storage.tenants import SignInExperiences

THE_ONE = "default"
"""The id of a tenant's only provider."""


class CaptchaProviders(Repository[CaptchaProvider]):
    """The captcha provider of a tenant."""

    rows = Rows(schema.captcha_providers, CaptchaProvider)
    event = "CaptchaProvider"

    def current(self) -> CaptchaProvider:
        """The provider. Raises `NotFound`."""
        return self.get(THE_ONE)

    def put(self, config: Mapping[str, Any]) -> CaptchaProvider:
        """Use this provider from now on, in the place of another."""
        text = msgspec.json.encode(config).decode()
        if self.find(THE_ONE) is None:
            return self.create(CaptchaProvider(config=text))
        return self.update(THE_ONE, config=text)

    def remove(self) -> None:
        """Use none any more: nobody is asked to solve a captcha then."""
        if self.find(THE_ONE) is not None:
            self.delete(THE_ONE)
        SignInExperiences(self.tx, self.tenant_id).change(captcha_policy={"enabled": False})
