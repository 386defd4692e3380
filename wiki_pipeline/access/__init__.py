"""Who reads or acts, and what they may: made here and nowhere else, and carried into every read and write."""

from wiki_pipeline.access.principal import Action, How, Membership, Principal, Role, Scope, Tokens, local

__all__ = ["Action", "How", "Membership", "Principal", "Role", "Scope", "Tokens", "local"]
