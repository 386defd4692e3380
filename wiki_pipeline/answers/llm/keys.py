"""Which model answers whom: by a person's own key, else by their tenant's, else by the installation's.

What is asked by a key of one's own costs the installation nothing: its budgets and quotas don't bound it. Where such
keys may lead the installation says: else anybody could have it ask whatever address its network reaches.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from pydantic import SecretStr

from wiki_pipeline.access import Scope
from wiki_pipeline.access.sealing import Vault
from wiki_pipeline.answers.llm.calls import ChatModel, open_chat
from wiki_pipeline.answers.llm.endpoint import OPENAI, Endpoint, normalised
from wiki_pipeline.answers.llm.settings import ChatSettings
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.catalog.model_keys import ModelKey
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.secret_refs import resolve

_KIND = "model-key"
_MOST_OPEN = 200
_TENANTS = "tenant"
_LONGEST_MODEL = 200


class Models:
    """The models of an installation. Safe between threads.

    Attributes:
        installation: what the settings name; None if they name none.

    Raises:
        ConfigurationError: (on creation) the settings of the installation's are wrong.
    """

    def __init__(self, settings: ChatSettings, catalog: Catalog, vault: Vault) -> None:
        self._settings = settings
        self._catalog = catalog
        self._vault = vault
        self.installation = open_chat(settings, catalog.model_calls)
        self._lock = threading.Lock()
        self._open: OrderedDict[ModelKey, ChatModel] = OrderedDict()

    def of(self, scope: Scope) -> ChatModel | None:
        """The model by which somebody is answered; None: passages are quoted.

        Raises:
            ConfigurationError: their key does not open.
            CatalogError: the catalog is out of reach.
        """
        keys = self._catalog.model_keys.of(scope.tenant, scope.membership.account)
        return self._opened(keys[0]) if keys else self.installation

    def known(self, scope: Scope) -> list[ModelKey]:
        """The keys that somebody may use, the nearest first."""
        return self._catalog.model_keys.of(scope.tenant, scope.membership.account)

    def endpoints(self) -> list[str]:
        """Addresses that keys of one's own may be for; the first where none is named."""
        first = self.installation.address if self.installation else OPENAI
        return list(dict.fromkeys([first, *(normalised(each)[0] for each in self._settings.chat_endpoints)]))

    def put(self, tenant: str, account: str, key: SecretStr, model: str = "", base_url: str = "") -> ModelKey:
        """Keep a key of a tenant (no account) or of a person, sealed.

        Raises:
            ConfigurationError: no model is named, the endpoint is none that keys may be for, or nothing can be sealed.
        """
        model = model.strip() or self._settings.chat_model
        if not model or len(model) > _LONGEST_MODEL or not model.isprintable():
            raise ConfigurationError("Which model is it for?", "Name one as its endpoint does.")
        allowed = self.endpoints()
        address = normalised(base_url)[0] if base_url.strip() else allowed[0]
        if address not in allowed:
            raise ConfigurationError(
                "Keys of one's own can't be for this endpoint.",
                f"They can be for {', '.join(allowed)}; WIKI_PIPELINE_CHAT_ENDPOINTS allows others.",
            )
        sealed = self._vault.seal(tenant, _KIND, account or _TENANTS, key)
        row = ModelKey(tenant, account, address, model, sealed.ref, sealed.last4, sealed.changed_at)
        return self._catalog.model_keys.put(row)

    def remove(self, tenant: str, account: str) -> bool:
        """Forget a key. False if there was none."""
        self._vault.forget(tenant, _KIND, account or _TENANTS)
        return self._catalog.model_keys.remove(tenant, account)

    def _opened(self, key: ModelKey) -> ChatModel:
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
                return self._open[key]
        settings = self._settings
        secret = resolve(key.secret_ref, f"the language model {key.model}", self._vault.rows(key.tenant))
        endpoint = Endpoint(
            key.model,
            key.base_url,
            secret,
            timeout=settings.chat_timeout,
            deadline=settings.chat_deadline,
            loading=settings.chat_loading_seconds,
        )
        whose = "your own key" if key.account else "your tenant's key"
        shown = f"{whose} (…{key.last_four})" if key.last_four else whose
        model = ChatModel(endpoint, settings, self._catalog.model_calls, key=shown, own=True)
        with self._lock:
            self._open[key] = model
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return model
