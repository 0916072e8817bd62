/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 The Outcall authors
 */
#pragma once

#include "dns/oc-dns-worker.h"

/* Thread: main. */
OcResolver *oc_resolver_new (OcDnsShared *shared);
