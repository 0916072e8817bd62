/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* What known agents need of Outcall. Constant data; any thread. */

typedef struct
{
  const char *name;
  const char *command;      /* "" where the user has to write one */
  const char *const *hosts; /* NULL-terminated: what it cannot work without */
  const char *file;         /* an .outcall/agent.yaml */
} OcRecipe;

/* Ends with a recipe without a name. The first is the one for any agent, and its
 * file widens nothing. */
extern const OcRecipe oc_recipes[];

/* Returns: (nullable): NULL when there is none of the @name */
const OcRecipe *oc_recipe_lookup (const char *name);
