"""v1's spaces and people."""

from __future__ import annotations

from wiki_pipeline.demo.confluence.expansions import expansion_tree
from wiki_pipeline.demo.confluence.v1_answers import Answers
from wiki_pipeline.demo.web import Answer, ApiError, ContractError, Request, json_answer


class SpacesAndPeople:
    """Handlers of `/space` and `/user`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._world = answers.world
        self._site = answers.site

    def spaces(self, request: Request) -> Answer:
        """GET /space."""
        keys, kind, status = request.many("spaceKey"), request.get("type"), request.get("status")
        tree = expansion_tree(request.many("expand"))
        found = [
            self._answers.writer(request).space(space, tree)
            for space in self._site.spaces.values()
            if (not keys or space.key in keys) and (not kind or space.type == kind)
            if not status or space.status == status
        ]
        return self._answers.plain_list(request, found)

    def space(self, request: Request, key: str) -> Answer:
        """GET /space/{key}."""
        writer = self._answers.writer(request)
        data = writer.space(self._world.space(key), expansion_tree(request.many("expand")))
        data["_links"] |= {"base": writer.base, "context": self._world.context, "collection": "/rest/api/space"}
        return json_answer(data)

    def user(self, request: Request) -> Answer:
        """GET /user?accountId= (Cloud), ?key= or ?username= (Data Center)."""
        desired = "accountId" if self._world.cloud else "key"
        value, name = request.get(desired), request.get("username")
        if not value and not (name and not self._world.cloud):
            raise ContractError(f"a user is asked for by {desired}")
        for user in self._site.users.values():
            if user.key == value or (name and user.name == name):
                return json_answer(self._answers.parts(request).user(user))
        raise ApiError(404, f"No user found with {desired} : {value or name}")

    def current_user(self, request: Request) -> Answer:
        """GET /user/current."""
        if request.user is None:
            return json_answer({"type": "anonymous", "displayName": "Anonymous", "_expandable": {}, "_links": {}})
        return json_answer(self._answers.parts(request).user(request.user))
