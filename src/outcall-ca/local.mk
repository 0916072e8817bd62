# SPDX-License-Identifier: GPL-3.0-or-later
libexec_PROGRAMS += src/outcall-ca/outcall-ca
src_outcall_ca_outcall_ca_SOURCES = src/outcall-ca/main.c
src_outcall_ca_outcall_ca_LDADD = \
	lib/ca/libca.a \
	lib/common/libcommon.a \
	$(GNUTLS_LIBS) \
	$(GLIB_LIBS) \
	$(LIBINTL) \
	$(NULL)
