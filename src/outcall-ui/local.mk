# SPDX-License-Identifier: GPL-3.0-or-later
bin_PROGRAMS += src/outcall-ui/outcall-ui
src_outcall_ui_outcall_ui_SOURCES = \
	src/outcall-ui/main.c \
	src/outcall-ui/oc-ui-answer.c \
	src/outcall-ui/oc-ui-connection.c \
	src/outcall-ui/oc-ui-forward.c \
	src/outcall-ui/oc-ui-io.c \
	src/outcall-ui/oc-ui-private.h \
	src/outcall-ui/oc-ui-server.c \
	src/outcall-ui/oc-ui-stream.c \
	src/outcall-ui/oc-ui-token.c \
	src/outcall-ui/oc-ui.h \
	$(NULL)
nodist_src_outcall_ui_outcall_ui_SOURCES = src/outcall-ui/oc-ui-resources.c
src_outcall_ui_outcall_ui_LDADD = \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) \
	$(GLIB_LIBS) \
	$(LIBINTL) \
	$(NULL)

# The page: plain modules, compiled in as they are.
outcall_ui_scripts = \
	src/outcall-ui/assets/allow.js \
	src/outcall-ui/assets/api.js \
	src/outcall-ui/assets/app.js \
	src/outcall-ui/assets/chart.js \
	src/outcall-ui/assets/dom.js \
	src/outcall-ui/assets/drawer.js \
	src/outcall-ui/assets/explain.js \
	src/outcall-ui/assets/history.js \
	src/outcall-ui/assets/list.js \
	src/outcall-ui/assets/live.js \
	src/outcall-ui/assets/review.js \
	src/outcall-ui/assets/states.js \
	src/outcall-ui/assets/store.js \
	src/outcall-ui/assets/table.js \
	src/outcall-ui/assets/text.js \
	src/outcall-ui/assets/views/decisions.js \
	src/outcall-ui/assets/views/lists.js \
	src/outcall-ui/assets/views/overview.js \
	src/outcall-ui/assets/views/requests.js \
	src/outcall-ui/assets/views/rules.js \
	src/outcall-ui/assets/words.js \
	$(NULL)
outcall_ui_assets = \
	$(outcall_ui_scripts) \
	src/outcall-ui/assets/icon.svg \
	src/outcall-ui/assets/index.html \
	src/outcall-ui/assets/outcall-ui.gresource.xml \
	src/outcall-ui/assets/style.css \
	$(NULL)
EXTRA_DIST += $(outcall_ui_assets) src/outcall-ui/README.md src/outcall-ui/make-strings.sh
CLEANFILES += src/outcall-ui/oc-ui-resources.c src/outcall-ui/strings.json

# Every language of po/; OUTCALL_CATALOGUES is from po/LINGUAS.
src/outcall-ui/strings.json: $(outcall_ui_scripts) $(OUTCALL_CATALOGUES) src/outcall-ui/make-strings.sh
	$(AM_V_GEN)$(MKDIR_P) $(@D) && cd $(srcdir) && $(SHELL) src/outcall-ui/make-strings.sh \
	  $(outcall_ui_scripts) -- $(OUTCALL_CATALOGUES) >$(abs_builddir)/$@.new && mv $(abs_builddir)/$@.new $(abs_builddir)/$@

src/outcall-ui/oc-ui-resources.c: $(outcall_ui_assets) src/outcall-ui/strings.json
	$(AM_V_GEN)$(GLIB_COMPILE_RESOURCES) --generate-source --internal --c-name oc_ui \
	  --sourcedir=$(srcdir)/src/outcall-ui/assets --sourcedir=src/outcall-ui --target=$@ \
	  $(srcdir)/src/outcall-ui/assets/outcall-ui.gresource.xml

check_PROGRAMS += src/outcall-ui/test-ui
TESTS += src/outcall-ui/test-ui
src_outcall_ui_test_ui_SOURCES = \
	src/outcall-ui/test-ui-peer.c \
	src/outcall-ui/test-ui-peer.h \
	src/outcall-ui/test-ui.c \
	$(NULL)
src_outcall_ui_test_ui_LDADD = \
	lib/http1/libhttp1.a \
	lib/common/libcommon.a \
	lib/outcall-api/liboutcall-api.la \
	$(JSON_LIBS) \
	$(GLIB_LIBS) \
	$(NULL)
