"""Logto's older Interaction API: the predecessor of the Experience API, on the same interaction.

Pages that were made for it go on working. It says nothing that the Experience API could not say.
"""

from __future__ import annotations

from gatehouse.http.logto.interaction import consent, factors, flow, providers

OPERATIONS = (
    *flow.operations,
    *factors.operations,
    *providers.operations,
    *providers.anonymous,
    *consent.operations,
)
