/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 *
 * What a container engine says: an inspected container and an event.
 */
#include "config.h"

#include "engine/oc-engine-private.h"

#include "outcall-api/outcall-api.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (OcContainer) container = NULL;
  g_autofree char *objection = NULL;
  g_autofree char *id = NULL;
  OcEngineEvent event;

  if (size > OC_ENGINE_LINE_MAX)
    return 0;
  node = outcall_json_parse ((const char *) data, size, NULL);
  if (node == NULL)
    return 0;
  (void) oc_engine_read_event (node, &event, &id);
  container = oc_container_from_json (node, NULL);
  if (container != NULL)
    objection = oc_container_find_objection (container, OC_ENGINE_DOCKER, "outcall-default",
                                             "10.200.0.1", NULL, NULL);
  return 0;
}
