"""One module a step, in the order of their numbers. `schema.HEAD` names the last one."""
