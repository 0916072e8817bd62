/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The Outcall authors
 */
/* Valid C and valid C++: compiled as both against the installed headers. */
#include <outcall-api/outcall-api.h>

#include <string.h>

int
main (void)
{
  static const char text[] = "{\"allowed\":true,\"matched_rule\":\"a\",\"reason\":null}";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = outcall_json_parse (text, sizeof text - 1, &error);
  g_autoptr (OutcallVerdict) verdict = node ? outcall_verdict_from_json (node, &error) : NULL;
  g_autoptr (OutcallVerdict) copy = outcall_verdict_copy (verdict);
  g_autoptr (JsonNode) back = NULL;
  g_autofree char *again = NULL;

  outcall_api_init ();
  if (!verdict || !outcall_verdict_equal (verdict, copy))
    return 1;
  back = json_boxed_serialize (OUTCALL_TYPE_VERDICT, verdict);
  again = outcall_json_print (back);
  return strcmp (again, text) == 0 && OUTCALL_UNREACHABLE_EXIT_CODE == 5 ? 0 : 1;
}
