"""Clients that others wrote, where people have accounts: each is who its key says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
import webuiapi

from .conftest import key_of, listening

if TYPE_CHECKING:
    from fastapi import FastAPI


@pytest.mark.enable_socket
def test_clients_are_known_by_their_keys(shared: FastAPI) -> None:
    with listening(shared) as port:
        url = f"http://localhost:{port}/v1"
        stranger = openai.OpenAI(base_url=url, api_key="wrong", max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError):
            stranger.images.generate(prompt="a fox")
        with openai.OpenAI(base_url=url, api_key=key_of(shared, "oai@example.org"), max_retries=0) as client:
            assert client.images.generate(prompt="a fox").data
        webui = webuiapi.WebUIApi(host="localhost", port=port)
        webui.set_auth("anything", key_of(shared, "webui@example.org"))
        assert webui.txt2img(prompt="a fox").image
        webui.session.close()
