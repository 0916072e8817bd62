/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

/* Deciding, with the parts that explaining and testing share. */

#include "policy/oc-policy-private.h"

/* One question, ready to be put to rules. */
typedef struct
{
  OcSlotValues slots;
  OcIndexQuery query;
  gboolean name_only;
  gboolean learning;
} OcQuestion;

typedef enum
{
  OC_ANSWER_NO,
  OC_ANSWER_YES,
  OC_ANSWER_ERROR,
} OcAnswer;

void oc_question_init (OcQuestion *question, const OcPolicyContext *context, gboolean name_only);
/* This thread's scratch memory. */
OcCelScratch *oc_question_get_scratch (void);
OcAnswer oc_question_ask (const OcQuestion *question, const OcRuleEntry *entry,
                          OcCelScratch *scratch);
/* Through the index, counting nothing. */
void oc_question_decide (const OcQuestion *question, const OcPolicy *policy, OcPolicyVerdict *out);
