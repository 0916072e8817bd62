/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#include "config.h"

#include "recipes.h"

#include <glib.h>
#include <string.h>

#define HEAD                                                                                       \
  "# What `outcall run` and `outcall agent` do in this project; see outcall(1).\n"                 \
  "version: \"1\"\n"

#define TAIL                                                                                       \
  "# writable:        # names of the project that are read-only otherwise\n"                       \
  "#   - .git/config\n"                                                                            \
  "# memory: 4g\n"                                                                                 \
  "# pids: 1000\n"                                                                                 \
  "# cpus: 2\n"

/* No recipe shows the agent its own settings in the user's home: what it writes
 * there, hooks for one, the same agent would run outside of any sandbox. */
#define BIND "# bind:            # files and folders of the host, SOURCE[:DESTINATION][:ro]\n"

#define ENV "env:               # NAME passes a variable on, NAME=VALUE sets it\n"

static const char *const no_hosts[] = { NULL };
static const char *const anthropic_hosts[] = { "api.anthropic.com", NULL };
static const char *const openai_hosts[] = { "api.openai.com", NULL };

const OcRecipe oc_recipes[] = {
  { "generic", "", no_hosts,
    HEAD "# command: [my-agent]\n" BIND "#   - ~/reference:/mnt/reference:ro\n"
         "# " ENV "#   - MY_AGENT_KEY\n" TAIL },
  { "claude", "claude", anthropic_hosts,
    HEAD "command: [claude]\n" BIND "#   - ~/.claude/CLAUDE.md:ro\n" ENV "  - ANTHROPIC_API_KEY\n"
         "  - CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1\n" TAIL },
  { "codex", "codex", openai_hosts,
    HEAD "command: [codex]\n" BIND "#   - ~/.codex/AGENTS.md:ro\n" ENV
         "  - OPENAI_API_KEY\n" TAIL },
  { NULL },
};

const OcRecipe *
oc_recipe_lookup (const char *name)
{
  for (const OcRecipe *recipe = oc_recipes; recipe->name != NULL; recipe++)
    if (strcmp (recipe->name, name) == 0)
      return recipe;
  return NULL;
}
