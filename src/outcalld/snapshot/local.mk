# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += src/outcalld/snapshot/libsnapshot.a
src_outcalld_snapshot_libsnapshot_a_SOURCES = \
	src/outcalld/snapshot/oc-identity.c \
	src/outcalld/snapshot/oc-snapshot.c \
	src/outcalld/snapshot/oc-snapshot.h \
	$(NULL)
